#include "plugins/store/range_map.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/sdk/json.h"
#include "plugins/store/records.pb.h"

namespace rules_inference::store {
namespace {

constexpr int kVersion = 2;
constexpr uint64_t kSmallest = uint64_t{256} << 10;
constexpr uint64_t kLargest = uint64_t{8} << 20;
// 1 % and some room for what is on its way.
constexpr uint64_t kShare = 256;

// Takes a whole line off `text`; false when there is none.
bool TakeLine(absl::string_view& text, absl::string_view* line) {
  const size_t end = text.find('\n');
  if (end == absl::string_view::npos) return false;
  *line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

RangeMap RangeMap::Parse(absl::string_view text) {
  RangeMap map;
  absl::string_view rest = text;
  absl::string_view line;
  if (!TakeLine(rest, &line)) return map;
  const auto header = sdk::ParseJson<PartHeader>("ranges", line);
  if (!header.ok() || header->version() != kVersion) return map;
  const auto sha256 = base::Digest::Parse(header->sha256());
  if (!sha256.ok()) return map;
  map.sha256 = *sha256;
  map.size = header->size();
  map.source = {header->url(), header->etag(), header->last_modified()};
  map.length = text.size() - rest.size();
  uint64_t begin = 0;
  while (TakeLine(rest, &line)) {
    const auto range = sdk::ParseJson<PartRange>("ranges", line);
    if (!range.ok() || range->end() <= begin || range->end() > map.size) break;
    map.ranges.push_back({begin, range->end(), range->crc32()});
    begin = range->end();
    map.length = text.size() - rest.size();
  }
  return map;
}

std::string HeaderLine(const base::Digest& sha256, uint64_t size, const Source& source) {
  PartHeader header;
  header.set_version(kVersion);
  header.set_sha256(sha256.ToString());
  header.set_size(size);
  header.set_url(source.url);
  header.set_etag(source.etag);
  header.set_last_modified(source.last_modified);
  return absl::StrCat(sdk::ToCanonicalJson(header), "\n");
}

std::string RangeLine(const Range& range) {
  PartRange line;
  line.set_end(range.end);
  line.set_crc32(range.crc32);
  return absl::StrCat(sdk::ToCanonicalJson(line), "\n");
}

std::string CrcText(uint32_t crc32) {
  return absl::StrCat("crc32:", absl::Hex(crc32, absl::kZeroPad8));
}

uint64_t NextRange(uint64_t done) { return std::clamp(done / kShare, kSmallest, kLargest); }

}  // namespace rules_inference::store
