#include "plugins/store/leases.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/store/layout.h"
#include "plugins/store/owner.h"
#include "plugins/store/records.pb.h"

namespace rules_inference::store {
namespace {

using base::JoinPath;

constexpr int kVersion = 1;
constexpr uint64_t kMaxLease = 1 << 20;
constexpr absl::string_view kIntent = "intent.";
constexpr absl::Duration kLook = absl::Milliseconds(5);
// A prune that lasts longer for 64 blobs hangs. Going on is right even then: it looks at the leases
// once more before it deletes.
constexpr absl::Duration kPatience = absl::Minutes(1);

// Names in a directory that may not be there, without unfinished files.
absl::StatusOr<std::vector<std::string>> NamesIn(base::FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(path);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  RETURN_IF_ERROR(names.status());
  std::erase_if(*names, [](const std::string& name) { return absl::StartsWith(name, "."); });
  return names;
}

}  // namespace

absl::StatusOr<Lease> TakeLease(base::FileSystem& fs, const Layout& layout,
                                const base::Digest& sha256, bool locks_work) {
  LeaseRecord record;
  record.set_version(kVersion);
  *record.mutable_owner() = ThisProcess(locks_work);
  RETURN_IF_ERROR(fs.CreateDirectories(layout.Leases()));
  const std::string name = absl::StrCat(sha256.Hex(), ".", UniqueSuffix());
  ASSIGN_OR_RETURN(Lease lease, fs.CreateHeld(JoinPath(layout.Leases(), name),
                                              absl::StrCat(sdk::ToCanonicalJson(record), "\n")));
  for (const absl::Time start = absl::Now(); absl::Now() - start < kPatience;
       absl::SleepFor(kLook)) {
    ASSIGN_OR_RETURN(const std::vector<base::Digest> intents, ReadIntents(fs, layout, absl::Now()));
    if (std::find(intents.begin(), intents.end(), sha256) == intents.end()) break;
  }
  return lease;
}

absl::StatusOr<std::vector<LeaseInfo>> ReadLeases(base::FileSystem& fs, const Layout& layout,
                                                  absl::Time now) {
  std::vector<LeaseInfo> leases;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs, layout.Leases()));
  for (const std::string& name : names) {
    const auto digest = base::Digest::FromHex(absl::string_view(name).substr(0, name.find('.')));
    if (!digest.ok()) continue;  // Not a lease.
    LeaseInfo lease{.sha256 = *digest, .path = JoinPath(layout.Leases(), name)};
    const absl::StatusOr<std::string> text = base::ReadFile(fs, lease.path, kMaxLease);
    if (absl::IsNotFound(text.status()) &&
        absl::IsNotFound(fs.Stat(lease.path, base::Follow::kNo).status())) {
      continue;  // Given back since it was listed.
    }
    if (text.ok()) {
      const auto record = sdk::ParseJson<LeaseRecord>(lease.path, *text);
      if (record.ok() && record->version() == kVersion) {
        lease.pid = record->owner().pid();
        lease.alive = MayLive(fs, lease.path, record->owner(), now);
      }
    }
    leases.push_back(std::move(lease));
  }
  return leases;
}

absl::StatusOr<Lease> WriteIntent(base::FileSystem& fs, const Layout& layout,
                                  absl::Span<const base::Digest> blobs, bool locks_work) {
  IntentRecord record;
  record.set_version(kVersion);
  *record.mutable_owner() = ThisProcess(locks_work);
  for (const base::Digest& blob : blobs) record.add_blobs(blob.ToString());
  RETURN_IF_ERROR(fs.CreateDirectories(layout.Trash()));
  return fs.CreateHeld(JoinPath(layout.Trash(), absl::StrCat(kIntent, UniqueSuffix())),
                       absl::StrCat(sdk::ToCanonicalJson(record), "\n"));
}

absl::StatusOr<std::vector<base::Digest>> ReadIntents(base::FileSystem& fs, const Layout& layout,
                                                      absl::Time now) {
  std::vector<base::Digest> blobs;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs, layout.Trash()));
  for (const std::string& name : names) {
    if (!absl::StartsWith(name, kIntent)) continue;
    const std::string path = JoinPath(layout.Trash(), name);
    const absl::StatusOr<std::string> text = base::ReadFile(fs, path, kMaxLease);
    if (absl::IsNotFound(text.status())) continue;  // Over since it was listed.
    RETURN_IF_ERROR(text.status());
    const auto record = sdk::ParseJson<IntentRecord>(path, *text);
    if (!record.ok() || record->version() != kVersion) continue;
    if (!MayLive(fs, path, record->owner(), now)) {
      fs.RemoveTree(path).IgnoreError();
      continue;
    }
    for (const std::string& blob : record->blobs()) {
      const auto digest = base::Digest::Parse(blob);
      if (digest.ok()) blobs.push_back(*digest);
    }
  }
  return blobs;
}

}  // namespace rules_inference::store
