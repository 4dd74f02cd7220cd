// Problem: a large blob has some wrong bytes; get it right without fetching all of it, and without
// changing a file that others have open.
//
// Idea: the range map names the wrong ranges. Each is fetched by a request for that range and has
// to have the checksum of the map; then a new file is put together from the good bytes and the
// fetched ones, hashed on the way, and takes the name of the old one.
//
// Invariant: what gets the name has the digest of the blob. When ranges do not lead there (no map,
// a map that is wrong itself, a server without ranges), the whole blob is fetched.
//
// Cost: one reading to find what is wrong, one copy.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/fetch.h"
#include "plugins/store/layout.h"
#include "plugins/store/range_map.h"
#include "plugins/store/store.h"
#include "plugins/store/verify.h"

namespace rules_inference::store {
namespace {

constexpr size_t kPiece = 1 << 20;

// Removes what it names when it goes.
class Scratch {
 public:
  Scratch(base::FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  ~Scratch() { fs_.RemoveTree(path_).IgnoreError(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  base::FileSystem& fs_;
  const std::string path_;
};

// Appends [begin, end) of `file`.
absl::Status AppendFrom(base::InputFile& file, uint64_t begin, uint64_t end,
                        base::OutputFile& output, base::Sha256& hasher) {
  std::vector<char> buffer(kPiece);
  while (begin < end) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), end - begin));
    RETURN_IF_ERROR(base::ReadExactly(file, begin, absl::MakeSpan(buffer.data(), count)));
    const absl::string_view data(buffer.data(), count);
    hasher.Update(data);
    RETURN_IF_ERROR(output.Append(data));
    begin += count;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RepairRanges(Store& store, const BlobRequest& request,
                                      const FetchOptions& options, const Damage& damage) {
  base::FileSystem& fs = store.fs();
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> old,
                   fs.Open(damage.path, base::Follow::kNo));
  const Scratch scratch(
      fs, base::JoinPath(store.layout().Parts(),
                         absl::StrCat(request.sha256.Hex(), ".", UniqueSuffix(), ".repair")));
  // The new file first: where there is no room for it, nothing is fetched.
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> output,
                   fs.Create(damage.path, base::FileMode::kReadOnly));
  base::Sha256 hasher;
  uint64_t at = 0;
  uint64_t fetched = 0;
  for (const Range& range : damage.ranges) {
    FetchRequest fetch;
    fetch.urls = request.urls;
    fetch.size = range.end - range.begin;
    fetch.destination = base::JoinPath(scratch.path(), absl::StrCat(range.begin));
    fetch.slice = Slice{.begin = range.begin, .total = old->size(), .crc32 = range.crc32};
    RETURN_IF_ERROR(Fetch(fs, fetch, options).status());
    fetched += fetch.size;
    RETURN_IF_ERROR(AppendFrom(*old, at, range.begin, *output, hasher));
    ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> piece, fs.Open(fetch.destination));
    RETURN_IF_ERROR(AppendFrom(*piece, 0, fetch.size, *output, hasher));
    at = range.end;
  }
  RETURN_IF_ERROR(AppendFrom(*old, at, old->size(), *output, hasher));
  const base::Digest digest = hasher.Finish();
  if (digest != request.sha256) {
    return base::Mismatch("repair failed", damage.path, digest.ToString(),
                          request.sha256.ToString());
  }
  RETURN_IF_ERROR(output->Publish());
  return fetched;
}

}  // namespace

absl::StatusOr<RepairResult> Repair(Store& store, const BlobRequest& request,
                                    const FetchOptions& options) {
  const absl::StatusOr<Damage> damage = VerifyBlob(store.fs(), store.layout(), request.sha256, {});
  if (damage.ok() && damage->status.ok()) return RepairResult();
  if (damage.ok() && !damage->ranges.empty()) {
    const absl::StatusOr<uint64_t> fetched = RepairRanges(store, request, options, *damage);
    if (fetched.ok()) return RepairResult{.fetched = *fetched, .by_ranges = true};
    if (absl::IsResourceExhausted(fetched.status())) return fetched.status();
  }
  RETURN_IF_ERROR(store.Replace(request, options));
  const absl::StatusOr<base::NodeInfo> info =
      store.fs().Stat(store.PathOf(request.sha256), base::Follow::kNo);
  RETURN_IF_ERROR(info.status());
  return RepairResult{.fetched = info->size};
}

}  // namespace rules_inference::store
