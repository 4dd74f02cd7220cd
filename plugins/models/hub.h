// What a Hugging-Face-style hub says of a repository.

#ifndef RULES_INFERENCE_PLUGINS_MODELS_HUB_H_
#define RULES_INFERENCE_PLUGINS_MODELS_HUB_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::models {

struct HubFile {
  std::string path;
  uint64_t size = 0;
  // Of files that are kept by Git LFS; of others the hub knows only Git's own digest.
  std::string sha256;
  std::string scan;
};

struct HubRevision {
  std::string commit;
  std::string licence;
  std::vector<HubFile> files;
};

// The body of an answer, and its header "Link".
struct HubAnswer {
  std::string body;
  std::string link;
};
using HubGet = std::function<absl::StatusOr<HubAnswer>(const std::string& url)>;

// Asks for `revision` of the repository `place`, "https://HOST/owner/name", once, and for the files
// of the commit that it is. A branch may move between the two requests: the files are those of the
// commit.
absl::StatusOr<HubRevision> AskHub(absl::string_view place, absl::string_view revision,
                                   const HubGet& get);

// Where a file of a commit is.
std::string ResolveUrl(absl::string_view place, absl::string_view commit, absl::string_view path);

// `text` with everything percent-encoded but letters, digits, '-', '.', '_', '~' and '/'.
std::string EncodePath(absl::string_view text);

}  // namespace rules_inference::models

#endif  // RULES_INFERENCE_PLUGINS_MODELS_HUB_H_
