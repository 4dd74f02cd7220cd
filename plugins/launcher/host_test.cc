#include "plugins/launcher/host.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/real_file_system.h"
#include "plugins/launcher/cache.h"
#include "plugins/launcher/manifest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::launcher {
namespace {

constexpr absl::string_view kCuda =
    R"({"variants":[{"name":"cuda-sm86","properties":{"accelerator":"cuda","sonames":["libx.so"]}},)"
    R"({"name":"cpu","properties":{"libc":"glibc-2.31"}}]})";
constexpr absl::string_view kPlain = R"({"variants":[{"name":"cpu"}]})";

// A detector that is a script, and counts how often it is asked.
class HostTest : public ::testing::Test {
 protected:
  HostTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(run_);
    environment_["XDG_RUNTIME_DIR"] = run_;
    Lock(kCuda);
    Detector(R"(echo '{"host":{"devices":[{"compute_capability":"8.6"}]}}')");
    installation_.manifest.set_detector("detector");
    installation_.locate = [this](const std::string& path) -> absl::StatusOr<std::string> {
      return absl::StrCat(directory_, "/", path);
    };
  }

  void Lock(absl::string_view json) {
    *installation_.manifest.mutable_lock() = *sdk::ParseJson<sdk::VariantsLock>("lock", json);
  }

