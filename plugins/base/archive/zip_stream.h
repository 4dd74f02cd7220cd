// The data of a zip entry in pieces whose size the caller chooses, at the speed of the fast
// decoder and with memory for a window only.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_STREAM_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/archive/zip.h"

namespace rules_inference::base {

class ZipStream {
 public:
  // `zip` and `entry` must outlive it.
  ZipStream(const ZipFile& zip, const ZipEntry& entry);

  // Writes the next `size` bytes to `out`; never more than are left. There must be
  // Inflater::kWindow bytes of room before `out` but for the first piece, and kInflateSlack after
  // its end; what is there is overwritten. The piece that completes the entry checks its end and
  // its CRC-32. The packed bytes read on the way are appended to `*packed` unless it is null.
  absl::Status Next(uint8_t* out, size_t size, std::string* packed = nullptr);

 private:
  absl::Status NextStored(uint8_t* out, size_t size);
  absl::Status NextInflated(uint8_t* out, size_t size, bool final, std::string* packed);
  absl::Status FillInput(const uint8_t* left, size_t left_size, std::string* packed);

  const ZipFile& zip_;
  const ZipEntry& entry_;
  uint64_t done_ = 0;  // Bytes of data handed out.
  uint32_t crc_ = 0;

  // For deflated entries.
  std::unique_ptr<Inflater> inflater_;
  uint64_t packed_done_ = 0;  // Packed bytes read.
  std::vector<char> input_;   // Those not yet inflated are [input_begin_, input_.size()).
  size_t input_begin_ = 0;
  std::vector<uint8_t> window_;  // The last bytes handed out.
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_STREAM_H_
