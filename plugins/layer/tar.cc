#include "plugins/layer/tar.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rules_inference::layer {
namespace {

// The ustar header block.
struct Ustar {
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
static_assert(sizeof(Ustar) == kTarBlock);

constexpr char kPaxHeader = 'x';
// Python's tarfile uses this name too; a reader that does not know PAX makes a harmless file of it.
constexpr absl::string_view kPaxName = "././@PaxHeader";

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Octal digits with leading zeros and a NUL. When the number does not fit, the base-256 form of GNU
// tar: readers that know PAX take the record instead, and the others are not told a wrong number.
template <size_t kSize>
bool SetNumber(char (&field)[kSize], uint64_t value) {
  const bool fits = value >> (3 * (kSize - 1)) == 0;
  if (fits) {
    field[kSize - 1] = '\0';
    for (size_t i = kSize - 1; i-- > 0; value >>= 3)
      field[i] = static_cast<char>('0' + (value & 7));
  } else {
    for (size_t i = kSize; i-- > 0; value >>= 8)
      field[i] = static_cast<char>(i == 0 ? 0x80 : value & 0xFF);
  }
  return fits;
}

template <size_t kSize>
void SetText(char (&field)[kSize], absl::string_view text) {
  std::memcpy(field, text.data(), std::min(kSize, text.size()));
}

// Puts `path` into the name, or into prefix and name with a '/' between them. False when it does
// not fit.
bool SetPath(Ustar& block, absl::string_view path) {
  if (path.size() <= sizeof(block.name)) {
    SetText(block.name, path);
    return true;
  }
  // The first '/' that leaves a name that fits; it must leave a name at all.
  const size_t slash = path.find('/', path.size() - sizeof(block.name) - 1);
  if (slash == absl::string_view::npos || slash == 0 || slash > sizeof(block.prefix) ||
      slash + 1 == path.size()) {
    return false;
  }
  SetText(block.prefix, path.substr(0, slash));
  SetText(block.name, path.substr(slash + 1));
  return true;
}

void AppendBlock(Ustar& block, std::string& out) {
  SetText(block.magic, absl::string_view("ustar", 6));
  SetText(block.version, "00");
  SetNumber(block.mtime, 0);
  SetNumber(block.major, 0);
  SetNumber(block.minor, 0);
  // The checksum is the sum of all bytes, with spaces in its own place.
  std::memset(block.checksum, ' ', sizeof(block.checksum));
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&block);
  for (size_t i = 0; i < sizeof(block); ++i) sum += bytes[i];
  char digits[7] = {};
  SetNumber(digits, sum);
  std::memcpy(block.checksum, digits, sizeof(digits));
  out.append(reinterpret_cast<const char*>(&block), sizeof(block));
}

// "<length> <key>=<value>\n", where the length counts its own digits.
void AppendRecord(absl::string_view key, absl::string_view value, std::string& records) {
  const size_t rest = key.size() + value.size() + 3;
  size_t size = rest + 1;
  while (absl::StrCat(size).size() + rest != size) ++size;
  absl::StrAppend(&records, size, " ", key, "=", value, "\n");
}

}  // namespace

void AppendTarHeader(const TarHeader& header, std::string& out) {
  Ustar block = {};
  std::string records;
  // A directory is known by its type; the '/' is for readers from before ustar.
  const std::string path = absl::StrCat(header.path, header.type == TarType::kDirectory ? "/" : "");
  if (!SetPath(block, path) || !IsAscii(path)) {
    SetText(block.name, path);
    std::memset(block.prefix, 0, sizeof(block.prefix));
    AppendRecord("path", path, records);
  }
  SetText(block.link, header.link_target);
  if (header.link_target.size() > sizeof(block.link) || !IsAscii(header.link_target)) {
    AppendRecord("linkpath", header.link_target, records);
  }
  SetNumber(block.mode, header.mode);
  if (!SetNumber(block.uid, header.uid)) AppendRecord("uid", absl::StrCat(header.uid), records);
  if (!SetNumber(block.gid, header.gid)) AppendRecord("gid", absl::StrCat(header.gid), records);
  if (!SetNumber(block.size, header.size)) AppendRecord("size", absl::StrCat(header.size), records);
  block.type = static_cast<char>(header.type);

  if (!records.empty()) {
    Ustar pax = {};
    SetText(pax.name, kPaxName);
    SetNumber(pax.mode, 0644);
    SetNumber(pax.uid, 0);
    SetNumber(pax.gid, 0);
    SetNumber(pax.size, records.size());
    pax.type = kPaxHeader;
    AppendBlock(pax, out);
    out.append(records);
    out.append(TarPadding(records.size()), '\0');
  }
  AppendBlock(block, out);
}

}  // namespace rules_inference::layer
