// Problem. A layer of wheels is a gzip file, and wheels are zip files: both hold deflate streams.
// Compressing what was already compressed costs 20 to 60 times more than inflating it.
//
// Idea (mode SPLICE). A gzip file may consist of many members, and a reader sees the concatenation
// of their data. So each deflate stream of a wheel becomes a member of its own, byte for byte, with
// the CRC-32 and the size that the zip directory has for it; what lies between the streams (tar
// headers, padding, files that are not deflated) goes into small members that are compressed here.
// For a wheel with files a and b:
//
//   member 1   header of a            compressed here
//   member 2   data of a              the stream of the wheel
//   member 3   padding, header of b   compressed here
//   member 4   data of b              the stream of the wheel
//   ...
//
// Invariant. The concatenated data of the members of a segment is the segment's part of the tar
// stream; no member of ours crosses a segment, so the blob does not depend on who makes which
// segment when.
//
// Cost. Copying the packed bytes, a member per file (some 80 bytes), and inflating for the diff_id.

#include "plugins/layer/producer.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/encoder.h"
#include "plugins/layer/entry_stream.h"
#include "plugins/layer/plan.h"
#include "plugins/layer/segment.h"
#include "plugins/layer/tar.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

SegmentBuffer::SegmentBuffer() : raw_(new uint8_t[kRoom]) {}

void SegmentBuffer::Clear() {
  size_ = 0;
  blob.clear();
  files.clear();
}

void SegmentBuffer::Append(absl::string_view data) {
  std::memcpy(end(), data.data(), data.size());
  size_ += data.size();
}

void SegmentBuffer::AppendZeros(size_t count) {
  std::memset(end(), 0, count);
  size_ += count;
}

Producer::Producer(const LayerPlan& plan, sdk::LayerMode mode, int level, bool inflate,
                   base::FileSystem& fs)
    // The level is for blocks that are compressed anew; the little that splicing compresses has a
    // fixed one.
    : plan_(plan),
      mode_(mode),
      inflate_(inflate),
      fs_(fs),
      encoder_(mode == sdk::SPLICE ? 0 : level) {}

absl::Status Producer::Produce(const Segment& segment, std::unique_ptr<EntryStream>& stream,
                               SegmentBuffer& buffer) {
  buffer.Clear();
  gap_ = 0;
  gap_has_data_ = false;
  for (const Slice& slice : segment.slices) {
    const LayerEntry& entry = plan_.entries[slice.entry];
    if (slice.begin == 0) buffer.Append(HeaderOf(entry));
    if (slice.end > slice.begin) {
      const size_t start = buffer.size();
      RETURN_IF_ERROR(AppendData(slice, stream, buffer));
      if (entry.digest.has_value()) {
        buffer.files.push_back({start, buffer.size(), slice.entry, slice.end == entry.size});
      }
    } else if (entry.size == 0 && entry.type == TarType::kFile) {
      RETURN_IF_ERROR(AppendWhole(entry, buffer));
      if (entry.digest.has_value()) {
        buffer.files.push_back({buffer.size(), buffer.size(), slice.entry, true});
      }
    }
    if (slice.end == entry.size) buffer.AppendZeros(TarPadding(entry.size));
  }
  if (segment.last) buffer.AppendZeros(kTarEndSize);
  switch (mode_) {
    case sdk::SPLICE:
      return FlushGap(buffer);
    case sdk::DEFLATE:
      return encoder_.AppendGzip(buffer.tar(), buffer.blob);
    case sdk::ZSTD:
      return encoder_.AppendZstd(buffer.tar(), buffer.blob);
    default:
      return absl::OkStatus();
  }
}

absl::Status Producer::AppendData(const Slice& slice, std::unique_ptr<EntryStream>& stream,
                                  SegmentBuffer& buffer) {
  const LayerEntry& entry = plan_.entries[slice.entry];
  if (mode_ == sdk::SPLICE && plan_.is_deflated(entry)) return AppendSpliced(slice, stream, buffer);
  gap_has_data_ = true;
  if (slice.begin == 0 && slice.end == entry.size) return AppendWhole(entry, buffer);
  if (slice.begin == 0) {
    ASSIGN_OR_RETURN(stream, EntryStream::Open(plan_, entry, fs_));
  }
  const auto size = static_cast<size_t>(slice.end - slice.begin);
  RETURN_IF_ERROR(stream->Next(buffer.end(), size, nullptr));
  buffer.Advance(size);
  if (slice.end == entry.size) stream.reset();
  return absl::OkStatus();
}

