// The RECORD file of a wheel: a list of its files with their digests and sizes.

#ifndef RULES_INFERENCE_PLUGINS_BASE_WHEEL_RECORD_H_
#define RULES_INFERENCE_PLUGINS_BASE_WHEEL_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"

namespace rules_inference::base {

struct RecordRow {
  // Both are absent in the row of RECORD itself and of its signatures.
  std::optional<Digest> digest;
  std::optional<uint64_t> size;
  // Line in the file, from 1.
  uint32_t line = 0;
};

using Record = absl::flat_hash_map<std::string, RecordRow>;

// Parses comma-separated values of three columns: path, "sha256=" and unpadded URL-safe base64,
// size. `where` is for messages. Refuses other digests, a path twice, and anything malformed.
absl::StatusOr<Record> ParseRecord(absl::string_view where, absl::string_view text);

// The row of a file, with its '\n'; that of RECORD itself has no digest and no size.
std::string RecordRowText(absl::string_view path, const Digest& digest, uint64_t size);
std::string OwnRecordRowText(absl::string_view path);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_WHEEL_RECORD_H_
