#include "plugins/release/release_lock.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::release {
namespace {

std::string TestData(absl::string_view name) {
  base::RealFileSystem fs;
  return base::ReadFile(fs, absl::StrCat("plugins/release/testdata/", name), 1 << 20).value_or("");
}

constexpr char kCpu[] =
    R"({"name":"cpu","platform":"linux-x86_64","format":"tar.gz","size":10,)"
    R"("sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",)"
    R"("properties":{"accelerator":"cpu","libc":"glibc-2.31"}})";
constexpr char kCuda[] =
    R"({"name":"cuda-sm86","platform":"linux-x86_64","format":"tar.gz","size":20,)"
    R"("sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",)"
    R"("properties":{"accelerator":"cuda","cubins":["sm_86"],"cuda":"13.0",)"
    R"("sonames":["libcudart.so.13"]}})";

class ReleaseLockTest : public testing::Test {
 protected:
  ReleaseLockTest() {
    fs_.files["cpu.row.json"] = kCpu;
    fs_.files["cuda.row.json"] = kCuda;
    Merge(R"({"lock_output":"x.lock.json","sums_output":"SHA256SUMS",)"
          R"("manifest_output":"x.release.json","where":"//:release","lock_name":"x.lock.json",)"
          R"("lock_path":"main/x.lock.json","sums_path":"main/SHA256SUMS"})");
    Merge(R"({"lock":{"artifact":"infer","lock_version":1,"version":"0.1.0",)"
          R"("url_template":"https://example.invalid/v{version}/{archive}"}})");
    Merge(R"({"rows":[{"row":"cpu.row.json","archive":"main/infer-cpu.tar.gz"}]})");
  }
  void Merge(const std::string& text) {
    const absl::Status status = sdk::MergeJson("test", text, &request_);
    EXPECT_TRUE(status.ok()) << status;
  }
  // The error, or nothing.
  std::string Error() {
    std::string notes;
    const size_t before = fs_.files.size();
    const absl::Status status = WriteReleaseLock(request_, fs_, &notes);
    if (!status.ok()) {
      EXPECT_EQ(fs_.files.size(), before);
    }
    return std::string(status.message());
  }

  base::MemoryFileSystem fs_;
  sdk::ReleaseLockRequest request_;
};

TEST_F(ReleaseLockTest, Golden) {
  Merge(
      R"({"rows":[{"row":"cuda.row.json","archive":"main/infer-cuda.tar.gz"},)"
      R"({"absent":{"name":"cuda-sm120","platform":"linux-x86_64","not_available":"no device",)"
      R"("properties":{"accelerator":"cuda","cubins":["sm_120"],"ptx":[{"arch":"compute_120"}]}}},)"
      R"({"absent":{"name":"cpu","platform":"linux-aarch64","not_available":"no compiler"}}]})");
  ASSERT_EQ(Error(), "");
  EXPECT_EQ(fs_.files["x.lock.json"], TestData("release.lock.json"));
  EXPECT_EQ(fs_.files["SHA256SUMS"],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  "
            "infer-0.1.0-linux-x86_64-cpu.tar.gz\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  "
            "infer-0.1.0-linux-x86_64-cuda-sm86.tar.gz\n");
  EXPECT_EQ(fs_.files["x.release.json"],
            R"({"files":[{"name":"infer-0.1.0-linux-x86_64-cpu.tar.gz",)"
            R"("path":"main/infer-cpu.tar.gz",)"
            R"("sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},)"
            R"({"name":"infer-0.1.0-linux-x86_64-cuda-sm86.tar.gz",)"
            R"("path":"main/infer-cuda.tar.gz",)"
            R"("sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],)"
            R"("lock":"main/x.lock.json","lock_name":"x.lock.json","sums":"main/SHA256SUMS"})"
            "\n");
}

TEST_F(ReleaseLockTest, WithoutAVersion) {
  request_.mutable_lock()->clear_version();
  ASSERT_EQ(Error(), "");
  EXPECT_TRUE(absl::StrContains(fs_.files["SHA256SUMS"], "  infer-linux-x86_64-cpu.tar.gz\n"));
  EXPECT_TRUE(
      absl::StrContains(fs_.files["x.lock.json"], "/{artifact}-{platform}-{variant}.tar.gz\""));
}

