// Reading goes in four steps; each refuses what does not fit, so that later ones can rely on it:
//   1. the end record, and the zip64 one when there is one: where the directory lies;
//   2. the directory: one ZipEntry each, with names and sizes checked;
//   3. the local headers in the order of their offsets: equal to the directory, and no byte
//      between entries;
//   4. the names against each other: duplicates, files that are directories, names that some file
//      system takes for one.
// No packed byte is read but the descriptors behind the data, and memory is bounded by the
// directory.

#include "plugins/base/archive/zip.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libdeflate.h"
#include "plugins/base/archive/zip_format.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

using base::Mismatch;
using base::Quoted;
using zip_format::Fields;

constexpr uint16_t kSaturated16 = 0xFFFF;
constexpr uint32_t kSaturated32 = 0xFFFFFFFF;
constexpr uint64_t kMaxEntries = 1000000;
constexpr uint64_t kMaxDirectoryBytes = uint64_t{256} << 20;
// No deflate stream expands more: 258 bytes for two codes of one bit each.
constexpr uint64_t kMaxDeflateRatio = 1032;
constexpr uint64_t kBombRatio = 50;
constexpr uint64_t kBombFloor = uint64_t{64} << 20;

std::string Hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

// Reads small pieces of a file through a window, so that neighbours cost one system call.
class WindowReader {
 public:
  WindowReader(base::InputFile& file, size_t window) : file_(file), window_(window) {}

  // `size` bytes from `offset`, fewer when the file ends before; good until the next call.
  absl::StatusOr<absl::string_view> Get(uint64_t offset, size_t size) {
    if (offset < start_ || offset + size > start_ + buffer_.size()) {
      buffer_.resize(std::max(size, window_));
      ASSIGN_OR_RETURN(const size_t count, file_.ReadAt(offset, absl::MakeSpan(buffer_)));
      buffer_.resize(count);
      start_ = offset;
    }
    return absl::string_view(buffer_).substr(static_cast<size_t>(offset - start_), size);
  }

 private:
  base::InputFile& file_;
  const size_t window_;
  uint64_t start_ = 0;
  std::string buffer_;
};

// Where the directory lies, and how many entries it has.
struct Directory {
  uint64_t entries = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

// What only the directory or only the local header says, kept until both were compared.
struct Details {
  uint64_t header_offset = 0;
  uint16_t flags = 0;
  uint16_t method = 0;
  bool is_directory_name = false;
};

class Reader {
 public:
  Reader(std::shared_ptr<base::InputFile> file, const ZipLimits& limits)
      : file_(std::move(file)), limits_(limits) {}

  absl::StatusOr<std::vector<ZipEntry>> Read();

 private:
  std::string At(uint64_t offset) const { return absl::StrCat(file_->path(), ": offset ", offset); }
  std::string Where(const ZipEntry& entry) const {
    return absl::StrCat(file_->path(), ": entry ", Quoted(entry.name), " (#", entry.index, ")");
  }

  absl::StatusOr<uint64_t> FindEndRecord();
  absl::StatusOr<Directory> ReadEnd();
  absl::Status ReadEnd64(uint64_t end_offset, const Directory& end, uint64_t& directory_end,
                         Directory& directory);
  absl::Status ReadDirectory(const Directory& directory);
  absl::Status ReadCentral(Fields& fields, uint32_t index, const Directory& directory);
  absl::Status CheckExtra(const ZipEntry& entry, absl::string_view extra, absl::string_view name,
                          absl::Span<uint64_t* const> saturated, absl::string_view which);
  absl::Status CheckEntry(const ZipEntry& entry, const Details& details, uint32_t attributes);
  absl::Status CheckBomb(const Directory& directory);
  absl::Status CheckLocals(const Directory& directory);
  absl::StatusOr<uint64_t> CheckLocal(WindowReader& reader, ZipEntry& entry, const Details& details,
                                      uint64_t limit);
  absl::StatusOr<uint64_t> CheckDescriptor(WindowReader& reader, const ZipEntry& entry,
                                           bool has_zip64, uint64_t end, uint64_t limit);
  absl::Status CheckNames();

