#include "plugins/layer/oci/index.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/documents.h"
#include "plugins/layer/oci/json.h"
#include "plugins/layer/oci/layout.h"
#include "plugins/layer/oci/layout_graph.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::JoinPath;
using base::Mismatch;

std::string Text(const Json& object, absl::string_view key) {
  const Json* member = object.Find(key);
  return member != nullptr && member->is_string() ? member->text() : "";
}

struct Image {
  LayoutGraph graph;
  Descriptor config;
  std::string config_text;
  // What the config says.
  sdk::Platform platform;
};

absl::StatusOr<sdk::Platform> PlatformOf(absl::string_view config_text, absl::string_view path) {
  ASSIGN_OR_RETURN(const Json config, ParseJson(config_text, path));
  sdk::Platform platform;
  platform.set_os(Text(config, "os"));
  platform.set_architecture(Text(config, "architecture"));
  platform.set_variant(Text(config, "variant"));
  if (platform.os().empty() || platform.architecture().empty()) {
    return Mismatch("image index", path, "no platform", "os and architecture, as an image has");
  }
  return platform;
}

absl::StatusOr<Image> ReadImage(absl::string_view layout, base::FileSystem& fs) {
  Image image;
  ASSIGN_OR_RETURN(image.graph, ReadLayout(layout, fs));
  const Document& root = image.graph.root();
  if (root.descriptor.media_type != kManifestType) {
    return Mismatch("image index", layout, "an index of images", "one image");
  }
  ASSIGN_OR_RETURN(const Manifest manifest, ParseManifest(root.text, layout));
  image.config = manifest.config;
  const std::string path = absl::StrCat(layout, "/", BlobPath(image.config.digest));
  ASSIGN_OR_RETURN(image.config_text, ReadDocument(path, fs));
  RETURN_IF_ERROR(CheckBytes(image.config, image.config_text, path));
  ASSIGN_OR_RETURN(image.platform, PlatformOf(image.config_text, path));
  return image;
}

Json PlatformJson(const sdk::Platform& platform) {
  Json result = Json::Object();
  result.Set("architecture", Json::String(platform.architecture()));
  result.Set("os", Json::String(platform.os()));
  if (!platform.variant().empty()) result.Set("variant", Json::String(platform.variant()));
  return result;
}

Json IndexJson(Json manifests) {
  Json result = Json::Object();
  result.Set("schemaVersion", Json::Number(2));
  result.Set("mediaType", Json::String(kIndexType));
  result.Set("manifests", std::move(manifests));
  return result;
}

struct Index {
  std::vector<Image> images;
  std::string text;
  std::string root;  // index.json
};

absl::StatusOr<Index> Plan(const sdk::IndexRequest& request, base::FileSystem& fs) {
  Index index;
  Json manifests = Json::Array();
  std::map<std::string, std::string> seen;
  for (const std::string& layout : request.layouts()) {
    ASSIGN_OR_RETURN(Image image, ReadImage(layout, fs));
    const Document& root = image.graph.root();
    const std::string name = PlatformName(image.platform);
    if (const auto [other, is_new] = seen.emplace(name, layout); !is_new) {
      return Mismatch("image index", layout,
                      absl::StrCat(name, ", which ", other->second, " is for, too"),
                      "a platform once");
    }
    Json entry = DescriptorJson(root.media_type, root.descriptor.digest, root.descriptor.size);
    entry.Set("platform", PlatformJson(image.platform));
    manifests.Append(std::move(entry));
    index.images.push_back(std::move(image));
  }
  if (index.images.empty()) return Mismatch("image index", "layouts", "none", "at least one");
  Json document = IndexJson(std::move(manifests));
  if (!request.annotations().empty()) {
    document.Set("annotations", SortedMap(request.annotations()));
  }
  index.text = JsonText(document);

  Json entry = DescriptorJson(kIndexType, base::Sha256::Of(index.text), index.text.size());
  ASSIGN_OR_RETURN(const std::string ref_name, RefName("image index", request.ref_name()));
  Json annotations = Json::Object();
  annotations.Set(kRefName, Json::String(ref_name));
  entry.Set("annotations", std::move(annotations));
  Json roots = Json::Array();
  roots.Append(std::move(entry));
  index.root = JsonText(IndexJson(std::move(roots)));
  return index;
}

absl::Status Fill(const std::string& root, const Index& index, base::FileSystem& fs) {
  RETURN_IF_ERROR(fs.CreateDirectories(JoinPath(root, "blobs/sha256")));
  RETURN_IF_ERROR(base::WriteFile(fs, JoinPath(root, "oci-layout"), kLayoutFile));
  RETURN_IF_ERROR(
      base::WriteFile(fs, JoinPath(root, BlobPath(base::Sha256::Of(index.text))), index.text));
  std::set<base::Digest> done;
  for (const Image& image : index.images) {
    const Document& manifest = image.graph.root();
    RETURN_IF_ERROR(
        base::WriteFile(fs, JoinPath(root, BlobPath(manifest.descriptor.digest)), manifest.text));
    if (done.insert(image.config.digest).second) {
      RETURN_IF_ERROR(
          base::WriteFile(fs, JoinPath(root, BlobPath(image.config.digest)), image.config_text));
    }
    for (const Blob& blob : image.graph.blobs) {
      if (!done.insert(blob.descriptor.digest).second) continue;
      ASSIGN_OR_RETURN(const std::string target, RealPath(blob.path, fs));
      RETURN_IF_ERROR(fs.Symlink(target, JoinPath(root, BlobPath(blob.descriptor.digest))));
    }
  }
  // Last, because readers start there.
  return base::WriteFile(fs, JoinPath(root, "index.json"), index.root);
}

}  // namespace

absl::Status BuildIndex(const sdk::IndexRequest& request, base::FileSystem& fs) {
  if (request.output().empty()) return Mismatch("image index", "output", "nothing", "a path");
  ASSIGN_OR_RETURN(const Index index, Plan(request, fs));
  return InEmptyDirectory(request.output(), fs, [&] { return Fill(request.output(), index, fs); });
}

}  // namespace rules_inference::layer::oci