// Nothing built tells the toolkit of what is absent.
TEST_F(ReleaseLockTest, AbsentCudaAlone) {
  Merge(
      R"({"rows":[{"absent":{"name":"cuda-sm120","platform":"linux-x86_64",)"
      R"("not_available":"no device","properties":{"accelerator":"cuda","cubins":["sm_120"]}}}]})");
  ASSERT_EQ(Error(), "");
  EXPECT_FALSE(absl::StrContains(fs_.files["x.lock.json"], "sm_120"));
}

TEST_F(ReleaseLockTest, TheStampGoesBeforeTheVersion) {
  fs_.files["status"] = "BUILD_EMBED_LABEL 1.2.3\nBUILD_HOST x\n";
  Merge(R"({"status_file":"status","status_key":"BUILD_EMBED_LABEL"})");
  ASSERT_EQ(Error(), "");
  EXPECT_TRUE(
      absl::StrContains(fs_.files["SHA256SUMS"], "  infer-1.2.3-linux-x86_64-cpu.tar.gz\n"));
}

TEST_F(ReleaseLockTest, AnEmptyStampLeavesTheVersion) {
  fs_.files["status"] = "BUILD_EMBED_LABEL \nBUILD_EMBED_LABEL2 7\n";
  Merge(R"({"status_file":"status","status_key":"BUILD_EMBED_LABEL"})");
  ASSERT_EQ(Error(), "");
  EXPECT_TRUE(
      absl::StrContains(fs_.files["SHA256SUMS"], "  infer-0.1.0-linux-x86_64-cpu.tar.gz\n"));
}

TEST_F(ReleaseLockTest, NoVersionAtAll) {
  request_.mutable_lock()->clear_version();
  fs_.files["status"] = "BUILD_HOST x\n";
  Merge(R"({"status_file":"status","status_key":"STABLE_VERSION"})");
  EXPECT_EQ(Error(),
            "release: //:release: got no STABLE_VERSION in the workspace status, expected the "
            "version of the release\n"
            "hint: --workspace_status_command, or the attribute version for builds without it");
  request_.set_status_key("BUILD_EMBED_LABEL");
  EXPECT_EQ(Error(),
            "release: //:release: got no BUILD_EMBED_LABEL in the workspace status, expected the "
            "version of the release\n"
            "hint: --embed_label=1.2.3, or the attribute version for builds without it");
}

TEST_F(ReleaseLockTest, AVersionThatIsNoFileName) {
  request_.mutable_lock()->set_version("1/2");
  EXPECT_EQ(Error(),
            "release: //:release: got version '1/2', expected letters, digits, '.', '_', '+' and "
            "'-'");
}

TEST_F(ReleaseLockTest, AMutableAddress) {
  request_.mutable_lock()->set_url_template("https://example.invalid/latest/{archive}");
  EXPECT_EQ(Error(),
            "variants lock: //:release: row 0: got url "
            "'https://example.invalid/latest/infer-0.1.0-linux-x86_64-cpu.tar.gz', in which "
            "'latest' moves, expected an address whose bytes stay");
}

TEST_F(ReleaseLockTest, EveryFailureLeavesWholeFiles) {
  ASSERT_EQ(Error(), "");
  const base::MemoryFileSystem good = fs_;
  for (int n = 1;; ++n) {
    base::MemoryFileSystem memory;
    memory.files["cpu.row.json"] = kCpu;
    base::FaultyFileSystem faulty(memory, n, absl::ResourceExhaustedError("disk full"));
    std::string notes;
    const absl::Status status = WriteReleaseLock(request_, faulty, &notes);
    EXPECT_EQ(status.ok(), !faulty.failed()) << n;
    for (const auto& [path, data] : memory.files) EXPECT_EQ(data, good.files.at(path)) << n;
    EXPECT_EQ(memory.files.contains("x.release.json"), status.ok()) << n;
    if (!faulty.failed()) break;
  }
}

}  // namespace
}  // namespace rules_inference::release
