#include "plugins/store/store.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::Durability;
using base::FaultyFileSystem;
using base::JoinPath;
using base::ReadFile;
using base::RealFileSystem;
using base::Sha256;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    root_ = absl::StrCat(testing::TempDir(), "/store_", info->name());
    EXPECT_TRUE(fs_.RemoveTree(root_).ok());
    options_.attempts = 1;
    options_.idle_timeout = absl::Seconds(2);
    options_.netrc_file = "/dev/null";
  }
  static void SetUpTestSuite() {
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
    server_ = new TestServer();
  }
  static void TearDownTestSuite() { delete std::exchange(server_, nullptr); }

  static BlobRequest Request(absl::string_view path) {
    return {
        .urls = {server_->Url(path)}, .size = GoodBody().size(), .sha256 = Sha256::Of(GoodBody())};
  }
  // The names below `path`, depth first, without directories; empty when it is not there.
  std::vector<std::string> FilesIn(const std::string& path) {
    const auto names = fs_.List(path);
    std::vector<std::string> files;
    if (!names.ok()) return files;
    for (const std::string& name : *names) {
      const std::string child = JoinPath(path, name);
      if (fs_.Stat(child, base::Follow::kNo)->type == base::NodeType::kDirectory) {
        for (std::string& file : FilesIn(child)) files.push_back(std::move(file));
      } else if (name != "VERSION" && name != "CACHEDIR.TAG") {
        files.push_back(name);
      }
    }
    return files;
  }
  // How often the server was asked for `path`.
  int Asked(absl::string_view path) {
    FetchRequest request;
    request.urls = {server_->Url("/log")};
    request.destination = JoinPath(testing::TempDir(), "store_log");
    EXPECT_TRUE(FetchUnpinned(fs_, request, options_).ok());
    const std::string log = absl::StrCat("\n", ReadFile(fs_, request.destination, 1 << 20).value());
    const std::string line = absl::StrCat("\n", path, " -\n");
    int count = 0;
    for (size_t at = 0; (at = log.find(line, at)) != std::string::npos; ++at) ++count;
    return count;
  }
  // Runs `work` in `count` processes at once; each has to succeed.
  template <typename Work>
  void InProcesses(int count, Work work) {
    std::vector<pid_t> children;
    for (int i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        alarm(30);
        const absl::Status status = work();
        if (!status.ok()) fprintf(stderr, "%s\n", std::string(status.message()).c_str());
        _exit(status.ok() ? 0 : 1);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = -1;
      EXPECT_EQ(waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0);
    }
  }

  static TestServer* server_;
  RealFileSystem fs_{Durability::kDurable};
  FetchOptions options_;
  std::string root_;
  const std::string hex_ = Sha256::Of(GoodBody()).Hex();
};

TestServer* StoreTest::server_ = nullptr;