  std::shared_ptr<base::InputFile> file_;
  const ZipLimits limits_;
  std::vector<ZipEntry> entries_;
  std::vector<Details> details_;
};

absl::StatusOr<std::vector<ZipEntry>> Reader::Read() {
  ASSIGN_OR_RETURN(const Directory directory, ReadEnd());
  RETURN_IF_ERROR(ReadDirectory(directory));
  RETURN_IF_ERROR(CheckBomb(directory));
  RETURN_IF_ERROR(CheckLocals(directory));
  RETURN_IF_ERROR(CheckNames());
  return std::move(entries_);
}

// Step 1: the end.

// The end record must be the last 22 bytes. When it is not, says what is there instead.
absl::StatusOr<uint64_t> Reader::FindEndRecord() {
  const uint64_t size = file_->size();
  const auto tail_size =
      static_cast<size_t>(std::min<uint64_t>(size, zip_format::kEndSize + zip_format::kMaxComment));
  std::string tail(tail_size, '\0');
  RETURN_IF_ERROR(base::ReadExactly(*file_, size - tail_size, absl::MakeSpan(tail)));
  if (tail_size >= zip_format::kEndSize) {
    Fields fields(absl::string_view(tail).substr(tail_size - zip_format::kEndSize));
    if (fields.U32() == zip_format::kEndSignature) return size - zip_format::kEndSize;
  }
  const size_t found = absl::string_view(tail).rfind("PK\x05\x06");
  if (found == absl::string_view::npos || found + zip_format::kEndSize > tail_size) {
    return Mismatch("not a zip file", file_->path(), "no end record", "one in the last 22 bytes");
  }
  const uint64_t after = tail_size - found - zip_format::kEndSize;
  return Mismatch("bytes after the end of a zip file", At(size - after),
                  absl::StrCat(after, " bytes of comment or other data"), "none");
}

absl::StatusOr<Directory> Reader::ReadEnd() {
  ASSIGN_OR_RETURN(const uint64_t end_offset, FindEndRecord());
  std::string record(zip_format::kEndSize, '\0');
  RETURN_IF_ERROR(base::ReadExactly(*file_, end_offset, absl::MakeSpan(record)));
  Fields fields(record);
  fields.U32();
  const uint16_t disk = fields.U16();
  const uint16_t directory_disk = fields.U16();
  const uint16_t entries_here = fields.U16();
  Directory directory;
  directory.entries = fields.U16();
  directory.size = fields.U32();
  directory.offset = fields.U32();
  const uint16_t comment = fields.U16();
  if (disk != 0 || directory_disk != 0 || entries_here != directory.entries) {
    return Mismatch("zip file in several parts", At(end_offset),
                    absl::StrCat("disks ", disk, " and ", directory_disk, ", ", entries_here,
                                 " of ", directory.entries, " entries"),
                    "all entries on disk 0");
  }
  if (comment != 0) {
    return Mismatch("zip comment", At(end_offset), absl::StrCat(comment, " bytes"), "none");
  }
  uint64_t directory_end = end_offset;
  RETURN_IF_ERROR(ReadEnd64(end_offset, directory, directory_end, directory));
  if (directory.size > directory_end || directory.offset != directory_end - directory.size) {
    return Mismatch("zip directory", At(end_offset),
                    absl::StrCat("offset ", directory.offset, " and size ", directory.size),
                    absl::StrCat("an end at ", directory_end));
  }
  if (directory.entries > kMaxEntries || directory.size > kMaxDirectoryBytes) {
    return Mismatch("zip directory", At(end_offset),
                    absl::StrCat(directory.entries, " entries in ", directory.size, " bytes"),
                    absl::StrCat("at most ", kMaxEntries, " in ", kMaxDirectoryBytes));
  }
  return directory;
}

// The zip64 end record and its locator lie right before the end record. Both or neither.
absl::Status Reader::ReadEnd64(uint64_t end_offset, const Directory& end, uint64_t& directory_end,
                               Directory& directory) {
  const bool wanted =
      end.entries == kSaturated16 || end.size == kSaturated32 || end.offset == kSaturated32;
  constexpr uint64_t kBoth = zip_format::kEnd64Size + zip_format::kEnd64LocatorSize;
  std::string locator(zip_format::kEnd64LocatorSize, '\0');
  if (end_offset >= zip_format::kEnd64LocatorSize) {
    RETURN_IF_ERROR(base::ReadExactly(*file_, end_offset - zip_format::kEnd64LocatorSize,
                                      absl::MakeSpan(locator)));
  }
  Fields fields(locator);
  if (fields.U32() != zip_format::kEnd64LocatorSignature) {
    // Values that happen to be saturated are legal without zip64, but no two readers agree about
    // them.
    if (!wanted) return absl::OkStatus();
    return Mismatch("zip64 end", At(end_offset), "no locator before the end record",
                    "one, for saturated fields");
  }
  const uint32_t locator_disk = fields.U32();
  const uint64_t located = fields.U64();
  const uint32_t disks = fields.U32();
  if (locator_disk != 0 || disks != 1) {
    return Mismatch("zip file in several parts", At(end_offset - zip_format::kEnd64LocatorSize),
                    absl::StrCat("disk ", locator_disk, " of ", disks), "disk 0 of 1");
  }
  if (end_offset < kBoth || located != end_offset - kBoth) {
    return Mismatch("zip64 end", At(end_offset - zip_format::kEnd64LocatorSize),
                    absl::StrCat("a record at ", located),
                    absl::StrCat("one at ", end_offset < kBoth ? 0 : end_offset - kBoth));
  }
  std::string record(zip_format::kEnd64Size, '\0');
  RETURN_IF_ERROR(base::ReadExactly(*file_, located, absl::MakeSpan(record)));
  Fields fields64(record);
  const uint32_t signature = fields64.U32();
  const uint64_t record_size = fields64.U64();
  if (signature != zip_format::kEnd64Signature || record_size != zip_format::kEnd64Size - 12) {
    return Mismatch("zip64 end", At(located),
                    absl::StrCat("signature ", Hex(signature), " and size ", record_size),
                    absl::StrCat(Hex(zip_format::kEnd64Signature), " and 44"));
  }
  fields64.U32();  // Versions.
  const uint32_t disk = fields64.U32();
  const uint32_t directory_disk = fields64.U32();
  const uint64_t entries_here = fields64.U64();
  Directory end64;
  end64.entries = fields64.U64();
  end64.size = fields64.U64();
  end64.offset = fields64.U64();
  if (disk != 0 || directory_disk != 0 || entries_here != end64.entries) {
    return Mismatch("zip file in several parts", At(located),
                    absl::StrCat("disks ", disk, " and ", directory_disk, ", ", entries_here,
                                 " of ", end64.entries, " entries"),
                    "all entries on disk 0");
  }
  const struct {
    absl::string_view name;
    uint64_t small, saturated, large;
  } pairs[] = {{"entries", end.entries, kSaturated16, end64.entries},
               {"directory size", end.size, kSaturated32, end64.size},
               {"directory offset", end.offset, kSaturated32, end64.offset}};
  for (const auto& pair : pairs) {
    if (pair.small != pair.large && (pair.small != pair.saturated || pair.large < pair.saturated)) {
      return Mismatch("zip64 end", At(located), absl::StrCat(pair.name, " ", pair.large),
                      absl::StrCat(pair.small, " as in the end record"));
    }
  }
  directory = end64;
  directory_end = located;
  return absl::OkStatus();
}

// Step 2: the directory.

absl::Status Reader::ReadDirectory(const Directory& directory) {
  constexpr size_t kWindow = 256 << 10;
  WindowReader reader(*file_, kWindow);
  const uint64_t end = directory.offset + directory.size;
  uint64_t offset = directory.offset;
  entries_.reserve(static_cast<size_t>(
      std::min<uint64_t>(directory.entries, directory.size / zip_format::kCentralSize)));
  for (uint32_t index = 0; index < directory.entries; ++index) {
    ASSIGN_OR_RETURN(absl::string_view fixed, reader.Get(offset, zip_format::kCentralSize));
    Fields fields(fixed);
    if (fields.left() < zip_format::kCentralSize || offset + zip_format::kCentralSize > end ||
        fields.U32() != zip_format::kCentralSignature) {
      return Mismatch("zip directory", At(offset), absl::StrCat("no entry #", index),
                      absl::StrCat(directory.entries, " entries"));
    }
    fields.Bytes(24);
    const size_t variable = size_t{fields.U16()} + fields.U16() + fields.U16();
    const size_t size = zip_format::kCentralSize + variable;
    if (offset + size > end) {
      return Mismatch("zip directory", At(offset),
                      absl::StrCat("entry #", index, " of ", size, " bytes"),
                      absl::StrCat("an end at ", end));
    }
    ASSIGN_OR_RETURN(const absl::string_view whole, reader.Get(offset, size));
    Fields all(whole);
    RETURN_IF_ERROR(ReadCentral(all, index, directory));
    offset += size;
  }
  if (offset != end) {
    return Mismatch("zip directory", At(offset),
                    absl::StrCat(end - offset, " bytes after ", directory.entries, " entries"),
                    "none");
  }
  return absl::OkStatus();
}

absl::Status Reader::ReadCentral(Fields& fields, uint32_t index, const Directory& directory) {
  ZipEntry entry;
  Details details;
  entry.index = index;
  fields.U32();  // Signature.
  fields.U16();  // Made by.
  fields.U16();  // Needed to extract.
  details.flags = fields.U16();
  details.method = fields.U16();
  fields.U32();  // Time and date.
  entry.crc32 = fields.U32();
  entry.packed_size = fields.U32();
  entry.size = fields.U32();
  const size_t name_size = fields.U16();
  const size_t extra_size = fields.U16();
  fields.U16();  // Comment size.
  const uint16_t disk = fields.U16();
  fields.U16();  // Internal attributes.
  const uint32_t attributes = fields.U32();
  details.header_offset = fields.U32();
  const absl::string_view name = fields.Bytes(name_size);
  const absl::string_view extra = fields.Bytes(extra_size);
  entry.name = std::string(name);

  if (disk != 0) {
    return Mismatch("zip file in several parts", Where(entry), absl::StrCat("disk ", disk),
                    "disk 0");
  }
  std::vector<uint64_t*> saturated;
  for (uint64_t* field : {&entry.size, &entry.packed_size, &details.header_offset}) {
    if (*field == kSaturated32) saturated.push_back(field);
  }
  RETURN_IF_ERROR(CheckExtra(entry, extra, name, saturated, "directory"));
  if (const auto parsed = base::EntryName::Parse(name); parsed.ok()) {
    entry.is_directory = parsed->is_directory();
    entry.name = parsed->path().str();
  } else {
    return Mismatch("zip entry name", absl::StrCat(file_->path(), ": entry #", index),
                    absl::StrCat("bad ", parsed.status().message()), "a portable relative path");
  }
  entry.executable = (attributes >> 16 & 0100) != 0;
  RETURN_IF_ERROR(CheckEntry(entry, details, attributes));
  entry.method = details.method == 0 ? ZipMethod::kStored : ZipMethod::kDeflated;
  if (details.header_offset >= directory.offset) {
    return Mismatch("zip entry offset", Where(entry), absl::StrCat(details.header_offset),
                    absl::StrCat("less than ", directory.offset));
  }
  entries_.push_back(std::move(entry));
  details_.push_back(details);
  return absl::OkStatus();
}

// Checks the extra fields of a header. Each saturated field of the header takes its value from the
// zip64 field, which must hold exactly these; the Unicode path must repeat the name.
absl::Status Reader::CheckExtra(const ZipEntry& entry, absl::string_view extra,
                                absl::string_view name, absl::Span<uint64_t* const> saturated,
                                absl::string_view which) {
  bool seen_zip64 = false;
  bool seen_path = false;
  Fields fields(extra);
  while (fields.left() > 0) {
    const uint16_t id = fields.U16();
    const uint16_t size = fields.U16();
    const absl::string_view data = fields.Bytes(size);
    if (!fields.ok()) {
      return Mismatch("zip extra fields", Where(entry),
                      absl::StrCat("a ", which, " field beyond their end"), "whole fields");
    }
    if (id == zip_format::kExtraZip64) {
      // Some writers reserve the field in the local header before they know the sizes and then fill
      // in both places; that is harmless as long as they agree.
      if (!seen_zip64 && saturated.empty() && which == "local header" && data.size() == 16) {
        Fields repeated(data);
        const uint64_t size = repeated.U64();
        const uint64_t packed_size = repeated.U64();
        if (size == entry.size && packed_size == entry.packed_size) {
          seen_zip64 = true;
          continue;
        }
      }
      if (seen_zip64 || data.size() != 8 * saturated.size()) {
        return Mismatch("zip64 field", Where(entry),
                        seen_zip64 ? absl::StrCat("a second one in the ", which)
                                   : absl::StrCat(data.size(), " bytes in the ", which),
                        absl::StrCat(8 * saturated.size(), " bytes"));
      }
      seen_zip64 = true;
      Fields values(data);
      for (uint64_t* field : saturated) {
        *field = values.U64();
        // A value that fits in 32 bits is odd but agreed upon; the top bit would make other readers
        // see a negative size.
        if (*field > uint64_t{1} << 62) {
          return Mismatch("zip64 field", Where(entry), absl::StrCat(*field), "at most 2^62");
        }
      }
    } else if (id == zip_format::kExtraUnicodePath) {
      Fields values(data);
      const absl::string_view version = values.Bytes(1);
      const uint32_t crc = values.U32();
      const absl::string_view path = values.Bytes(values.left());
      if (seen_path || !values.ok() || version != "\x01" ||
          crc != libdeflate_crc32(0, name.data(), name.size()) || path != name) {
        return Mismatch("zip Unicode path", Where(entry), Quoted(path), "the name of the entry");
      }
      seen_path = true;
    }
  }
  if (!saturated.empty() && !seen_zip64) {
    return Mismatch("zip64 field", Where(entry), absl::StrCat("none in the ", which),
                    absl::StrCat(8 * saturated.size(), " bytes"));
  }
  return absl::OkStatus();
}

absl::Status Reader::CheckEntry(const ZipEntry& entry, const Details& details,
                                uint32_t attributes) {
  if ((details.flags & zip_format::kFlagEncrypted) != 0) {
    return Mismatch("zip entry", Where(entry), "an encrypted entry", "a plain one");
  }
  const uint16_t known =
      zip_format::kFlagLevel | zip_format::kFlagDescriptor | zip_format::kFlagUtf8;
  if ((details.flags & ~known) != 0) {
    return Mismatch("zip flags", Where(entry), Hex(details.flags),
                    absl::StrCat("bits of ", Hex(known)));
  }
  if (details.method != 0 && details.method != 8) {
    return Mismatch("zip method", Where(entry), absl::StrCat(details.method),
                    "0 (stored) or 8 (deflated)");
  }
  if ((details.flags & zip_format::kFlagUtf8) == 0 &&
      std::any_of(entry.name.begin(), entry.name.end(),
                  [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return Mismatch("zip entry name", Where(entry),
                    "characters beyond ASCII without the UTF-8 flag", "the flag");
  }
  const uint32_t type = attributes >> 28;  // S_IFMT of a Unix mode, in units of 0010000.
  if (type != 0 && type != 010 && type != 04) {
    return Mismatch("zip entry", Where(entry),
                    type == 012 ? "a symlink" : absl::StrCat("file type ", Hex(type)),
                    "a regular file or a directory");
  }
  if (type != 0 && (type == 04) != entry.is_directory) {
    return Mismatch("zip entry", Where(entry),
                    entry.is_directory ? "a regular file with '/' at the end of its name"
                                       : "a directory without '/' at the end of its name",
                    "a name that tells the type");
  }
  if (entry.is_directory) {
    // Some writers deflate nothing: two bytes.
    const uint64_t packed = details.method == 0 ? 0 : 2;
    if (entry.size != 0 || entry.crc32 != 0 || entry.packed_size != packed) {
      return Mismatch("zip entry", Where(entry),
                      absl::StrCat("a directory of ", entry.size, " bytes"), "none");
    }
    return absl::OkStatus();
  }
  if (details.method == 0 && entry.size != entry.packed_size) {
    return Mismatch("zip entry size", Where(entry),
                    absl::StrCat(entry.packed_size, " stored bytes for ", entry.size), "as many");
  }
  if (details.method == 0 && (details.flags & zip_format::kFlagDescriptor) != 0) {
    return Mismatch("zip data descriptor", Where(entry), "one after stored data",
                    "one after deflated data");
  }
  if (details.method == 8) {
    if (entry.size / kMaxDeflateRatio > entry.packed_size) {
      return Mismatch("zip bomb", Where(entry),
                      absl::StrCat(entry.size, " bytes from ", entry.packed_size),
                      absl::StrCat("a ratio of at most ", kMaxDeflateRatio));
    }
    // Deflate adds 5 bytes to a block of up to 64 KiB at worst; more is padding in which anything
    // can hide.
    if (entry.packed_size > entry.size + entry.size / 64 + 1024) {
      return Mismatch("zip entry size", Where(entry),
                      absl::StrCat(entry.packed_size, " deflated bytes for ", entry.size),
                      "hardly more than there are");
    }
  }
  return absl::OkStatus();
}

absl::Status Reader::CheckBomb(const Directory& directory) {
  uint64_t total = 0;
  for (const ZipEntry& entry : entries_) {
    total += entry.size;
    if (total > limits_.max_unpacked_bytes) {
      return Mismatch("zip too large", file_->path(),
                      absl::StrCat(total, " unpacked bytes or more"),
                      absl::StrCat("at most ", limits_.max_unpacked_bytes));
    }
  }
  if (total > kBombFloor && total / kBombRatio > directory.offset) {
    return Mismatch(
        "zip bomb", file_->path(), absl::StrCat(total, " unpacked bytes from ", file_->size()),
        absl::StrCat("a ratio of at most ", kBombRatio, " above ", kBombFloor, " bytes"));
  }
  return absl::OkStatus();
}

// Step 3: the local headers.

absl::Status Reader::CheckLocals(const Directory& directory) {
  std::vector<uint32_t> order(entries_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    return std::pair(details_[a].header_offset, a) < std::pair(details_[b].header_offset, b);
  });
  constexpr size_t kWindow = 4096;
  WindowReader reader(*file_, kWindow);
  uint64_t offset = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    ZipEntry& entry = entries_[order[i]];
    const Details& details = details_[order[i]];
    if (details.header_offset < offset) {
      return Mismatch("overlapping zip entries", Where(entry),
                      absl::StrCat("offset ", details.header_offset),
                      absl::StrCat(offset, ", the end of the entry before"));
    }
    if (details.header_offset > offset) {
      return Mismatch("bytes between zip entries", Where(entry),
                      absl::StrCat("offset ", details.header_offset),
                      absl::StrCat(offset, i == 0 ? ", the start of the file"
                                                  : ", the end of the entry before"));
    }
    const uint64_t limit =
        i + 1 < order.size() ? details_[order[i + 1]].header_offset : directory.offset;
    ASSIGN_OR_RETURN(offset, CheckLocal(reader, entry, details, limit));
  }
  if (offset != directory.offset) {
    return Mismatch("bytes between zip entries", At(offset),
                    absl::StrCat("a directory at ", directory.offset),
                    absl::StrCat(offset, entries_.empty() ? ", the start of the file"
                                                          : ", the end of the last entry"));
  }
  return absl::OkStatus();
}

// Returns where the entry ends. `limit` is where the next one starts.
absl::StatusOr<uint64_t> Reader::CheckLocal(WindowReader& reader, ZipEntry& entry,
                                            const Details& details, uint64_t limit) {
  const std::string full_name = absl::StrCat(entry.name, entry.is_directory ? "/" : "");
  ASSIGN_OR_RETURN(
      absl::string_view data,
      reader.Get(details.header_offset, zip_format::kLocalSize + full_name.size() + 64));
  Fields fields(data);
  if (const uint32_t signature = fields.U32(); signature != zip_format::kLocalSignature) {
    return Mismatch(
        "zip local header", Where(entry),
        absl::StrCat("signature ", Hex(signature), " at offset ", details.header_offset),
        Hex(zip_format::kLocalSignature));
  }
  fields.U16();  // Needed to extract.
  const uint16_t flags = fields.U16();
  const uint16_t method = fields.U16();
  fields.U32();  // Time and date.
  const uint32_t crc = fields.U32();
  uint64_t packed_size = fields.U32();
  uint64_t size = fields.U32();
  const size_t name_size = fields.U16();
  const size_t extra_size = fields.U16();
  const size_t header_size = zip_format::kLocalSize + name_size + extra_size;
  ASSIGN_OR_RETURN(data, reader.Get(details.header_offset, header_size));
  Fields variable(data);
  variable.Bytes(zip_format::kLocalSize);
  const absl::string_view name = variable.Bytes(name_size);
  const absl::string_view extra = variable.Bytes(extra_size);
  if (!variable.ok()) {
    return Mismatch("zip local header", Where(entry), "a header beyond the end of the file",
                    "a whole one");
  }
  if (name != full_name) {
    return Mismatch("zip local header", Where(entry), absl::StrCat("name ", Quoted(name)),
                    Quoted(full_name));
  }
  if (flags != details.flags) {
    return Mismatch("zip local header", Where(entry), absl::StrCat("flags ", Hex(flags)),
                    Hex(details.flags));
  }
  if (method != details.method) {
    return Mismatch("zip local header", Where(entry), absl::StrCat("method ", method),
                    absl::StrCat(details.method));
  }
  std::vector<uint64_t*> saturated;
  for (uint64_t* field : {&size, &packed_size}) {
    if (*field == kSaturated32) saturated.push_back(field);
  }
  RETURN_IF_ERROR(CheckExtra(entry, extra, name, saturated, "local header"));

  const bool has_descriptor = (flags & zip_format::kFlagDescriptor) != 0;
  const struct {
    absl::string_view name;
    uint64_t got, expected;
  } pairs[] = {{"crc32", crc, entry.crc32},
               {"packed size", packed_size, entry.packed_size},
               {"size", size, entry.size}};
  for (const auto& pair : pairs) {
    // With a descriptor to come, zero says "not known yet".
    if (pair.got != pair.expected && !(has_descriptor && pair.got == 0)) {
      return Mismatch("zip local header", Where(entry), absl::StrCat(pair.name, " ", pair.got),
                      absl::StrCat(pair.expected));
    }
  }
  entry.offset = details.header_offset + header_size;
  if (entry.packed_size > limit || entry.offset > limit - entry.packed_size) {
    return Mismatch("overlapping zip entries", Where(entry),
                    absl::StrCat("an end at ", entry.offset + entry.packed_size),
                    absl::StrCat("at most ", limit));
  }
  const uint64_t end = entry.offset + entry.packed_size;
  if (!has_descriptor) return end;
  return CheckDescriptor(reader, entry, !saturated.empty(), end, limit);
}

// The descriptor comes in four forms, and nothing but its length tells which one it is: with and
// without a signature, with sizes of 32 and 64 bits. The wide form is for entries with a zip64
// field.
absl::StatusOr<uint64_t> Reader::CheckDescriptor(WindowReader& reader, const ZipEntry& entry,
                                                 bool has_zip64, uint64_t end, uint64_t limit) {
  const uint64_t length = limit - end;
  const uint64_t narrow = has_zip64 ? 20 : 12;
  if (length != narrow && length != narrow + 4) {
    return Mismatch("zip data descriptor", Where(entry), absl::StrCat(length, " bytes"),
                    absl::StrCat(narrow, " or ", narrow + 4));
  }
  ASSIGN_OR_RETURN(const absl::string_view data, reader.Get(end, static_cast<size_t>(length)));
  Fields fields(data);
  if (length == narrow + 4) {
    if (const uint32_t signature = fields.U32(); signature != zip_format::kDescriptorSignature) {
      return Mismatch("zip data descriptor", Where(entry),
                      absl::StrCat("signature ", Hex(signature)),
                      Hex(zip_format::kDescriptorSignature));
    }
  }
  const uint32_t crc = fields.U32();
  const uint64_t packed_size = has_zip64 ? fields.U64() : fields.U32();
  const uint64_t size = has_zip64 ? fields.U64() : fields.U32();
  if (crc != entry.crc32 || packed_size != entry.packed_size || size != entry.size) {
    return Mismatch(
        "zip data descriptor", Where(entry),
        absl::StrCat("crc32 ", crc, ", sizes ", packed_size, " and ", size),
        absl::StrCat("crc32 ", entry.crc32, ", sizes ", entry.packed_size, " and ", entry.size));
  }
  return limit;
}

// Step 4: the names.

absl::Status Reader::CheckNames() {
  struct Node {
    absl::string_view path;  // Points into the name of an entry, as spelt there.
    uint32_t index;
    bool is_directory;
    bool is_explicit;
  };
  absl::flat_hash_map<std::string, Node> nodes;
  nodes.reserve(entries_.size());
  absl::string_view last_parent;
  for (const ZipEntry& entry : entries_) {
    const absl::string_view name = entry.name;
    const std::string key = limits_.allow_case_collisions ? entry.name : base::CollisionKey(name);
    // The parents, then the entry itself. '/' folds to '/', so name and key have as many
    // components.
    const size_t slash = name.rfind('/');
    const absl::string_view parent = slash == absl::string_view::npos ? "" : name.substr(0, slash);
    size_t name_end = 0;
    size_t key_end = 0;
    if (!parent.empty() && parent == last_parent) {
      name_end = slash + 1;
      key_end = key.rfind('/') + 1;
    }
    last_parent = parent;
    while (true) {
      name_end = name.find('/', name_end);
      key_end = key.find('/', key_end);
      const bool self = name_end == absl::string_view::npos;
      const Node node = {name.substr(0, name_end), entry.index, !self || entry.is_directory, self};
      const auto [found, is_new] = nodes.try_emplace(key.substr(0, key_end), node);
      Node& other = found->second;
      if (!is_new) {
        const std::string its = absl::StrCat(Quoted(other.path), " (#", other.index, ")");
        if (other.path != node.path) {
          return Mismatch("zip entry names", Where(entry),
                          absl::StrCat(Quoted(node.path), " beside ", its),
                          "names that differ by more than case or accents' encoding");
        }
        if (other.is_directory != node.is_directory) {
          return Mismatch("zip entry names", Where(entry),
                          absl::StrCat(its, " as a file and as a directory"), "one of both");
        }
        if (node.is_explicit && other.is_explicit) {
          return Mismatch("zip entry names", Where(entry),
                          absl::StrCat("the name of entry #", other.index), "every name once");
        }
        other.is_explicit |= node.is_explicit;
      }
      if (self) break;
      ++name_end;
      ++key_end;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ZipFile> ZipFile::Read(std::shared_ptr<base::InputFile> file,
                                      const ZipLimits& limits) {
  ASSIGN_OR_RETURN(std::vector<ZipEntry> entries, Reader(file, limits).Read());
  return ZipFile(std::move(file), std::move(entries));
}

std::string ZipFile::Where(const ZipEntry& entry) const {
  return absl::StrCat(file_->path(), ": entry ", Quoted(entry.name), " (#", entry.index, ")");
}

}  // namespace rules_inference::base
