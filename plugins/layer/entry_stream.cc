#include "plugins/layer/entry_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/plan.h"

namespace rules_inference::layer {
namespace {

constexpr size_t kInputSize = 256 << 10;

absl::Span<char> AsChars(uint8_t* data, size_t size) {
  return absl::MakeSpan(reinterpret_cast<char*>(data), size);
}

absl::Status CheckSize(const LayerEntry& entry, uint64_t size) {
  if (size == entry.size) return absl::OkStatus();
  return base::Mismatch(
      "file changed while it was read", entry.source,
      absl::StrCat(size < entry.size ? "" : "more than ", std::min(size, entry.size), " bytes"),
      absl::StrCat(entry.size));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EntryStream>> EntryStream::Open(const LayerPlan& plan,
                                                               const LayerEntry& entry,
                                                               base::FileSystem& fs) {
  std::shared_ptr<base::InputFile> file;
  if (entry.wheel == LayerEntry::kNoWheel) {
    ASSIGN_OR_RETURN(file, fs.Open(entry.source));
  } else {
    file = plan.zip(entry).shared_file();
  }
  auto stream = std::unique_ptr<EntryStream>(new EntryStream(plan, entry, std::move(file)));
  if (plan.is_deflated(entry)) {
    stream->inflater_ = std::make_unique<base::Inflater>();
    stream->inflater_->Reset();
  }
  return stream;
}

absl::Status EntryStream::Next(uint8_t* out, size_t size, std::string* packed) {
  const bool final = done_ + size == entry_.size;
  if (inflater_ != nullptr) {
    RETURN_IF_ERROR(NextInflated(out, size, final, packed));
  } else {
    const bool in_zip = entry_.wheel != LayerEntry::kNoWheel;
    const uint64_t start = in_zip ? plan_.zip_entry(entry_).offset : 0;
    // One byte more at the end of a file shows whether it has grown.
    const size_t wanted = size + (final && !in_zip ? 1 : 0);
    ASSIGN_OR_RETURN(const size_t count, file_->ReadAt(start + done_, AsChars(out, wanted)));
    if (in_zip && count != size) {
      return base::Mismatch("file ends early", file_->path(),
                            absl::StrCat(start + done_ + count, " bytes"),
                            absl::StrCat("at least ", start + done_ + size));
    }
    if (!in_zip && (count < size || final)) RETURN_IF_ERROR(CheckSize(entry_, done_ + count));
  }
  done_ += size;
  if (entry_.wheel == LayerEntry::kNoWheel) return absl::OkStatus();
  crc_ = libdeflate_crc32(crc_, out, size);
  return final ? base::CheckCrc(plan_.zip(entry_), plan_.zip_entry(entry_), crc_)
               : absl::OkStatus();
}

// Keeps the `left_size` bytes at `left` and reads more after them.
absl::Status EntryStream::FillInput(const uint8_t* left, size_t left_size, std::string* packed) {
  const base::ZipEntry& zip_entry = plan_.zip_entry(entry_);
  input_.resize(kInputSize);
  if (left_size > 0) std::memmove(input_.data(), left, left_size);
  const auto count = static_cast<size_t>(
      std::min<uint64_t>(kInputSize - left_size, zip_entry.packed_size - packed_done_));
  const absl::Span<char> fresh = absl::MakeSpan(input_.data() + left_size, count);
  RETURN_IF_ERROR(base::ReadExactly(*file_, zip_entry.offset + packed_done_, fresh));
  packed_done_ += count;
  input_.resize(left_size + count);
  input_begin_ = 0;
  if (packed != nullptr) packed->append(fresh.data(), fresh.size());
  return absl::OkStatus();
}

absl::Status EntryStream::NextInflated(uint8_t* out, size_t size, bool final, std::string* packed) {
  const base::ZipFile& zip = plan_.zip(entry_);
  const base::ZipEntry& zip_entry = plan_.zip_entry(entry_);
  if (!window_.empty()) std::memcpy(out - window_.size(), window_.data(), window_.size());
  // Padding in front of blocks is legal and can be endless; memory is not.
  const uint64_t packed_limit = packed_done_ + 2 * size + 2 * kInputSize;
  uint8_t* end = out;
  uint8_t* const limit = out + size + (final ? base::kInflateSlack : 0);
  while (true) {
    const auto* in = reinterpret_cast<const uint8_t*>(input_.data()) + input_begin_;
    const auto* in_end = reinterpret_cast<const uint8_t*>(input_.data()) + input_.size();
    const bool last = packed_done_ == zip_entry.packed_size;
    const base::Inflater::Step step = inflater_->Run(
        in, in_end, last, end, limit, window_.size() + static_cast<size_t>(end - out));
    const auto made = static_cast<size_t>(end - out);
    const auto left = static_cast<size_t>(in_end - in);
    input_begin_ = input_.size() - left;
    if (step == base::Inflater::Step::kBad)
      return base::DeflateError(zip, zip_entry, inflater_->problem());
    if (made > size || (final && step == base::Inflater::Step::kOutputFull)) {
      return base::DeflateError(zip, zip_entry, "more data than that");
    }
    if (step == base::Inflater::Step::kOutputFull) break;
    if (step == base::Inflater::Step::kDone) {
      if (made != size || !final) {
        return base::DeflateError(zip, zip_entry, absl::StrCat(done_ + made, " bytes"));
      }
      const uint64_t unread = left + inflater_->unread() + (zip_entry.packed_size - packed_done_);
      if (unread > 0) {
        return base::DeflateError(zip, zip_entry,
                                  absl::StrCat(unread, " bytes after the end of the stream"));
      }
      break;
    }
    if (packed_done_ > packed_limit) {
      return base::DeflateError(
          zip, zip_entry,
          absl::StrCat("more than ", packed_limit, " packed bytes for ", done_ + made));
    }
    RETURN_IF_ERROR(FillInput(in, left, packed));
  }
  if (!final) {
    const size_t kept = std::min(size, base::Inflater::kWindow);
    window_.assign(end - kept, end);
  }
  return absl::OkStatus();
}

absl::Status ReadWholeFile(const LayerEntry& entry, base::FileSystem& fs, uint8_t* out) {
  if (entry.source.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs.Open(entry.source));
  ASSIGN_OR_RETURN(const size_t count,
                   file->ReadAt(0, AsChars(out, static_cast<size_t>(entry.size) + 1)));
  return CheckSize(entry, count);
}

}  // namespace rules_inference::layer
