#include "plugins/sdk/params.h"

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rules_inference::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Writes a file into the test's directory and returns its path.
std::string File(const std::string& name, absl::string_view content) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", name);
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
  return path;
}

std::vector<std::string> Expand(const std::vector<std::string>& arguments) {
  const auto lines = ExpandParams(arguments);
  EXPECT_TRUE(lines.ok()) << lines.status();
  return lines.ok() ? *lines : std::vector<std::string>();
}

std::string ErrorOf(const std::vector<std::string>& arguments, const ParamsLimits& limits = {}) {
  return std::string(ExpandParams(arguments, "", limits).status().message());
}

TEST(ParamsTest, LinesOfArgumentsAndFiles) {
  EXPECT_THAT(Expand({"a", "@" + File("two", "b\nc\n"), "d"}), ElementsAre("a", "b", "c", "d"));
}

TEST(ParamsTest, LastLineNeedsNoNewline) {
  EXPECT_THAT(Expand({"@" + File("open", "a\nb")}), ElementsAre("a", "b"));
}

TEST(ParamsTest, EmptyFileHasNoLines) { EXPECT_THAT(Expand({"@" + File("empty", "")}), IsEmpty()); }

TEST(ParamsTest, EmptyLinesAreLines) {
  EXPECT_THAT(Expand({"@" + File("blank", "\n\na\n\n")}), ElementsAre("", "", "a", ""));
}

TEST(ParamsTest, NoArguments) { EXPECT_THAT(Expand({}), IsEmpty()); }

TEST(ParamsTest, DoubleAtIsAnAt) {
  EXPECT_THAT(Expand({"@@a", "@" + File("at", "@@b\n@@@c\n")}), ElementsAre("@a", "@b", "@@c"));
}

TEST(ParamsTest, NestedFileIsRefused) {
  const std::string path = File("nested", "a\n@other\n");
  EXPECT_EQ(
      ErrorOf({"@" + path}),
      absl::StrCat(
          "params file: '", path,
          "': line 2: got '@other', expected a line of the request, as params files do not nest\n"
          "hint: a line that starts with @ is written as @@"));
}

TEST(ParamsTest, CarriageReturnIsRefused) {
  const std::string path = File("crlf", "a\nb\r\n");
  EXPECT_EQ(
      ErrorOf({"@" + path}),
      absl::StrCat(
          "params file: '", path,
          "': line 2: got a carriage return at its end, expected lines that end with LF alone"));
}

TEST(ParamsTest, NulIsRefused) {
  const std::string path = File("nul", absl::string_view("a\0b\n", 4));
  EXPECT_EQ(ErrorOf({"@" + path}),
            absl::StrCat("params file: '", path, "': line 1: got NUL, expected text"));
  EXPECT_EQ(ErrorOf({"ok", std::string("a\0b", 3)}), "request: line 2: got NUL, expected text");
  EXPECT_EQ(ErrorOf({std::string("@a\0b", 4)}),
            "params file: 'a\\000b': got NUL in the path, expected a path");
}

TEST(ParamsTest, MissingFile) {
  const auto lines = ExpandParams({"@/no/such/file"});
  EXPECT_EQ(lines.status(),
            absl::NotFoundError("params file: '/no/such/file': No such file or directory"));
}

TEST(ParamsTest, Directory) { EXPECT_EQ(ErrorOf({"@/"}), "params file: '/': Is a directory"); }

TEST(ParamsTest, SizeLimitHoldsForAllFilesTogether) {
  ParamsLimits limits;
  limits.max_bytes = 8;
  const std::string path = File("four", "abc\n");
  EXPECT_EQ(ErrorOf({"@" + path, "@" + path}, limits), "");
  EXPECT_EQ(
      ErrorOf({"@" + path, "@" + path, "@" + path}, limits),
      absl::StrCat("params file: '", path,
                   "': got more, expected at most 8 bytes in the params files of one request"));
}

TEST(ParamsTest, EndlessFileEnds) {
  EXPECT_EQ(ErrorOf({"@/dev/zero"}),
            "params file: '/dev/zero': got more, expected at most 67108864 bytes in the params "
            "files of one request");
}

TEST(ParamsTest, LineLimit) {
  ParamsLimits limits;
  limits.max_lines = 3;
  const std::string path = File("three", "a\nb\nc\n");
  EXPECT_EQ(ErrorOf({"@" + path}, limits), "");
  EXPECT_EQ(ErrorOf({"x", "@" + path}, limits),
            absl::StrCat("params file: '", path,
                         "': line 3: got one more line, expected at most 3 in one request"));
}

TEST(ParamsTest, SandboxDirectoryStandsInFrontOfFiles) {
  const std::string dir = absl::StrCat(::testing::TempDir(), "/sandbox");
  mkdir(dir.c_str(), 0755);
  std::ofstream(absl::StrCat(dir, "/in.params")) << "a\n";
  const auto lines = ExpandParams({"@in.params"}, dir);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_THAT(*lines, ElementsAre("a"));
}

}  // namespace
}  // namespace rules_inference::sdk
