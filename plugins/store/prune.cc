// Problem: remove what nobody needs while other processes fetch, lease and read, without a lock
// that all of them would have to hold, and with a crash possible after every step.
//
// Idea: mark from roots and live leases, and take the rest away in two phases, some blobs at a
// time. (1) Write an intent that names them. (2) Look at roots and leases again. (3) Rename what is
// still unheld to the trash. (4) Look once more; put back what is held by now, delete the rest.
//
// Invariant: a process that has a lease and then sees the blob keeps it (leases.h: it would have
// waited for an intent, or (2) sees its lease). Step (4) is for roots that were written without a
// lease, and for file systems that show the names of other machines late.
//
// A crash leaves blobs in the trash, which are not lost: the next prune puts back what is held and
// deletes what is not. Who needs one before fetches it.
//
// Cost: a look is one listing of leases and the reading of all roots, twice for 64 blobs.

#include "plugins/store/prune.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/inventory.h"
#include "plugins/store/layout.h"
#include "plugins/store/leases.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"
#include "plugins/store/store_lock.h"

namespace rules_inference::store {
namespace {

using base::Digest;
using base::JoinPath;
using Kind = Leftover::Kind;

constexpr size_t kBatch = 64;
constexpr absl::string_view kIntent = "intent.";

struct Marks {
  std::set<Digest> roots;
  std::set<Digest> leases;
  std::vector<Root> stale;
  bool Hold(const Digest& digest) const {
    return roots.contains(digest) || leases.contains(digest);
  }
};

// Who holds what now.
absl::StatusOr<Marks> Look(Store& store, bool drop_stale_roots, absl::Time now) {
  Marks marks;
  ASSIGN_OR_RETURN(std::vector<Root> roots, ReadRoots(store.fs(), store.layout()));
  for (Root& root : roots) {
    const bool stale = IsStale(store.fs(), root);
    if (!stale || !drop_stale_roots) marks.roots.insert(root.blobs.begin(), root.blobs.end());
    if (stale) marks.stale.push_back(std::move(root));
  }
  ASSIGN_OR_RETURN(const std::vector<LeaseInfo> leases,
                   ReadLeases(store.fs(), store.layout(), now));
  for (const LeaseInfo& lease : leases) {
    if (lease.alive) marks.leases.insert(lease.sha256);
  }
  return marks;
}

absl::string_view NameOf(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

bool IsTrashedBlob(const Leftover& leftover) {
  const absl::string_view name = NameOf(leftover.path);
  return leftover.kind == Kind::kTrash && Digest::FromHex(name.substr(0, name.find('.'))).ok();
}

// Whether a file that is no blob may go: nobody works on it, and it is old.
bool MayGo(base::FileSystem& fs, const Leftover& leftover, const PruneOptions& options,
           absl::Time now) {
  if (leftover.kind == Kind::kOther) return false;
  if (now - absl::FromUnixNanos(leftover.modified) < options.abandoned) return false;
  if (leftover.kind == Kind::kTrash && absl::StartsWith(NameOf(leftover.path), kIntent)) {
    return false;  // ReadIntents knows.
  }
  const absl::StatusOr<base::Holder> holder = fs.HolderOf(leftover.path);
  return holder.ok() && *holder != base::Holder::kAlive;
}

// Ends what prunes that were killed have begun: nobody else is at it.
absl::Status EmptyTrash(Store& store, const Marks& marks, absl::Time now) {
  base::FileSystem& fs = store.fs();
  const absl::StatusOr<std::vector<std::string>> names = fs.List(store.layout().Trash());
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  RETURN_IF_ERROR(names.status());
  ASSIGN_OR_RETURN(const std::vector<Digest> intents, ReadIntents(fs, store.layout(), now));
  if (!intents.empty()) return absl::OkStatus();  // Another prune, where locks do not work.
  for (const std::string& name : *names) {
    const auto digest = Digest::FromHex(absl::string_view(name).substr(0, name.find('.')));
    if (!digest.ok()) continue;
    const std::string path = JoinPath(store.layout().Trash(), name);
    const std::string home = store.layout().Blob(*digest);
    const bool missing = absl::IsNotFound(fs.Stat(home, base::Follow::kNo).status());
    if (marks.Hold(*digest) && missing) {
      RETURN_IF_ERROR(fs.Rename(path, home));
    } else {
      RETURN_IF_ERROR(fs.RemoveTree(path));
    }
  }
  return absl::OkStatus();
}

struct InTrash {
  Blob blob;
  std::string path;
};

absl::Status PutBack(Store& store, const InTrash& taken) {
  // Over what somebody may have fetched meanwhile: the bytes are the same.
  return store.fs().Rename(taken.path, store.layout().Blob(taken.blob.sha256));
}

// Phases (1) to (4) for some blobs.
absl::Status RemoveBatch(Store& store, absl::Span<const Blob> batch, bool drop_stale_roots,
                         absl::Time now, PruneResult& result) {
  base::FileSystem& fs = store.fs();
  const Layout& layout = store.layout();
  std::vector<Digest> digests;
  for (const Blob& blob : batch) digests.push_back(blob.sha256);
  ASSIGN_OR_RETURN(const Lease intent, WriteIntent(fs, layout, digests, store.LocksWork()));
  ASSIGN_OR_RETURN(const Marks before, Look(store, drop_stale_roots, now));

  std::vector<InTrash> trash;
  absl::Status status;
  for (const Blob& blob : batch) {
    const std::string path = layout.Blob(blob.sha256);
    const absl::StatusOr<base::NodeInfo> info = fs.Stat(path, base::Follow::kNo);
    if (absl::IsNotFound(info.status())) continue;
    // Used, or fetched again, since the plan was made.
    if (before.Hold(blob.sha256) ||
        (info.ok() && (info->modified != blob.came || info->used != blob.used))) {
      ++result.kept;
      continue;
    }
    status = info.status();
    if (!status.ok()) break;
    const std::string to =
        JoinPath(layout.Trash(), absl::StrCat(blob.sha256.Hex(), ".", UniqueSuffix()));
    status = fs.Rename(path, to);
    if (absl::IsNotFound(status)) {
      status = absl::OkStatus();
      continue;
    }
    if (!status.ok()) break;
    trash.push_back({blob, to});
  }

  const absl::StatusOr<Marks> after = status.ok() ? Look(store, drop_stale_roots, now) : status;
  if (!after.ok()) {
    // What cannot be put back stays in the trash, for the next prune.
    for (const InTrash& taken : trash) PutBack(store, taken).IgnoreError();
    return after.status();
  }
  for (const InTrash& taken : trash) {
    if (after->Hold(taken.blob.sha256)) {
      RETURN_IF_ERROR(PutBack(store, taken));
      ++result.kept;
      continue;
    }
    RETURN_IF_ERROR(fs.RemoveTree(layout.RangesOf(taken.blob.sha256)));
    RETURN_IF_ERROR(fs.RemoveTree(taken.path));
    ++result.removed;
    result.removed_size += taken.blob.size;
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view Describe(WhyKept why) {
  switch (why) {
    case WhyKept::kRoot:
      return "held by a root";
    case WhyKept::kLease:
      return "in use";
    case WhyKept::kGrace:
      return "too new";
    case WhyKept::kRecent:
      return "used recently";
    case WhyKept::kFits:
      return "within the size";
  }
  return "";
}

absl::StatusOr<PrunePlan> PlanPrune(Store& store, const PruneOptions& options, absl::Time now) {
  PrunePlan plan{.options = options};
  // The marks first: a blob that gets its root in between is new, and in its grace.
  ASSIGN_OR_RETURN(Marks marks, Look(store, options.drop_stale_roots, now));
  plan.stale = std::move(marks.stale);
  ASSIGN_OR_RETURN(const Inventory inventory, ListStore(store.fs(), store.layout()));
  const auto age = [now](int64_t since) { return now - absl::FromUnixNanos(since); };
  std::vector<Blob> loose;
  for (const Blob& blob : inventory.blobs) {
    const auto keep = [&](WhyKept why) {
      plan.kept.push_back({blob, why});
      plan.kept_size += blob.size;
    };
    if (marks.roots.contains(blob.sha256)) {
      keep(WhyKept::kRoot);
    } else if (marks.leases.contains(blob.sha256)) {
      keep(WhyKept::kLease);
    } else if (age(std::max(blob.came, blob.used)) < options.grace) {
      keep(WhyKept::kGrace);
    } else {
      loose.push_back(blob);
    }
  }
  std::stable_sort(loose.begin(), loose.end(),
                   [](const Blob& a, const Blob& b) { return a.used < b.used; });
  uint64_t size = inventory.size;
  for (const Blob& blob : loose) {
    const bool old = options.older_than.has_value() && age(blob.used) >= *options.older_than;
    const bool over = options.max_size.has_value() && size > *options.max_size;
    if (old || over || (!options.older_than.has_value() && !options.max_size.has_value())) {
      size -= blob.size;
      plan.remove.push_back(blob);
      plan.remove_size += blob.size;
    } else {
      plan.kept.push_back({blob, options.max_size.has_value() ? WhyKept::kFits : WhyKept::kRecent});
      plan.kept_size += blob.size;
    }
  }
  if (options.max_size.has_value() && size > *options.max_size)
    plan.over = size - *options.max_size;
  for (const Leftover& leftover : inventory.leftovers) {
    if (MayGo(store.fs(), leftover, options, now)) plan.leftovers.push_back(leftover);
  }
  return plan;
}

absl::StatusOr<PruneResult> ExecutePrune(Store& store, const PrunePlan& plan, absl::Time now) {
  base::FileSystem& fs = store.fs();
  const Layout& layout = store.layout();
  const bool drop = plan.options.drop_stale_roots;
  PruneResult result;
  RETURN_IF_ERROR(layout.Prepare(fs));
  std::string lock_path;
  if (store.options().locking == Locking::kFlock) {
    RETURN_IF_ERROR(fs.CreateDirectories(layout.Locks()));
    lock_path = JoinPath(layout.Locks(), "prune");
  }
  const BestEffortLock lock(lock_path);
  ASSIGN_OR_RETURN(const Marks marks, Look(store, drop, now));
  RETURN_IF_ERROR(EmptyTrash(store, marks, now));
  for (size_t i = 0; i < plan.remove.size(); i += kBatch) {
    const auto batch = absl::MakeConstSpan(plan.remove).subspan(i, kBatch);
    RETURN_IF_ERROR(RemoveBatch(store, batch, drop, now, result));
  }
  for (const Leftover& leftover : plan.leftovers) {
    // EmptyTrash has seen to the blobs there.
    if (IsTrashedBlob(leftover) || !MayGo(fs, leftover, plan.options, now)) continue;
    RETURN_IF_ERROR(fs.RemoveTree(leftover.path));
  }
  // Leases of the dead, and last of all the roots: until here they would have said why.
  ASSIGN_OR_RETURN(const std::vector<LeaseInfo> leases, ReadLeases(fs, layout, now));
  for (const LeaseInfo& lease : leases) {
    if (!lease.alive) RETURN_IF_ERROR(fs.RemoveTree(lease.path));
  }
  if (drop) {
    for (const Root& root : marks.stale) {
      if (IsStale(fs, root)) RETURN_IF_ERROR(fs.RemoveTree(JoinPath(layout.Roots(), root.name)));
    }
  }
  return result;
}

absl::StatusOr<Holders> Why(Store& store, const base::Digest& sha256, absl::Time now) {
  Holders holders;
  const absl::StatusOr<base::NodeInfo> info =
      store.fs().Stat(store.PathOf(sha256), base::Follow::kNo);
  if (!absl::IsNotFound(info.status())) RETURN_IF_ERROR(info.status());
  holders.there = info.ok();
  ASSIGN_OR_RETURN(std::vector<Root> roots, ReadRoots(store.fs(), store.layout()));
  for (Root& root : roots) {
    if (std::find(root.blobs.begin(), root.blobs.end(), sha256) != root.blobs.end()) {
      holders.roots.push_back(std::move(root));
    }
  }
  ASSIGN_OR_RETURN(std::vector<LeaseInfo> leases, ReadLeases(store.fs(), store.layout(), now));
  for (LeaseInfo& lease : leases) {
    if (lease.alive && lease.sha256 == sha256) holders.leases.push_back(std::move(lease));
  }
  return holders;
}

}  // namespace rules_inference::store