absl::Status Producer::AppendWhole(const LayerEntry& entry, SegmentBuffer& buffer) {
  const auto size = static_cast<size_t>(entry.size);
  if (entry.wheel == LayerEntry::kNoWheel) {
    RETURN_IF_ERROR(ReadWholeFile(entry, fs_, buffer.end()));
    buffer.Advance(size);
    return absl::OkStatus();
  }
  const base::ZipFile& zip = plan_.zip(entry);
  const base::ZipEntry& zip_entry = plan_.zip_entry(entry);
  if (zip_entry.method == base::ZipMethod::kStored) {
    const auto data = absl::MakeSpan(reinterpret_cast<char*>(buffer.end()), size);
    RETURN_IF_ERROR(base::ReadExactly(zip.file(), zip_entry.offset, data));
    RETURN_IF_ERROR(base::CheckCrc(zip, zip_entry, libdeflate_crc32(0, data.data(), size)));
  } else {
    packed_.resize(static_cast<size_t>(zip_entry.packed_size));
    RETURN_IF_ERROR(base::ReadExactly(zip.file(), zip_entry.offset, absl::MakeSpan(packed_)));
    RETURN_IF_ERROR(base::InflateWhole(inflater_, zip, zip_entry, packed_, buffer.end()));
  }
  buffer.Advance(size);
  return absl::OkStatus();
}

absl::Status Producer::AppendSpliced(const Slice& slice, std::unique_ptr<EntryStream>& stream,
                                     SegmentBuffer& buffer) {
  const LayerEntry& entry = plan_.entries[slice.entry];
  const base::ZipFile& zip = plan_.zip(entry);
  const base::ZipEntry& zip_entry = plan_.zip_entry(entry);
  const auto size = static_cast<size_t>(slice.end - slice.begin);
  const bool whole = slice.begin == 0 && slice.end == entry.size;
  RETURN_IF_ERROR(FlushGap(buffer));
  if (slice.begin == 0) absl::StrAppend(&buffer.blob, kGzipHeader);
  if (whole || !inflate_) {
    // Without inflating nobody knows which packed bytes make a slice; any split will do whose parts
    // add up.
    const auto packed_at = [&](uint64_t at) {
      return static_cast<uint64_t>(static_cast<unsigned __int128>(at) * zip_entry.packed_size /
                                   zip_entry.size);
    };
    const uint64_t begin = packed_at(slice.begin);
    const auto packed_size = static_cast<size_t>(packed_at(slice.end) - begin);
    const size_t start = buffer.blob.size();
    buffer.blob.resize(start + packed_size);
    RETURN_IF_ERROR(base::ReadExactly(zip.file(), zip_entry.offset + begin,
                                      absl::MakeSpan(buffer.blob.data() + start, packed_size)));
    if (inflate_) {
      RETURN_IF_ERROR(base::InflateWhole(
          inflater_, zip, zip_entry, absl::string_view(buffer.blob).substr(start), buffer.end()));
    }
  } else {
    if (slice.begin == 0) {
      ASSIGN_OR_RETURN(stream, EntryStream::Open(plan_, entry, fs_));
    }
    RETURN_IF_ERROR(stream->Next(buffer.end(), size, &buffer.blob));
    if (slice.end == entry.size) stream.reset();
  }
  if (inflate_) buffer.Advance(size);
  gap_ = buffer.size();
  if (slice.end == entry.size) AppendGzipTrailer(zip_entry.crc32, zip_entry.size, buffer.blob);
  return absl::OkStatus();
}

absl::Status Producer::FlushGap(SegmentBuffer& buffer) {
  const absl::string_view gap = buffer.tar().substr(gap_);
  gap_ = buffer.size();
  if (gap.empty()) return absl::OkStatus();
  if (std::exchange(gap_has_data_, false)) return encoder_.AppendGzip(gap, buffer.blob);
  Encoder::AppendHeaderGzip(gap, buffer.blob);
  return absl::OkStatus();
}

}  // namespace rules_inference::layer
