#include "plugins/base/archive/tar_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/archive/byte_source.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr size_t kBlock = 512;
// Names and PAX records; real ones are far smaller.
constexpr uint64_t kMaxText = uint64_t{1} << 20;

// The ustar header block.
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char unused[12];
};
static_assert(sizeof(Header) == kBlock);

template <size_t kSize>
absl::string_view Text(const char (&field)[kSize]) {
  return {field, strnlen(field, kSize)};
}

// Octal digits with spaces or NULs around them, or the base-256 form of GNU tar.
template <size_t kSize>
std::optional<uint64_t> Number(const char (&field)[kSize]) {
  uint64_t value = 0;
  if ((static_cast<uint8_t>(field[0]) & 0x80) != 0) {
    if (static_cast<uint8_t>(field[0]) != 0x80) return std::nullopt;  // Negative, or huge.
    for (size_t i = 1; i < kSize; ++i) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | static_cast<uint8_t>(field[i]);
    }
    return value;
  }
  size_t i = 0;
  while (i < kSize && field[i] == ' ') ++i;
  for (; i < kSize && field[i] >= '0' && field[i] <= '7'; ++i) {
    value = value << 3 | static_cast<uint64_t>(field[i] - '0');
  }
  for (; i < kSize; ++i) {
    if (field[i] != ' ' && field[i] != '\0') return std::nullopt;
  }
  return value;
}

bool IsZero(const Header& header) {
  const auto* bytes = reinterpret_cast<const char*>(&header);
  return std::all_of(bytes, bytes + kBlock, [](char c) { return c == 0; });
}

bool ChecksumIsRight(const Header& header) {
  Header copy = header;
  std::memset(copy.checksum, ' ', sizeof(copy.checksum));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&copy);
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += bytes[i];
  return Number(header.checksum) == sum;
}

uint64_t PaddingOf(uint64_t size) { return (kBlock - size % kBlock) % kBlock; }

}  // namespace

absl::Status TarReader::Bad(absl::string_view name, absl::string_view got,
                            absl::string_view expected) const {
  const std::string where =
      name.empty() ? in_.name() : absl::StrCat(in_.name(), ": entry ", Quoted(name));
  return Mismatch("tar", where, got, expected);
}

