#include "plugins/wheel/patch/rewrite.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

using base::BuildWheel;
using base::TestEntry;
using base::TestZip;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kWheel[] = "demo-1.0-py3-none-any.whl";
constexpr char kOutput[] = "out/demo-1.0-py3-none-any.whl";
constexpr uint64_t kMax = uint64_t{1} << 30;

TestEntry File(absl::string_view name, absl::string_view data = "x", uint32_t mode = 0100644) {
  TestEntry entry;
  entry.name = std::string(name);
  entry.data = std::string(data);
  entry.mode = mode;
  return entry;
}

class RewriteTest : public testing::Test {
 protected:
  RewriteTest() : root_(absl::StrCat(testing::TempDir(), "/rewrite")), fs_(root_) {
    EXPECT_TRUE(real_.RemoveTree(root_).ok());
    EXPECT_TRUE(real_.CreateDirectories(root_ + "/out").ok());
    request_.set_wheel(kWheel);
    request_.set_output(kOutput);
  }

  void Put(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(base::WriteFile(fs_, path, bytes).ok());
  }
  void Patch(const std::string& text) {
    const std::string name = absl::StrCat(request_.patches_size() + 1, ".patch");
    Put(name, text);
    sdk::WheelPatch& patch = *request_.add_patches();
    patch.set_file(name);
    patch.set_strip(1);
  }
  void Replace(const std::string& path, const std::string& text) {
    const std::string name = absl::StrCat(request_.replacements_size() + 1, ".file");
    Put(name, text);
    sdk::WheelReplacement& replacement = *request_.add_replacements();
    replacement.set_path(path);
    replacement.set_file(name);
  }
  std::string Run() {
    const absl::Status status = RewriteWheel(request_, fs_, nullptr);
    return status.ok() ? "ok" : std::string(status.message());
  }
  std::string Read(const std::string& path) {
    return base::ReadFile(fs_, path, kMax).value_or("(no file)");
  }
  base::ZipFile Zip(const std::string& path) {
    return base::ZipFile::Read(fs_.Open(path, base::Follow::kYes).value(), base::ZipLimits())
        .value();
  }
  // Name -> packed bytes, "*" behind the name of a program.
  std::map<std::string, std::string> Packed(const std::string& path) {
    const base::ZipFile zip = Zip(path);
    const std::string bytes = Read(path);
    std::map<std::string, std::string> members;
    for (const base::ZipEntry& entry : zip.entries()) {
      members[entry.name + (entry.executable ? "*" : "")] =
          bytes.substr(entry.offset, entry.packed_size);
    }
    return members;
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const base::ZipFile zip = Zip(kOutput);
    for (const base::ZipEntry& entry : zip.entries()) names.push_back(entry.name);
    return names;
  }
  std::string Data(const std::string& name) {
    const base::ZipFile zip = Zip(kOutput);
    for (const base::ZipEntry& entry : zip.entries()) {
      if (entry.name == name) return base::ReadEntry(zip, entry, kMax).value_or("damaged");
    }
    return "(no member)";
  }
  std::string Left() { return absl::StrJoin(fs_.List("out").value(), " "); }

  const std::string root_;
  base::RealFileSystem real_;
  base::RealFileSystem fs_;
  sdk::WheelRewriteRequest request_;
};

constexpr char kChange[] = "--- a/demo/a.py\n+++ b/demo/a.py\n@@ -1 +1 @@\n-a\n+b\n";

std::vector<TestEntry> Members() {
  return {File("demo/tool", "tool", 0100755), File("demo/a.py", "a\n"),
          File("demo/large.bin", std::string(5000, 'y')), File("demo/tests/t.py", "t\n")};
}

TEST_F(RewriteTest, ChangesOneFileAndKeepsTheStreamsOfTheOthers) {
  Put(kWheel, BuildWheel(Members()));
  Patch(kChange);
  ASSERT_EQ(Run(), "ok");
  EXPECT_EQ(Data("demo/a.py"), "b\n");
  const auto before = Packed(kWheel);
  const auto after = Packed(kOutput);
  for (const char* name : {"demo/tool*", "demo/large.bin", "demo/tests/t.py",
                           "demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/WHEEL"}) {
    EXPECT_EQ(after.at(name), before.at(name)) << name;
  }
  EXPECT_THAT(Names(), ElementsAre("demo/a.py", "demo/large.bin", "demo/tests/t.py", "demo/tool",
                                   "demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/WHEEL",
                                   "demo-1.0.dist-info/RECORD"));
  EXPECT_THAT(Data("demo-1.0.dist-info/RECORD"),
              HasSubstr("demo/a.py,sha256=AmOCmYm2_ZVPcrqvL8ZLwuLwHWktTecphuqAj26ZgT8,2\n"));
}

