#include "plugins/layer/encoder.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libdeflate.h"
#include "plugins/layer/header_deflate.h"
#include "zstd.h"

namespace rules_inference::layer {
namespace {

constexpr int kDefaultDeflateLevel = 6;
constexpr int kDefaultZstdLevel = 3;

void AppendLittleEndian32(uint32_t value, std::string& out) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

void AppendGzipTrailer(uint32_t crc32, uint64_t size, std::string& out) {
  AppendLittleEndian32(crc32, out);
  AppendLittleEndian32(static_cast<uint32_t>(size), out);
}

Encoder::Encoder(int level) : level_(level) {}

Encoder::~Encoder() {
  if (deflate_ != nullptr) libdeflate_free_compressor(deflate_);
  if (zstd_ != nullptr) ZSTD_freeCCtx(zstd_);
}

absl::Status Encoder::AppendGzip(absl::string_view block, std::string& out) {
  if (deflate_ == nullptr) {
    deflate_ = libdeflate_alloc_compressor(level_ == 0 ? kDefaultDeflateLevel : level_);
    if (deflate_ == nullptr)
      return absl::ResourceExhaustedError("gzip: no memory for a compressor");
  }
  absl::StrAppend(&out, kGzipHeader);
  const size_t start = out.size();
  const size_t bound = libdeflate_deflate_compress_bound(deflate_, block.size());
  out.resize(start + bound);
  const size_t size =
      libdeflate_deflate_compress(deflate_, block.data(), block.size(), out.data() + start, bound);
  if (size == 0) return absl::InternalError("gzip: a block did not fit its bound");
  out.resize(start + size);
  AppendGzipTrailer(libdeflate_crc32(0, block.data(), block.size()), block.size(), out);
  return absl::OkStatus();
}

void Encoder::AppendHeaderGzip(absl::string_view block, std::string& out) {
  absl::StrAppend(&out, kGzipHeader);
  AppendHeaderDeflate(block, out);
  AppendGzipTrailer(libdeflate_crc32(0, block.data(), block.size()), block.size(), out);
}

absl::Status Encoder::AppendZstd(absl::string_view block, std::string& out) {
  if (zstd_ == nullptr) {
    zstd_ = ZSTD_createCCtx();
    if (zstd_ == nullptr) return absl::ResourceExhaustedError("zstd: no memory for a compressor");
    const int level = level_ == 0 ? kDefaultZstdLevel : level_;
    ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(zstd_, ZSTD_c_contentSizeFlag, 1);
    ZSTD_CCtx_setParameter(zstd_, ZSTD_c_checksumFlag, 1);
  }
  const size_t start = out.size();
  const size_t bound = ZSTD_compressBound(block.size());
  out.resize(start + bound);
  const size_t size = ZSTD_compress2(zstd_, out.data() + start, bound, block.data(), block.size());
  if (ZSTD_isError(size) != 0) {
    return absl::InternalError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
  }
  out.resize(start + size);
  return absl::OkStatus();
}

}  // namespace rules_inference::layer
