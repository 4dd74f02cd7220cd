#include "plugins/base/file_system.h"

#include <sys/stat.h>
#include <unistd.h>

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
#include "plugins/base/real_file_system.h"

namespace rules_inference::base {
namespace {

class FileSystemTest : public testing::Test {
 protected:
  FileSystemTest() {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = absl::StrCat(testing::TempDir(), "/fs_", info->name());
    EXPECT_TRUE(real_.RemoveTree(dir_).ok());
    EXPECT_TRUE(real_.CreateDirectories(dir_).ok());
  }
  std::string Path(absl::string_view name) const { return JoinPath(dir_, name); }
  FileSystem& fs() { return real_; }

  RealFileSystem real_;
  std::string dir_;
};

TEST_F(FileSystemTest, PublishedFileIsWholeAndHasFixedMode) {
  const mode_t before = umask(077);
  const absl::Status status = WriteFile(fs(), Path("out"), "data");
  umask(before);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(ReadFile(fs(), Path("out"), 100).value(), "data");
  struct stat st = {};
  ASSERT_EQ(stat(Path("out").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0644U);
  EXPECT_EQ(fs().List(dir_).value(), std::vector<std::string>{"out"});
}

TEST_F(FileSystemTest, UnpublishedFileVanishes) {
  {
    const auto file = fs().Create(Path("out")).value();
    ASSERT_TRUE(file->Append("half").ok());
    EXPECT_EQ(fs().List(dir_).value(), std::vector<std::string>{".out.partial"});
  }
  EXPECT_TRUE(fs().List(dir_).value().empty());
}

TEST_F(FileSystemTest, LeftoversOfAKilledRunAreTakenAway) {
  ASSERT_TRUE(WriteFile(fs(), Path("precious"), "precious").ok());
  ASSERT_TRUE(fs().Symlink("precious", Path(".out.partial")).ok());
  ASSERT_TRUE(WriteFile(fs(), Path("out"), "new").ok());
  EXPECT_EQ(ReadFile(fs(), Path("precious"), 100).value(), "precious");
  EXPECT_EQ(fs().List(dir_).value(), (std::vector<std::string>{"out", "precious"}));
}

TEST_F(FileSystemTest, OpenRefusesWhatIsNotAFile) {
  EXPECT_EQ(fs().Open(Path("none")).status().message(),
            absl::StrCat("cannot open: ", Path("none"), ": No such file or directory"));
  EXPECT_EQ(fs().Open(Path("none")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs().Open(dir_).status().message(),
            absl::StrCat("cannot open: ", dir_, ": got a directory, expected a regular file"));
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(
      fs().Open(Path("fifo")).status().message(),
      absl::StrCat("cannot open: ", Path("fifo"), ": got a special file, expected a regular file"));
  ASSERT_TRUE(WriteFile(fs(), Path("file"), "x").ok());
  ASSERT_TRUE(fs().Symlink("file", Path("link")).ok());
  EXPECT_TRUE(fs().Open(Path("link")).ok());
  EXPECT_FALSE(fs().Open(Path("link"), Follow::kNo).ok());
}

TEST_F(FileSystemTest, ReadsEndWithTheFile) {
  ASSERT_TRUE(WriteFile(fs(), Path("file"), "0123456789").ok());
  const auto file = fs().Open(Path("file")).value();
  EXPECT_EQ(file->size(), 10U);
  char buffer[8];
  EXPECT_EQ(file->ReadAt(0, buffer).value(), 8U);
  EXPECT_EQ(file->ReadAt(8, buffer).value(), 2U);
  EXPECT_EQ(file->ReadAt(99, buffer).value(), 0U);
  EXPECT_EQ(
      ReadExactly(*file, 8, absl::MakeSpan(buffer)).message(),
      absl::StrCat("file ends early: ", Path("file"), ": got 10 bytes, expected at least 16"));
  EXPECT_EQ(ReadFile(fs(), Path("file"), 9).status().message(),
            absl::StrCat("file too large: ", Path("file"), ": got 10 bytes, expected at most 9"));
}

TEST_F(FileSystemTest, FilesOfTheKernelAreReadThoughTheySayThatTheyAreEmpty) {
  const std::string path = "/proc/self/limits";
  if (!fs().Stat(path, Follow::kYes).ok()) GTEST_SKIP() << "no " << path;
  EXPECT_EQ(fs().Stat(path, Follow::kYes)->size, 0U);
  EXPECT_TRUE(absl::StartsWith(ReadFile(fs(), path, 1 << 20).value(), "Limit "));
  EXPECT_EQ(ReadFile(fs(), path, 9).status().message(),
            absl::StrCat("file too large: ", path, ": got more than 9 bytes, expected at most 9"));
  ASSERT_TRUE(WriteFile(fs(), Path("empty"), "").ok());
  EXPECT_EQ(ReadFile(fs(), Path("empty"), 9).value(), "");
}

TEST_F(FileSystemTest, TreesAndLinks) {
  ASSERT_TRUE(fs().CreateDirectories(Path("a/b/c")).ok());
  ASSERT_TRUE(WriteFile(fs(), Path("a/z"), "z").ok());
  ASSERT_TRUE(WriteFile(fs(), Path("a/B"), "B").ok());
  ASSERT_TRUE(fs().Symlink(std::string(300, 'x'), Path("a/link")).ok());
  ASSERT_TRUE(fs().HardLink(Path("a/z"), Path("a/y")).ok());
  EXPECT_EQ(fs().HardLink(Path("a/z"), Path("a/y")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(fs().List(Path("a")).value(), (std::vector<std::string>{"B", "b", "link", "y", "z"}));
  EXPECT_EQ(fs().ReadLink(Path("a/link")).value(), std::string(300, 'x'));
  EXPECT_EQ(fs().Stat(Path("a/link"), Follow::kNo).value().type, NodeType::kSymlink);
  EXPECT_EQ(fs().Stat(Path("a/b"), Follow::kNo).value().type, NodeType::kDirectory);
  EXPECT_EQ(fs().Stat(Path("a/z"), Follow::kNo).value().size, 1U);
  EXPECT_FALSE(fs().CreateDirectories(Path("a/z")).ok());
  ASSERT_TRUE(CopyFile(fs(), Path("a/z"), Path("copy")).ok());
  EXPECT_EQ(ReadFile(fs(), Path("copy"), 9).value(), "z");
  ASSERT_TRUE(fs().RemoveTree(Path("a")).ok());
  ASSERT_TRUE(fs().RemoveTree(Path("a")).ok());
  EXPECT_EQ(fs().List(dir_).value(), std::vector<std::string>{"copy"});
}

TEST_F(FileSystemTest, RootIsPutBeforeRelativePaths) {
  RealFileSystem rooted(dir_);
  ASSERT_TRUE(WriteFile(rooted, "out", "x").ok());
  EXPECT_EQ(ReadFile(fs(), Path("out"), 9).value(), "x");
  EXPECT_EQ(ReadFile(rooted, Path("out"), 9).value(), "x");
}

TEST_F(FileSystemTest, FaultAtEachOperationLeavesNothing) {
  RealFileSystem real;
  FaultyFileSystem probe(real, 0, absl::OkStatus());
  ASSERT_TRUE(WriteFile(probe, Path("out"), "data").ok());
  for (int n = 1; n <= probe.operations(); ++n) {
    ASSERT_TRUE(fs().RemoveTree(Path("out")).ok());
    FaultyFileSystem faulty(real, n, absl::ResourceExhaustedError("full"));
    EXPECT_EQ(WriteFile(faulty, Path("out"), "data").message(), "full") << n;
    EXPECT_TRUE(faulty.failed());
    EXPECT_TRUE(fs().List(dir_).value().empty()) << n;
  }
  EXPECT_EQ(probe.operations(), 3);
}

}  // namespace
}  // namespace rules_inference::base
