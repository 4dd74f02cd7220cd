// What the tests of the store share: a store in a directory of its own, and a server.

#ifndef RULES_INFERENCE_PLUGINS_STORE_STORE_FIXTURE_H_
#define RULES_INFERENCE_PLUGINS_STORE_STORE_FIXTURE_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/store.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {

class StoreFixture : public testing::Test {
 protected:
  StoreFixture() {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = absl::StrCat(testing::TempDir(), "/", info->test_suite_name(), "_", info->name());
    root_ = absl::StrCat(dir_, "/store");
    EXPECT_TRUE(fs_.RemoveTree(dir_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(dir_).ok());
    options_.attempts = 1;
    options_.netrc_file = "/dev/null";
  }
  static void SetUpTestSuite() {
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
    server_ = new TestServer();
  }
  static void TearDownTestSuite() { delete std::exchange(server_, nullptr); }

  static BlobRequest Good() {
    return {.urls = {server_->Url("/ok")},
            .size = GoodBody().size(),
            .sha256 = base::Sha256::Of(GoodBody())};
  }
  // A blob of its own, served from a file.
  BlobRequest Local(const std::string& content) {
    const base::Digest digest = base::Sha256::Of(content);
    const std::string path = base::JoinPath(dir_, digest.Hex());
    EXPECT_TRUE(base::WriteFile(fs_, path, content).ok());
    return {.urls = {absl::StrCat("file://", path)}, .size = content.size(), .sha256 = digest};
  }
  // Gets a blob into the store and makes it `age` old.
  base::Digest Put(Store& store, const std::string& content, absl::Duration age) {
    const auto path = store.Get(Local(content), options_);
    EXPECT_TRUE(path.ok()) << path.status();
    const timespec then = absl::ToTimespec(absl::Now() - age);
    const timespec times[2] = {then, then};
    EXPECT_EQ(utimensat(AT_FDCWD, path->c_str(), times, 0), 0);
    return base::Sha256::Of(content);
  }
  bool Has(Store& store, const base::Digest& digest) {
    return fs_.Stat(store.PathOf(digest), base::Follow::kNo).ok();
  }
  // Runs `work(i)` in `count` processes at once; each has to succeed.
  template <typename Work>
  void InProcesses(int count, Work work) {
    std::vector<pid_t> children;
    for (int i = 0; i < count; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        alarm(60);
        const absl::Status status = work(i);
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

  static inline TestServer* server_ = nullptr;
  base::RealFileSystem fs_{base::Durability::kDurable};
  FetchOptions options_;
  std::string dir_;
  std::string root_;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_STORE_FIXTURE_H_
