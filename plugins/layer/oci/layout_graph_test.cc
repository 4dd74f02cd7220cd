#include "plugins/layer/oci/layout_graph.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/descriptor.h"

namespace rules_inference::layer::oci {
namespace {

constexpr absl::string_view kLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr absl::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";

class LayoutGraphTest : public testing::Test {
 protected:
  // A blob of the layout, and its descriptor with `more` in it.
  std::string Add(absl::string_view media_type, absl::string_view text,
                  absl::string_view more = "") {
    const base::Digest digest = base::Sha256::Of(text);
    fs_.files[absl::StrCat("image/", BlobPath(digest))] = std::string(text);
    return absl::StrCat(R"({"mediaType":")", media_type, R"(","digest":")", digest.ToString(),
                        R"(","size":)", text.size(), more, "}");
  }

  static std::string Manifest(absl::string_view media_type, absl::string_view config,
                              const std::vector<std::string>& layers) {
    return absl::StrCat(R"({"schemaVersion":2,"mediaType":")", media_type, R"(","config":)", config,
                        R"(,"layers":[)", absl::StrJoin(layers, ","), "]}");
  }

  static std::string Index(const std::vector<std::string>& manifests) {
    return absl::StrCat(R"({"schemaVersion":2,"manifests":[)", absl::StrJoin(manifests, ","), "]}");
  }

  absl::StatusOr<LayoutGraph> Read(const std::vector<std::string>& manifests) {
    fs_.files["image/index.json"] = Index(manifests);
    return ReadLayout("image", fs_);
  }

  std::vector<std::string> Blobs(const LayoutGraph& graph) {
    std::vector<std::string> texts;
    for (const Blob& blob : graph.blobs) texts.push_back(fs_.files[blob.path]);
    return texts;
  }

  base::MemoryFileSystem fs_;
};

TEST_F(LayoutGraphTest, AnImage) {
  const std::string text = Manifest(kManifestType, Add(kConfigType, "config"),
                                    {Add(kLayer, "one"), Add(kLayer, "two"), Add(kLayer, "one")});
  const auto graph = Read({Add(kManifestType, text)});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(Blobs(*graph), (std::vector<std::string>{"config", "one", "two"}));
  ASSERT_EQ(graph->documents.size(), 1);
  EXPECT_EQ(graph->root().text, text);
  EXPECT_EQ(graph->root().media_type, kManifestType);
}

TEST_F(LayoutGraphTest, AnIndexComesAfterItsImages) {
  const std::string a =
      Manifest(kManifestType, Add(kConfigType, "config a"), {Add(kLayer, "both")});
  const std::string b = Manifest(kManifestType, Add(kConfigType, "config b"),
                                 {Add(kLayer, "both"), Add(kLayer, "b")});
  const std::string index = Index({Add(kManifestType, a), Add(kManifestType, b)});
  const auto graph = Read({Add(kIndexType, index)});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(Blobs(*graph), (std::vector<std::string>{"config a", "both", "config b", "b"}));
  ASSERT_EQ(graph->documents.size(), 3);
  EXPECT_EQ(graph->documents[0].text, a);
  EXPECT_EQ(graph->documents[1].text, b);
  EXPECT_EQ(graph->root().text, index);
}

TEST_F(LayoutGraphTest, DockersNamesAreKept) {
  const std::string text = Manifest(kDockerManifest, Add(kConfigType, "config"), {});
  const auto graph = Read({Add(kDockerManifest, text)});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->root().media_type, kDockerManifest);
}

TEST_F(LayoutGraphTest, LayersThatAreElsewhereMayBeAbsent) {
  const std::string layer = Add(kLayer, "foreign", R"(,"urls":["https://cdn.example.com/x"])");
  fs_.files.erase(absl::StrCat("image/", BlobPath(base::Sha256::Of("foreign"))));
  const auto graph =
      Read({Add(kManifestType, Manifest(kManifestType, Add(kConfigType, "c"), {layer}))});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(Blobs(*graph), std::vector<std::string>{"c"});
}

TEST_F(LayoutGraphTest, ALayerThatIsMissing) {
  const std::string layer = Add(kLayer, "layer");
  const std::string path = absl::StrCat("image/", BlobPath(base::Sha256::Of("layer")));
  fs_.files.erase(path);
  const auto graph =
      Read({Add(kManifestType, Manifest(kManifestType, Add(kConfigType, "c"), {layer}))});
  EXPECT_NE(graph.status().message().find(path), std::string::npos) << graph.status();
}

TEST_F(LayoutGraphTest, ALayerOfAnotherSize) {
  const std::string layer = Add(kLayer, "layer");
  const std::string path = absl::StrCat("image/", BlobPath(base::Sha256::Of("layer")));
  fs_.files[path] = "short";
  fs_.files[path].pop_back();
  const auto graph =
      Read({Add(kManifestType, Manifest(kManifestType, Add(kConfigType, "c"), {layer}))});
  EXPECT_EQ(graph.status().message(), absl::StrCat(path, ": size: got 4, expected 5"));
}

TEST_F(LayoutGraphTest, AManifestWithOtherBytes) {
  const std::string text = Manifest(kManifestType, Add(kConfigType, "c"), {});
  const std::string root = Add(kManifestType, text);
  const std::string path = absl::StrCat("image/", BlobPath(base::Sha256::Of(text)));
  fs_.files[path][1] = '\'';
  EXPECT_EQ(Read({root}).status().message(),
            absl::StrCat(path, ": digest: got ", base::Sha256::Of(fs_.files[path]).ToString(),
                         ", expected ", base::Sha256::Of(text).ToString()));
}

TEST_F(LayoutGraphTest, TwoRootsOrNone) {
  EXPECT_EQ(Read({}).status().message(),
            "image layout: image/index.json: got 0 manifests, expected one, of an image or of an "
            "index of images");
  const std::string one = Add(kManifestType, "1");
  EXPECT_EQ(Read({one, one}).status().message(),
            "image layout: image/index.json: got 2 manifests, expected one, of an image or of an "
            "index of images");
}

TEST_F(LayoutGraphTest, IndexesOfIndexesEnd) {
  std::string index = Index({});
  for (int i = 0; i < 4; ++i) index = Index({Add(kIndexType, index)});
  const auto graph = Read({Add(kIndexType, index)});
  EXPECT_NE(graph.status().message().find("index: got depth 3, expected at most 2"),
            std::string::npos)
      << graph.status();
}

TEST_F(LayoutGraphTest, WhatIsNoManifest) {
  EXPECT_EQ(Read({Add(kLayer, "x")}).status().message(),
            absl::StrCat("image/index.json: manifests[0]: mediaType: got '", kLayer,
                         "', expected a manifest or an index"));
}

}  // namespace
}  // namespace rules_inference::layer::oci
