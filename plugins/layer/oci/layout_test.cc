#include "plugins/layer/oci/layout.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/image.h"
#include "plugins/layer/oci/test_util.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

// An image of one base layer and two of its own; the same blob stands in it twice.
sdk::LayoutRequest Request(const std::string& directory) {
  sdk::ImageRequest image;
  image.set_config_output(absl::StrCat(directory, "/config.json"));
  image.set_manifest_output(absl::StrCat(directory, "/manifest.json"));
  image.set_index_output(absl::StrCat(directory, "/index.json"));
  image.set_side_file(absl::StrCat(directory, "/image.json"));
  image.mutable_platform()->set_os("linux");
  image.mutable_platform()->set_architecture("amd64");
  image.set_base_layout(WriteLayout(absl::StrCat(directory, "/base")).root);
  const sdk::LayerBlob layer = WriteLayer(directory, "my layer", "my content");
  image.add_layer_side_files(layer.side_file());
  image.add_layer_side_files(layer.side_file());
  base::RealFileSystem fs;
  EXPECT_TRUE(BuildImage(image, fs).ok());

  sdk::LayoutRequest request;
  request.set_output(absl::StrCat(directory, "/out"));
  request.set_config(image.config_output());
  request.set_manifest(image.manifest_output());
  request.set_index(image.index_output());
  request.set_base_layout(image.base_layout());
  *request.add_layers() = layer;
  return request;
}

std::string BlobOf(const sdk::LayoutRequest& request, absl::string_view content) {
  return absl::StrCat(request.output(), "/", BlobPath(base::Sha256::Of(content)));
}

TEST(LayoutTest, LinksBlobsAndCopiesDocuments) {
  const std::string directory = TestDirectory();
  const sdk::LayoutRequest request = Request(directory);
  base::RealFileSystem fs;
  ASSERT_TRUE(fs.CreateDirectories(request.output()).ok());
  const absl::Status status = BuildLayout(request, fs);
  ASSERT_TRUE(status.ok()) << status;

  EXPECT_EQ(Read(absl::StrCat(request.output(), "/oci-layout")),
            R"({"imageLayoutVersion":"1.0.0"})");
  EXPECT_EQ(Read(absl::StrCat(request.output(), "/index.json")), Read(request.index()));
  const std::string mine = BlobOf(request, "my content");
  EXPECT_EQ(fs.ReadLink(mine).value(),
            std::filesystem::canonical(request.layers(0).blob()).string());
  EXPECT_EQ(Read(mine), "my content");
  EXPECT_EQ(Read(BlobOf(request, "base layer")), "base layer");
  EXPECT_FALSE(std::filesystem::is_symlink(BlobOf(request, Read(request.config()))));
  EXPECT_EQ(Read(BlobOf(request, Read(request.manifest()))), Read(request.manifest()));
  EXPECT_EQ(fs.List(absl::StrCat(request.output(), "/blobs/sha256")).value().size(), 4U);
}

// The point of the links: an unreadable blob does no harm.
TEST(LayoutTest, ReadsNoBlob) {
  const std::string directory = TestDirectory();
  sdk::LayoutRequest request = Request(directory);
  Write(request.layers(0).blob(), "MY CONTENT");  // The same size, other bytes.
  base::RealFileSystem fs;
  EXPECT_TRUE(BuildLayout(request, fs).ok());
}

TEST(LayoutTest, CopiesOnRequest) {
  const std::string directory = TestDirectory();
  sdk::LayoutRequest request = Request(directory);
  request.set_copy(true);
  base::RealFileSystem fs;
  ASSERT_TRUE(BuildLayout(request, fs).ok());
  EXPECT_FALSE(std::filesystem::is_symlink(BlobOf(request, "my content")));
  EXPECT_EQ(Read(BlobOf(request, "my content")), "my content");
}

std::string Outcome(const sdk::LayoutRequest& request, const std::string& directory) {
  base::RealFileSystem fs;
  const absl::Status status = BuildLayout(request, fs);
  return status.ok() ? "ok" : absl::StrReplaceAll(status.message(), {{directory, "DIR"}});
}

