// The image below: read from an OCI layout, or from the two documents of an image that was built
// here.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_BASE_IMAGE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_BASE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// Registries refuse larger manifests; larger configs exist nowhere.
inline constexpr uint64_t kMaxDocumentBytes = uint64_t{4} << 20;
// index.json may name an index, and that one manifests, but no further index.
inline constexpr int kMaxIndexDepth = 2;
inline constexpr size_t kMaxIndexEntries = 1000;

struct BaseImage {
  // The image config; an empty object when there is no base.
  Json config = Json::Object();
  // Layers, bottom first. Their number is that of rootfs.diff_ids of `config`.
  std::vector<Descriptor> layers;
};

// Finds the image for `platform` in the layout at `layout` and reads its manifest and config, but
// no layer. Two different manifests for the platform are an error, not a choice.
absl::StatusOr<BaseImage> ReadBaseLayout(absl::string_view layout, const sdk::Platform& platform,
                                         base::FileSystem& fs);

// Reads manifest and config from files of their own.
absl::StatusOr<BaseImage> ReadBaseDocuments(absl::string_view manifest_path,
                                            absl::string_view config_path,
                                            const sdk::Platform& platform, base::FileSystem& fs);

// A manifest that was read and checked.
struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
};
absl::StatusOr<Manifest> ParseManifest(absl::string_view text, absl::string_view where);

// The bytes must be those that `descriptor` promises: first the size, which costs nothing, then the
// digest.
absl::Status CheckBytes(const Descriptor& descriptor, absl::string_view text,
                        absl::string_view where);

// The whole file, refused when it is larger than kMaxDocumentBytes.
absl::StatusOr<std::string> ReadDocument(const std::string& path, base::FileSystem& fs);

// `os/architecture` or `os/architecture/variant`.
std::string PlatformName(const sdk::Platform& platform);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_BASE_IMAGE_H_
