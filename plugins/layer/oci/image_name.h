// Names of images: "registry.example.com/team/app:1.0".

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_IMAGE_NAME_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_IMAGE_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::layer::oci {

// Up to 128 letters, digits, '_', '.' and '-'; neither '.' nor '-' comes first.
bool IsTag(absl::string_view text);

struct RepositoryName {
  // Host and maybe port; empty when the name has none.
  std::string host;
  // Lower-case words with '/' between.
  std::string path;
};

// "team/app" has no host: a first word is one when it has a '.' or a ':', or is "localhost".
absl::StatusOr<RepositoryName> ParseRepository(absl::string_view text, absl::string_view where);

// Checks "repository:tag" and gives the full name that containerd uses: "app:1" is
// "docker.io/library/app:1".
absl::StatusOr<std::string> FullName(absl::string_view tag);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_IMAGE_NAME_H_
