#include "plugins/store/materialise.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/store/store.h"
#include "plugins/store/store_fixture.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::FaultyFileSystem;
using base::JoinPath;
using base::Sha256;

class MaterialiseTest : public StoreFixture {
 protected:
  MaterialiseTest() : out_(JoinPath(dir_, "deploy/model.bin")) {}
  void SetUp() override {
    Store store(fs_, root_);
    blob_ = store.Get(Good(), options_).value();
  }
  static struct stat StatOf(const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(stat(path.c_str(), &st), 0) << path;
    return st;
  }
  absl::StatusOr<How> Put(const MaterialiseOptions& options) {
    return Materialise(fs_, blob_, Good().sha256, out_, options);
  }
  // The right bytes, read-only, and nothing beside.
  void ExpectGood() {
    EXPECT_EQ(base::ReadFile(fs_, out_, 1 << 20).value(), GoodBody());
    EXPECT_EQ(StatOf(out_).st_mode & 07777, 0444U);
    EXPECT_EQ(fs_.List(JoinPath(dir_, "deploy")).value(), std::vector<std::string>{"model.bin"});
  }

  const std::string out_;
  std::string blob_;
};

TEST_F(MaterialiseTest, HardLink) {
  EXPECT_EQ(Put({.reflink = false}).value(), How::kHardLink);
  ExpectGood();
  EXPECT_EQ(StatOf(out_).st_ino, StatOf(blob_).st_ino);
  // Again, over itself.
  EXPECT_EQ(Put({.reflink = false}).value(), How::kHardLink);
  ExpectGood();
  EXPECT_EQ(StatOf(blob_).st_nlink, 2U);
}

TEST_F(MaterialiseTest, Copy) {
  ASSERT_TRUE(fs_.CreateDirectories(JoinPath(dir_, "deploy")).ok());
  ASSERT_TRUE(base::WriteFile(fs_, out_, "old").ok());
  EXPECT_EQ(Put({.reflink = false, .hard_link = false}).value(), How::kCopy);
  ExpectGood();
  EXPECT_NE(StatOf(out_).st_ino, StatOf(blob_).st_ino);
}

TEST_F(MaterialiseTest, ReflinkWhereItWorks) {
  const auto how = Put({.hard_link = false});
  ASSERT_TRUE(how.ok()) << how.status();
  ExpectGood();
  EXPECT_NE(StatOf(out_).st_ino, StatOf(blob_).st_ino);
}

TEST_F(MaterialiseTest, BlobThatCanBeWrittenIsNotLinked) {
  ASSERT_EQ(chmod(blob_.c_str(), 0644), 0);
  EXPECT_EQ(Put({.reflink = false}).value(), How::kCopy);
  ExpectGood();
}

TEST_F(MaterialiseTest, AnotherDiskGetsACopy) {
  const std::string other = "/dev/shm";
  if (access(other.c_str(), W_OK) != 0 || StatOf(other).st_dev == StatOf(blob_).st_dev) {
    GTEST_SKIP() << "no other disk here";
  }
  const std::string out = absl::StrCat(other, "/materialise_test.", getpid());
  EXPECT_EQ(Materialise(fs_, blob_, Good().sha256, out, {}).value(), How::kCopy);
  EXPECT_EQ(base::ReadFile(fs_, out, 1 << 20).value(), GoodBody());
  EXPECT_TRUE(fs_.RemoveTree(out).ok());
}

TEST_F(MaterialiseTest, NothingAllowedThatWorks) {
  EXPECT_EQ(Put({.reflink = false, .hard_link = false, .copy = false}).status().message(),
            absl::StrCat("cannot materialise: ", out_,
                         ": got nothing allowed, expected a reflink, a hard link or a copy"));
  ASSERT_EQ(chmod(blob_.c_str(), 0644), 0);
  EXPECT_EQ(Put({.reflink = false, .copy = false}).status().message(),
            absl::StrCat("cannot materialise: ", out_,
                         ": got no hard link, expected a reflink, a hard link or a copy"));
}

TEST_F(MaterialiseTest, DamagedBlobIsNotCopied) {
  ASSERT_TRUE(base::WriteFile(fs_, blob_, "damaged").ok());
  EXPECT_EQ(Put({.reflink = false, .hard_link = false}).status().message(),
            absl::StrCat("damaged blob: ", blob_, ": got ", Sha256::Of("damaged").ToString(),
                         ", expected ", Good().sha256.ToString(),
                         "\nhint: `repair` fetches what is wrong again"));
  EXPECT_TRUE(absl::IsNotFound(fs_.Stat(out_, base::Follow::kNo).status()));
}

TEST_F(MaterialiseTest, FaultAtEachOperationLeavesNothing) {
  for (const MaterialiseOptions& options :
       {MaterialiseOptions{}, MaterialiseOptions{.hard_link = false}}) {
    for (int n = 1;; ++n) {
      ASSERT_TRUE(fs_.RemoveTree(out_).ok());
      FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("full"));
      const auto how = Materialise(faulty, blob_, Good().sha256, out_, options);
      if (how.ok()) ExpectGood();
      if (!faulty.failed()) break;
      EXPECT_TRUE(Put(options).ok());
      ExpectGood();
    }
  }
}

}  // namespace
}  // namespace rules_inference::store
