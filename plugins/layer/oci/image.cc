#include "plugins/layer/oci/image.h"

#include <cstddef>
#include <cstdint>
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
#include "plugins/layer/oci/config.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/documents.h"
#include "plugins/layer/oci/json.h"
#include "plugins/layer/oci/side_file.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

absl::StatusOr<BaseImage> ReadBase(const sdk::ImageRequest& request, base::FileSystem& fs) {
  const bool documents = !request.base_manifest().empty() || !request.base_config().empty();
  if (documents && (request.base_manifest().empty() || request.base_config().empty())) {
    return Mismatch("image", "base", "one of base_manifest and base_config", "both");
  }
  if (documents && !request.base_layout().empty()) {
    return Mismatch("image", "base", "base_layout and base_manifest", "one of the two");
  }
  if (documents)
    return ReadBaseDocuments(request.base_manifest(), request.base_config(), request.platform(),
                             fs);
  if (!request.base_layout().empty())
    return ReadBaseLayout(request.base_layout(), request.platform(), fs);
  return BaseImage();
}

// A descriptor of the base, brought to our order of members. Where its bytes can be had and what is
// said about them stays.
Json Canonical(const Descriptor& descriptor) {
  Json result = DescriptorJson(descriptor.media_type, descriptor.digest, descriptor.size);
  for (const absl::string_view key : {"urls", "annotations"}) {
    if (const Json* member = descriptor.json.Find(key); member != nullptr) result.Set(key, *member);
  }
  return result;
}

Json ManifestJson(const sdk::ImageRequest& request, const BaseImage& base_image,
                  const std::vector<sdk::LayerMetadata>& layers, absl::string_view config) {
  Json list = Json::Array();
  for (const Descriptor& layer : base_image.layers) list.Append(Canonical(layer));
  for (const sdk::LayerMetadata& layer : layers) {
    Json descriptor = Json::Object();
    descriptor.Set("mediaType", Json::String(layer.media_type()));
    descriptor.Set("digest", Json::String(layer.digest()));
    descriptor.Set("size", Json::Number(layer.size()));
    list.Append(std::move(descriptor));
  }
  Json result = Json::Object();
  result.Set("schemaVersion", Json::Number(2));
  result.Set("mediaType", Json::String(kManifestType));
  result.Set("config", DescriptorJson(kConfigType, base::Sha256::Of(config), config.size()));
  result.Set("layers", std::move(list));
  if (!request.annotations().empty()) result.Set("annotations", SortedMap(request.annotations()));
  return result;
}

Json IndexJson(const Json& config, absl::string_view manifest, absl::string_view ref_name) {
  Json platform = Json::Object();
  for (const absl::string_view key :
       {"architecture", "os", "os.version", "os.features", "variant"}) {
    if (const Json* member = config.Find(key); member != nullptr) platform.Set(key, *member);
  }
  Json annotations = Json::Object();
  annotations.Set(kRefName, Json::String(ref_name));
  Json entry = DescriptorJson(kManifestType, base::Sha256::Of(manifest), manifest.size());
  entry.Set("annotations", std::move(annotations));
  entry.Set("platform", std::move(platform));
  Json list = Json::Array();
  list.Append(std::move(entry));
  Json result = Json::Object();
  result.Set("schemaVersion", Json::Number(2));
  result.Set("mediaType", Json::String(kIndexType));
  result.Set("manifests", std::move(list));
  return result;
}

std::string SideFile(absl::string_view config, absl::string_view manifest) {
  sdk::ImageMetadata side;
  side.set_manifest_digest(base::Sha256::Of(manifest).ToString());
  side.set_manifest_size(manifest.size());
  side.set_config_digest(base::Sha256::Of(config).ToString());
  side.set_config_size(config.size());
  side.set_media_type(std::string(kManifestType));
  return absl::StrCat(sdk::ToCanonicalJson(side), "\n");
}

}  // namespace

absl::Status BuildImage(const sdk::ImageRequest& request, base::FileSystem& fs) {
  for (const auto& [name, path] : {std::pair("config_output", &request.config_output()),
                                   std::pair("manifest_output", &request.manifest_output()),
                                   std::pair("index_output", &request.index_output()),
                                   std::pair("side_file", &request.side_file())}) {
    if (path->empty()) return Mismatch("image", name, "nothing", "a path");
  }
  if (request.platform().os().empty() || request.platform().architecture().empty()) {
    return Mismatch("image", "platform", Quoted(PlatformName(request.platform())),
                    "os and architecture");
  }
  ASSIGN_OR_RETURN(const std::string ref_name, RefName("image", request.ref_name()));
  ASSIGN_OR_RETURN(const BaseImage base_image, ReadBase(request, fs));
  std::vector<sdk::LayerMetadata> layers;
  for (const std::string& path : request.layer_side_files()) {
    ASSIGN_OR_RETURN(sdk::LayerMetadata layer, ReadSideFile(path, fs));
    layers.push_back(std::move(layer));
  }
  if (const size_t count = base_image.layers.size() + layers.size(); count > kMaxLayers) {
    return Mismatch("image", "layers", absl::StrCat(count), absl::StrCat("at most ", kMaxLayers));
  }

  ASSIGN_OR_RETURN(const Json config_json, BuildConfig(request, base_image, layers));
  const std::string config = JsonText(config_json);
  const std::string manifest = JsonText(ManifestJson(request, base_image, layers, config));
  const std::string index = JsonText(IndexJson(config_json, manifest, ref_name));
  return WriteAll({{request.config_output(), config},
                   {request.manifest_output(), manifest},
                   {request.index_output(), index},
                   {request.side_file(), SideFile(config, manifest)}},
                  fs);
}

}  // namespace rules_inference::layer::oci
