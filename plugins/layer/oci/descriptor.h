// Descriptors and media types of OCI documents, and checked access to their members.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_DESCRIPTOR_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_DESCRIPTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/layer/oci/json.h"

namespace rules_inference::layer::oci {

inline constexpr absl::string_view kIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr absl::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr absl::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
inline constexpr absl::string_view kRefName = "org.opencontainers.image.ref.name";
inline constexpr absl::string_view kLayoutFile = R"({"imageLayoutVersion":"1.0.0"})";

// The OCI name of a media type: Docker's names for the same things are translated, all others come
// back as they are.
absl::string_view OciMediaType(absl::string_view media_type);
// Whether `media_type`, an OCI name, is one of a layer that runtimes unpack.
bool IsLayerType(absl::string_view media_type);

// Says what some content is, where and how large.
struct Descriptor {
  std::string media_type;  // The OCI name.
  base::Digest digest;
  uint64_t size = 0;
  // The object it was read from; members such as "platform" and "urls" are in it.
  Json json;
};

// `where` names the descriptor in errors, for example "base/index.json: manifests[0]".
absl::StatusOr<Descriptor> ParseDescriptor(const Json& json, absl::string_view where);
absl::StatusOr<std::vector<Descriptor>> ParseDescriptors(const Json& array,
                                                         absl::string_view where);

// {"mediaType":…,"digest":…,"size":…}
Json DescriptorJson(absl::string_view media_type, const base::Digest& digest, uint64_t size);

// The member `key` of `object` when it is of `kind`; an error that names both otherwise.
absl::StatusOr<const Json*> Require(const Json& object, absl::string_view key, Json::Kind kind,
                                    absl::string_view where);

// What every index and manifest must fulfil: an object, schemaVersion 2, its mediaType (when it has
// one) equal to `media_type`, and not the members of both an index and a manifest, which would mean
// different things to two readers.
absl::Status CheckDocument(const Json& document, absl::string_view media_type,
                           absl::string_view where);

// Path of a blob below the layout directory.
std::string BlobPath(const base::Digest& digest);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_DESCRIPTOR_H_
