#include "plugins/layer/layer_plugin.h"

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/plugin.h"

namespace rules_inference::layer {
namespace {

TEST(LayerPluginTest, DescribesItself) {
  const auto descriptor = LayerPlugin().Describe();
  EXPECT_EQ(descriptor.name(), "layer");
  EXPECT_EQ(descriptor.kind(), "layer");
  EXPECT_EQ(descriptor.capabilities_size(), 3);
}

TEST(LayerPluginTest, RunsInASandbox) {
  LayerPlugin plugin;
  sdk::Request request;
  request.sandbox_dir = testing::TempDir();
  request.lines = {
      R"({"layer":{"output":"plugin.tar","side_file":"plugin.json","mode":"STORED"}})",
      R"({"layer":{"files":[{"path":"empty","type":"EMPTY"}]}})",
  };
  std::string output;
  const absl::Status status = plugin.Run(request, &output);
  ASSERT_TRUE(status.ok()) << status;
  base::RealFileSystem fs;
  // The blob of mode STORED is the tar stream: one header and the end of the archive.
  const std::string digest =
      "sha256:30035e2c75862c634cfa3e1b9ceec1444e935f1d0278c86f1bd85ca5b9944a0f";
  EXPECT_EQ(base::ReadFile(fs, absl::StrCat(testing::TempDir(), "/plugin.json"), 1000).value(),
            absl::StrCat(R"({"diff_id":")", digest, R"(","digest":")", digest,
                         R"(","entries":1,"media_type":"application/vnd.oci.image.layer.v1.tar",)",
                         R"("size":1536,"unpacked_size":1536})", "\n"));
}

TEST(LayerPluginTest, RequestsWithoutAKindAreRefused) {
  LayerPlugin plugin;
  sdk::Request request;
  request.lines = {"{}"};
  std::string output;
  EXPECT_EQ(
      plugin.Run(request, &output).message(),
      "request: kind: got none, expected one of layer, image, layout, archive, check, model and "
      "index");
}

TEST(LayerPluginTest, PassesCancellationOn) {
  LayerPlugin plugin;
  std::atomic<bool> cancelled = true;
  sdk::Request request;
  request.sandbox_dir = testing::TempDir();
  request.cancelled = &cancelled;
  request.lines = {R"({"layer":{"output":"c.tar","side_file":"c.json","mode":"STORED"}})"};
  std::string output;
  EXPECT_EQ(plugin.Run(request, &output).message(), "layer: cancelled");
}

}  // namespace
}  // namespace rules_inference::layer
