// The range map of a file that is being fetched, or has been: which bytes came, with a checksum for
// each range.
//
// A checksum, because it finds bytes that a disk or a crash has changed at a tenth of the cost of a
// digest; what a file may be called is decided by the digest of all of it, never by its ranges.
//
// It is a text of JSON lines: a header (what the file shall be, and where its bytes come from), and
// then a line per range, in the order of the file and without holes. Lines are only ever appended,
// so a torn last line costs that range and no other.

#ifndef RULES_INFERENCE_PLUGINS_STORE_RANGE_MAP_H_
#define RULES_INFERENCE_PLUGINS_STORE_RANGE_MAP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"

namespace rules_inference::store {

// Where bytes come from and which version of it they are.
struct Source {
  // Fit for a message.
  std::string url;
  // As the server sent them, or empty.
  std::string etag;
  std::string last_modified;
};

struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  // As in zip and gzip.
  uint32_t crc32 = 0;
};

struct RangeMap {
  base::Digest sha256;
  uint64_t size = 0;
  Source source;
  std::vector<Range> ranges;
  // How many bytes of the text say this; what follows is torn or not ours.
  size_t length = 0;

  // As much of it as can be read: `ranges` is empty and `length` 0 when the header cannot.
  static RangeMap Parse(absl::string_view text);
};

// Lines with their newline.
std::string HeaderLine(const base::Digest& sha256, uint64_t size, const Source& source);
std::string RangeLine(const Range& range);
// For messages: "crc32:0123abcd".
std::string CrcText(uint32_t crc32);

// How many bytes the next range gets, after `done`: small enough that a fetch which is killed loses
// less than 1 % of what it had, and large enough that the map of any file stays small.
uint64_t NextRange(uint64_t done);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_RANGE_MAP_H_
