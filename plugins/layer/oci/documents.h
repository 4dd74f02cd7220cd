// What those who write documents of images and of models share.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_DOCUMENTS_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_DOCUMENTS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// The name of a manifest in an index: `name`, or "latest" for an empty one. `what` is for errors.
absl::StatusOr<std::string> RefName(absl::string_view what, const std::string& name);

// An object, sorted by key; of equal keys the last one counts.
Json SortedMap(const google::protobuf::RepeatedPtrField<sdk::KeyValue>& values);

// Writes all files (path, text) or leaves none.
absl::Status WriteAll(const std::vector<std::pair<std::string, std::string>>& files,
                      base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_DOCUMENTS_H_
