// Stores of others, of groups, on full disks, and many blobs at once.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_lock.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/inventory.h"
#include "plugins/store/store.h"
#include "plugins/store/store_fixture.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::Durability;
using base::FaultyFileSystem;
using base::JoinPath;
using base::RealFileSystem;
using base::Sha256;
using base::Sharing;

class SharedStoreTest : public StoreFixture {
 protected:
  static unsigned ModeOf(const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(stat(path.c_str(), &st), 0) << path;
    return st.st_mode & 07777;
  }
};

TEST_F(SharedStoreTest, LowerStoreIsReadAndNeverWritten) {
  const std::string lower = JoinPath(dir_, "lower");
  Store below(fs_, lower);
  const std::string path = below.Get(Local("blob"), options_).value();
  BlobRequest request = Local("blob");
  request.urls = {"http://127.0.0.1:1/nobody"};
  Store store(fs_, root_, {.lower = {JoinPath(dir_, "none"), lower}});
  EXPECT_EQ(store.Get(request, options_).value(), path);
  const LeasedBlob leased = store.GetLeased(request, options_).value();
  EXPECT_EQ(leased.path, path);
  EXPECT_EQ(leased.lease, nullptr);
  EXPECT_TRUE(absl::IsNotFound(fs_.Stat(below.layout().Leases(), base::Follow::kNo).status()));
  // What it has not comes into the upper one, and so does what has another size there.
  EXPECT_EQ(store.Get(Local("other"), options_).value(), store.PathOf(Sha256::Of("other")));
  ASSERT_TRUE(base::WriteFile(fs_, path, "torn blob").ok());
  EXPECT_EQ(store.Get(Local("blob"), options_).value(), store.PathOf(Sha256::Of("blob")));
}

TEST_F(SharedStoreTest, StoreThatCannotBeWrittenIsRead) {
  const std::string path = Store(fs_, root_).Get(Local("blob"), options_).value();
  ASSERT_TRUE(Store(fs_, root_).Get(Good(), options_).ok());
  InProcesses(1, [&](int) -> absl::Status {
    // Somebody else, who may read.
    if (setgid(65534) != 0 || setuid(65534) != 0) {
      return absl::OkStatus();  // Only root can become that.
    }
    if (access(path.c_str(), R_OK) != 0) return absl::OkStatus();  // The test's own directory.
    RealFileSystem fs(Durability::kDurable);
    Store store(fs, root_);
    const auto blob = store.GetLeased(
        {.urls = {"http://127.0.0.1:1/nobody"}, .size = 4, .sha256 = Sha256::Of("blob")}, options_);
    if (!blob.ok()) return blob.status();
    if (blob->path != path || blob->lease != nullptr) return absl::InternalError("another");
    const auto missing = store.Get(
        {.urls = {"http://127.0.0.1:1/nobody"}, .size = 4, .sha256 = Sha256::Of("none")}, options_);
    return absl::IsPermissionDenied(missing.status()) ? absl::OkStatus() : missing.status();
  });
}

TEST_F(SharedStoreTest, GroupMayWriteWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0002}, mode_t{0077}}) {
    const mode_t before = umask(mask);
    ASSERT_TRUE(fs_.RemoveTree(root_).ok());
    RealFileSystem fs(Durability::kDurable, Sharing::kGroup);
    Store store(fs, root_, {.resume_from = 1});
    const LeasedBlob blob = store.GetLeased(Good(), options_).value();
    EXPECT_EQ(ModeOf(blob.path), 0444U);
    EXPECT_EQ(ModeOf(root_), 02775U);
    EXPECT_EQ(ModeOf(store.layout().Leases()), 02775U);
    EXPECT_EQ(ModeOf(store.layout().Parts()), 02775U);
    EXPECT_EQ(ModeOf(blob.lease->path()), 0664U);
    EXPECT_EQ(ModeOf(JoinPath(root_, "VERSION")), 0664U);
    EXPECT_EQ(ModeOf(store.layout().RangesOf(Good().sha256)), 0664U);
    umask(before);
  }
}

TEST_F(SharedStoreTest, StoreOfAnotherVersionIsRefused) {
  ASSERT_TRUE(fs_.CreateDirectories(root_).ok());
  ASSERT_TRUE(base::WriteFile(fs_, JoinPath(root_, "VERSION"), "2\n").ok());
  EXPECT_EQ(Store(fs_, root_).Get(Local("blob"), options_).status().message(),
            absl::StrCat("unknown store: ", root_,
                         "/VERSION: got '2\\n', expected '1\\n'\nhint: a "
                         "newer version of this program has made it; use that one, or another "
                         "directory"));
}

