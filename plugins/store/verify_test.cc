#include "plugins/store/verify.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libdeflate.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/inventory.h"
#include "plugins/store/range_map.h"
#include "plugins/store/store.h"
#include "plugins/store/store_fixture.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::FaultyFileSystem;
using base::Sha256;

constexpr absl::string_view kHint = "\nhint: `repair` fetches what is wrong again";

class VerifyTest : public StoreFixture {
 protected:
  // A blob of 16 MiB with a range map, whose bytes at the given places are wrong.
  std::string Damage(Store& store, const std::vector<size_t>& places) {
    const std::string path = store.Get(Big(), options_).value();
    std::string body = BigBody();
    for (const size_t place : places) body[place] ^= 1;
    EXPECT_TRUE(base::WriteFile(fs_, path, body).ok());
    return path;
  }
  static BlobRequest Big(absl::string_view way = "whole") {
    static const base::Digest* const digest = new base::Digest(Sha256::Of(BigBody()));
    return {.urls = {server_->Url(absl::StrCat("/part/slow/", way))},
            .size = uint64_t{16} << 20,
            .sha256 = *digest};
  }
};

TEST_F(VerifyTest, GoodBlobs) {
  Store store(fs_, root_);
  ASSERT_TRUE(store.Get(Good(), options_).ok());
  ASSERT_TRUE(store.Get(Big(), options_).ok());
  uint64_t done = 0;
  VerifyOptions verify;
  verify.progress = [&](uint64_t now, uint64_t total) {
    done = now;
    EXPECT_EQ(total, (16U << 20) + 10000);
  };
  EXPECT_TRUE(VerifyStore(fs_, store.layout(), verify)->empty());
  EXPECT_EQ(done, (16U << 20) + 10000);
  verify.sample = 3;
  EXPECT_TRUE(VerifyStore(fs_, store.layout(), verify)->empty());
  EXPECT_EQ(Repair(store, Big(), options_)->fetched, 0U);
  EXPECT_TRUE(absl::IsNotFound(VerifyBlob(fs_, store.layout(), Sha256::Of("x"), {}).status()));
}

TEST_F(VerifyTest, DamageIsNamedByRange) {
  Store store(fs_, root_);
  const std::string path = Damage(store, {5 << 20, 12 << 20});
  const auto damage = VerifyStore(fs_, store.layout(), {}).value();
  ASSERT_EQ(damage.size(), 1U);
  ASSERT_EQ(damage[0].ranges.size(), 2U);
  EXPECT_LE(damage[0].ranges[0].begin, 5U << 20);
  EXPECT_GT(damage[0].ranges[0].end, 5U << 20);
  std::string wrong = BigBody().substr(damage[0].ranges[0].begin,
                                       damage[0].ranges[0].end - damage[0].ranges[0].begin);
  EXPECT_EQ(libdeflate_crc32(0, wrong.data(), wrong.size()), damage[0].ranges[0].crc32);
  wrong[(5 << 20) - damage[0].ranges[0].begin] ^= 1;
  EXPECT_EQ(damage[0].status.message(),
            absl::StrCat("damaged blob: ", path, ": got ",
                         CrcText(libdeflate_crc32(0, wrong.data(), wrong.size())), " in bytes ",
                         damage[0].ranges[0].begin, "-", damage[0].ranges[0].end - 1, ", expected ",
                         CrcText(damage[0].ranges[0].crc32), kHint));
  // A sample finds it with enough seeds.
  bool found = false;
  for (uint64_t seed = 0; seed < 64 && !found; ++seed) {
    found = !VerifyStore(fs_, store.layout(), {.sample = 4, .seed = seed})->empty();
  }
  EXPECT_TRUE(found);
}

TEST_F(VerifyTest, RepairFetchesOnlyWhatIsWrong) {
  Store store(fs_, root_);
  Damage(store, {0, 9 << 20});
  const auto result = Repair(store, Big("repair"), options_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->by_ranges);
  EXPECT_EQ(result->fetched, 2U * (256 << 10));
  EXPECT_TRUE(store.Verify(Big().sha256, 16 << 20).ok());
  EXPECT_TRUE(ListStore(fs_, store.layout())->leftovers.empty());
}

