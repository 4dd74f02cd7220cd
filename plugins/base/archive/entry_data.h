// Reading the data of a zip entry, checked against its size and CRC-32.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ENTRY_DATA_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ENTRY_DATA_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/archive/zip.h"

namespace rules_inference::base {

// Room that a decoder may use behind the data it makes; what it leaves there has no meaning.
inline constexpr size_t kInflateSlack = 512;

// Inflates `packed`, the whole stream of `entry`, to `out`, which has room for entry.size +
// kInflateSlack bytes.
absl::Status InflateWhole(Inflater& inflater, const ZipFile& zip, const ZipEntry& entry,
                          absl::string_view packed, uint8_t* out);

// InvalidArgument unless `crc` is that of the entry.
absl::Status CheckCrc(const ZipFile& zip, const ZipEntry& entry, uint32_t crc);

// An error about the stream of `entry`: "deflate data: ...: got <problem>, expected a valid stream
// of N bytes".
absl::Status DeflateError(const ZipFile& zip, const ZipEntry& entry, absl::string_view problem);

// The whole data of an entry of `max_size` bytes at most.
absl::StatusOr<std::string> ReadEntry(const ZipFile& zip, const ZipEntry& entry, uint64_t max_size);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ENTRY_DATA_H_
