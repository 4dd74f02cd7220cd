// Models of a workspace and of a store, and what they have to do with each other.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_MODELS_STORE_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_MODELS_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/inferctl/command.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/fetch.h"
#include "plugins/store/inventory.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"

namespace rules_inference::inferctl {

// A lock and its place.
struct Workspace {
  std::string file;  // Absolute path of the lock.
  sdk::ModelsLock lock;

  // What people call it: the directory of the lock.
  std::string Name() const;
};

// `chosen`, or the models.lock.json of the working directory or the nearest one above.
absl::StatusOr<std::string> FindLock(Console& console, const std::string& chosen);
absl::StatusOr<Workspace> OpenWorkspace(Console& console, const std::string& chosen);

// The models that NAMEs stand for: "whisper" is its first variant, "whisper:q5_1" that one, and
// "whisper:" all. None: all models. Each once.
absl::StatusOr<std::vector<const sdk::Model*>> Named(const Workspace& workspace,
                                                     const std::vector<std::string>& names);

// The store of --store, and lower ones of $RULES_INFERENCE_LOWER_STORES (paths with ':' between).
absl::StatusOr<std::unique_ptr<store::Store>> OpenStore(Console& console,
                                                        const std::string& chosen);

// Options of a fetch: $HF_TOKEN goes to the origin of $HF_ENDPOINT, and nowhere else.
store::FetchOptions FetchOptionsOf(Console& console);

// Writes down that the workspace needs the blobs of its lock.
absl::Status Register(store::Store& store, const Workspace& workspace);

// A model of a lock, and what of it is in the store.
struct StoredModel {
  std::string name;
  std::string variant;
  int files = 0;
  uint64_t size = 0;
  uint64_t there = 0;  // Bytes.
  int files_there = 0;
  absl::Time used = absl::InfinitePast();
  std::vector<std::string> kept_by;  // Names of workspaces.

  bool stored() const { return files_there == files; }
};

struct Overview {
  std::vector<StoredModel> active;  // Of this workspace.
  std::vector<StoredModel> others;  // Of other workspaces, as far as something of them is there.
  // In the store and of no model.
  uint64_t other_blobs = 0;
  uint64_t other_size = 0;
  uint64_t other_kept = 0;  // Of these, held by a root.
  uint64_t blobs = 0;
  uint64_t size = 0;
  // Unfinished fetches.
  uint64_t parts = 0;
  uint64_t parts_size = 0;
  std::optional<uint64_t> free;
  std::vector<std::string> notes;
};

// Locks of other workspaces are read where their roots say; one that cannot be read is a note.
absl::StatusOr<Overview> Look(Console& console, store::Store& store, const Workspace* workspace);

// "today", "3 days ago".
std::string Ago(absl::Time then, absl::Time now);

// A path as people write it: "~/projects".
std::string Tilde(Console& console, absl::string_view path);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_MODELS_STORE_H_