  void Detector(absl::string_view script) {
    const std::string path = absl::StrCat(directory_, "/detector");
    std::ofstream(path) << "#!/bin/sh\necho \"$@\" >> '" << directory_ << "/asked'\n"
                        << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  // What was asked of the detector so far.
  std::string Asked() {
    std::ifstream in(absl::StrCat(directory_, "/asked"));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  sdk::LauncherDetection Find(bool afresh = false) {
    const absl::StatusOr<sdk::LauncherDetection> found = FindHost(
        installation_, [this](absl::string_view name) { return environment_[std::string(name)]; },
        files_, afresh);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : sdk::LauncherDetection();
  }

  base::RealFileSystem files_;
  Installation installation_;
  std::map<std::string, std::string> environment_;
  const std::string directory_ =
      absl::StrCat(::testing::TempDir(), "/host_test/",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string run_ = absl::StrCat(directory_, "/run");
  const std::string cache_ = absl::StrCat(run_, "/inference-host.json");
};

TEST_F(HostTest, PlainVariantsAskNobody) {
  Lock(kPlain);
  const sdk::LauncherDetection found = Find();
  EXPECT_EQ(Asked(), "");
  EXPECT_FALSE(found.host().platform().empty());
  EXPECT_FALSE(found.host().cpu_level().empty());
  EXPECT_FALSE(std::filesystem::exists(cache_));
}

TEST_F(HostTest, AsksForWhatTheRowsWant) {
  const sdk::LauncherDetection found = Find();
  EXPECT_EQ(Asked(), "libc nvidia\n");
  EXPECT_EQ(found.host().devices(0).compute_capability(), "8.6");
  // The loader is asked about these.
  EXPECT_EQ(found.host().sonames(0), "libx.so");
}

TEST_F(HostTest, AsksOnce) {
  Find();
  EXPECT_EQ(Find().host().devices(0).compute_capability(), "8.6");
  EXPECT_EQ(Asked(), "libc nvidia\n");
  EXPECT_EQ(std::filesystem::status(cache_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // Nothing else is left there.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(run_), {}), 1);
}

TEST_F(HostTest, AsksAgainForAnExplanation) {
  Find();
  Find(true);
  EXPECT_EQ(Asked(), "libc nvidia\nlibc nvidia\n");
}

TEST_F(HostTest, AsksAgainWhenTheEnvironmentIsAnother) {
  Find();
  environment_["CUDA_VISIBLE_DEVICES"] = "1";
  Find();
  EXPECT_EQ(Asked(), "libc nvidia\nlibc nvidia\n");
}

TEST_F(HostTest, AsksAgainWhenTheDetectorIsAnother) {
  Find();
  Detector(R"(echo '{"host":{"devices":[{"compute_capability":"10.0"}]}}')");
  EXPECT_EQ(Find().host().devices(0).compute_capability(), "10.0");
}

TEST_F(HostTest, ACacheThatOthersMayWriteIsNotRead) {
  Find();
  ASSERT_EQ(chmod(cache_.c_str(), 0666), 0);
  Find();
  EXPECT_EQ(Asked(), "libc nvidia\nlibc nvidia\n");
  ASSERT_EQ(chmod(run_.c_str(), 0777), 0);
  Find();
  EXPECT_EQ(Asked(), "libc nvidia\nlibc nvidia\nlibc nvidia\n");
}

TEST_F(HostTest, ACacheBehindASymlinkIsNotRead) {
  Find();
  std::filesystem::rename(cache_, absl::StrCat(directory_, "/elsewhere"));
  std::filesystem::create_symlink(absl::StrCat(directory_, "/elsewhere"), cache_);
  Find();
  EXPECT_EQ(Asked(), "libc nvidia\nlibc nvidia\n");
  // It was replaced, not written through.
  EXPECT_FALSE(std::filesystem::is_symlink(cache_));
}

TEST_F(HostTest, ABrokenCacheIsReplaced) {
  std::ofstream(cache_) << "{";
  Find();
  Find();
  EXPECT_EQ(Asked(), "libc nvidia\n");
}

TEST_F(HostTest, WithoutAPlaceForTheCache) {
  environment_["XDG_RUNTIME_DIR"] = "";
  Find();
  environment_["HOME"] = "/nowhere";
  EXPECT_EQ(Find().host().devices(0).compute_capability(), "8.6");
  EXPECT_EQ(Asked(), "libc nvidia\nlibc nvidia\n");
}

TEST_F(HostTest, InTheHomeOfTheUser) {
  environment_["XDG_RUNTIME_DIR"] = "";
  environment_["HOME"] = directory_;
  std::filesystem::create_directories(absl::StrCat(directory_, "/.cache"));
  Find();
  EXPECT_TRUE(
      std::filesystem::exists(absl::StrCat(directory_, "/.cache/rules_inference/host.json")));
}

TEST_F(HostTest, ADetectorThatFailsIsANoteAndIsNotKept) {
  Detector("echo 'error: no driver' >&2; exit 1");
  const sdk::LauncherDetection found = Find();
  ASSERT_EQ(found.notes_size(), 1);
  EXPECT_EQ(found.notes(0),
            absl::StrCat(directory_, "/detector: got exit code 1: error: no driver"));
  EXPECT_EQ(found.host().devices_size(), 0);
  EXPECT_FALSE(std::filesystem::exists(cache_));
}

TEST_F(HostTest, ADetectorThatTalksNonsenseIsANote) {
  Detector("echo hello");
  EXPECT_EQ(Find().notes(0),
            absl::StrCat(directory_, "/detector: line 1, column 1: got 'h', expected `{`"));
}

TEST_F(HostTest, AGivenHostIsBelieved) {
  const std::string path = absl::StrCat(directory_, "/host.json");
  std::ofstream(path) << R"({"descriptor_version":1,"libc":"glibc-2.36"})";
  environment_["INFERENCE_HOST"] = path;
  const sdk::LauncherDetection found = Find();
  EXPECT_EQ(Asked(), "");
  EXPECT_EQ(found.host().libc(), "glibc-2.36");
  // What it does not say is not there.
  EXPECT_EQ(found.host().sonames_size(), 0);
  EXPECT_FALSE(found.host().platform().empty());
}

TEST_F(HostTest, ACacheOfAnotherKeyIsNotRead) {
  const auto environment = [this](absl::string_view name) {
    return environment_[std::string(name)];
  };
  const HostCache cache(environment, "key");
  sdk::LauncherDetection detection;
  detection.mutable_host()->set_driver("1");
  cache.Write(detection);
  EXPECT_EQ(cache.Read()->host().driver(), "1");
  EXPECT_FALSE(HostCache(environment, "another").Read().has_value());
}

}  // namespace
}  // namespace rules_inference::launcher