TEST_F(VerifyTest, RepairTakesARangeFromTheNextMirrorWhenOneIsWrong) {
  Store store(fs_, root_);
  Damage(store, {9 << 20});
  std::string body = BigBody();
  body[(9 << 20) + 5] ^= 1;
  const std::string mirror = base::JoinPath(dir_, "mirror");
  ASSERT_TRUE(base::WriteFile(fs_, mirror, body).ok());
  BlobRequest request = Big("mirrors");
  request.urls.insert(request.urls.begin(), absl::StrCat("file://", mirror));
  const auto result = Repair(store, request, options_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->by_ranges);
  EXPECT_TRUE(store.Verify(request.sha256, 16 << 20).ok());
  // No mirror has the range: the whole is fetched, and its digest decides.
  Damage(store, {9 << 20});
  request.urls.pop_back();
  const absl::Status failed = Repair(store, request, options_).status();
  EXPECT_EQ(failed.message(),
            absl::StrCat("hash mismatch: file://", mirror, ": got ", Sha256::Of(body).ToString(),
                         ", expected ", request.sha256.ToString()));
}

TEST_F(VerifyTest, RepairWithoutRangesOrMapFetchesTheWhole) {
  Store store(fs_, root_);
  BlobRequest request = Good();
  request.urls = {server_->Url("/ok")};
  Store with_map(fs_, root_, {.resume_from = 1});
  const std::string path = with_map.Get(request, options_).value();
  std::string body = GoodBody();
  body[17] ^= 1;
  for (const bool map : {true, false}) {
    ASSERT_TRUE(base::WriteFile(fs_, path, body).ok());
    if (!map) {
      ASSERT_TRUE(fs_.RemoveTree(store.layout().RangesOf(request.sha256)).ok());
    }
    const auto result = Repair(store, request, options_);  // The server gives no ranges.
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_FALSE(result->by_ranges);
    EXPECT_EQ(result->fetched, 10000U);
    EXPECT_TRUE(store.Verify(request.sha256, 10000).ok());
  }
  ASSERT_TRUE(base::WriteFile(fs_, path, "short").ok());
  EXPECT_TRUE(Repair(store, request, options_).ok());
  ASSERT_TRUE(fs_.RemoveTree(path).ok());
  EXPECT_TRUE(Repair(store, request, options_).ok());
  EXPECT_TRUE(store.Verify(request.sha256, 10000).ok());
}

TEST_F(VerifyTest, RepairThatFailsChangesNothing) {
  Store store(fs_, root_);
  const std::string path = store.Get(Good(), options_).value();
  ASSERT_TRUE(base::WriteFile(fs_, path, "damaged").ok());
  BlobRequest away = Good();
  away.urls = {server_->Url("/flipped")};
  EXPECT_FALSE(Repair(store, away, options_).ok());
  EXPECT_EQ(base::ReadFile(fs_, path, 100).value(), "damaged");
}

TEST_F(VerifyTest, FaultAtEachOperationOfARepair) {
  Store healthy(fs_, root_, {.resume_from = 1});
  BlobRequest request = Good();
  request.urls = {server_->Url("/part/once-good/repair-faults")};
  FetchOptions twice = options_;
  twice.attempts = 2;
  twice.sleep = [](absl::Duration) {};
  std::string body = GoodBody();
  body[17] ^= 1;
  const std::string path = healthy.Get(request, twice).value();
  for (const absl::Status& fault :
       {absl::ResourceExhaustedError("full"), absl::NotFoundError("went away")}) {
    int n = 1;
    for (;; ++n) {
      ASSERT_TRUE(base::WriteFile(fs_, path, body).ok());
      FaultyFileSystem faulty(fs_, n, fault);
      Store store(faulty, root_, {.resume_from = 1});
      const auto result = Repair(store, request, twice);
      const std::string there = base::ReadFile(fs_, path, 1 << 20).value();
      // Never anything else than what was there and what is right.
      EXPECT_TRUE(there == GoodBody() || (there == body && !result.ok())) << n;
      if (!faulty.failed()) {
        EXPECT_TRUE(result.ok() && result->by_ranges) << n;
        break;
      }
      EXPECT_TRUE(Repair(healthy, request, twice).ok()) << n;
      EXPECT_EQ(base::ReadFile(fs_, path, 1 << 20).value(), GoodBody()) << n;
    }
    EXPECT_GE(n, 15);
  }
}

}  // namespace
}  // namespace rules_inference::store
