#include "plugins/release/export.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::release {
namespace {

class ExportTest : public testing::Test {
 protected:
  ExportTest() {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/export", ++count);
    fs_.RemoveTree(root_).IgnoreError();
    const std::string sha256 = base::Sha256::Of("bytes").Hex();
    Write("runfiles/main/a.tar.gz", "bytes");
    Write("runfiles/main/sums", absl::StrCat(sha256, "  demo-1-linux-x86_64-cpu.tar.gz\n"));
    Write("runfiles/main/x.lock.json",
          absl::StrCat(R"({"artifact":"demo","lock_version":1,"version":"1",)"
                       R"("url_template":"https://example.invalid/{variant}","variants":[)"
                       R"({"name":"cpu","platform":"linux-x86_64","format":"tar.gz","size":5,)"
                       R"("sha256":")",
                       sha256, "\"}]}\n"));
    Write("x.release.json",
          absl::StrCat(R"({"files":[{"name":"demo-1-linux-x86_64-cpu.tar.gz",)"
                       R"("path":"main/a.tar.gz","sha256":")",
                       sha256,
                       R"("}],"lock":"main/x.lock.json","lock_name":"x.lock.json",)"
                       R"("sums":"main/sums"})"));
    options_.manifest = root_ + "/x.release.json";
    options_.runfiles = root_ + "/runfiles";
    options_.directory = root_ + "/dist";
  }
  void Write(const std::string& path, const std::string& data) {
    const std::string full = base::JoinPath(root_, path);
    EXPECT_TRUE(fs_.CreateDirectories(full.substr(0, full.rfind('/'))).ok());
    EXPECT_TRUE(base::WriteFile(fs_, full, data).ok());
  }
  std::string Read(const std::string& path) {
    return base::ReadFile(fs_, base::JoinPath(root_, path), 1 << 20).value_or("nothing");
  }
  std::string Names() {
    const auto names = fs_.List(options_.directory);
    return names.ok() ? absl::StrJoin(*names, " ") : "nothing";
  }
  // The report, or the error.
  std::string Run() {
    std::string report;
    const absl::Status status = Export(options_, fs_, &report);
    return absl::StrReplaceAll(status.ok() ? report : std::string(status.message()),
                               {{root_, "ROOT"}});
  }

  static constexpr char kReport[] =
      "ROOT/dist/demo-1-linux-x86_64-cpu.tar.gz\nROOT/dist/SHA256SUMS\nROOT/dist/x.lock.json\n";
  static constexpr char kNames[] = "SHA256SUMS demo-1-linux-x86_64-cpu.tar.gz x.lock.json";

  std::string root_;
  base::RealFileSystem fs_;
  ExportOptions options_;
};

TEST_F(ExportTest, CopiesEverything) {
  EXPECT_EQ(Run(), kReport);
  EXPECT_EQ(Names(), kNames);
  EXPECT_EQ(Read("dist/demo-1-linux-x86_64-cpu.tar.gz"), "bytes");
  EXPECT_EQ(Read("dist/SHA256SUMS"), Read("runfiles/main/sums"));
  EXPECT_EQ(Read("dist/x.lock.json"), Read("runfiles/main/x.lock.json"));
  EXPECT_EQ(Run(), kReport);
}

TEST_F(ExportTest, AnotherAddress) {
  options_.url_template = "https://mirror.example.invalid/{archive}";
  EXPECT_EQ(Run(), kReport);
  EXPECT_TRUE(absl::StrContains(
      Read("dist/x.lock.json"),
      R"("https://mirror.example.invalid/{artifact}-{version}-{platform}-{variant}.tar.gz")"));
}

TEST_F(ExportTest, AnAddressThatMoves) {
  options_.url_template = "https://mirror.example.invalid/latest/{variant}";
  EXPECT_EQ(Run(),
            "variants lock: --url-template: row 0: got url "
            "'https://mirror.example.invalid/latest/cpu', in which 'latest' moves, expected an "
            "address whose bytes stay");
  EXPECT_EQ(Names(), "nothing");
}

TEST_F(ExportTest, AReleaseDoesNotChange) {
  Write("dist/demo-1-linux-x86_64-cpu.tar.gz", "other bytes");
  EXPECT_EQ(Run(), absl::StrCat("release: ROOT/dist/demo-1-linux-x86_64-cpu.tar.gz: got sha256 ",
                                base::Sha256::Of("other bytes").Hex(), ", expected ",
                                base::Sha256::Of("bytes").Hex(),
                                ", or no such file\nhint: a release does not change: another "
                                "version, or another directory"));
  EXPECT_EQ(Names(), "demo-1-linux-x86_64-cpu.tar.gz");
}

// Who finds the lock finds all that it names; what was begun can be finished.
TEST_F(ExportTest, EveryFailureLeavesNoLock) {
  for (int n = 1;; ++n) {
    ASSERT_TRUE(fs_.RemoveTree(options_.directory).ok());
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    std::string report;
    const absl::Status status = Export(options_, faulty, &report);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      break;
    }
    EXPECT_FALSE(status.ok()) << n;
    EXPECT_EQ(Read("dist/x.lock.json"), "nothing") << n;
    EXPECT_EQ(Run(), kReport) << n;
    EXPECT_EQ(Names(), kNames) << n;
  }
}

TEST(ParseExportOptionsTest, Flags) {
  const auto error = [](absl::Span<const std::string> arguments) {
    return std::string(ParseExportOptions(arguments).status().message());
  };
  const auto options = ParseExportOptions({"/x/release", "--url-template=u", "/dist"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->manifest, "/x/release.release.json");
  EXPECT_EQ(options->url_template, "u");
  EXPECT_EQ(options->directory, "/dist");
  EXPECT_EQ(ParseExportOptions({"/x/release", "--url-template", "u", "/dist"})->url_template, "u");
  EXPECT_EQ(error({"x"}),
            "release: arguments: got no directory, expected [--url-template URL] DIRECTORY");
  EXPECT_EQ(error({"x", "a", "b"}),
            "release: arguments: got 'b', expected [--url-template URL] DIRECTORY");
  EXPECT_EQ(error({"x", "--force"}),
            "release: arguments: got '--force', expected [--url-template URL] DIRECTORY");
}

}  // namespace
}  // namespace rules_inference::release
