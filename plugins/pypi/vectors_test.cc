// The examples of the specifications, and the names of wheels that people publish: the same tables
// that the Starlark engine is tested with.

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/pypi/marker.h"
#include "plugins/pypi/name.h"
#include "plugins/pypi/tag.h"
#include "plugins/pypi/version.h"

namespace rules_inference::pypi {
namespace {

// The lines of `NAME = """…"""` of a file.
std::vector<std::string> Lines(const std::string& file, const std::string& name) {
  std::ifstream in("tests/wheels/vectors/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  std::stringstream text;
  text << in.rdbuf();
  const std::string all = text.str();
  const std::string head = absl::StrCat("\n", name, " = \"\"\"\n");
  const size_t begin = all.find(head);
  EXPECT_NE(begin, std::string::npos) << name;
  const size_t end = all.find("\"\"\"", begin + head.size());
  return absl::StrSplit(all.substr(begin + head.size(), end - begin - head.size()), '\n',
                        absl::SkipEmpty());
}

std::vector<std::string> Words(const std::string& line) { return absl::StrSplit(line, ' '); }

TEST(VectorsTest, WheelNames) {
  const std::vector<std::string> pythons = {"3.11", "3.12", "3.13", "3.14", "3.14t"};
  std::vector<std::string> lines = Lines("wheel_names.bzl", "PUBLISHED");
  EXPECT_EQ(lines.size(), 49);
  absl::c_copy(Lines("wheel_names.bzl", "SPECIFIED"), std::back_inserter(lines));
  for (const std::string& line : lines) {
    const std::vector<std::string> row = Words(line);
    ASSERT_EQ(row.size(), 4) << line;
    const auto wheel = ParseWheelName(row[0]);
    ASSERT_TRUE(wheel.has_value()) << line;
    EXPECT_EQ(NormalizeName(wheel->distribution), row[1]);
    EXPECT_EQ(wheel->version, row[2]);
    for (const std::string platform : {"linux-x86_64", "linux-aarch64"}) {
      std::string expected = row[3] == "all"    ? "3.11 3.12 3.13 3.14 3.14t"
                             : row[3] == "gil"  ? "3.11 3.12 3.13 3.14"
                             : row[3] == "none" ? ""
                                                : row[3];
      if (platform == "linux-aarch64" && !absl::EndsWith(row[0], "-any.whl")) {
        expected = absl::EndsWith(row[0], "_aarch64.whl") ? "3.12" : "";
      }
      std::vector<std::string> found;
      for (const std::string& python : pythons) {
        if (WheelFits(*wheel, python, platform)) found.push_back(python);
      }
      EXPECT_EQ(absl::StrJoin(found, " "), expected) << row[0] << " " << platform;
    }
  }
}

TEST(VectorsTest, BestWheel) {
  // From the best to the worst for CPython 3.12 on glibc 2.39.
  const char* const order[] = {"cp312-cp312-manylinux_2_28_x86_64",
                               "cp312-cp312-manylinux_2_17_x86_64",
                               "cp312-cp312-manylinux2014_x86_64",
                               "cp312-cp312-linux_x86_64",
                               "cp312-abi3-manylinux_2_17_x86_64",
                               "cp312-none-manylinux_2_17_x86_64",
                               "cp311-abi3-manylinux_2_17_x86_64",
                               "cp38-abi3-manylinux_2_17_x86_64",
                               "py312-none-manylinux_2_17_x86_64",
                               "py3-none-manylinux_2_17_x86_64",
                               "py311-none-manylinux_2_17_x86_64",
                               "cp312-none-any",
                               "py312-none-any",
                               "py2.py3-none-any",
                               "py36-none-any"};
  int last = -1;
  for (const char* const tags : order) {
    const auto rank =
        WheelRank(*ParseWheelName(absl::StrCat("a-1-", tags, ".whl")), "3.12", "linux-x86_64");
    ASSERT_TRUE(rank.has_value()) << tags;
    EXPECT_GT(*rank, last) << tags;
    last = *rank;
  }
}

TEST(VectorsTest, Versions) {
  for (const std::string& line : Lines("versions.bzl", "ASCENDING")) {
    const std::vector<std::string> versions = Words(line);
    for (size_t i = 0; i + 1 < versions.size(); ++i) {
      EXPECT_LT(*Version::Parse(versions[i]), *Version::Parse(versions[i + 1]))
          << versions[i] << " " << versions[i + 1];
    }
  }
  for (const std::string& line : Lines("versions.bzl", "SAME")) {
    const std::vector<std::string> versions = Words(line);
    for (const std::string& version : versions) {
      ASSERT_TRUE(Version::Parse(version).has_value()) << version;
      EXPECT_EQ(*Version::Parse(version), *Version::Parse(versions[0])) << version;
    }
  }
}

TEST(VectorsTest, Specifiers) {
  for (const std::string& line : Lines("versions.bzl", "SPECIFIERS")) {
    const std::vector<std::string> row = Words(line);
    const absl::StatusOr<bool> answer = Satisfies(*Version::Parse(row[0]), row[1]);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(*answer ? "yes" : "no", row[2]) << line;
  }
}

TEST(VectorsTest, Names) {
  for (const std::string& line : Lines("versions.bzl", "NAMES")) {
    EXPECT_EQ(NormalizeName(Words(line)[0]), Words(line)[1]);
  }
}

TEST(VectorsTest, Markers) {
  const auto environment = EnvironmentOf("3.11", "linux-x86_64");
  ASSERT_TRUE(environment.ok());
  for (const std::string& line : Lines("markers.bzl", "MARKERS")) {
    const std::vector<std::string> row = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const absl::StatusOr<bool> answer = EvaluateMarker(row[1], *environment, {});
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(*answer ? "yes" : "no", row[0]) << line;
  }
}

}  // namespace
}  // namespace rules_inference::pypi
