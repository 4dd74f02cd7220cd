// Compression of blocks. What comes out depends on the block, the mode and the level, and on
// nothing else.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_ENCODER_H_
#define RULES_INFERENCE_PLUGINS_LAYER_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct libdeflate_compressor;
struct ZSTD_CCtx_s;

namespace rules_inference::layer {

// The start of a gzip member whose deflate stream follows: no name, time 0, no hint about the
// compressor, unknown system.
inline constexpr absl::string_view kGzipHeader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
inline constexpr size_t kGzipTrailerSize = 8;

// The end of a gzip member: the CRC-32 of the data, and its size modulo 2^32.
void AppendGzipTrailer(uint32_t crc32, uint64_t size, std::string& out);

// Keeps the tables of the compressors between blocks. Not for several threads at once.
class Encoder {
 public:
  // 0 is the default of each: 6 for gzip, 3 for zstd.
  explicit Encoder(int level);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Appends one gzip member.
  absl::Status AppendGzip(absl::string_view block, std::string& out);
  // The same for tar headers and padding: fast, and with bytes that no library's version changes.
  static void AppendHeaderGzip(absl::string_view block, std::string& out);
  // Appends one zstd frame, with content size and checksum.
  absl::Status AppendZstd(absl::string_view block, std::string& out);

 private:
  const int level_;
  libdeflate_compressor* deflate_ = nullptr;
  ZSTD_CCtx_s* zstd_ = nullptr;
};

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_ENCODER_H_
