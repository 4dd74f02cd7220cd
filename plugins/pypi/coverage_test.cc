#include "plugins/pypi/coverage.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/pypi/lock_json.h"
#include "plugins/pypi/lock_text.h"
#include "plugins/pypi/requirement.h"
#include "plugins/pypi/wheel_facts.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {
namespace {

using Cell = sdk::CoverageCell;

const char* const kPythons[] = {"3.11", "3.13t"};

std::vector<Configuration> Configurations() {
  return {{kPythons[0], "linux-x86_64"}, {kPythons[1], "linux-x86_64"}};
}

std::vector<RequirementList> List(const std::string& text) {
  const auto requirements = ParseRequirements("list.txt", text);
  EXPECT_TRUE(requirements.ok()) << requirements.status();
  return {{"list.txt", *requirements}};
}

std::string Text(const std::string& list, const Locked& locked,
                 const std::vector<Configuration>& configurations) {
  const auto report = Cover(List(list), locked, configurations);
  return report.ok() ? CoverageText(*report) : std::string(report.status().message());
}

// As a hub writes it, shortened.
constexpr char kLockJson[] = R"({
 "configurations": {
  "cp311_linux_x86_64": {
   "gitpython": {"index": 0, "missing": "", "wheel": "@x//:whl"},
   "numpy": {"index": 1, "missing": "", "wheel": "@y//:whl"},
   "omega": {"index": 3, "missing": "why", "wheel": ""},
   "app": {"index": 4, "missing": "", "wheel": ""}
  },
  "cp313t_linux_x86_64": {
   "gitpython": {"index": 0, "missing": "", "wheel": "@x//:whl"},
   "numpy": {"index": 2, "missing": "", "wheel": "@y//:whl"},
   "omega": {"index": 3, "missing": "why", "wheel": ""}
  }
 },
 "lock": {"format": "uv.lock", "roots": null, "packages": [
  {"name": "gitpython", "version": "3.1", "own": false, "sdist": "gitpython-3.1.tar.gz", "hashes": [],
   "wheels": [{"file": "gitpython-3.1-py3-none-any.whl", "path": "", "sha256": "aa", "size": 1500000, "url": "u"}]},
  {"name": "numpy", "version": "2.0", "own": false, "hashes": [],
   "wheels": [
    {"file": "numpy-2.0-cp311-cp311-manylinux_2_17_x86_64.whl", "sha256": "bb", "size": 20000000},
    {"file": "numpy-2.0-cp311-cp311-manylinux_2_28_x86_64.whl", "sha256": "cc", "size": 18000000}]},
  {"name": "numpy", "version": "2.1", "own": false, "hashes": [],
   "wheels": [{"file": "numpy-2.1-cp312-cp312-win_amd64.whl", "sha256": "dd", "size": 1}]},
  {"name": "omega", "version": "1.0", "own": false, "hashes": [], "sdist": "omega-1.0.tar.gz", "wheels": []},
  {"name": "app", "version": "1", "own": true, "hashes": [], "wheels": []},
  {"name": "unused", "version": "1", "own": false, "hashes": [], "wheels": []}
 ]}
})";

TEST(LockJsonTest, EachConfigurationHasItsOwn) {
  const auto pins = ReadLockJson("lock.json", kLockJson, Configurations());
  ASSERT_TRUE(pins.ok()) << pins.status();
  EXPECT_EQ(Text("GitPython\nnumpy<2.1\nomega\nabsent ; python_version < '3.12'\n"
                 "repo @ git+https://example.invalid/repo\n",
                 {*pins, {}}, Configurations()),
            R"(name       version  3.11 linux-x86_64  3.13t linux-x86_64
absent              missing            not needed
gitpython  3.1      wheel 1.5 MB       wheel 1.5 MB        written as GitPython
numpy      2.0 2.1  wheel 18.0 MB      other version       2.1 is locked, <2.1 is asked for
omega      1.0      sdist only         sdist only
repo                repository         repository          from a repository

5 names: 4 from an index, 0 by url, 1 from repositories
1 of 4 covered, 3 with gaps: 1 sdist only, 1 other version, 1 missing
0 of 1 others locked by name
2 wheels in the lock, 19.5 MB
)");
}

TEST(LockJsonTest, NoWheelForAPython) {
  const auto pins = ReadLockJson("lock.json", kLockJson, Configurations());
  ASSERT_TRUE(pins.ok()) << pins.status();
  const auto report = Cover(List("numpy"), {*pins, {}}, Configurations());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->rows(0).cells(1).state(), Cell::NO_WHEEL_HERE);
  EXPECT_TRUE(HasGaps(*report));
}

