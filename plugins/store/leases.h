// Leases: processes that use a blob now. A prune takes nothing that a live process has a lease on.
//
// Invariant: whoever has a lease and then sees the blob, keeps it. A prune first writes an intent
// with the blobs that it means to take, then looks at the leases, then takes; a process first
// writes its lease, then looks at the intents, and waits until none of a live prune names its blob.
// Of the two, at least the one that looks later sees the other, in whichever order they come; no
// lock is needed for that.

#ifndef RULES_INFERENCE_PLUGINS_STORE_LEASES_H_
#define RULES_INFERENCE_PLUGINS_STORE_LEASES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/layout.h"

namespace rules_inference::store {

// Ends with the object, or with the process.
using Lease = std::unique_ptr<base::InputFile>;

// `locks_work`: see base::LocksWork.
absl::StatusOr<Lease> TakeLease(base::FileSystem& fs, const Layout& layout,
                                const base::Digest& sha256, bool locks_work);

struct LeaseInfo {
  base::Digest sha256;
  std::string path;
  int64_t pid = 0;
  bool alive = true;
};

// All leases. One that cannot be read is alive.
absl::StatusOr<std::vector<LeaseInfo>> ReadLeases(base::FileSystem& fs, const Layout& layout,
                                                  absl::Time now);

// For prunes: the intent to take blobs away; ends with the object.
absl::StatusOr<Lease> WriteIntent(base::FileSystem& fs, const Layout& layout,
                                  absl::Span<const base::Digest> blobs, bool locks_work);
// The blobs that live prunes mean to take. Intents of dead ones are removed.
absl::StatusOr<std::vector<base::Digest>> ReadIntents(base::FileSystem& fs, const Layout& layout,
                                                      absl::Time now);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_LEASES_H_
