#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/pypi/marker.h"
#include "plugins/pypi/name.h"
#include "plugins/pypi/requirement.h"
#include "plugins/pypi/version.h"

namespace rules_inference::pypi {
namespace {

TEST(NameTest, OneSpelling) {
  EXPECT_EQ(NormalizeName("Friendly-Bard"), "friendly-bard");
  EXPECT_EQ(NormalizeName("FRIENDLY_bard"), "friendly-bard");
  EXPECT_EQ(NormalizeName("friendly.-_bard"), "friendly-bard");
  EXPECT_TRUE(IsName("A"));
  EXPECT_FALSE(IsName("-a"));
  EXPECT_FALSE(IsName("a_"));
  EXPECT_FALSE(IsName("a b"));
  EXPECT_FALSE(IsName(""));
}

// The order of PEP 440's own examples.
TEST(VersionTest, Order) {
  const char* const ascending[] = {"1.dev0",
                                   "1.0.dev456",
                                   "1.0a1",
                                   "1.0a2.dev456",
                                   "1.0a12.dev456",
                                   "1.0a12",
                                   "1.0b1.dev456",
                                   "1.0b2",
                                   "1.0b2.post345.dev456",
                                   "1.0b2.post345",
                                   "1.0rc1.dev456",
                                   "1.0rc1",
                                   "1.0",
                                   "1.0+abc.5",
                                   "1.0+abc.7",
                                   "1.0+5",
                                   "1.0.post456.dev34",
                                   "1.0.post456",
                                   "1.0.15",
                                   "1.1.dev1",
                                   "1!0.1"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_LT(*Version::Parse(ascending[i]), *Version::Parse(ascending[i + 1]))
        << ascending[i] << " " << ascending[i + 1];
  }
}

TEST(VersionTest, Spellings) {
  const char* const same[][2] = {{"1.1RC1", "1.1rc1"},
                                 {"1.1.a1", "1.1a1"},
                                 {"1.1-a1", "1.1a1"},
                                 {"1.1a.1", "1.1a1"},
                                 {"1.1alpha1", "1.1a1"},
                                 {"1.1beta2", "1.1b2"},
                                 {"1.1c3", "1.1rc3"},
                                 {"1.2a", "1.2a0"},
                                 {"1.2-post2", "1.2.post2"},
                                 {"1.2post2", "1.2.post2"},
                                 {"1.2.post-2", "1.2.post2"},
                                 {"1.0-r4", "1.0.post4"},
                                 {"1.2.post", "1.2.post0"},
                                 {"1.0-1", "1.0.post1"},
                                 {"1.2-dev2", "1.2.dev2"},
                                 {"1.2dev", "1.2.dev0"},
                                 {"1.0+ubuntu-1", "1.0+ubuntu.1"},
                                 {"v1.0", "1.0"},
                                 {"00.9", "0.9"},
                                 {"1.0.0", "1"},
                                 {"0!1.0", "1.0"}};
  for (const auto& [a, b] : same) {
    ASSERT_TRUE(Version::Parse(a).has_value()) << a;
    EXPECT_EQ(*Version::Parse(a), *Version::Parse(b)) << a;
  }
  for (const char* bad : {"", "1.", "a", "1.0+", "1.0+a..b", "1.0 x", "1!", "1.0.x", "1.0--1"}) {
    EXPECT_FALSE(Version::Parse(bad).has_value()) << bad;
  }
}

bool Allows(absl::string_view specifiers, absl::string_view version) {
  const absl::StatusOr<bool> answer = Satisfies(*Version::Parse(version), specifiers);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.value_or(false);
}

TEST(SpecifierTest, Operators) {
  EXPECT_TRUE(Allows("", "1"));
  EXPECT_TRUE(Allows("~=2.2", "2.9"));
  EXPECT_FALSE(Allows("~=2.2", "3.0"));
  EXPECT_FALSE(Allows("~=2.2", "2.1"));
  EXPECT_TRUE(Allows("~=1.4.5", "1.4.9"));
  EXPECT_FALSE(Allows("~=1.4.5", "1.5"));
  EXPECT_FALSE(Allows("==1.1", "1.1.post1"));
  EXPECT_TRUE(Allows("==1.1.*", "1.1.post1"));
  EXPECT_TRUE(Allows("==1.1.*", "1.1a1"));
  EXPECT_TRUE(Allows("==1.1", "1.1+cu130"));
  EXPECT_FALSE(Allows("==1.1+cu130", "1.1"));
  EXPECT_FALSE(Allows("!=1.1.*", "1.1.post1"));
  EXPECT_TRUE(Allows("!=1.1", "1.1.post1"));
  EXPECT_FALSE(Allows(">1.7", "1.7.0.post1"));
  EXPECT_TRUE(Allows(">1.7", "1.7.1"));
  EXPECT_TRUE(Allows(">1.7.post2", "1.7.post3"));
  EXPECT_FALSE(Allows(">1.7", "1.7+local"));
  EXPECT_FALSE(Allows("<1.0", "1.0rc1"));
  EXPECT_TRUE(Allows("<1.0rc2", "1.0rc1"));
  EXPECT_TRUE(Allows(">=1.2, <2, !=1.5", "1.6"));
  EXPECT_FALSE(Allows(">=1.2, <2, !=1.5", "1.5"));
}

TEST(SpecifierTest, Malformed) {
  for (const char* bad : {"1.0", "=1.0", ">=", "~=1", ">=1.*", "==x", "=>1"}) {
    EXPECT_EQ(Satisfies(*Version::Parse("1"), bad).status().message(),
              absl::StrCat("requirement: specifier: got '", bad,
                           "', expected an operator of ==, !=, <=, >=, <, >, ~=, === and a "
                           "version"));
  }
}

bool Holds(absl::string_view marker, const std::vector<std::string>& extras = {}) {
  const absl::StatusOr<MarkerEnvironment> environment = EnvironmentOf("3.12", "linux-x86_64");
  const absl::StatusOr<bool> answer = EvaluateMarker(marker, *environment, extras);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.value_or(false);
}

TEST(MarkerTest, Markers) {
  EXPECT_TRUE(Holds(""));
  EXPECT_TRUE(Holds("python_version >= '3.8'"));
  EXPECT_FALSE(Holds("python_version < '3.9'"));  // Versions, not texts.
  EXPECT_TRUE(Holds("'3.8' <= python_version"));
  EXPECT_TRUE(Holds("sys_platform == \"linux\" and platform_machine == 'x86_64'"));
  EXPECT_FALSE(Holds("sys_platform == 'win32' or os_name == 'nt'"));
  EXPECT_TRUE(Holds("os_name == 'nt' and python_version < '4' or sys_platform != 'win32'"));
  EXPECT_FALSE(Holds("os_name == 'nt' and (python_version < '4' or sys_platform != 'win32')"));
  EXPECT_TRUE(Holds("'linux' in sys_platform"));
  EXPECT_TRUE(Holds("platform_machine not in 'arm64 aarch64'"));
  EXPECT_TRUE(Holds("python_version == '3.*'"));
  EXPECT_TRUE(Holds("sys.platform == 'linux'"));
  EXPECT_TRUE(Holds("python_implementation == 'CPython'"));
  EXPECT_FALSE(Holds("extra == 'gpu'"));
  EXPECT_TRUE(Holds("extra == 'G_p.u'", {"g-p-u"}));
}

TEST(MarkerTest, Malformed) {
  const auto environment = EnvironmentOf("3.12", "linux-x86_64");
  const auto error = [&](absl::string_view marker) {
    return std::string(EvaluateMarker(marker, *environment, {}).status().message());
  };
  EXPECT_EQ(error("platform_release > '5'"),
            "marker: 'platform_release > \\'5\\'': got 'platform_release', expected a variable "
            "whose value is known");
  EXPECT_EQ(error("python_version"), "marker: 'python_version': got the end, expected an operator");
  EXPECT_EQ(error("python_version >= 3"),
            "marker: 'python_version >= 3': got '3', expected a "
            "variable whose value is known");
  EXPECT_EQ(error("os_name == 'x"),
            "marker: 'os_name == \\'x': got '\\'x', expected a text that ends");
  EXPECT_EQ(error("(os_name == 'x'"), "marker: '(os_name == \\'x\\'': got the end, expected ')'");
  EXPECT_EQ(error("os_name == 'x')"), "marker: 'os_name == \\'x\\')': got ')', expected the end");
  EXPECT_FALSE(error(std::string(5000, '(')).empty());
  EXPECT_FALSE(EnvironmentOf("3", "linux-x86_64").ok());
  EXPECT_FALSE(EnvironmentOf("3.12", "linux").ok());
}

std::string Describe(absl::string_view text) {
  const absl::StatusOr<std::vector<Requirement>> all = ParseRequirements("list.txt", text);
  if (!all.ok()) return std::string(all.status().message());
  return absl::StrJoin(*all, "\n", [](std::string* out, const Requirement& r) {
    const char* kinds[] = {"index", "url", "vcs"};
    absl::StrAppend(out, r.line, " ", kinds[static_cast<int>(r.kind)], " ", r.normalized, "|",
                    absl::StrJoin(r.extras, ","), "|", r.specifier, "|", r.marker, "|", r.url, "|",
                    absl::StrJoin(r.hashes, ","));
  });
}

TEST(RequirementTest, Lines) {
  EXPECT_EQ(Describe("# comment\n"
                     "GitPython  # why\n"
                     "\n"
                     "-r other.txt\n"
                     "--index-url https://example.invalid/simple\n"
                     "imageio[ffmpeg, PyAV] >= 2.0,<3 ; python_version < '4'\n"
                     "numpy==2.1.0 \\\n"
                     "    --hash=sha256:aa \\\n"
                     "    --hash=sha256:bb\n"
                     "pip (>=1.0)\n"),
            "2 index gitpython|||||\n"
            "6 index imageio|ffmpeg,pyav|>= 2.0,<3|python_version < '4'||\n"
            "7 index numpy||==2.1.0|||sha256:aa,sha256:bb\n"
            "10 index pip||>=1.0|||");
}

// The examples of PEP 508, with another host.
TEST(RequirementTest, Specification) {
  EXPECT_EQ(Describe("A\n"
                     "A.B-C_D\n"
                     "aa\n"
                     "name<=1\n"
                     "name>=3,<2\n"
                     "name@http://example.invalid\n"
                     "name [fred,bar] @ http://example.invalid ; python_version=='2.7'\n"
                     "name[quux, strange];python_version<'2.7' and platform_version=='2'\n"
                     "name; os_name=='a' or os_name=='b'\n"
                     "requests [security,tests] >= 2.8.1, == 2.8.* ; python_version < \"2.7\"\n"),
            "1 index a|||||\n"
            "2 index a-b-c-d|||||\n"
            "3 index aa|||||\n"
            "4 index name||<=1|||\n"
            "5 index name||>=3,<2|||\n"
            "6 url name||||http://example.invalid|\n"
            "7 url name|fred,bar||python_version=='2.7'|http://example.invalid|\n"
            "8 index name|quux,strange||python_version<'2.7' and platform_version=='2'||\n"
            "9 index name|||os_name=='a' or os_name=='b'||\n"
            "10 index requests|security,tests|>= 2.8.1, == 2.8.*|python_version < \"2.7\"||");
}

TEST(RequirementTest, Urls) {
  EXPECT_EQ(
      Describe(
          "git+https://example.invalid/team/Some_Repo.git@main\n"
          "git+https://example.invalid/x/y#egg=Real.Name&subdirectory=z\n"
          "thing @ git+ssh://git@example.invalid/a/b.git ; os_name == 'posix'\n"
          "demo @ https://example.invalid/demo-1.0-py3-none-any.whl\n"
          "https://example.invalid/d/My_Pkg-1.0+cu130-cp312-cp312-linux_x86_64.whl#sha256=aa\n"),
      "1 vcs some-repo||||git+https://example.invalid/team/Some_Repo.git@main|\n"
      "2 vcs real-name||||git+https://example.invalid/x/y#egg=Real.Name&subdirectory=z|\n"
      "3 vcs thing|||os_name == 'posix'|git+ssh://git@example.invalid/a/b.git|\n"
      "4 url demo||||https://example.invalid/demo-1.0-py3-none-any.whl|\n"
      "5 url my-pkg||||https://example.invalid/d/"
      "My_Pkg-1.0+cu130-cp312-cp312-linux_x86_64.whl#sha256=aa|");
}

TEST(RequirementTest, Malformed) {
  EXPECT_EQ(Describe("ok\n!bad"),
            "requirements: list.txt:2: got '!bad', expected the name of a distribution");
  EXPECT_EQ(Describe("a b"),
            "requirements: list.txt:1: got 'b', expected a version specifier such as >=1.2");
  EXPECT_EQ(Describe("a[b"),
            "requirements: list.txt:1: got 'b', expected extras that end with ']'");
  EXPECT_EQ(Describe("a @ "), "requirements: list.txt:1: got '', expected a url");
  EXPECT_EQ(Describe("-"), "");
}

}  // namespace
}  // namespace rules_inference::pypi
