#include "plugins/release/shipped.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::release {
namespace {

class LauncherTest : public testing::Test {
 protected:
  LauncherTest() {
    fs_.files["cpu.row.json"] =
        R"({"name":"cpu","platform":"linux-x86_64","format":"tar.gz","size":10,"sha256":"aa"})";
    fs_.files["cuda.row.json"] =
        R"({"name":"cuda-sm86","platform":"linux-x86_64","format":"tar.gz","sha256":"bb",)"
        R"("properties":{"accelerator":"cuda","cubins":["sm_86"],"cuda":"13.0"}})";
    Merge(R"({"output":"infer.variants.json","manifest":{"manifest_version":1,)"
          R"("detector":"main/detector","program":"bin/infer","chain":["cpu"],)"
          R"("lock":{"artifact":"infer","lock_version":1,"version":"1.0"}}})");
  }
  void Merge(const std::string& text) {
    const absl::Status status = sdk::MergeJson("test", text, &request_);
    EXPECT_TRUE(status.ok()) << status;
  }
  void AddCpu() { Merge(R"({"manifest":{"directories":["main/cpu"]},"rows":["cpu.row.json"]})"); }
  void AddCuda() {
    Merge(R"({"manifest":{"directories":["main/cuda"]},"rows":["cuda.row.json"]})");
  }
  std::string Written() {
    const absl::Status status = WriteLauncherManifest(request_, fs_);
    EXPECT_TRUE(status.ok()) << status;
    return fs_.files["infer.variants.json"];
  }

  base::MemoryFileSystem fs_;
  sdk::ReleaseLauncherRequest request_;
};

TEST_F(LauncherTest, Rows) {
  AddCuda();
  AddCpu();
  EXPECT_EQ(Written(),
            "{\"chain\":[\"cpu\"],\"detector\":\"main/detector\",\"directories\":[\"main/cuda\","
            "\"main/cpu\"],\"lock\":{\"artifact\":\"infer\",\"lock_version\":1,\"variants\":[{"
            "\"name\":\"cuda-sm86\",\"platform\":\"linux-x86_64\",\"properties\":{\"accelerator\":"
            "\"cuda\",\"cubins\":[\"sm_86\"],\"cuda\":\"13.0\"}},{\"name\":\"cpu\",\"platform\":"
            "\"linux-x86_64\"}],\"version\":\"1.0\"},\"manifest_version\":1,\"program\":"
            "\"bin/infer\"}\n");
}

TEST_F(LauncherTest, NoDetectorWhereNothingIsWanted) {
  AddCpu();
  EXPECT_EQ(Written().find("detector"), std::string::npos);
}

TEST_F(LauncherTest, RowsAndDirectories) {
  AddCpu();
  Merge(R"({"rows":["cuda.row.json"]})");
  EXPECT_EQ(WriteLauncherManifest(request_, fs_).message(),
            "launcher of a release: infer.variants.json: got 2 rows, expected 1, one for each "
            "directory");
}

TEST_F(LauncherTest, NoRow) {
  Merge(R"({"manifest":{"directories":["x"]},"rows":["x.row.json"]})");
  EXPECT_TRUE(absl::IsNotFound(WriteLauncherManifest(request_, fs_)));
  EXPECT_FALSE(fs_.files.contains("infer.variants.json"));
}

TEST_F(LauncherTest, FaultAtEachOperation) {
  AddCuda();
  AddCpu();
  for (int n = 1;; ++n) {
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const bool ok = WriteLauncherManifest(request_, faulty).ok();
    EXPECT_EQ(ok, !faulty.failed()) << n;
    EXPECT_EQ(fs_.files.contains("infer.variants.json"), ok) << n;
    if (ok) break;
  }
}

TEST(TreeTest, OnlyTheBytesOfTheRow) {
  base::RealFileSystem fs;
  const std::string root = absl::StrCat(testing::TempDir(), "/tree");
  ASSERT_TRUE(fs.RemoveTree(root).ok());
  ASSERT_TRUE(fs.CreateDirectories(root).ok());
  const std::string zip = base::BuildZip({{{"app/bin/infer", "#!/bin/sh\n"}}});
  ASSERT_TRUE(base::WriteFile(fs, root + "/a.zip", zip).ok());
  sdk::ReleaseTreeRequest request;
  request.set_archive(root + "/a.zip");
  request.set_row(root + "/row.json");
  request.set_output_dir(root + "/out");
  const auto write_row = [&](const std::string& sha256) {
    const std::string row = absl::StrCat(R"({"name":"cpu","format":"zip","strip_prefix":"app",)",
                                         R"("size":)", zip.size(), R"(,"sha256":")", sha256, "\"}");
    ASSERT_TRUE(base::WriteFile(fs, request.row(), row).ok());
  };

  write_row(base::Sha256::Of("something else").Hex());
  EXPECT_FALSE(WriteTree(request, fs).ok());
  EXPECT_TRUE(absl::IsNotFound(fs.Stat(root + "/out/bin", base::Follow::kNo).status()));

  write_row(base::Sha256::Of(zip).Hex());
  const absl::Status status = WriteTree(request, fs);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(base::ReadFile(fs, root + "/out/bin/infer", 100).value_or("no file"), "#!/bin/sh\n");
}

}  // namespace
}  // namespace rules_inference::release
