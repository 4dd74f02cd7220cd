#include "plugins/store/store.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_lock.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/fetch.h"
#include "plugins/store/layout.h"
#include "plugins/store/leases.h"
#include "plugins/store/store_lock.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;
using base::NodeType;

constexpr size_t kPiece = 1 << 20;
// A prune by last use needs no better clock, and a hit should cost no write.
constexpr absl::Duration kTouchEvery = absl::Hours(1);

// Hashes a file in pieces.
absl::StatusOr<base::Digest> DigestOf(base::InputFile& file) {
  base::Sha256 hasher;
  std::vector<char> buffer(kPiece);
  for (uint64_t offset = 0; offset < file.size();) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), file.size() - offset));
    RETURN_IF_ERROR(base::ReadExactly(file, offset, absl::MakeSpan(buffer.data(), count)));
    hasher.Update(absl::string_view(buffer.data(), count));
    offset += count;
  }
  return hasher.Finish();
}

}  // namespace

absl::Status Store::Verify(const base::Digest& sha256, uint64_t size) {
  const std::string path = PathOf(sha256);
  constexpr absl::string_view kHint = "remove the file; it is fetched again when it is needed";
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs_.Open(path, base::Follow::kNo));
  if (size > 0 && file->size() != size) {
    return base::WithHint(
        Mismatch("damaged blob", path, absl::StrCat(file->size(), " bytes"), absl::StrCat(size)),
        kHint);
  }
  ASSIGN_OR_RETURN(const base::Digest digest, DigestOf(*file));
  if (digest == sha256) return absl::OkStatus();
  return base::WithHint(Mismatch("damaged blob", path, digest.ToString(), sha256.ToString()),
                        kHint);
}

bool Store::LocksWork() {
  absl::call_once(probe_, [this] {
    locks_work_ = options_.locking == Locking::kFlock && base::LocksWork(layout_.root());
  });
  return locks_work_;
}

absl::StatusOr<bool> Store::Has(const std::string& path, const BlobRequest& request) {
  const absl::StatusOr<base::NodeInfo> info = fs_.Stat(path, base::Follow::kNo);
  if (absl::IsNotFound(info.status())) return false;
  RETURN_IF_ERROR(info.status());
  if (info->type != NodeType::kFile) return false;
  if (request.size > 0) {
    if (info->size != request.size) return false;
  } else {
    const absl::StatusOr<std::unique_ptr<base::InputFile>> file = fs_.Open(path, base::Follow::kNo);
    if (absl::IsNotFound(file.status())) return false;
    RETURN_IF_ERROR(file.status());
    ASSIGN_OR_RETURN(const base::Digest digest, DigestOf(**file));
    if (digest != request.sha256) return false;
  }
  if (absl::Now() - absl::FromUnixNanos(info->used) > kTouchEvery) {
    fs_.Touch(path).IgnoreError();  // A store of somebody else, or one that is read-only.
  }
  return true;
}

absl::StatusOr<std::string> Store::Find(const BlobRequest& request) {
  std::string path = PathOf(request.sha256);
  ASSIGN_OR_RETURN(const bool has, Has(path, request));
  if (has) return path;
  for (const std::string& lower : options_.lower) {
    path = Layout(lower).Blob(request.sha256);
    const absl::StatusOr<bool> there = Has(path, request);
    if (there.ok() && *there) return path;
  }
  return "";
}

absl::Status Store::CheckSpace(absl::Span<const BlobRequest> requests) {
  uint64_t missing = 0;
  std::set<base::Digest> seen;
  for (const BlobRequest& request : requests) {
    if (!seen.insert(request.sha256).second) continue;
    ASSIGN_OR_RETURN(const std::string found, Find(request));
    if (!found.empty()) continue;
    // A part has its space already.
    const auto part =
        fs_.Stat(base::JoinPath(layout_.Parts(), absl::StrCat(request.sha256.Hex(), ".data")),
                 base::Follow::kNo);
    const uint64_t there = part.ok() ? part->allocated : 0;
    missing += request.size - std::min(there, request.size);
  }
  if (missing == 0) return absl::OkStatus();
  RETURN_IF_ERROR(layout_.Prepare(fs_));
  const absl::StatusOr<uint64_t> free = fs_.FreeSpace(layout_.root());
  if (absl::IsUnimplemented(free.status())) return absl::OkStatus();
  RETURN_IF_ERROR(free.status());
  if (*free >= missing && *free - missing >= options_.spare) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      Mismatch("disk too full", layout_.root(), absl::StrCat(*free, " bytes free"),
               absl::StrCat(missing, " to fetch and ", options_.spare, " to spare"))
          .message());
}

absl::StatusOr<std::string> Store::FetchInto(const std::string& path, const BlobRequest& request,
                                             const FetchOptions& options) {
  // A damaged blob stays until the right one takes its name. Only a directory cannot be replaced
  // so.
  const absl::StatusOr<base::NodeInfo> info = fs_.Stat(path, base::Follow::kNo);
  if (info.ok() && info->type == NodeType::kDirectory) {
    const std::string aside = absl::StrCat(path, ".bad");
    RETURN_IF_ERROR(fs_.RemoveTree(aside));
    RETURN_IF_ERROR(fs_.Rename(path, aside));
  }
  FetchRequest fetch;
  fetch.urls = request.urls;
  fetch.size = request.size;
  fetch.sha256 = request.sha256;
  fetch.destination = path;
  fetch.mode = base::FileMode::kReadOnly;
  if (request.size >= options_.resume_from) {
    fetch.resume = {.directory = layout_.Parts(),
                    .keep = LocksWork(),
                    .ranges = layout_.RangesOf(request.sha256)};
  }
  RETURN_IF_ERROR(Fetch(fs_, fetch, options).status());
  return path;
}