TEST(LayoutTest, RefusesWhatDoesNotFitTogether) {
  const std::string directory = TestDirectory();
  const sdk::LayoutRequest good = Request(directory);
  const std::string mine = base::Sha256::Of("my content").ToString();

  sdk::LayoutRequest request = good;
  request.clear_layers();
  request.clear_base_layout();
  EXPECT_EQ(
      Outcome(request, directory),
      absl::StrCat("DIR/manifest.json: layers[0]: got ", base::Sha256::Of("base layer").ToString(),
                   ", expected the digest of one of the given layers"));

  request = good;
  request.clear_output();
  EXPECT_EQ(Outcome(request, directory), "layout: output: got nothing, expected a path");

  request = good;
  Write(absl::StrCat(directory, "/out/rest"), "");
  EXPECT_EQ(Outcome(request, directory),
            "layout: DIR/out: got 'rest', expected an empty directory");
  EXPECT_TRUE(Exists(absl::StrCat(directory, "/out/rest")));
  std::filesystem::remove_all(request.output());

  Write(request.layers(0).blob(), "short");
  EXPECT_EQ(Outcome(request, directory), "DIR/my layer: size: got 5 bytes, expected 10");
  Write(request.layers(0).blob(), "my content");

  const std::string index = Read(request.index());
  Write(request.index(), R"({"schemaVersion":2,"manifests":[]})");
  EXPECT_EQ(Outcome(request, directory),
            absl::StrCat("DIR/index.json: manifests: got no entry, expected ",
                         base::Sha256::Of(Read(request.manifest())).ToString()));
  Write(request.index(), index);

  const std::string config = Read(request.config());
  Write(request.config(), "{}");
  EXPECT_EQ(Outcome(request, directory),
            absl::StrCat("DIR/config.json: digest: got ", base::Sha256::Of("{}").ToString(),
                         ", expected ", base::Sha256::Of(config).ToString()));
  Write(request.config(), config);
  EXPECT_EQ(Outcome(request, directory), "ok");
}

TEST(LayoutTest, RealPathFollowsAllLinks) {
  const std::string directory = std::filesystem::canonical(TestDirectory()).string();
  Write(absl::StrCat(directory, "/a/file"), "x");
  std::filesystem::create_directory_symlink("a", absl::StrCat(directory, "/b"));
  std::filesystem::create_symlink("../b/./file", absl::StrCat(directory, "/a/link"));
  std::filesystem::create_symlink(absl::StrCat(directory, "/a/link"),
                                  absl::StrCat(directory, "/c"));
  std::filesystem::create_symlink("loop", absl::StrCat(directory, "/loop"));
  base::RealFileSystem fs;
  EXPECT_EQ(RealPath(absl::StrCat(directory, "/c"), fs).value(),
            absl::StrCat(directory, "/a/file"));
  EXPECT_EQ(RealPath(std::filesystem::relative(absl::StrCat(directory, "/c")).string(), fs).value(),
            absl::StrCat(directory, "/a/file"));
  EXPECT_EQ(RealPath("/..", fs).value(), "/");
  const absl::StatusOr<std::string> loop = RealPath(absl::StrCat(directory, "/loop"), fs);
  EXPECT_EQ(loop.status().message(),
            absl::StrCat("symbolic links: ", directory, "/loop: got a loop, expected a file"));
}

TEST(LayoutTest, LeavesNothingHalfDone) {
  const std::string directory = TestDirectory();
  for (const bool copy : {false, true}) {
    sdk::LayoutRequest request = Request(directory);
    request.set_copy(copy);
    base::RealFileSystem real;
    for (int n = 1;; ++n) {
      ASSERT_TRUE(real.RemoveTree(request.output()).ok());
      base::FaultyFileSystem faulty(real, n, absl::ResourceExhaustedError("disk full"));
      const absl::Status status = BuildLayout(request, faulty);
      if (!faulty.failed()) {
        EXPECT_TRUE(status.ok()) << status;
        EXPECT_GT(n, 20);
        break;
      }
      EXPECT_EQ(status.message(), "disk full") << n;
      EXPECT_FALSE(Exists(request.output())) << n;
    }
  }
}

}  // namespace
}  // namespace rules_inference::layer::oci
