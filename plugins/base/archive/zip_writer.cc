// Every field that could tell where and when a file was made is fixed: the time is the first one
// that the format can say, the system is Unix with mode 0644 or 0755, nothing is left to a data
// descriptor. Bytes of directory entries wait in memory, some hundred for each file.

#include "plugins/base/archive/zip_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/archive/zip_format.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr uint16_t kSaturated16 = 0xFFFF;
constexpr uint32_t kSaturated32 = 0xFFFFFFFF;
constexpr uint16_t kVersion = 20;
constexpr uint16_t kVersion64 = 45;
constexpr uint16_t kUnix = 3 << 8;
// 1980-01-01, midnight.
constexpr uint32_t kTime = 0x00210000;
constexpr uint64_t kFileType = 0100000;
constexpr int kLevel = 6;
constexpr size_t kPiece = size_t{1} << 20;

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}
std::string U16(uint64_t value) { return LittleEndian(value, 2); }
std::string U32(uint64_t value) { return LittleEndian(value, 4); }
std::string U64(uint64_t value) { return LittleEndian(value, 8); }

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

absl::Status ZipWriter::Append(absl::string_view data) {
  offset_ += data.size();
  return out_.Append(data);
}

std::string ZipWriter::Header(const ZipEntry& entry, bool central) const {
  // Both sizes go to the zip64 field when one of them has to: readers differ about a single one in
  // the local header.
  const bool large = entry.size >= limit_ || entry.packed_size >= limit_;
  const bool far = central && entry.offset >= limit_;
  std::string extra;
  if (large || far) {
    absl::StrAppend(&extra, large ? absl::StrCat(U64(entry.size), U64(entry.packed_size)) : "",
                    far ? U64(entry.offset) : "");
    extra = absl::StrCat(U16(zip_format::kExtraZip64), U16(extra.size()), extra);
  }
  const uint16_t version = large || far ? kVersion64 : kVersion;
  std::string header = central ? absl::StrCat(U32(zip_format::kCentralSignature),
                                              U16(static_cast<uint64_t>(kUnix | version)))
                               : U32(zip_format::kLocalSignature);
  absl::StrAppend(&header, U16(version), U16(IsAscii(entry.name) ? 0 : zip_format::kFlagUtf8),
                  U16(entry.method == ZipMethod::kStored ? 0 : 8), U32(kTime));
  absl::StrAppend(&header, U32(entry.crc32), U32(large ? kSaturated32 : entry.packed_size),
                  U32(large ? kSaturated32 : entry.size), U16(entry.name.size()));
  absl::StrAppend(&header, U16(extra.size()));
  if (central) {
    const uint64_t mode = kFileType | (entry.executable ? 0755 : 0644);
    // No comment, the first disk, no internal attributes.
    absl::StrAppend(&header, U16(0), U16(0), U16(0), U32(mode << 16));
    absl::StrAppend(&header, U32(far ? kSaturated32 : entry.offset));
  }
  absl::StrAppend(&header, entry.name, extra);
  return header;
}

absl::Status ZipWriter::Begin(ZipEntry entry) {
  entry.offset = offset_;
  absl::StrAppend(&directory_, Header(entry, true));
  ++entries_;
  return Append(Header(entry, false));
}

absl::Status ZipWriter::Add(absl::string_view name, absl::string_view data, bool executable) {
  ZipEntry entry;
  entry.name = std::string(name);
  entry.executable = executable;
  entry.crc32 = libdeflate_crc32(0, data.data(), data.size());
  entry.size = entry.packed_size = data.size();
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(kLevel), libdeflate_free_compressor);
  if (compressor == nullptr) return absl::ResourceExhaustedError("zip: no memory for an encoder");
  // Nothing that is not smaller fits.
  std::string packed(data.empty() ? 0 : data.size() - 1, '\0');
  packed.resize(libdeflate_deflate_compress(compressor.get(), data.data(), data.size(),
                                            packed.data(), packed.size()));
  if (packed.empty()) {
    RETURN_IF_ERROR(Begin(std::move(entry)));
    return Append(data);
  }
  entry.method = ZipMethod::kDeflated;
  entry.packed_size = packed.size();
  RETURN_IF_ERROR(Begin(std::move(entry)));
  return Append(packed);
}

absl::Status ZipWriter::Copy(const ZipFile& zip, const ZipEntry& entry) {
  RETURN_IF_ERROR(Begin(entry));
  std::string piece;
  for (uint64_t done = 0; done < entry.packed_size; done += piece.size()) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(entry.packed_size - done, kPiece)));
    RETURN_IF_ERROR(ReadExactly(zip.file(), entry.offset + done, absl::MakeSpan(piece)));
    RETURN_IF_ERROR(Append(piece));
  }
  return absl::OkStatus();
}

absl::Status ZipWriter::Finish() {
  const uint64_t start = offset_;
  const uint64_t size = directory_.size();
  RETURN_IF_ERROR(Append(directory_));
  const bool large = start >= limit_ || size >= limit_ || entries_ >= kSaturated16;
  if (large) {
    const uint64_t end = offset_;
    RETURN_IF_ERROR(Append(absl::StrCat(
        absl::StrCat(U32(zip_format::kEnd64Signature), U64(zip_format::kEnd64Size - 12),
                     U16(static_cast<uint64_t>(kUnix | kVersion64)), U16(kVersion64), U32(0)),
        absl::StrCat(U32(0), U64(entries_), U64(entries_), U64(size), U64(start)),
        absl::StrCat(U32(zip_format::kEnd64LocatorSignature), U32(0), U64(end), U32(1)))));
  }
  const uint64_t count = std::min<uint64_t>(entries_, kSaturated16);
  return Append(absl::StrCat(
      absl::StrCat(U32(zip_format::kEndSignature), U16(0), U16(0), U16(count), U16(count)),
      absl::StrCat(U32(std::min<uint64_t>(size, kSaturated32)),
                   U32(std::min<uint64_t>(start, kSaturated32)), U16(0))));
}

}  // namespace rules_inference::base