TEST_F(StoreTest, FetchesOnceAndThenNeedsNoServer) {
  Store store(fs_, root_);
  const auto path = store.Get(Request("/ok"), options_);
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(*path, absl::StrCat(root_, "/sha256/", hex_.substr(0, 2), "/", hex_));
  EXPECT_EQ(ReadFile(fs_, *path, 1 << 20).value(), GoodBody());
  struct stat st = {};
  ASSERT_EQ(stat(path->c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0444U);
  EXPECT_EQ(FilesIn(root_), std::vector<std::string>{hex_});
  BlobRequest away = Request("/ok");
  away.urls = {"http://127.0.0.1:1/nobody"};
  EXPECT_EQ(store.Get(away, options_).value(), *path);
  away.size = 0;  // Read again instead.
  EXPECT_EQ(store.Get(away, options_).value(), *path);
}

TEST_F(StoreTest, HitWritesNothing) {
  Store store(fs_, root_);
  ASSERT_TRUE(store.Get(Request("/ok"), options_).ok());
  FaultyFileSystem counting(fs_, 0, absl::OkStatus());
  Store again(counting, root_);
  ASSERT_TRUE(again.Get(Request("/ok"), options_).ok());
  EXPECT_EQ(counting.operations(), 1);  // Stat.
}

TEST_F(StoreTest, FailureIsThatOfTheFetch) {
  Store store(fs_, root_);
  EXPECT_EQ(store.Get(Request("/missing"), options_).status(),
            absl::NotFoundError(
                absl::StrCat("absent: ", server_->Url("/missing"), ": got 404, expected 200")));
  EXPECT_FALSE(store.Get(Request("/flipped"), options_).ok());
  EXPECT_TRUE(FilesIn(root_).empty());
}

TEST_F(StoreTest, VerifyFindsDamage) {
  Store store(fs_, root_);
  const auto digest = Sha256::Of(GoodBody());
  EXPECT_TRUE(absl::IsNotFound(store.Verify(digest, 0)));
  const std::string path = store.Get(Request("/ok"), options_).value();
  EXPECT_TRUE(store.Verify(digest, GoodBody().size()).ok());
  std::string flipped = GoodBody();
  flipped.back() = 'x';
  ASSERT_TRUE(base::WriteFile(fs_, path, flipped).ok());
  constexpr absl::string_view kHint =
      "\nhint: remove the file; it is fetched again when it is needed";
  EXPECT_EQ(store.Verify(digest, GoodBody().size()).message(),
            absl::StrCat("damaged blob: ", path, ": got ", Sha256::Of(flipped).ToString(),
                         ", expected ", digest.ToString(), kHint));
  ASSERT_TRUE(base::WriteFile(fs_, path, "").ok());
  EXPECT_EQ(store.Verify(digest, GoodBody().size()).message(),
            absl::StrCat("damaged blob: ", path, ": got 0 bytes, expected 10000", kHint));
}

TEST_F(StoreTest, WhatIsNotTheBlobIsReplaced) {
  Store store(fs_, root_);
  const std::string path = store.PathOf(Sha256::Of(GoodBody()));
  ASSERT_TRUE(fs_.CreateDirectories(path.substr(0, path.rfind('/'))).ok());
  ASSERT_TRUE(base::WriteFile(fs_, path, "torn").ok());
  EXPECT_EQ(ReadFile(fs_, store.Get(Request("/ok"), options_).value(), 1 << 20).value(),
            GoodBody());
  ASSERT_TRUE(fs_.RemoveTree(path).ok());
  ASSERT_TRUE(base::WriteFile(fs_, absl::StrCat(root_, "/precious"), GoodBody()).ok());
  ASSERT_TRUE(fs_.Symlink("../../precious", path).ok());
  ASSERT_TRUE(store.Get(Request("/ok"), options_).ok());
  EXPECT_EQ(fs_.Stat(path, base::Follow::kNo)->type, base::NodeType::kFile);
  ASSERT_TRUE(fs_.RemoveTree(path).ok());
  ASSERT_TRUE(fs_.CreateDirectories(JoinPath(path, "sub")).ok());
  ASSERT_TRUE(store.Get(Request("/ok"), options_).ok());
  EXPECT_EQ(ReadFile(fs_, path, 1 << 20).value(), GoodBody());
  EXPECT_TRUE(fs_.Stat(absl::StrCat(path, ".bad/sub"), base::Follow::kNo).ok());
}

TEST_F(StoreTest, EightProcessesFetchOnce) {
  const std::string path = "/slow-ok/once";
  InProcesses(8, [&] {
    RealFileSystem fs(Durability::kDurable);
    return Store(fs, root_).Get(Request(path), options_).status();
  });
  EXPECT_EQ(FilesIn(root_), std::vector<std::string>{hex_});
  EXPECT_TRUE(Store(fs_, root_).Verify(Sha256::Of(GoodBody()), GoodBody().size()).ok());
  EXPECT_EQ(Asked(path), 1);
}

TEST_F(StoreTest, EightProcessesWithoutLockAreRightToo) {
  const std::string path = "/slow-ok/each";
  InProcesses(8, [&] {
    RealFileSystem fs(Durability::kDurable);
    return Store(fs, root_, Locking::kNone).Get(Request(path), options_).status();
  });
  EXPECT_EQ(FilesIn(root_), std::vector<std::string>{hex_});
  EXPECT_TRUE(Store(fs_, root_).Verify(Sha256::Of(GoodBody()), GoodBody().size()).ok());
  EXPECT_GT(Asked(path), 1);
}

TEST_F(StoreTest, KilledFetchIsForgotten) {
  const pid_t child = fork();
  if (child == 0) {
    RealFileSystem fs(Durability::kDurable);
    options_.idle_timeout = absl::Seconds(20);
    const absl::Status status = Store(fs, root_).Get(Request("/stall/killed"), options_).status();
    _exit(status.ok() ? 0 : 1);
  }
  for (int i = 0; i < 250 && FilesIn(root_).size() < 2; ++i) usleep(20000);
  EXPECT_EQ(FilesIn(root_).size(), 2U);  // The lock and the unfinished file.
  ASSERT_EQ(kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_TRUE(Store(fs_, root_).Get(Request("/ok"), options_).ok());
  EXPECT_EQ(FilesIn(root_), std::vector<std::string>{hex_});
}

TEST_F(StoreTest, FullDiskLeavesNothing) {
  InProcesses(1, [&]() -> absl::Status {
    // The kernel's own refusal to write on, in the middle of the file.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 4000, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return absl::InternalError("no limit");
    const absl::Status status = Store(fs_, root_).Get(Request("/ok"), options_).status();
    return absl::IsResourceExhausted(status) ? absl::OkStatus()
                                             : absl::InternalError(status.ToString());
  });
  EXPECT_TRUE(FilesIn(root_).empty());
}

TEST_F(StoreTest, FaultAtEachOperationLeavesNothingUnverified) {
  for (int n = 1;; ++n) {
    ASSERT_TRUE(fs_.RemoveTree(root_).ok());
    FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("full"));
    Store store(faulty, root_);
    const absl::Status status = store.Get(Request("/ok"), options_).status();
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok());
      EXPECT_GE(n, 8);
      break;
    }
    // Some operations only look for what would be in the way.
    if (!status.ok()) {
      EXPECT_EQ(status, absl::ResourceExhaustedError("full")) << n;
      EXPECT_TRUE(FilesIn(root_).empty()) << n;
    }
    Store healthy(fs_, root_);
    ASSERT_TRUE(healthy.Get(Request("/ok"), options_).ok()) << n;
    EXPECT_TRUE(healthy.Verify(Sha256::Of(GoodBody()), GoodBody().size()).ok()) << n;
    EXPECT_EQ(FilesIn(root_), std::vector<std::string>{hex_}) << n;
  }
}

}  // namespace
}  // namespace rules_inference::store
