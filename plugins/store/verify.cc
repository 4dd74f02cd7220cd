#include "plugins/store/verify.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/inventory.h"
#include "plugins/store/layout.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;

constexpr size_t kPiece = 1 << 20;
constexpr uint64_t kMaxMap = 64 << 20;
constexpr absl::string_view kHint = "`repair` fetches what is wrong again";

// The range map of the blob, or one without ranges.
RangeMap MapOf(base::FileSystem& fs, const Layout& layout, const base::Digest& sha256,
               uint64_t size) {
  const absl::StatusOr<std::string> text = base::ReadFile(fs, layout.RangesOf(sha256), kMaxMap);
  if (!text.ok()) return {};
  RangeMap map = RangeMap::Parse(*text);
  // A map that is not of this blob, or not of all of it, vouches for nothing.
  if (map.sha256 != sha256 || map.size != size || map.ranges.empty() ||
      map.ranges.back().end != size) {
    map.ranges.clear();
  }
  return map;
}

// Calls `use` with [begin, end), piece by piece.
template <typename Use>
absl::Status Read(base::InputFile& file, uint64_t begin, uint64_t end, const Use& use) {
  std::vector<char> buffer(kPiece);
  while (begin < end) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), end - begin));
    RETURN_IF_ERROR(base::ReadExactly(file, begin, absl::MakeSpan(buffer.data(), count)));
    use(absl::string_view(buffer.data(), count));
    begin += count;
  }
  return absl::OkStatus();
}

absl::Status Damaged(const std::string& path, const std::string& got, const std::string& expected) {
  return base::WithHint(Mismatch("damaged blob", path, got, expected), kHint);
}

}  // namespace

absl::StatusOr<Damage> VerifyBlob(base::FileSystem& fs, const Layout& layout,
                                  const base::Digest& sha256, const VerifyOptions& options) {
  Damage damage{.sha256 = sha256, .path = layout.Blob(sha256)};
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file,
                   fs.Open(damage.path, base::Follow::kNo));
  std::vector<Range> ranges = MapOf(fs, layout, sha256, file->size()).ranges;
  const bool sampled = options.sample > 0 && ranges.size() > static_cast<size_t>(options.sample);
  if (sampled) {
    // Each blob has ranges of its own choice, the same for the same seed.
    std::mt19937_64 random(options.seed ^ sha256.bytes()[0] ^ uint64_t{sha256.bytes()[1]} << 8);
    for (size_t i = 0; i < static_cast<size_t>(options.sample); ++i) {
      std::swap(ranges[i], ranges[i + random() % (ranges.size() - i)]);
    }
    ranges.resize(static_cast<size_t>(options.sample));
  }
  base::Sha256 whole;
  for (const Range& range : ranges) {
    uint32_t crc32 = 0;
    RETURN_IF_ERROR(Read(*file, range.begin, range.end, [&](absl::string_view data) {
      crc32 = libdeflate_crc32(crc32, data.data(), data.size());
      if (!sampled) whole.Update(data);
    }));
    if (crc32 == range.crc32) continue;
    if (damage.ranges.empty()) {
      damage.status = Damaged(
          damage.path, absl::StrCat(CrcText(crc32), " in bytes ", range.begin, "-", range.end - 1),
          CrcText(range.crc32));
    }
    damage.ranges.push_back(range);
  }
  if (sampled) return damage;
  if (ranges.empty()) {
    RETURN_IF_ERROR(
        Read(*file, 0, file->size(), [&](absl::string_view data) { whole.Update(data); }));
  }
  const base::Digest digest = whole.Finish();
  if (digest != sha256 && damage.status.ok()) {
    // Also when all ranges are as the map says: then the map is wrong.
    damage.status = Damaged(damage.path, digest.ToString(), sha256.ToString());
  }
  return damage;
}

absl::StatusOr<std::vector<Damage>> VerifyStore(base::FileSystem& fs, const Layout& layout,
                                                const VerifyOptions& options) {
  ASSIGN_OR_RETURN(const Inventory inventory, ListStore(fs, layout));
  std::vector<Damage> found;
  uint64_t done = 0;
  for (const Blob& blob : inventory.blobs) {
    absl::StatusOr<Damage> damage = VerifyBlob(fs, layout, blob.sha256, options);
    done += blob.size;
    if (options.progress) options.progress(done, inventory.size);
    if (damage.ok() && damage->status.ok()) continue;
    if (absl::IsNotFound(damage.status())) continue;  // Pruned since it was listed.
    if (!damage.ok()) {
      damage = Damage{
          .sha256 = blob.sha256, .path = layout.Blob(blob.sha256), .status = damage.status()};
    }
    found.push_back(*std::move(damage));
  }
  return found;
}

}  // namespace rules_inference::store
