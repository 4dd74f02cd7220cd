// Roots: what keeps blobs in a store. A workspace writes one with the blobs of its locks, and a
// prune takes nothing that any root names.
//
// To use blobs for longer than a process lives: fetch them with leases (Store::GetLeased), write
// the root, let the leases go.

#ifndef RULES_INFERENCE_PLUGINS_STORE_ROOTS_H_
#define RULES_INFERENCE_PLUGINS_STORE_ROOTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/layout.h"

namespace rules_inference::store {

struct Root {
  // Letters, digits, '.', '_' and '-'; does not begin with '.'.
  std::string name;
  // Absolute path of what declares the need.
  std::string workspace;
  std::vector<base::Digest> blobs;
  absl::Time time;
};

// A name for the root of a workspace: its last component, to be recognised, and some digits of the
// digest of the path, so that no two have the same.
std::string RootNameOf(absl::string_view workspace);

// Writes or replaces the root of that name.
absl::Status WriteRoot(base::FileSystem& fs, const Layout& layout, const Root& root);
// Removes a root; its blobs stay until the next prune. NotFound when there is none.
absl::Status RemoveRoot(base::FileSystem& fs, const Layout& layout, const std::string& name);

// All roots, by name. One that cannot be read is an error, never an empty one.
absl::StatusOr<std::vector<Root>> ReadRoots(base::FileSystem& fs, const Layout& layout);

// Whether the workspace of the root is gone. Its root stays all the same until somebody asks: it
// may be on a disk that is not there today.
bool IsStale(base::FileSystem& fs, const Root& root);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_ROOTS_H_
