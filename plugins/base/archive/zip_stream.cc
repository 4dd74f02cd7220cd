#include "plugins/base/archive/zip_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr size_t kInputSize = 256 << 10;

}  // namespace

ZipStream::ZipStream(const ZipFile& zip, const ZipEntry& entry) : zip_(zip), entry_(entry) {
  if (entry_.method == ZipMethod::kDeflated) {
    inflater_ = std::make_unique<Inflater>();
    inflater_->Reset();
  }
}

absl::Status ZipStream::Next(uint8_t* out, size_t size, std::string* packed) {
  const bool final = done_ + size == entry_.size;
  if (inflater_ != nullptr) {
    RETURN_IF_ERROR(NextInflated(out, size, final, packed));
  } else {
    RETURN_IF_ERROR(NextStored(out, size));
  }
  done_ += size;
  crc_ = libdeflate_crc32(crc_, out, size);
  return final ? CheckCrc(zip_, entry_, crc_) : absl::OkStatus();
}

absl::Status ZipStream::NextStored(uint8_t* out, size_t size) {
  return ReadExactly(zip_.file(), entry_.offset + done_,
                     absl::MakeSpan(reinterpret_cast<char*>(out), size));
}

// Keeps the `left_size` bytes at `left` and reads more after them.
absl::Status ZipStream::FillInput(const uint8_t* left, size_t left_size, std::string* packed) {
  input_.resize(kInputSize);
  if (left_size > 0) std::memmove(input_.data(), left, left_size);
  const auto count = static_cast<size_t>(
      std::min<uint64_t>(kInputSize - left_size, entry_.packed_size - packed_done_));
  const absl::Span<char> fresh = absl::MakeSpan(input_.data() + left_size, count);
  RETURN_IF_ERROR(ReadExactly(zip_.file(), entry_.offset + packed_done_, fresh));
  packed_done_ += count;
  input_.resize(left_size + count);
  input_begin_ = 0;
  if (packed != nullptr) packed->append(fresh.data(), fresh.size());
  return absl::OkStatus();
}

absl::Status ZipStream::NextInflated(uint8_t* out, size_t size, bool final, std::string* packed) {
  if (!window_.empty()) std::memcpy(out - window_.size(), window_.data(), window_.size());
  // Padding in front of blocks is legal and can be endless; memory is not.
  const uint64_t packed_limit = packed_done_ + 2 * size + 2 * kInputSize;
  uint8_t* end = out;
  uint8_t* const limit = out + size + (final ? kInflateSlack : 0);
  while (true) {
    const auto* in = reinterpret_cast<const uint8_t*>(input_.data()) + input_begin_;
    const auto* in_end = reinterpret_cast<const uint8_t*>(input_.data()) + input_.size();
    const bool last = packed_done_ == entry_.packed_size;
    const Inflater::Step step = inflater_->Run(in, in_end, last, end, limit,
                                               window_.size() + static_cast<size_t>(end - out));
    const auto made = static_cast<size_t>(end - out);
    const auto left = static_cast<size_t>(in_end - in);
    input_begin_ = input_.size() - left;
    if (step == Inflater::Step::kBad) return DeflateError(zip_, entry_, inflater_->problem());
    if (made > size || (final && step == Inflater::Step::kOutputFull)) {
      return DeflateError(zip_, entry_, "more data than that");
    }
    if (step == Inflater::Step::kOutputFull) break;
    if (step == Inflater::Step::kDone) {
      if (made != size || !final) {
        return DeflateError(zip_, entry_, absl::StrCat(done_ + made, " bytes"));
      }
      const uint64_t unread = left + inflater_->unread() + (entry_.packed_size - packed_done_);
      if (unread > 0) {
        return DeflateError(zip_, entry_,
                            absl::StrCat(unread, " bytes after the end of the stream"));
      }
      break;
    }
    if (packed_done_ > packed_limit) {
      return DeflateError(
          zip_, entry_,
          absl::StrCat("more than ", packed_limit, " packed bytes for ", done_ + made));
    }
    RETURN_IF_ERROR(FillInput(in, left, packed));
  }
  if (!final) {
    const size_t kept = std::min(size, Inflater::kWindow);
    window_.assign(end - kept, end);
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::base
