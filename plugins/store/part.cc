#include "plugins/store/part.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {
namespace {

constexpr size_t kPiece = 1 << 20;
constexpr size_t kBuffer = 256 << 10;
// A map of 1 TiB in ranges of 8 MiB is far below.
constexpr uint64_t kMaxMap = 64 << 20;
// A loss of power costs about this; a process that is killed loses less, as the kernel has its
// bytes.
constexpr absl::Duration kSyncEvery = absl::Seconds(5);

std::string Unique(absl::string_view stem) {
  std::random_device random;
  return absl::StrCat(stem, ".", getpid(), "-", absl::Hex(random(), absl::kZeroPad8));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Part>> Part::Open(base::FileSystem& fs, const std::string& directory,
                                                 const base::Digest& sha256, uint64_t size,
                                                 bool keep) {
  RETURN_IF_ERROR(fs.CreateDirectories(directory));
  const std::string stem = base::JoinPath(directory, sha256.Hex());
  std::unique_ptr<Part> part(new Part(fs, keep ? stem : Unique(stem), sha256, size, keep));
  if (absl::Status status = part->Load(); !status.ok()) {
    // What cannot be looked at now may still be good later.
    part->released_ = keep;
    return status;
  }
  return part;
}

Part::~Part() {
  if (released_ || data_ == nullptr) return;
  if (!keep_ || done_ == 0) {
    Remove();
  } else if (map_ != nullptr) {
    // Where that fails, the next fetch gets these bytes again.
    if (EndRange().ok()) WriteRanges(/*wait=*/true).IgnoreError();
  }
}

absl::StatusOr<base::Digest> Part::Digest() {
  RETURN_IF_ERROR(Flush());
  return hasher_.Whole();
}

absl::Status Part::Load() {
  ASSIGN_OR_RETURN(data_, fs_.Update(stem_ + ".data"));
  // Under the lock of the data, so never in other hands for long.
  ASSIGN_OR_RETURN(map_, fs_.Update(stem_ + ".jsonl"));
  synced_ = absl::Now();
  std::string text(static_cast<size_t>(std::min(map_->size(), kMaxMap)), '\0');
  RETURN_IF_ERROR(base::ReadExactly(*map_, 0, absl::MakeSpan(text)));
  const RangeMap map = RangeMap::Parse(text);
  if (map.length > 0 && map.sha256 == sha256_ && map.size == size_) {
    source_ = map.source;
    // Without its ranges, the map is as long as its header.
    map_size_ = text.find('\n') + 1;
    std::vector<char> buffer(kPiece);
    base::Sha256 done;
    for (const Range& range : map.ranges) {
      base::Sha256 whole = done;
      uint32_t crc32 = 0;
      uint64_t at = range.begin;
      while (at < range.end) {
        const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), range.end - at));
        // Bytes that cannot be read are as good as wrong ones: they are fetched again.
        if (!base::ReadExactly(*data_, at, absl::MakeSpan(buffer.data(), count)).ok()) break;
        whole.Update(absl::string_view(buffer.data(), count));
        crc32 = libdeflate_crc32(crc32, buffer.data(), count);
        at += count;
      }
      if (at < range.end || crc32 != range.crc32) break;
      done = whole;
      done_ = range.end;
      map_size_ += RangeLine(range).size();
    }
    range_begin_ = done_;
    hasher_.Begin(done);
  }
  if (map_->size() != map_size_) RETURN_IF_ERROR(map_->Resize(map_size_));
  if (data_->size() > done_) RETURN_IF_ERROR(data_->Resize(done_));
  return data_->Reserve(size_);
}

absl::Status Part::Begin(const Source& source) {
  done_ = 0;
  buffer_.clear();
  range_begin_ = 0;
  map_size_ = 0;
  hasher_.Begin(base::Sha256());
  source_ = source;
  // The map first: bytes without a map are nothing, a map without its bytes is a lie.
  RETURN_IF_ERROR(map_->Resize(0));
  RETURN_IF_ERROR(data_->Resize(0));
  RETURN_IF_ERROR(data_->Reserve(size_));
  const std::string line = HeaderLine(sha256_, size_, source);
  RETURN_IF_ERROR(map_->WriteAt(0, line));
  map_size_ = line.size();
  return absl::OkStatus();
}

absl::Status Part::Append(absl::string_view data) {
  while (!data.empty()) {
    // Up to the end of the buffer or of the range.
    const uint64_t room = std::min<uint64_t>(range_begin_ + NextRange(range_begin_) - done_,
                                             kBuffer - buffer_.size());
    const absl::string_view piece =
        data.substr(0, static_cast<size_t>(std::min<uint64_t>(data.size(), room)));
    buffer_.append(piece);
    done_ += piece.size();
    data.remove_prefix(piece.size());
    if (buffer_.size() == kBuffer) RETURN_IF_ERROR(Flush());
    if (done_ - range_begin_ == NextRange(range_begin_)) RETURN_IF_ERROR(EndRange());
  }
  return absl::OkStatus();
}

absl::Status Part::Flush() {
  if (buffer_.empty()) return absl::OkStatus();
  const absl::Status status = data_->WriteAt(done_ - buffer_.size(), buffer_);
  if (!status.ok()) {
    done_ -= buffer_.size();
    buffer_.clear();
    return status;
  }
  buffer_ = hasher_.Update(std::move(buffer_));
  buffer_.reserve(kBuffer);
  return WriteRanges(/*wait=*/false);
}

absl::Status Part::WriteRanges(bool wait) {
  std::string lines;
  for (const Range& range : hasher_.TakeEnded(wait)) absl::StrAppend(&lines, RangeLine(range));
  if (lines.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(map_->WriteAt(map_size_, lines));
  map_size_ += lines.size();
  return absl::OkStatus();
}

absl::Status Part::EndRange() {
  if (done_ == range_begin_) return absl::OkStatus();
  RETURN_IF_ERROR(Flush());
  // So that the last sync finds little to do.
  data_->StartWriting(range_begin_, done_ - range_begin_);
  hasher_.EndRange(range_begin_, done_);
  range_begin_ = done_;
  if (absl::Now() - synced_ < kSyncEvery) return absl::OkStatus();
  RETURN_IF_ERROR(data_->Sync());
  RETURN_IF_ERROR(map_->Sync());
  synced_ = absl::Now();
  return absl::OkStatus();
}

absl::Status Part::Finish(const std::string& destination, base::FileMode mode,
                          const std::string& ranges) {
  RETURN_IF_ERROR(EndRange());
  RETURN_IF_ERROR(WriteRanges(/*wait=*/true));
  RETURN_IF_ERROR(data_->Seal(mode));
  RETURN_IF_ERROR(fs_.Rename(stem_ + ".data", destination));
  released_ = true;
  // A blob without its map is as good; it can only not be repaired in pieces.
  if (ranges.empty() || !fs_.CreateDirectories(ranges.substr(0, ranges.rfind('/'))).ok() ||
      !fs_.Rename(stem_ + ".jsonl", ranges).ok()) {
    fs_.RemoveTree(stem_ + ".jsonl").IgnoreError();
  }
  return absl::OkStatus();
}

void Part::Remove() {
  // The data last: whoever holds it has the map too.
  fs_.RemoveTree(stem_ + ".jsonl").IgnoreError();
  fs_.RemoveTree(stem_ + ".data").IgnoreError();
}

}  // namespace rules_inference::store
