// A blob of a store at another place, for as little of the disk as can be.

#ifndef RULES_INFERENCE_PLUGINS_STORE_MATERIALISE_H_
#define RULES_INFERENCE_PLUGINS_STORE_MATERIALISE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"

namespace rules_inference::store {

enum class How {
  kReflink,   // A file of its own that shares its blocks until one of the two is changed.
  kHardLink,  // Another name of the blob. It is read-only, as the blob is.
  kCopy,
};
// "reflink", "hard link", "copy".
absl::string_view NameOf(How how);

// What may be done, tried in this order. A hard link keeps the disk space of a blob that a prune
// has removed, and whoever makes it writable and writes damages the store: leave it out where that
// may happen.
struct MaterialiseOptions {
  bool reflink = true;
  bool hard_link = true;
  bool copy = true;
};

// Puts the blob at `path` (of Store::Get) to `destination`, read-only; its directory is made. What
// was there is replaced by the whole new file or not at all. A copy is hashed on the way; the
// others are the bytes of the blob by their nature. Unavailable when nothing of what may be done
// works.
absl::StatusOr<How> Materialise(base::FileSystem& fs, const std::string& path,
                                const base::Digest& sha256, const std::string& destination,
                                const MaterialiseOptions& options);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_MATERIALISE_H_
