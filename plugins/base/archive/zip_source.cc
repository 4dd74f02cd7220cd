#include "plugins/base/archive/zip_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/byte_source.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "zlib.h"

namespace rules_inference::base {
namespace {

constexpr size_t kInputSize = size_t{256} << 10;

class EntrySource final : public ByteSource {
 public:
  EntrySource(const ZipFile& zip, const ZipEntry& entry)
      : zip_(zip), entry_(entry), name_(zip.Where(entry)), buffer_(kInputSize) {
    ok_ = inflateInit2(&stream_, -15) == Z_OK;
  }
  ~EntrySource() override { inflateEnd(&stream_); }
  EntrySource(const EntrySource&) = delete;
  EntrySource& operator=(const EntrySource&) = delete;

  const std::string& name() const override { return name_; }

  absl::StatusOr<size_t> Read(absl::Span<char> out) override {
    if (!ok_) return absl::ResourceExhaustedError("zip: no memory for a decoder");
    ASSIGN_OR_RETURN(const size_t count,
                     entry_.method == ZipMethod::kStored ? ReadStored(out) : ReadDeflated(out));
    crc_ = libdeflate_crc32(crc_, out.data(), count);
    made_ += count;
    if (made_ > entry_.size) return DeflateError(zip_, entry_, "more data than that");
    if (count > 0) return count;
    if (made_ != entry_.size) return DeflateError(zip_, entry_, absl::StrCat(made_, " bytes"));
    RETURN_IF_ERROR(CheckCrc(zip_, entry_, crc_));
    return 0;
  }

 private:
  absl::StatusOr<size_t> ReadStored(absl::Span<char> out) {
    const auto wanted =
        static_cast<size_t>(std::min<uint64_t>(out.size(), entry_.packed_size - taken_));
    RETURN_IF_ERROR(ReadExactly(zip_.file(), entry_.offset + taken_, out.subspan(0, wanted)));
    taken_ += wanted;
    return wanted;
  }

  absl::StatusOr<size_t> ReadDeflated(absl::Span<char> out) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), size_t{1} << 30));
    const uInt room = stream_.avail_out;
    while (!done_ && stream_.avail_out == room) {
      if (stream_.avail_in == 0) {
        const auto wanted =
            static_cast<size_t>(std::min<uint64_t>(kInputSize, entry_.packed_size - taken_));
        if (wanted == 0) return DeflateError(zip_, entry_, "the stream ends early");
        RETURN_IF_ERROR(ReadExactly(zip_.file(), entry_.offset + taken_,
                                    absl::MakeSpan(buffer_).subspan(0, wanted)));
        taken_ += wanted;
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_in = static_cast<uInt>(wanted);
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        done_ = true;
        const uint64_t unread = stream_.avail_in + (entry_.packed_size - taken_);
        if (unread > 0) {
          return DeflateError(zip_, entry_,
                              absl::StrCat(unread, " bytes after the end of the stream"));
        }
      } else if (result != Z_OK) {
        return DeflateError(zip_, entry_, stream_.msg != nullptr ? stream_.msg : "damaged data");
      }
    }
    return room - stream_.avail_out;
  }

  const ZipFile& zip_;
  const ZipEntry& entry_;
  const std::string name_;
  std::vector<char> buffer_;
  z_stream stream_ = {};
  bool ok_ = false;
  bool done_ = false;
  uint64_t taken_ = 0;  // Packed bytes read.
  uint64_t made_ = 0;
  uint32_t crc_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> ZipEntrySource(const ZipFile& zip, const ZipEntry& entry) {
  return std::make_unique<EntrySource>(zip, entry);
}

}  // namespace rules_inference::base