std::string LockError(absl::string_view text) {
  return std::string(ReadLockJson("lock.json", text, Configurations()).status().message());
}

TEST(LockJsonTest, Refused) {
  EXPECT_EQ(LockError("{}"),
            "lock.json: lock.json: got neither 'configurations' nor 'lock' with 'packages', "
            "expected the lock.json of a hub, or a requirements file");
  EXPECT_EQ(
      LockError(R"({"configurations": {"cp312_linux_x86_64": {}}, "lock": {"packages": []}})"),
      "lock.json: lock.json: got no configuration cp311_linux_x86_64, expected one of "
      "cp312_linux_x86_64");
  EXPECT_EQ(LockError(R"({"configurations": {"cp311_linux_x86_64": {"a": {"index": 7}}},
                          "lock": {"packages": []}})"),
            "lock.json: lock.json: got cp311_linux_x86_64: a: index 7, expected less than 0");
  EXPECT_EQ(LockError("{\"a\": 1, \"a\": 2}"),
            "lock.json: lock.json: byte 15: got '}', expected each key once");
  EXPECT_EQ(LockError("[1, 2"), "lock.json: lock.json: byte 5: got the end, expected ',' or ']'");
  EXPECT_EQ(LockError("{\"a\": \"\\ud800\"}"),
            "lock.json: lock.json: byte 13: got '\\\"', expected the second half of a character");
  EXPECT_EQ(LockError(std::string(100, '[')),
            "lock.json: lock.json: byte 65: got '[', expected at most 64 levels");
  // Every shorter document is refused, whatever it ends with.
  const std::string whole = kLockJson;
  for (size_t i = 0; i < whole.size() - 1; ++i) EXPECT_NE(LockError(whole.substr(0, i)), "") << i;
}

std::string Hash(char digit) { return std::string(64, digit); }

sdk::WheelFact Fact(const std::string& file, char digit, const std::string& license,
                    const std::vector<std::string>& imports) {
  sdk::WheelFact fact;
  fact.set_file(file);
  fact.set_size(1000000);
  fact.set_sha256(Hash(digit));
  fact.set_license(license);
  fact.mutable_imports()->Assign(imports.begin(), imports.end());
  return fact;
}

TEST(CoverageTest, FactsOfAllKinds) {
  const std::string lock = absl::StrCat(
      AbsentLine({"3.12", "linux-x86_64"}, "dlib", Cell::SDIST_ONLY, "no usable wheels: (none)"),
      AbsentLine({"3.12", "linux-x86_64"}, "gone", Cell::MISSING, ""),
      AbsentLine({"3.12", "linux-x86_64"}, "old", Cell::NO_WHEEL_HERE, "needs glibc"),
      AbsentLine({"3.12", "linux-x86_64"}, "repo", Cell::NOT_NEEDED, "a repository"),
      "nvidia-ml-py==1 --hash=sha256:", Hash('a'), "\npynvml==1 --hash=sha256:", Hash('b'),
      "\nsix==1 --hash=sha256:", Hash('c'), " --hash=sha256:", Hash('d'),
      "\nsmall==1 --hash=sha256:", Hash('e'), "\n");
  const auto requirements = ParseRequirements("lock.txt", lock);
  ASSERT_TRUE(requirements.ok()) << requirements.status();
  Locked locked = {PinsOf(*requirements), AbsentOf(lock)};
  sdk::WheelFacts facts;
  *facts.add_wheels() = Fact("nvidia_ml_py-1-py3-none-any.whl", 'a', "BSD", {"pynvml", "more"});
  *facts.add_wheels() = Fact("pynvml-1-py3-none-any.whl", 'b', "", {"pynvml"});
  *facts.add_wheels() = Fact("six-1-py3-none-any.whl", 'c', "MIT", {"six"});
  *facts.add_wheels() = Fact("other-1-py3-none-any.whl", 'f', "MIT", {"six"});
  AddFacts(facts, &locked.pins);
  EXPECT_EQ(
      Text("dlib\ngone\nold\nrepo @ git+https://example.invalid/r\npynvml\nnvidia_ml_py\nsix\n",
           locked, {{"3.12", "linux-x86_64"}}),
      R"(name          version  3.12 linux-x86_64  license
dlib                   sdist only                  no usable wheels: (none)
gone                   missing
nvidia-ml-py  1        wheel 1.0 MB       BSD      written as nvidia_ml_py; collides with pynvml
old                    no wheel here               needs glibc
pynvml        1        wheel 1.0 MB       unknown  collides with nvidia-ml-py
repo                   repository                  from a repository
six           1        wheel 1.0 MB       MIT

7 names: 6 from an index, 0 by url, 1 from repositories
3 of 6 covered, 3 with gaps: 1 sdist only, 1 no wheel here, 1 missing
0 of 1 others locked by name
3 wheels in the lock, 3.0 MB
collision: nvidia-ml-py, pynvml: pynvml
1 locked that no list asks for: small

license  distributions  size
BSD      1              1.0 MB
MIT      1              1.0 MB
unknown  2              1.0 MB
)");
}

