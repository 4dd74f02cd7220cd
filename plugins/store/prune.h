// Taking blobs out of a store: only when somebody asks, and never one that a root or a live lease
// holds.
//
// A plan changes nothing and says what would go, and why everything else stays; executing it looks
// again at everything that can have changed since.

#ifndef RULES_INFERENCE_PLUGINS_STORE_PRUNE_H_
#define RULES_INFERENCE_PLUGINS_STORE_PRUNE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/store/inventory.h"
#include "plugins/store/leases.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"

namespace rules_inference::store {

struct PruneOptions {
  // What came or was used within this time stays: its root may not be written yet.
  absl::Duration grace = absl::Hours(1);
  // Without both, everything goes that nothing holds. With `older_than`, of that what was not used
  // for so long. With `max_size`, of that (and of the rest) the least recently used, until the
  // store is no larger.
  std::optional<uint64_t> max_size;
  std::optional<absl::Duration> older_than;
  // Remove the roots of workspaces that are gone, so that they hold nothing.
  bool drop_stale_roots = false;
  // Parts, unfinished files and trash of dead processes go when they were not changed for so long.
  absl::Duration abandoned = absl::Hours(24);
};

enum class WhyKept {
  kRoot,
  kLease,
  kGrace,
  kRecent,  // Used within `older_than`.
  kFits,    // The store is no larger than `max_size` with it.
};
// "held by a root", ...
absl::string_view Describe(WhyKept why);

struct KeptBlob {
  Blob blob;
  WhyKept why = WhyKept::kRoot;
};

struct PrunePlan {
  PruneOptions options;
  // Least recently used first.
  std::vector<Blob> remove;
  std::vector<KeptBlob> kept;
  std::vector<Leftover> leftovers;  // That go too.
  // Roots of workspaces that are gone. Unless `drop_stale_roots`, they hold their blobs.
  std::vector<Root> stale;
  uint64_t remove_size = 0;
  uint64_t kept_size = 0;
  // What is over `max_size` and held all the same.
  uint64_t over = 0;
};

absl::StatusOr<PrunePlan> PlanPrune(Store& store, const PruneOptions& options, absl::Time now);

struct PruneResult {
  uint64_t removed = 0;
  uint64_t removed_size = 0;
  // Were in the plan and are in use by now.
  uint64_t kept = 0;
};

// Waits for another prune. An error leaves nothing half done that the next one would not end.
absl::StatusOr<PruneResult> ExecutePrune(Store& store, const PrunePlan& plan, absl::Time now);

// Why a blob is kept.
struct Holders {
  bool there = false;
  std::vector<Root> roots;
  std::vector<LeaseInfo> leases;  // Live ones.
};
absl::StatusOr<Holders> Why(Store& store, const base::Digest& sha256, absl::Time now);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_PRUNE_H_
