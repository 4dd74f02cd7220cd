#include "plugins/layer/oci/blobs.h"

#include <cstddef>
#include <map>
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
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/json.h"
#include "plugins/layer/oci/side_file.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

absl::StatusOr<ImageBlobs> FindBlobs(
    const std::string& manifest_path, const std::string& config_path,
    const google::protobuf::RepeatedPtrField<sdk::LayerBlob>& layers, absl::string_view base_layout,
    base::FileSystem& fs) {
  ImageBlobs result;
  ASSIGN_OR_RETURN(result.manifest_text, ReadDocument(manifest_path, fs));
  ASSIGN_OR_RETURN(const Manifest manifest, ParseManifest(result.manifest_text, manifest_path));
  result.manifest.media_type = std::string(kManifestType);
  result.manifest.digest = base::Sha256::Of(result.manifest_text);
  result.manifest.size = result.manifest_text.size();

  ASSIGN_OR_RETURN(result.config_text, ReadDocument(config_path, fs));
  result.config = manifest.config;
  if (const base::Digest digest = base::Sha256::Of(result.config_text);
      digest != manifest.config.digest) {
    return base::Mismatch(config_path, "digest", digest.ToString(),
                          manifest.config.digest.ToString());
  }
  if (result.config_text.size() != manifest.config.size) {
    return base::Mismatch(config_path, "size", absl::StrCat(result.config_text.size(), " bytes"),
                          absl::StrCat(manifest.config.size));
  }

  std::map<std::string, std::string> built;
  for (const sdk::LayerBlob& layer : layers) {
    ASSIGN_OR_RETURN(const sdk::LayerMetadata metadata, ReadSideFile(layer.side_file(), fs));
    built.emplace(metadata.digest(), layer.blob());
  }
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    const Descriptor& descriptor = manifest.layers[i];
    const auto it = built.find(descriptor.digest.ToString());
    if (it == built.end() && base_layout.empty()) {
      return base::Mismatch(manifest_path, absl::StrCat("layers[", i, "]"),
                            descriptor.digest.ToString(), "the digest of one of the given layers");
    }
    const std::string path = it != built.end()
                                 ? it->second
                                 : absl::StrCat(base_layout, "/", BlobPath(descriptor.digest));
    ASSIGN_OR_RETURN(const base::NodeInfo info, fs.Stat(path, base::Follow::kYes));
    if (info.type != base::NodeType::kFile)
      return base::Mismatch("layer", path, "no regular file", "a blob");
    if (info.size != descriptor.size) {
      return base::Mismatch(path, "size", absl::StrCat(info.size, " bytes"),
                            absl::StrCat(descriptor.size));
    }
    result.layers.push_back({path, descriptor});
  }
  return result;
}

}  // namespace rules_inference::layer::oci