absl::Status Store::Replace(const BlobRequest& request, const FetchOptions& options) {
  RETURN_IF_ERROR(layout_.Prepare(fs_));
  return FetchInto(PathOf(request.sha256), request, options).status();
}

absl::StatusOr<std::string> Store::FetchMissing(const BlobRequest& request,
                                                const FetchOptions& options) {
  const std::string path = PathOf(request.sha256);
  RETURN_IF_ERROR(layout_.Prepare(fs_));
  std::string lock_path;
  if (options_.locking == Locking::kFlock) {
    RETURN_IF_ERROR(fs_.CreateDirectories(layout_.Locks()));
    lock_path = base::JoinPath(layout_.Locks(), request.sha256.Hex());
  }
  const BestEffortLock lock(lock_path);
  // Somebody else may have fetched it in the meantime.
  ASSIGN_OR_RETURN(const bool has, Has(path, request));
  if (has) return path;
  RETURN_IF_ERROR(CheckSpace(absl::MakeConstSpan(&request, 1)));
  return FetchInto(path, request, options);
}

absl::StatusOr<std::string> Store::Get(const BlobRequest& request, const FetchOptions& options) {
  ASSIGN_OR_RETURN(std::string path, Find(request));
  if (!path.empty()) return path;
  return FetchMissing(request, options);
}

absl::StatusOr<LeasedBlob> Store::GetLeasedOf(const BlobRequest& request,
                                              const FetchOptions& options) {
  const absl::Status prepared = layout_.Prepare(fs_);
  absl::StatusOr<Lease> lease =
      prepared.ok() ? TakeLease(fs_, layout_, request.sha256, LocksWork()) : prepared;
  ASSIGN_OR_RETURN(std::string path, Find(request));
  if (!path.empty()) {
    // Who cannot write a store can still read it, and has to do without.
    if (!absl::IsPermissionDenied(lease.status())) RETURN_IF_ERROR(lease.status());
    if (path != PathOf(request.sha256) || !lease.ok()) return LeasedBlob{std::move(path), nullptr};
    return LeasedBlob{std::move(path), *std::move(lease)};
  }
  RETURN_IF_ERROR(lease.status());
  ASSIGN_OR_RETURN(path, FetchMissing(request, options));
  return LeasedBlob{std::move(path), *std::move(lease)};
}

absl::StatusOr<LeasedBlob> Store::GetLeased(const BlobRequest& request,
                                            const FetchOptions& options) {
  return GetLeasedOf(request, options);
}

std::vector<absl::StatusOr<LeasedBlob>> Store::GetAll(absl::Span<const BlobRequest> requests,
                                                      const FetchOptions& options,
                                                      int max_parallel) {
  std::vector<absl::StatusOr<LeasedBlob>> results(requests.size(),
                                                  absl::UnknownError("not fetched"));
  if (const absl::Status space = CheckSpace(requests); !space.ok()) {
    std::fill(results.begin(), results.end(), absl::StatusOr<LeasedBlob>(space));
    return results;
  }
  // The first request of each blob.
  std::map<base::Digest, size_t> first;
  std::vector<size_t> work;
  uint64_t total = 0;
  bool total_is_known = true;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (!first.emplace(requests[i].sha256, i).second) continue;
    work.push_back(i);
    total += requests[i].size;
    total_is_known = total_is_known && requests[i].size > 0;
  }
  std::mutex mutex;
  std::vector<uint64_t> done(requests.size());
  uint64_t sum = 0;
  const auto report = [&](size_t i, uint64_t now) {
    if (!options.progress) return;
    const std::lock_guard<std::mutex> lock(mutex);
    sum += now - done[i];
    done[i] = now;
    options.progress(sum, total_is_known ? total : 0);
  };
  std::atomic<size_t> next = 0;
  const auto run = [&] {
    for (size_t w = next.fetch_add(1); w < work.size(); w = next.fetch_add(1)) {
      const size_t i = work[w];
      FetchOptions mine = options;
      mine.progress = [&, i](uint64_t now, uint64_t) { report(i, now); };
      results[i] = GetLeasedOf(requests[i], mine);
      // Also what was there already.
      if (results[i].ok()) report(i, requests[i].size);
    }
  };
  const size_t threads = std::min(work.size(), static_cast<size_t>(std::max(max_parallel, 1)));
  std::vector<std::thread> pool;
  for (size_t i = 1; i < threads; ++i) pool.emplace_back(run);
  run();
  for (std::thread& thread : pool) thread.join();
  for (size_t i = 0; i < requests.size(); ++i) results[i] = results[first[requests[i].sha256]];
  return results;
}

}  // namespace rules_inference::store