TEST_F(RewriteTest, TheSameBytesWhateverTheOrderOfTheOldWheel) {
  Put(kWheel, BuildWheel(Members()));
  Patch(kChange);
  ASSERT_EQ(Run(), "ok");
  const std::string bytes = Read(kOutput);
  std::vector<TestEntry> other = Members();
  std::swap(other[0], other[2]);
  Put(kWheel, BuildWheel(other));
  ASSERT_EQ(Run(), "ok");
  EXPECT_TRUE(Read(kOutput) == bytes);
}

TEST_F(RewriteTest, NewAndDeletedFiles) {
  Put(kWheel, BuildWheel(Members()));
  Patch(
      "--- /dev/null\n+++ b/demo/new.py\n@@ -0,0 +1 @@\n+n\n"
      "--- a/demo/tests/t.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-t\n"
      "diff --git a/demo/run b/demo/run\nnew file mode 100755\n"
      "diff --git a/demo/tool b/demo/tool\nold mode 100755\nnew mode 100644\n");
  // diff -N names a new file on both sides.
  Patch("--- a/demo/other.py\t1970-01-01\n+++ b/demo/other.py\n@@ -0,0 +1 @@\n+o\n");
  ASSERT_EQ(Run(), "ok");
  EXPECT_EQ(Data("demo/new.py"), "n\n");
  EXPECT_EQ(Data("demo/other.py"), "o\n");
  EXPECT_EQ(Data("demo/tests/t.py"), "(no member)");
  EXPECT_EQ(Packed(kOutput).count("demo/run*"), 1U);
  EXPECT_EQ(Packed(kOutput).count("demo/tool"), 1U);
}

TEST_F(RewriteTest, PatchesFollowEachOther) {
  Put(kWheel, BuildWheel(Members()));
  Patch(kChange);
  Patch("--- a/demo/a.py\n+++ b/demo/a.py\n@@ -1 +1 @@\n-b\n+c\n");
  ASSERT_EQ(Run(), "ok");
  EXPECT_EQ(Data("demo/a.py"), "c\n");
}

TEST_F(RewriteTest, LeavesOutThenReplacesThenPatches) {
  Put(kWheel, BuildWheel(Members()));
  request_.add_exclude("**/tests/**");
  Replace("demo/tool", "other\n");
  Replace("demo/lib/new.so", "elf");
  Patch("--- a/demo/tool\n+++ b/demo/tool\n@@ -1 +1 @@\n-other\n+patched\n");
  ASSERT_EQ(Run(), "ok");
  EXPECT_THAT(Names(), ElementsAre("demo/a.py", "demo/large.bin", "demo/lib/new.so", "demo/tool",
                                   "demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/WHEEL",
                                   "demo-1.0.dist-info/RECORD"));
  EXPECT_EQ(Data("demo/tool"), "patched\n");
  EXPECT_EQ(Packed(kOutput).count("demo/tool*"), 1U);
}

TEST_F(RewriteTest, SignaturesDoNotStay) {
  Put(kWheel, BuildWheel(Members(), [](TestZip& zip) {
        zip.entries.push_back(File("demo-1.0.dist-info/RECORD.jws"));
        zip.entries.push_back(File("demo-1.0.dist-info/RECORD.p7s"));
      }));
  ASSERT_EQ(Run(), "ok");
  EXPECT_EQ(Data("demo-1.0.dist-info/RECORD.jws"), "(no member)");
  EXPECT_EQ(Data("demo-1.0.dist-info/RECORD.p7s"), "(no member)");
}

TEST_F(RewriteTest, RecompressedBytesDoNotFollowFromTheOldCompressor) {
  std::vector<TestEntry> files = Members();
  Put(kWheel, BuildWheel(files));
  request_.set_recompress(true);
  ASSERT_EQ(Run(), "ok");
  const std::string bytes = Read(kOutput);
  for (TestEntry& file : files) file.deflate = false;
  Put(kWheel, BuildWheel(files));
  ASSERT_EQ(Run(), "ok");
  EXPECT_TRUE(Read(kOutput) == bytes);
  // A second time changes nothing.
  Put(kWheel, bytes);
  ASSERT_EQ(Run(), "ok");
  EXPECT_TRUE(Read(kOutput) == bytes);
}