absl::Status TarReader::ReadExactly(char* to, size_t size) {
  while (size > 0) {
    ASSIGN_OR_RETURN(const size_t count, in_.Read(absl::MakeSpan(to, size)));
    if (count == 0) return Bad("", "the end of the file", "more data");
    to += count;
    size -= count;
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> TarReader::Read(absl::Span<char> buffer) {
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(left_, buffer.size()));
  if (wanted == 0) return 0;
  ASSIGN_OR_RETURN(const size_t count, in_.Read(buffer.subspan(0, wanted)));
  if (count == 0) return Bad("", "the end of the file", "more data");
  left_ -= count;
  return count;
}

absl::Status TarReader::Skip() {
  char buffer[8192];
  left_ += std::exchange(padding_, 0);
  while (left_ > 0) RETURN_IF_ERROR(Read(absl::MakeSpan(buffer)).status());
  return absl::OkStatus();
}

absl::StatusOr<std::string> TarReader::ReadText(uint64_t size) {
  if (size > kMaxText) {
    return Bad("", absl::StrCat("a name or extended header of ", size, " bytes"),
               absl::StrCat("at most ", kMaxText));
  }
  std::string text(static_cast<size_t>(size), '\0');
  RETURN_IF_ERROR(ReadExactly(text.data(), text.size()));
  char padding[kBlock];
  RETURN_IF_ERROR(ReadExactly(padding, static_cast<size_t>(PaddingOf(size))));
  return text;
}

// Records are "<length> <key>=<value>\n", the length counting all of it.
absl::Status TarReader::ReadPax(uint64_t size, std::map<std::string, std::string>& records) {
  ASSIGN_OR_RETURN(const std::string text, ReadText(size));
  absl::string_view rest = text;
  while (!rest.empty()) {
    const size_t space = rest.find(' ');
    uint32_t length = 0;
    if (space == absl::string_view::npos || space > 8 ||
        !absl::SimpleAtoi(rest.substr(0, space), &length) || length <= space + 1 ||
        length > rest.size() || rest[length - 1] != '\n') {
      return Bad("", "a malformed extended header", "records of PAX");
    }
    const absl::string_view record = rest.substr(space + 1, length - space - 2);
    const size_t equals = record.find('=');
    if (equals == absl::string_view::npos) {
      return Bad("", "a malformed extended header", "records of PAX");
    }
    records[std::string(record.substr(0, equals))] = std::string(record.substr(equals + 1));
    rest.remove_prefix(length);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<TarMember>> TarReader::Next() {
  RETURN_IF_ERROR(Skip());
  std::map<std::string, std::string> records = global_;
  std::optional<std::string> long_name;
  std::optional<std::string> long_link;
  while (true) {
    Header header;
    RETURN_IF_ERROR(ReadExactly(reinterpret_cast<char*>(&header), kBlock));
    if (IsZero(header)) {
      // Two of them end an archive; more follow as padding.
      RETURN_IF_ERROR(ReadExactly(reinterpret_cast<char*>(&header), kBlock));
      while (true) {
        if (!IsZero(header))
          return Bad("", "more after a block of zeros", "the end of the archive");
        ASSIGN_OR_RETURN(const size_t count,
                         in_.Read(absl::MakeSpan(reinterpret_cast<char*>(&header), kBlock)));
        if (count == 0) return std::nullopt;
        RETURN_IF_ERROR(ReadExactly(reinterpret_cast<char*>(&header) + count, kBlock - count));
      }
    }
    TarMember member;
    member.name = std::string(Text(header.name));
    if (!ChecksumIsRight(header)) return Bad(member.name, "a wrong checksum", "a tar header");
    std::optional<uint64_t> size = Number(header.size);
    const std::optional<uint64_t> mode = Number(header.mode);
    if (!size.has_value() || !mode.has_value()) {
      return Bad(member.name, "a size or mode that is no number", "octal digits");
    }
    if (header.type == 'x' || header.type == 'g') {
      RETURN_IF_ERROR(ReadPax(*size, header.type == 'g' ? global_ : records));
      if (header.type == 'g') {
        for (const auto& [key, value] : global_) records.insert({key, value});
      }
      continue;
    }
    if (header.type == 'L' || header.type == 'K') {
      ASSIGN_OR_RETURN(std::string text, ReadText(*size));
      text.resize(strnlen(text.data(), text.size()));
      (header.type == 'L' ? long_name : long_link) = std::move(text);
      continue;
    }
    const bool posix = absl::string_view(header.magic, 6) == absl::string_view("ustar", 6);
    if (posix && header.prefix[0] != '\0') {
      member.name = absl::StrCat(Text(header.prefix), "/", member.name);
    }
    member.link = std::string(Text(header.link));
    if (long_name.has_value()) member.name = *std::move(long_name);
    if (long_link.has_value()) member.link = *std::move(long_link);
    for (const auto& [key, value] : records) {
      if (key == "path") member.name = value;
      if (key == "linkpath") member.link = value;
      if (key == "size") {
        uint64_t number = 0;
        if (!absl::SimpleAtoi(value, &number)) {
          return Bad(member.name, absl::StrCat("size ", Quoted(value)), "a number");
        }
        size = number;
      }
      if (key.rfind("GNU.sparse", 0) == 0) return Bad(member.name, "a sparse file", "a plain one");
    }
    if (member.name.find('\0') != std::string::npos ||
        member.link.find('\0') != std::string::npos) {
      return Bad(member.name, "a name with a NUL", "none");
    }
    switch (header.type) {
      case '0':
      case '\0':
      case '7':
        // Archives from before POSIX mark directories by the name alone.
        member.type = !member.name.empty() && member.name.back() == '/'
                          ? TarMember::Type::kDirectory
                          : TarMember::Type::kFile;
        break;
      case '1':
        member.type = TarMember::Type::kHardLink;
        break;
      case '2':
        member.type = TarMember::Type::kSymlink;
        break;
      case '5':
        member.type = TarMember::Type::kDirectory;
        break;
      default:
        return Bad(member.name,
                   header.type == 'S'   ? "a sparse file"
                   : header.type == '3' ? "a character device"
                   : header.type == '4' ? "a block device"
                   : header.type == '6' ? "a fifo"
                                        : "an entry of unknown type",
                   "a file, a directory or a link");
    }
    member.executable = (*mode & 0100) != 0;
    left_ = member.type == TarMember::Type::kFile ? *size : 0;
    padding_ = PaddingOf(left_);
    if (member.type != TarMember::Type::kFile && *size != 0 &&
        member.type != TarMember::Type::kHardLink) {
      return Bad(member.name, absl::StrCat(*size, " bytes of data"), "none for its type");
    }
    member.size = left_;
    return member;
  }
}

}  // namespace rules_inference::base
