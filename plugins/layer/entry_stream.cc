#include "plugins/layer/entry_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "plugins/base/archive/zip_stream.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/plan.h"

namespace rules_inference::layer {
namespace {

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
  auto stream = std::unique_ptr<EntryStream>(new EntryStream(entry));
  if (entry.wheel == LayerEntry::kNoWheel) {
    ASSIGN_OR_RETURN(stream->file_, fs.Open(entry.source));
  } else {
    stream->member_ = std::make_unique<base::ZipStream>(plan.zip(entry), plan.zip_entry(entry));
  }
  return stream;
}

absl::Status EntryStream::Next(uint8_t* out, size_t size, std::string* packed) {
  if (member_ != nullptr) return member_->Next(out, size, packed);
  const bool final = done_ + size == entry_.size;
  // One byte more at the end of a file shows whether it has grown.
  const size_t wanted = size + (final ? 1 : 0);
  ASSIGN_OR_RETURN(const size_t count, file_->ReadAt(done_, AsChars(out, wanted)));
  if (count < size || final) RETURN_IF_ERROR(CheckSize(entry_, done_ + count));
  done_ += size;
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