TEST(CoverageTest, ADigestAloneMayBeTheWheel) {
  const auto requirements = ParseRequirements(
      "lock.txt", absl::StrCat("a==1 --hash=sha256:", Hash('a'), " --hash=sha256:", Hash('b')));
  Locked locked = {PinsOf(*requirements), {}};
  sdk::WheelFacts facts;
  *facts.add_wheels() = Fact("a-1-cp312-cp312-win_amd64.whl", 'a', "", {});
  AddFacts(facts, &locked.pins);
  const auto report = Cover(List("a"), locked, {{"3.12", "linux-x86_64"}});
  EXPECT_EQ(report->rows(0).cells(0).state(), Cell::PINNED);
  EXPECT_FALSE(HasGaps(*report));
}

TEST(CoverageTest, ThePageNamesGapsAndEscapes) {
  const auto report =
      Cover(List("a\n"), {{}, {{"3.12 linux-x86_64", "a", Cell::MISSING, "<b> & \"c\""}}},
            {{"3.12", "linux-x86_64"}});
  const std::string page = CoverageHtml(*report);
  EXPECT_NE(page.find("<h2>What is missing</h2>"), std::string::npos);
  EXPECT_NE(page.find("<td class=\"gap\">missing<td>&lt;b&gt; &amp; &quot;c&quot;"),
            std::string::npos);
  EXPECT_EQ(page.find("<h2>Collisions</h2>"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(AbsentTest, OtherCommentsAreNone) {
  EXPECT_TRUE(AbsentOf("# Written by x\n# Not locked for y\na==1\n").empty());
}

TEST(LicenseTest, TheBestOfThree) {
  EXPECT_EQ(LicenseOfMetadata("Name: a\nLicense: MIT\nLicense-Expression: MIT OR BSD\n"
                              "Classifier: License :: OSI Approved :: MIT License\n"),
            "MIT OR BSD");
  EXPECT_EQ(LicenseOfMetadata("License: see file\n"
                              "Classifier: License :: OSI Approved\n"
                              "Classifier: License :: OSI Approved :: MIT License\n"
                              "Classifier: License :: Public Domain\n"),
            "MIT License; Public Domain");
  EXPECT_EQ(LicenseOfMetadata("License: BSD 3\r\n      more\r\n\r\nLicense-Expression: text\r\n"),
            "BSD 3");
  EXPECT_EQ(LicenseOfMetadata("License: UNKNOWN\n"), "");
  EXPECT_EQ(LicenseOfMetadata(absl::StrCat("License: ", std::string(200, 'x'), "\n")), "");
  EXPECT_EQ(LicenseOfMetadata(""), "");
}

std::string Imports(const std::vector<LibraryFile>& files) {
  std::string text;
  for (const std::string& path : ImportsOf(files)) absl::StrAppend(&text, path, " ");
  return text;
}

TEST(ImportsTest, ModulesAndOutermostPackages) {
  EXPECT_EQ(Imports({{"six.py", 1},
                     {"_cffi.cpython-312-x86_64-linux-gnu.so", 1},
                     {"cv2/__init__.py", 1},
                     {"cv2/data/__init__.py", 1},
                     {"cv2/cv2.abi3.so", 1},
                     {"a-1.dist-info/METADATA", 1},
                     {"numpy.libs/libx.so", 1},
                     {"fix.pth", 1}}),
            "_cffi cv2 six ");
}

TEST(ImportsTest, Namespaces) {
  // google has no __init__; nvidia has one that is empty and alone.
  EXPECT_EQ(Imports({{"google/protobuf/__init__.py", 1},
                     {"google/one.py", 1},
                     {"nvidia/__init__.py", 0},
                     {"nvidia/cublas/__init__.py", 0},
                     {"nvidia/cublas/lib/libcublas.so.12", 1},
                     {"nvidia/cudnn/__init__.py", 0},
                     {"nvidia/cudnn/more.py", 1}}),
            "google/one google/protobuf nvidia/cudnn ");
}

}  // namespace
}  // namespace rules_inference::pypi