TEST_F(SharedStoreTest, FullDiskIsSeenBeforeTheFirstByte) {
  ASSERT_TRUE(fs_.CreateDirectories(root_).ok());
  const uint64_t free = fs_.FreeSpace(root_).value();
  BlobRequest huge = Good();
  huge.size = uint64_t{1} << 60;
  huge.sha256 = Sha256::Of("huge");
  const BlobRequest requests[] = {Local("small"), huge, huge};
  const auto check = [&](const absl::Status& status, absl::string_view sum) {
    EXPECT_TRUE(absl::IsResourceExhausted(status));
    EXPECT_TRUE(
        absl::StartsWith(status.message(), absl::StrCat("disk too full: ", root_, ": got ")))
        << status;
    EXPECT_TRUE(absl::EndsWith(status.message(), absl::StrCat(" bytes free, expected ", sum,
                                                              " to fetch and 67108864 to spare")))
        << status;
  };
  Store store(fs_, root_);
  check(store.Get(huge, options_).status(), "1152921504606846976");
  // The same blob twice counts once, and nothing is fetched of what would fit.
  for (const auto& result : store.GetAll(requests, options_, 2)) {
    check(result.status(), "1152921504606846981");
  }
  EXPECT_TRUE(ListStore(fs_, store.layout())->blobs.empty());
  Store careful(fs_, root_, {.spare = free * 2});
  EXPECT_TRUE(absl::IsResourceExhausted(careful.Get(Good(), options_).status()));
  EXPECT_TRUE(Store(fs_, root_, {.spare = 0}).Get(Good(), options_).ok());
}

TEST_F(SharedStoreTest, ManyAtOnce) {
  std::vector<BlobRequest> requests;
  for (int i = 0; i < 10; ++i) requests.push_back(Local(absl::StrCat("blob ", i % 8)));
  requests[3].urls = {server_->Url("/missing")};
  uint64_t last = 0;
  options_.progress = [&](uint64_t now, uint64_t total) {
    last = now;
    EXPECT_EQ(total, 48U);
  };
  Store store(fs_, root_);
  const auto results = store.GetAll(requests, options_, 4);
  ASSERT_EQ(results.size(), 10U);
  for (size_t i = 0; i < results.size(); ++i) {
    if (i == 3) {
      EXPECT_TRUE(absl::IsNotFound(results[i].status()));
      continue;
    }
    ASSERT_TRUE(results[i].ok()) << results[i].status();
    EXPECT_EQ(results[i]->path, store.PathOf(requests[i].sha256));
    EXPECT_NE(results[i]->lease, nullptr);
  }
  EXPECT_EQ(results[0]->lease, results[8]->lease);
  EXPECT_EQ(last, 42U);
  EXPECT_EQ(fs_.List(store.layout().Leases())->size(), 7U);
  EXPECT_TRUE(store.GetAll({}, options_, 4).empty());
}

TEST_F(SharedStoreTest, LargeBlobIsResumedByTheNextProcess) {
  const std::string path =
      absl::StrCat("/part/good/", testing::UnitTest::GetInstance()->random_seed(), "shared");
  BlobRequest request = Good();
  request.urls = {server_->Url(path)};
  Store store(fs_, root_, {.resume_from = 1});
  EXPECT_FALSE(store.Get(request, options_).ok());
  const auto left = ListStore(fs_, store.layout())->leftovers;
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(left[0].size, 5000U);
  EXPECT_EQ(left[0].kind, Leftover::Kind::kPart);
  ASSERT_TRUE(Store(fs_, root_, {.resume_from = 1}).Get(request, options_).ok());
  EXPECT_TRUE(ListStore(fs_, store.layout())->leftovers.empty());
  EXPECT_TRUE(store.Verify(request.sha256, request.size).ok());
}

TEST_F(SharedStoreTest, LocksWorkHere) {
  ASSERT_TRUE(fs_.CreateDirectories(root_).ok());
  EXPECT_TRUE(Store(fs_, root_).LocksWork());
  EXPECT_FALSE(Store(fs_, root_, Locking::kNone).LocksWork());
  EXPECT_FALSE(base::LocksWork(JoinPath(dir_, "none")));
  EXPECT_TRUE(fs_.List(root_)->empty());
}

TEST_F(SharedStoreTest, FaultAtEachOperationOfALeasedResumedFetch) {
  const std::string path = "/part/good/faults";
  BlobRequest request = Good();
  request.urls = {server_->Url(path)};
  for (const absl::Status& fault :
       {absl::ResourceExhaustedError("full"), absl::NotFoundError("went away")}) {
    int n = 1;
    for (;; ++n) {
      ASSERT_TRUE(fs_.RemoveTree(root_).ok());
      Store healthy(fs_, root_, {.resume_from = 1});
      EXPECT_FALSE(healthy.Get(request, options_).ok());  // Leaves half.
      FaultyFileSystem faulty(fs_, n, fault);
      Store store(faulty, root_, {.resume_from = 1});
      const auto blob = store.GetLeased(request, options_);
      const Inventory inventory = ListStore(fs_, healthy.layout()).value();
      for (const Blob& there : inventory.blobs) {
        EXPECT_TRUE(healthy.Verify(there.sha256, 10000).ok()) << n;
      }
      if (!faulty.failed()) {
        EXPECT_TRUE(blob.ok()) << blob.status();
        break;
      }
      FetchOptions twice = options_;
      twice.attempts = 2;
      twice.sleep = [](absl::Duration) {};
      EXPECT_TRUE(healthy.GetLeased(request, twice).ok()) << n;
      EXPECT_TRUE(healthy.Verify(request.sha256, 10000).ok()) << n;
      EXPECT_TRUE(ListStore(fs_, healthy.layout())->leftovers.empty()) << n;
    }
    EXPECT_GE(n, 25);
  }
}

}  // namespace
}  // namespace rules_inference::store
