// What is in a store.

#ifndef RULES_INFERENCE_PLUGINS_STORE_INVENTORY_H_
#define RULES_INFERENCE_PLUGINS_STORE_INVENTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/layout.h"

namespace rules_inference::store {

struct Blob {
  base::Digest sha256;
  uint64_t size = 0;
  // Nanoseconds since 1970: when it came, and when it was used last. The use is that of the
  // machine's clock of reads, which Store::Get keeps within an hour where the machine does not.
  int64_t came = 0;
  int64_t used = 0;
  // Names besides the one in the store: removing the blob frees nothing while there are any.
  uint64_t other_names = 0;
};

// A file that is no blob.
struct Leftover {
  enum class Kind {
    kPart,        // Of a fetch that goes on, or was killed: the next one continues it.
    kUnfinished,  // Of a fetch that goes on, or was killed.
    kTrash,       // Of a prune that goes on, or was killed.
    kOther,       // Not ours.
  };
  Kind kind = Kind::kOther;
  std::string path;
  uint64_t size = 0;
  int64_t modified = 0;
};

struct Inventory {
  std::vector<Blob> blobs;  // By digest.
  std::vector<Leftover> leftovers;
  // Of all blobs.
  uint64_t size = 0;
};

// Reads no file, only directories. What vanishes meanwhile is not listed.
absl::StatusOr<Inventory> ListStore(base::FileSystem& fs, const Layout& layout);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_INVENTORY_H_
