#include "plugins/wheel/patch/unified_diff.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rules_inference::wheel {
namespace {

constexpr char kHead[] = "--- a/f.py\n+++ b/f.py\n";

absl::StatusOr<std::string> Apply(const std::string& patch, absl::string_view text) {
  const auto files = ParsePatch("p.patch", patch, 1);
  if (!files.ok()) return files.status();
  return ApplyPatch("p.patch", files->at(0), text);
}

std::string Result(const std::string& patch, absl::string_view text) {
  const auto result = Apply(patch, text);
  return result.ok() ? *result : std::string(result.status().message());
}

TEST(UnifiedDiffTest, ChangesLines) {
  EXPECT_EQ(
      Result(absl::StrCat(kHead, "@@ -1,3 +1,3 @@ def f():\n a\n-b\n+B\n c\n"), "a\nb\nc\nd\n"),
      "a\nB\nc\nd\n");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -2 +2,2 @@\n-b\n+x\n+y\n@@ -4 +5 @@\n-d\n+D\n"),
                   "a\nb\nc\nd\ne\n"),
            "a\nx\ny\nc\nD\ne\n");
}

TEST(UnifiedDiffTest, HunksWithoutContext) {
  EXPECT_EQ(
      Result(absl::StrCat(kHead, "@@ -0,0 +1 @@\n+first\n@@ -2,0 +4 @@\n+third\n"), "a\nb\nc\n"),
      "first\na\nb\nthird\nc\n");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1,2 +0,0 @@\n-a\n-b\n"), "a\nb\nc\n"), "c\n");
}

TEST(UnifiedDiffTest, TheEndOfTheFile) {
  const std::string none = "\\ No newline at end of file\n";
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-a\n", none, "+b\n", none), "a"), "b");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-a\n", none, "+a\n"), "a"), "a\n");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-a\n+a\n", none), "a\n"), "a");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-a\n+b\n"), "a"),
            "patch: p.patch: line 3: hunk 1 of 'f.py': line 1: got 'a' without a newline, expected "
            "'a'");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-a\n+b\n", none), "a\nc\n"),
            "patch: p.patch: line 1: 'f.py': got 'c' behind a line without a newline, expected "
            "nothing behind it");
}

TEST(UnifiedDiffTest, LinesThatLookLikeHeaders) {
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1,2 +1,2 @@\n--- a/x\n+++ b/x\n b\n"), "-- a/x\nb\n"),
            "++ b/x\nb\n");
}

