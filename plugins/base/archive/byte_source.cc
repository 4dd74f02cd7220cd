#include "plugins/base/archive/byte_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "lzma.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "zlib.h"
#include "zstd.h"

namespace rules_inference::base {
namespace {

constexpr size_t kInputSize = size_t{256} << 10;
constexpr uint64_t kXzMemory = uint64_t{256} << 20;
constexpr int kZstdWindowLog = 27;

// The part that all decoders share: a buffer of input, and errors.
class Decoder : public ByteSource {
 public:
  Decoder(absl::string_view what, ByteSource& in) : what_(what), in_(in), buffer_(kInputSize) {}
  const std::string& name() const override { return in_.name(); }

 protected:
  // Reads more when all was used; at_end() afterwards says that there is none.
  absl::Status Fill() {
    if (begin_ < end_ || at_end_) return absl::OkStatus();
    ASSIGN_OR_RETURN(end_, in_.Read(absl::MakeSpan(buffer_)));
    begin_ = 0;
    at_end_ = end_ == 0;
    return absl::OkStatus();
  }
  const char* input() const { return buffer_.data() + begin_; }
  size_t input_size() const { return end_ - begin_; }
  void Use(size_t count) { begin_ += count; }
  bool at_end() const { return at_end_; }
  absl::Status Bad(absl::string_view problem) const {
    return Mismatch(what_, name(), problem, "a whole stream");
  }

 private:
  const std::string what_;
  ByteSource& in_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
};

class Gunzip final : public Decoder {
 public:
  explicit Gunzip(ByteSource& in) : Decoder("gzip data", in) {
    // 16: a gzip header is wanted, and its CRC checked.
    ok_ = inflateInit2(&stream_, 15 + 16) == Z_OK;
  }
  ~Gunzip() override { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  absl::StatusOr<size_t> Read(absl::Span<char> out) override {
    if (!ok_) return absl::ResourceExhaustedError("gzip: no memory for a decoder");
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), size_t{1} << 30));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room) {
      RETURN_IF_ERROR(Fill());
      if (between_) {
        if (at_end()) return 0;
        if (inflateReset(&stream_) != Z_OK) return Bad("a decoder that cannot be used again");
        between_ = false;
      }
      if (at_end()) return Bad("the end of the file");
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input()));
      stream_.avail_in = static_cast<uInt>(input_size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      Use(input_size() - stream_.avail_in);
      if (result == Z_STREAM_END) {
        between_ = true;
        any_ = true;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return Bad(any_ && stream_.total_out == 0
                       ? "other bytes after the end"
                       : (stream_.msg != nullptr ? stream_.msg : "damaged data"));
      }
    }
    return room - stream_.avail_out;
  }

 private:
  z_stream stream_ = {};
  bool ok_ = false;
  bool between_ = false;
  bool any_ = false;
};

class Unxz final : public Decoder {
 public:
  explicit Unxz(ByteSource& in) : Decoder("xz data", in) {
    ok_ = lzma_stream_decoder(&stream_, kXzMemory, LZMA_CONCATENATED) == LZMA_OK;
  }
  ~Unxz() override { lzma_end(&stream_); }
  Unxz(const Unxz&) = delete;
  Unxz& operator=(const Unxz&) = delete;

  absl::StatusOr<size_t> Read(absl::Span<char> out) override {
    if (!ok_) return absl::ResourceExhaustedError("xz: no memory for a decoder");
    stream_.next_out = reinterpret_cast<uint8_t*>(out.data());
    stream_.avail_out = out.size();
    while (!done_ && stream_.avail_out == out.size()) {
      RETURN_IF_ERROR(Fill());
      stream_.next_in = reinterpret_cast<const uint8_t*>(input());
      stream_.avail_in = input_size();
      const lzma_ret result = lzma_code(&stream_, at_end() ? LZMA_FINISH : LZMA_RUN);
      Use(input_size() - stream_.avail_in);
      switch (result) {
        case LZMA_OK:
          break;
        case LZMA_STREAM_END:
          done_ = true;
          break;
        case LZMA_BUF_ERROR:
          return Bad("the end of the file");
        case LZMA_FORMAT_ERROR:
          return Bad("something else");
        case LZMA_MEMLIMIT_ERROR:
          return Bad("a dictionary that needs more than 256 MiB");
        case LZMA_MEM_ERROR:
          return absl::ResourceExhaustedError("xz: no memory for a decoder");
        default:
          return Bad("damaged data");
      }
    }
    return out.size() - stream_.avail_out;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ok_ = false;
  bool done_ = false;
};

class Unzstd final : public Decoder {
 public:
  explicit Unzstd(ByteSource& in) : Decoder("zstd data", in), stream_(ZSTD_createDCtx()) {
    if (stream_ != nullptr) {
      ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindowLog);
    }
  }
  ~Unzstd() override { ZSTD_freeDCtx(stream_); }
  Unzstd(const Unzstd&) = delete;
  Unzstd& operator=(const Unzstd&) = delete;

  absl::StatusOr<size_t> Read(absl::Span<char> out) override {
    if (stream_ == nullptr) return absl::ResourceExhaustedError("zstd: no memory for a decoder");
    ZSTD_outBuffer to = {out.data(), out.size(), 0};
    while (to.pos == 0) {
      RETURN_IF_ERROR(Fill());
      if (at_end()) {
        // What the last frame still holds comes out without more input.
        if (whole_) return 0;
        ZSTD_inBuffer none = {nullptr, 0, 0};
        const size_t left = ZSTD_decompressStream(stream_, &to, &none);
        if (ZSTD_isError(left) != 0 || (to.pos == 0 && left != 0))
          return Bad("the end of the file");
        whole_ = left == 0;
        continue;
      }
      ZSTD_inBuffer from = {input(), input_size(), 0};
      const size_t left = ZSTD_decompressStream(stream_, &to, &from);
      Use(from.pos);
      if (ZSTD_isError(left) != 0) return Bad(ZSTD_getErrorName(left));
      whole_ = left == 0;
    }
    return to.pos;
  }

 private:
  ZSTD_DCtx* stream_;
  bool whole_ = false;  // Between two frames.
};

}  // namespace

absl::StatusOr<size_t> HashingSource::Read(absl::Span<char> buffer) {
  ASSIGN_OR_RETURN(const size_t count, file_->ReadAt(done_, buffer));
  sha_.Update({buffer.data(), count});
  done_ += count;
  return count;
}

absl::Status HashingSource::Finish(uint64_t size, const Digest& digest) {
  std::vector<char> buffer(kInputSize);
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, Read(absl::MakeSpan(buffer)));
    if (count == 0) break;
  }
  if (size != 0 && done_ != size) {
    return Mismatch("size mismatch", name(), absl::StrCat(done_, " bytes"),
                    absl::StrCat(size, " as specified"));
  }
  const Digest got = sha_.Finish();
  if (got == digest) return absl::OkStatus();
  return Mismatch("hash mismatch", name(), got.ToString(),
                  absl::StrCat(digest.ToString(), " as specified"));
}

std::unique_ptr<ByteSource> GunzipSource(ByteSource& in) { return std::make_unique<Gunzip>(in); }
std::unique_ptr<ByteSource> UnxzSource(ByteSource& in) { return std::make_unique<Unxz>(in); }
std::unique_ptr<ByteSource> UnzstdSource(ByteSource& in) { return std::make_unique<Unzstd>(in); }

}  // namespace rules_inference::base