TEST_F(RewriteTest, Refuses) {
  struct Case {
    std::string patch;
    std::string message;
  };
  const Case cases[] = {
      {"--- a/demo/a.py\n+++ b/demo/a.py\n@@ -1 +1 @@\n-x\n+b\n",
       "patch: 1.patch: line 3: hunk 1 of 'demo/a.py': line 1: got 'a', expected 'x'"},
      {"--- a/demo/b.py\n+++ b/demo/b.py\n@@ -1 +1 @@\n-x\n+b\n",
       "patch: 1.patch: line 1: got no 'demo/b.py' in the wheel, expected a file of the wheel; "
       "`patch_strip` says how many components paths lose"},
      {"--- /dev/null\n+++ b/demo/a.py\n@@ -0,0 +1 @@\n+b\n",
       "patch: 1.patch: line 1: got a new file 'demo/a.py', which is there, expected a path that "
       "the "
       "wheel does not have"},
      {"--- a/demo/a.py\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n",
       "patch: 1.patch: line 1: got 2 bytes left of 'demo/a.py', expected none, as the patch "
       "removes "
       "the file"},
      {"--- a/demo/a.py\n+++ b/demo/a.py\n@@ -1 +0,0 @@\n-a\n",
       "patch: 1.patch: line 1: got nothing left of 'demo/a.py', expected '+++ /dev/null', which "
       "removes the file"},
      {"--- a/demo-1.0.dist-info/RECORD\n+++ b/demo-1.0.dist-info/RECORD\n@@ -1 +0,0 @@\n-a\n",
       "patch: 1.patch: line 1: got 'demo-1.0.dist-info/RECORD', expected another file: RECORD "
       "follows "
       "from the others"},
      {"--- a/demo-1.0.dist-info/WHEEL\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-Wheel-Version: 1.0\n"
       "-Root-Is-Purelib: true\n-Tag: py3-none-any\n",
       "patch: 1.patch: line 1: got no more 'demo-1.0.dist-info/WHEEL', expected METADATA and "
       "WHEEL, "
       "which every wheel has"},
      {"--- /dev/null\n+++ b/demo/A.py\n@@ -0,0 +1 @@\n+b\n",
       "zip entry names: out/demo-1.0-py3-none-any.whl: entry 'demo/a.py' (#1): got 'demo/a.py' "
       "beside 'demo/A.py' (#0), expected names that differ by more than case or accents' "
       "encoding"},
  };
  for (const Case& c : cases) {
    Put(kWheel, BuildWheel(Members()));
    request_.clear_patches();
    Patch(c.patch);
    EXPECT_EQ(Run(), c.message);
    EXPECT_EQ(Left(), "");
  }
  request_.clear_patches();
  request_.add_exclude("**/WHEEL");
  EXPECT_EQ(
      Run(),
      "wheel request: exclude: got '**/WHEEL', which takes 'demo-1.0.dist-info/WHEEL', expected "
      "a pattern that leaves METADATA, RECORD and WHEEL");
  request_.clear_exclude();
  Replace("demo-1.0.dist-info/RECORD", "");
  EXPECT_EQ(Run(),
            "wheel request: replacements: got 'demo-1.0.dist-info/RECORD', expected the path of a "
            "file in the wheel, and not RECORD");
  EXPECT_EQ(Left(), "");
}

TEST_F(RewriteTest, WhatAPatchReadsIsComparedWithRecord) {
  Put(kWheel, BuildWheel(Members(), [](TestZip& zip) { zip.entries[1].data = "b\n"; }));
  Patch(kChange);
  EXPECT_THAT(Run(),
              HasSubstr("wheel RECORD: demo-1.0-py3-none-any.whl: entry 'demo/a.py' (#1): got "
                        "sha256:"));
  request_.clear_patches();
  request_.set_recompress(true);
  EXPECT_THAT(Run(),
              HasSubstr("wheel RECORD: demo-1.0-py3-none-any.whl: entry 'demo/a.py' (#1): got "
                        "sha256:"));
  EXPECT_EQ(Left(), "");
}

TEST_F(RewriteTest, AnyOperationMayFail) {
  Put(kWheel, BuildWheel(Members()));
  Patch(kChange);
  Replace("demo/new.bin", "n");
  ASSERT_EQ(Run(), "ok");
  const std::string bytes = Read(kOutput);
  for (int n = 1;; ++n) {
    ASSERT_TRUE(fs_.RemoveTree(kOutput).ok());
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = RewriteWheel(request_, faulty, nullptr);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_GT(n, 20);
      break;
    }
    EXPECT_EQ(status.message(), "disk full") << n;
    EXPECT_EQ(Left(), "") << n;
    ASSERT_EQ(Run(), "ok");
    EXPECT_TRUE(Read(kOutput) == bytes) << n;
  }
}

TEST_F(RewriteTest, CanBeCancelled) {
  Put(kWheel, BuildWheel(Members()));
  const std::atomic<bool> cancelled = true;
  EXPECT_TRUE(absl::IsCancelled(RewriteWheel(request_, fs_, &cancelled)));
  EXPECT_EQ(Left(), "");
}

}  // namespace
}  // namespace rules_inference::wheel