TEST(UnifiedDiffTest, OtherLineEnds) {
  EXPECT_EQ(Result("--- a/f.py\r\n+++ b/f.py\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "a\r\n"), "b\r\n");
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-a\n+b\n"), "a\r\n"),
            "patch: p.patch: line 3: hunk 1 of 'f.py': line 1: got 'a\\r', expected 'a'");
}

TEST(UnifiedDiffTest, AnEmptyLineWithoutItsSpace) {
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"), "a\n\nb\n"), "a\n\nc\n");
}

TEST(UnifiedDiffTest, WhatGitWrites) {
  const std::string text =
      "From 0123 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n--- \n a.py | 2 +-\n"
      "\n"
      "diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n"
      "diff --git a/bin/x b/bin/x\nnew file mode 100755\nindex 0..1\n--- /dev/null\n+++ b/bin/x\n"
      "@@ -0,0 +1 @@\n+x\n"
      "diff --git a/old b/old\ndeleted file mode 100644\nindex 1..0\n--- a/old\n+++ /dev/null\n"
      "@@ -1 +0,0 @@\n-x\n"
      "diff --git a/empty b/empty\nnew file mode 100644\nindex 0..e69de29\n"
      "diff --git a/a b b/a b\nold mode 100644\nnew mode 100755\n"
      "diff --git \"a/\\303\\266\" \"b/\\303\\266\"\nindex 1..2 100644\n--- \"a/\\303\\266\"\n"
      "+++ \"b/\\303\\266\"\n@@ -1 +1 @@\n-a\n+b\n"
      "-- \n2.39.5\n";
  const auto files = ParsePatch("p.patch", text, 1);
  ASSERT_TRUE(files.ok()) << files.status();
  std::vector<std::string> rows;
  for (const FilePatch& file : *files) {
    rows.push_back(absl::StrCat(file.path, " ", static_cast<int>(file.action), " ",
                                file.hunks.size(), " ",
                                file.executable.has_value() ? (*file.executable ? "x" : "-") : ""));
  }
  EXPECT_EQ(rows, (std::vector<std::string>{"a.py 0 1 ", "bin/x 1 1 x", "old 2 1 ", "empty 1 0 -",
                                            "a b 0 0 x", "\xc3\xb6 0 1 "}));
}

TEST(UnifiedDiffTest, SaysWhereAHunkWouldFit) {
  EXPECT_EQ(Result(absl::StrCat(kHead, "@@ -1 +1 @@\n-b\n+c\n"), "a\nx\nb\n"),
            "patch: p.patch: line 3: hunk 1 of 'f.py': line 1: got 'a', expected 'b'\n"
            "hint: the lines of the hunk are at line 3: make the patch anew");
}

TEST(UnifiedDiffTest, RefusesTheRest) {
  struct Case {
    std::string patch;
    std::string message;
  };
  const std::string head = kHead;
  const Case cases[] = {
      {"", "patch: p.patch: got no diff, expected at least one, '--- ' and '+++ '"},
      {"hello\n", "patch: p.patch: got no diff, expected at least one, '--- ' and '+++ '"},
      {head + "@@ -1,2 +1 @@\n-a\n",
       "patch: p.patch: line 5: got the end of the patch, expected 1 more old and 1 more new lines "
       "of "
       "the hunk of line 3"},
      {head + "@@ -1 +1 @@\n-a\n-b\n+c\n",
       "patch: p.patch: line 5: got '-b', expected 0 more old and 1 more new lines of the hunk of "
       "line 3"},
      {head + "@@ -1 +1 @@\n-a\n+b\n+c\n",
       "patch: p.patch: line 6: got '+c', expected no more lines in the hunk of line 3"},
      {head + "@@ -1 +1 @@\n-a\n*b\n",
       "patch: p.patch: line 5: got '*b', expected 0 more old and 1 more new lines of the hunk of "
       "line 3"},
      {head + "@@ 1 @@\n",
       "patch: p.patch: line 3: got '@@ 1 @@', expected '@@ -LINE,COUNT "
       "+LINE,COUNT @@'"},
      {head + "@@ -0 +1 @@\n-a\n+b\n",
       "patch: p.patch: line 3: got '@@ -0 +1 @@', expected '@@ -LINE,COUNT +LINE,COUNT @@'"},
      {head + "text\n", "patch: p.patch: line 3: got 'text', expected a hunk, '@@ '"},
      {"@@ -1 +1 @@\n-a\n+b\n",
       "patch: p.patch: line 1: got '@@ -1 +1 @@', expected '--- ' and '+++ ' before a hunk"},
      {head + "@@ -3 +3 @@\n-a\n+b\n@@ -3 +3 @@\n-a\n+b\n",
       "patch: p.patch: line 6: got a hunk for line 3, expected one behind line 3, where the last "
       "one "
       "ends"},
      {head + "\\ No newline\n",
       "patch: p.patch: line 3: got '\\\\ No newline', expected a hunk, "
       "'@@ '"},
      {head + "@@ -1 +1 @@\n\\ No newline\n",
       "patch: p.patch: line 4: got '\\\\ No newline', expected it behind a line of the hunk"},
      {"--- a/f.py.orig\n+++ b/f.py\n@@ -1 +1 @@\n-a\n+b\n",
       "patch: p.patch: line 2: got 'f.py.orig' and 'f.py', expected one path, or /dev/null for "
       "one of "
       "them"},
      {"--- f.py\n+++ f.py\n@@ -1 +1 @@\n-a\n+b\n",
       "patch: p.patch: line 1: got 'f.py', expected a path with more than 1 components, since so "
       "many "
       "are stripped"},
      {"--- a/../f.py\n+++ b/../f.py\n@@ -1 +1 @@\n-a\n+b\n",
       "patch: p.patch: line 1: got '../f.py', expected the path of a file in the wheel"},
      {"diff --git a/x b/x\nnew file mode 120000\n",
       "patch: p.patch: line 2: got mode '120000', expected 100644 or 100755: no symlinks"},
      {"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n",
       "patch: p.patch: line 3: got 'rename from x', expected no renames and copies: write it with "
       "`git diff --no-renames`"},
      {"diff --git a/x b/x\nindex 1..2\nGIT binary patch\n",
       "patch: p.patch: line 3: got 'GIT binary patch', expected lines of text: replace other "
       "files as "
       "a whole, with `files`"},
      {"Binary files a/x and b/x differ\n",
       "patch: p.patch: line 1: got 'Binary files a/x and b/x differ', expected lines of text: "
       "replace "
       "other files as a whole, with `files`"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ParsePatch("p.patch", c.patch, 1).status().message(), c.message);
  }
  EXPECT_EQ(
      Result(head + "@@ -7 +7 @@\n-a\n+b\n", "a\n"),
      "patch: p.patch: line 3: hunk 1 of 'f.py': line 7: got a file of 1 lines, expected that "
      "line");
  EXPECT_EQ(
      Result(head + "@@ -1,2 +1 @@\n a\n-b\n", "a\n"),
      "patch: p.patch: line 3: hunk 1 of 'f.py': line 2: got the end of the file, expected 'b'");
}

}  // namespace
}  // namespace rules_inference::wheel
