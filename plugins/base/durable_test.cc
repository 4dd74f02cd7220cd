// Durable writes: what is only there for user data. That a sync happens cannot be seen by a test;
// who may take away whose unfinished file can.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::base {
namespace {

class DurableTest : public testing::Test {
 protected:
  DurableTest() {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = absl::StrCat(testing::TempDir(), "/durable_", info->name());
    EXPECT_TRUE(fs_.RemoveTree(dir_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(dir_).ok());
  }
  std::string Path(absl::string_view name) const { return JoinPath(dir_, name); }

  RealFileSystem fs_{Durability::kDurable};
  std::string dir_;
};

TEST_F(DurableTest, PublishedFileIsWholeWithItsMode) {
  const auto file = fs_.Create(Path("out"), FileMode::kReadOnly).value();
  ASSERT_TRUE(file->Append("data").ok());
  ASSERT_TRUE(file->Publish().ok());
  EXPECT_EQ(ReadFile(fs_, Path("out"), 100).value(), "data");
  struct stat st = {};
  ASSERT_EQ(stat(Path("out").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0444U);
  EXPECT_EQ(fs_.List(dir_).value(), std::vector<std::string>{"out"});
}

TEST_F(DurableTest, TwoWritersOfOnePathDoNotDisturbEachOther) {
  const auto first = fs_.Create(Path("out")).value();
  const auto second = fs_.Create(Path("out")).value();
  EXPECT_EQ(fs_.List(dir_).value().size(), 2U);
  ASSERT_TRUE(first->Append("first").ok());
  ASSERT_TRUE(second->Append("second").ok());
  ASSERT_TRUE(first->Publish().ok());
  EXPECT_EQ(ReadFile(fs_, Path("out"), 100).value(), "first");
  ASSERT_TRUE(second->Publish().ok());
  EXPECT_EQ(ReadFile(fs_, Path("out"), 100).value(), "second");
  EXPECT_EQ(fs_.List(dir_).value(), std::vector<std::string>{"out"});
}

TEST_F(DurableTest, UnpublishedFileVanishes) {
  {
    const auto file = fs_.Create(Path("out")).value();
    const std::string name = fs_.List(dir_).value().at(0);
    EXPECT_TRUE(absl::StartsWith(name, absl::StrCat(".out.", getpid(), "-"))) << name;
    EXPECT_TRUE(absl::EndsWith(name, ".partial")) << name;
  }
  EXPECT_TRUE(fs_.List(dir_).value().empty());
}

TEST_F(DurableTest, FileOfAKilledWriterIsTakenAwayAndOfALivingOneIsNot) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto file = fs_.Create(Path("out"));
    const char answer = file.ok() ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(answer, 'y');
  { const auto other = fs_.Create(Path("out")).value(); }
  EXPECT_EQ(fs_.List(dir_).value().size(), 1U);  // The child's file is still there.
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(WriteFile(fs_, Path("out"), "new").ok());
  EXPECT_EQ(fs_.List(dir_).value(), std::vector<std::string>{"out"});
}

TEST_F(DurableTest, UnfinishedFilesOfOtherPathsStay) {
  const auto other = fs_.Create(Path("out2")).value();
  ASSERT_TRUE(WriteFile(fs_, Path(".outx.1-0.partial"), "x").ok());
  ASSERT_TRUE(fs_.Symlink("nowhere", Path(".out.1-0.partial")).ok());
  ASSERT_TRUE(WriteFile(fs_, Path("out"), "new").ok());
  EXPECT_EQ(fs_.List(dir_).value().size(), 4U);  // A symlink is not ours either.
}

TEST_F(DurableTest, EightProcessesWriteOnePathAtOnce) {
  constexpr int kWriters = 8;
  constexpr int kRounds = 50;
  const std::string data(10000, 'x');
  std::vector<pid_t> children;
  for (int i = 0; i < kWriters; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (int round = 0; round < kRounds; ++round) {
        const absl::Status status = WriteFile(fs_, Path("out"), data);
        if (!status.ok()) {
          fprintf(stderr, "%s\n", std::string(status.message()).c_str());
          _exit(1);
        }
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(ReadFile(fs_, Path("out"), 1 << 20).value(), data);
  EXPECT_EQ(fs_.List(dir_).value(), std::vector<std::string>{"out"});
}

TEST_F(DurableTest, TreesRenamesAndRemovals) {
  ASSERT_TRUE(fs_.CreateDirectories(Path("a/b/c")).ok());
  ASSERT_TRUE(WriteFile(fs_, Path("a/b/c/file"), "x").ok());
  ASSERT_TRUE(fs_.Rename(Path("a/b"), Path("d")).ok());
  EXPECT_EQ(ReadFile(fs_, Path("d/c/file"), 9).value(), "x");
  ASSERT_TRUE(fs_.RemoveTree(Path("d")).ok());
  EXPECT_TRUE(fs_.RemoveTree(Path("none")).ok());
  EXPECT_TRUE(fs_.RemoveTree(Path("none/of/these")).ok());
  EXPECT_EQ(fs_.List(dir_).value(), std::vector<std::string>{"a"});
}

TEST_F(DurableTest, SyncDirectorySaysWhatIsWrong) {
  EXPECT_TRUE(SyncDirectory(dir_).ok());
  EXPECT_EQ(SyncDirectory(Path("none")).message(),
            absl::StrCat("cannot sync: ", Path("none"), ": No such file or directory"));
  ASSERT_TRUE(WriteFile(fs_, Path("file"), "x").ok());
  EXPECT_EQ(SyncDirectory(Path("file")).message(),
            absl::StrCat("cannot sync: ", Path("file"), ": Not a directory"));
}

TEST_F(DurableTest, FaultAtEachOperationLeavesNothing) {
  FaultyFileSystem probe(fs_, 0, absl::OkStatus());
  ASSERT_TRUE(WriteFile(probe, Path("out"), "data").ok());
  for (int n = 1; n <= probe.operations(); ++n) {
    ASSERT_TRUE(fs_.RemoveTree(Path("out")).ok());
    FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("full"));
    EXPECT_EQ(WriteFile(faulty, Path("out"), "data").message(), "full") << n;
    EXPECT_TRUE(fs_.List(dir_).value().empty()) << n;
  }
}

}  // namespace
}  // namespace rules_inference::base
