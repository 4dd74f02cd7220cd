#include "plugins/layer/oci/archive.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

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

sdk::ArchiveRequest Request(const std::string& directory) {
  sdk::ImageRequest image;
  image.set_config_output(absl::StrCat(directory, "/config.json"));
  image.set_manifest_output(absl::StrCat(directory, "/manifest.json"));
  image.set_index_output(absl::StrCat(directory, "/index.json"));
  image.set_side_file(absl::StrCat(directory, "/image.json"));
  image.mutable_platform()->set_os("linux");
  image.mutable_platform()->set_architecture("amd64");
  image.set_base_layout(WriteLayout(absl::StrCat(directory, "/base")).root);
  const sdk::LayerBlob layer = WriteLayer(directory, "layer", "my content");
  image.add_layer_side_files(layer.side_file());
  image.add_layer_side_files(layer.side_file());
  base::RealFileSystem fs;
  EXPECT_TRUE(BuildImage(image, fs).ok());

  sdk::ArchiveRequest request;
  request.set_output(absl::StrCat(directory, "/image.tar"));
  request.set_config(image.config_output());
  request.set_manifest(image.manifest_output());
  request.set_base_layout(image.base_layout());
  *request.add_layers() = layer;
  request.add_tags("app:1");
  request.add_tags("localhost:5000/team/app:dev");
  return request;
}

// `type mode path size` of each entry, read by a reader of our own that knows nothing of the
// writer.
std::string Listing(absl::string_view tar) {
  std::string result;
  size_t pos = 0;
  while (pos + 512 <= tar.size() && tar[pos] != '\0') {
    const absl::string_view header = tar.substr(pos, 512);
    const std::string name(header.data());
    const uint64_t size = std::strtoull(std::string(header.substr(124, 11)).c_str(), nullptr, 8);
    absl::StrAppend(&result, header.substr(156, 1), " ", header.substr(103, 4), " ", name, " ",
                    size, "\n");
    pos += 512 + (size + 511) / 512 * 512;
  }
  absl::StrAppend(&result, tar.size() - pos >= 1024 &&
                                   tar.substr(pos).find_first_not_of('\0') == std::string::npos
                               ? "end"
                               : "no end");
  return result;
}

TEST(ArchiveTest, HoldsLayoutAndDockerManifest) {
  const std::string directory = TestDirectory();
  const sdk::ArchiveRequest request = Request(directory);
  base::RealFileSystem fs;
  const absl::Status status = BuildArchive(request, fs);
  ASSERT_TRUE(status.ok()) << status;
  const std::string tar = Read(request.output());
  const std::string config = base::Sha256::Of(Read(request.config())).Hex();
  const std::string manifest = base::Sha256::Of(Read(request.manifest())).Hex();
  const std::string mine = base::Sha256::Of("my content").Hex();
  const std::string base_layer = base::Sha256::Of("base layer").Hex();
  ASSERT_LT(base_layer, mine);
  EXPECT_EQ(absl::StrReplaceAll(
                Listing(tar),
                {{config, "CONFIG"}, {manifest, "MANIFEST"}, {mine, "MINE"}, {base_layer, "BASE"}}),
            R"(0 0644 oci-layout 30
0 0644 index.json 617
0 0644 manifest.json 394
5 0755 blobs/ 0
5 0755 blobs/sha256/ 0
0 0644 blobs/sha256/CONFIG 744
0 0644 blobs/sha256/MANIFEST 691
0 0644 blobs/sha256/BASE 10
0 0644 blobs/sha256/MINE 10
end)");
  EXPECT_NE(tar.find(absl::StrCat(
                R"([{"Config":"blobs/sha256/)", config,
                R"(","RepoTags":["app:1","localhost:5000/team/app:dev"],"Layers":["blobs/sha256/)",
                base_layer, R"(","blobs/sha256/)", mine, R"(","blobs/sha256/)", mine, R"("]}])")),
            std::string::npos);
  EXPECT_NE(
      tar.find(absl::StrCat(
          R"("annotations":{"io.containerd.image.name":"docker.io/library/app:1","org.opencontainers.image.ref.name":"1"})")),
      std::string::npos);
}

TEST(ArchiveTest, WithoutTags) {
  sdk::ArchiveRequest request = Request(TestDirectory());
  request.clear_tags();
  base::RealFileSystem fs;
  ASSERT_TRUE(BuildArchive(request, fs).ok());
  EXPECT_NE(Read(request.output()).find(R"("RepoTags":null)"), std::string::npos);
}

// The digest is compared on the way: a blob that changed after its layer was built does not get
// out.
TEST(ArchiveTest, RefusesChangedBlob) {
  const std::string directory = TestDirectory();
  const sdk::ArchiveRequest request = Request(directory);
  Write(request.layers(0).blob(), "MY CONTENT");
  base::RealFileSystem fs;
  EXPECT_EQ(
      BuildArchive(request, fs).message(),
      absl::StrCat(directory, "/layer: digest: got ", base::Sha256::Of("MY CONTENT").ToString(),
                   ", expected ", base::Sha256::Of("my content").ToString()));
  EXPECT_FALSE(Exists(request.output()));
}

TEST(ArchiveTest, RefusesStandardOutput) {
  sdk::ArchiveRequest request = Request(TestDirectory());
  request.set_output("-");
  base::RealFileSystem fs;
  EXPECT_EQ(BuildArchive(request, fs).message(),
            "image archive: output: got '-', expected the path of a file");
}

TEST(ArchiveTest, LeavesNothingHalfDone) {
  const std::string directory = TestDirectory();
  const sdk::ArchiveRequest request = Request(directory);
  base::RealFileSystem real;
  for (int n = 1;; ++n) {
    base::FaultyFileSystem faulty(real, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = BuildArchive(request, faulty);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_GT(n, 30);
      break;
    }
    EXPECT_EQ(status.message(), "disk full") << n;
    EXPECT_FALSE(Exists(request.output())) << n;
    EXPECT_FALSE(Exists(base::PartialPath(request.output()))) << n;
  }
}

}  // namespace
}  // namespace rules_inference::layer::oci
