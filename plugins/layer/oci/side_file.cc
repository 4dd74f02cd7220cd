#include "plugins/layer/oci/side_file.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

absl::Status CheckDigest(const std::string& text, absl::string_view path, absl::string_view field) {
  if (base::Digest::Parse(text).ok()) return absl::OkStatus();
  return Mismatch(path, field, Quoted(text), "'sha256:' and 64 lower-case hexadecimal digits");
}

}  // namespace

absl::StatusOr<sdk::LayerMetadata> ReadSideFile(const std::string& path, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::string text, ReadDocument(path, fs));
  absl::StatusOr<sdk::LayerMetadata> layer = sdk::ParseJson<sdk::LayerMetadata>(path, text);
  RETURN_IF_ERROR(layer.status());
  RETURN_IF_ERROR(CheckDigest(layer->digest(), path, "digest"));
  RETURN_IF_ERROR(CheckDigest(layer->diff_id(), path, "diff_id"));
  if (!IsLayerType(layer->media_type())) {
    return Mismatch(path, "media_type", Quoted(layer->media_type()),
                    "a tar layer (plain, gzip or zstd)");
  }
  if (layer->size() == 0) return Mismatch(path, "size", "0", "the size of the blob");
  if (absl::EndsWith(layer->media_type(), ".tar") && layer->digest() != layer->diff_id()) {
    return Mismatch(path, "diff_id of a plain tar", layer->diff_id(), layer->digest());
  }
  return layer;
}

}  // namespace rules_inference::layer::oci
