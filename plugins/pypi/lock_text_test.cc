#include "plugins/pypi/lock_text.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/pypi/requirement.h"

namespace rules_inference::pypi {
namespace {

std::string Hash(char digit) { return absl::StrCat("sha256:", std::string(64, digit)); }

// "name==version" lines, each with digests of the given digits: "numpy==2 ab".
Resolution Resolved(const std::string& python, const std::string& platform,
                    const std::vector<std::pair<std::string, std::string>>& pins) {
  std::string text;
  for (const auto& [pin, digits] : pins) {
    text += pin;
    for (const char digit : digits) absl::StrAppend(&text, " --hash=", Hash(digit));
    text += "\n";
  }
  const auto requirements = ParseRequirements("answer", text);
  EXPECT_TRUE(requirements.ok()) << requirements.status();
  return {{python, platform}, *requirements};
}

TEST(LockTextTest, OneConfiguration) {
  const auto text = LockText(
      {Resolved("3.12", "linux-x86_64", {{"numpy==2.0", "ba"}, {"Foo_Bar==1", "c"}})}, "# head\n");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, absl::StrCat("# head\nfoo-bar==1 \\\n    --hash=", Hash('c'),
                                "\nnumpy==2.0 \\\n    --hash=", Hash('a'),
                                " \\\n    --hash=", Hash('b'), "\n"));
}

TEST(LockTextTest, MarkersWhereConfigurationsDiffer) {
  const auto text =
      LockText({Resolved("3.11", "linux-x86_64", {{"a==1", "a"}, {"b==1", "a"}, {"c==1", "a"}}),
                Resolved("3.11", "linux-aarch64", {{"a==1", "b"}, {"b==1", "a"}}),
                Resolved("3.12", "linux-x86_64", {{"a==2", "a"}, {"b==1", "a"}, {"c==1", "a"}}),
                Resolved("3.12", "linux-aarch64", {{"a==2", "a"}, {"d==1", "a"}})},
               "");
  ASSERT_TRUE(text.ok()) << text.status();
  const std::string a = absl::StrCat(" \\\n    --hash=", Hash('a'));
  EXPECT_EQ(
      *text,
      absl::StrCat("a==1 ; python_version == '3.11'", a, " \\\n    --hash=", Hash('b'),
                   "\na==2 ; python_version == '3.12'", a,
                   "\nb==1 ; (python_version == '3.12' and platform_machine == 'x86_64') or "
                   "python_version == '3.11'",
                   a, "\nc==1 ; platform_machine == 'x86_64'", a,
                   "\nd==1 ; python_version == '3.12' and platform_machine == 'aarch64'", a, "\n"));
}

TEST(LockTextTest, OperatingSystems) {
  const auto text = LockText({Resolved("3.12", "linux-x86_64", {{"a==1", "a"}}),
                              Resolved("3.12", "windows-x86_64", {{"b==1", "a"}})},
                             "");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, absl::StrCat("a==1 ; sys_platform == 'linux' and platform_machine == 'x86_64' "
                                "\\\n    --hash=",
                                Hash('a'),
                                "\nb==1 ; sys_platform == 'win32' and platform_machine == 'AMD64' "
                                "\\\n    --hash=",
                                Hash('a'), "\n"));
}

std::string Error(const std::string& pin, const std::string& digits) {
  const auto text = LockText({Resolved("3.12", "linux-x86_64", {{pin, digits}})}, "");
  return std::string(text.status().message());
}

TEST(LockTextTest, Refused) {
  EXPECT_EQ(Error("a>=1", "a"), "wheels lock: a: got '>=1', expected one version, ==X");
  EXPECT_EQ(Error("a==1", ""),
            "wheels lock: a 1: got no sha256 digest, expected one for each file");
  EXPECT_EQ(Error("a @ git+https://example.invalid/a", "a"),
            "wheels lock: a: got 'git+https://example.invalid/a', expected one version, ==X");
  const auto twice =
      LockText({Resolved("3.12", "linux-x86_64", {{"a==1", "a"}, {"a==2", "a"}})}, "");
  EXPECT_EQ(twice.status().message(),
            "wheels lock: a: got two versions for one Python, expected one");
}

TEST(LockDiffTest, Lines) {
  const auto before = ParseRequirements(
      "a", absl::StrCat("a==1 --hash=", Hash('a'), "\nb==1\nc==1\nd==1 --hash=", Hash('a')));
  const auto after = ParseRequirements(
      "b", absl::StrCat("a==1 --hash=", Hash('b'), "\nb==2\nd==1 --hash=", Hash('a'),
                        "\ne==1 ; os_name == 'nt'"));
  EXPECT_EQ(LockDiff(*before, *after),
            "~ a 1: other digests\n~ b 1 -> 2\n- c 1\n+ e 1 ; os_name == 'nt'\n");
  EXPECT_EQ(LockDiff(*before, *before), "");
}

}  // namespace
}  // namespace rules_inference::pypi
