// Who the user is to a registry: what `docker login`, `podman login` and credential helpers have
// written down.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_CREDENTIALS_H_
#define RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_CREDENTIALS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"

namespace rules_inference::layer::registry {

struct Credentials {
  std::string user;
  std::string password;
  // Exchanged for tokens in the place of user and password.
  std::string identity_token;
  // The file that says so; empty when there are no credentials.
  std::string from;

  bool empty() const { return from.empty(); }
};

// Files that are asked in this order: $REGISTRY_AUTH_FILE alone when it is set; else
// $DOCKER_CONFIG/config.json (~/.docker), $XDG_RUNTIME_DIR/containers/auth.json and
// ~/.config/containers/auth.json.
std::vector<std::string> CredentialFiles();

// Those for `host` (with its port) and the repository `path`: of `credHelpers`, of the longest
// prefix in `auths` that "host/path" has, of `credsStore`. Files that are not there are passed
// over; one that is broken is an error, and so is a helper that fails in another way than by not
// knowing the host.
absl::StatusOr<Credentials> FindCredentials(const std::vector<std::string>& files,
                                            absl::string_view host, absl::string_view path,
                                            base::FileSystem& fs);

}  // namespace rules_inference::layer::registry

#endif  // RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_CREDENTIALS_H_
