// Problem. "Has code for 9.0" is not in any header that a linker knows: nvcc puts its code in a
// section of its own format, compressed with one of two algorithms, and documents none of it.
//
// The format, as read from what nvcc 12.4 to 13.5 make and compared with what cuobjdump prints. A
// section holds containers of 8-byte alignment; all numbers are little-endian:
//
//   container   u32 magic, u16 version 1, u16 header size (16), u64 size of the entries
//   entry       u16 kind, u16 version, u32 header size, u64 size of the payload,
//               u32 compressed size, u32, u16 minor, u16 major, u32 capability,
//               u32 name offset, u32 name size, u64 flags, u64, u64 uncompressed size; payload
//
// The compressed size is 0 where nothing is compressed. Kind 1 is PTX, where major.minor is its
// ISA; kind 2 is a cubin, an ELF file; kind 8 is intermediate code for the linker. Kind 256 is
// several entries compressed together ("fatbinary
// --concat"): its header has at byte 64 a count and a size, then the headers of the entries, 64
// bytes each, with offsets in the place of header sizes. Flags: bit 13 LZ4, bit 15 zstd, bit 20
// code for that capability only ("a"), bit 21 for its family ("f").
//
// So everything but the toolkit of a cubin is in the headers, compressed or not. The toolkit is in
// a note of a cubin, and nvcc 13 compresses some by itself (of 13.0: those of relocatable code).
// When nothing else in a file tells a toolkit, the smallest cubin under zstd is unpacked for it,
// and no other one ever is.
//
// PTX may also stand in a program as text, which it gives to the driver at run time; Rust programs
// do that. Its two first directives, ".version 8.7" and ".target sm_86", are on lines that follow
// each other; a template of a compiler has no numbers there.
//
// Invariant. Each header is read within what the one around it left over.
//
// Cost. One pass over the headers, by windows of 64 KiB; payloads are skipped, but for the headers
// and one note of each cubin, and at most 16 MiB once. `.rodata` is read and searched, at the speed
// of memchr.

#include "plugins/base/elf/fatbin.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/elf/little_endian.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "zstd.h"

namespace rules_inference::base {
namespace {

constexpr uint32_t kMagic = 0xba55ed50;
constexpr uint64_t kContainerSize = 16;
// Up to and with the flags; newer headers are longer.
constexpr uint64_t kEntrySize = 48;
constexpr uint64_t kLongEntrySize = 64;
constexpr uint64_t kMaxEntryHeader = uint64_t{1} << 20;
constexpr uint64_t kConcatenationAt = 64;
constexpr uint64_t kConcatenatedSize = 64;
constexpr size_t kWindow = size_t{64} << 10;
constexpr uint64_t kTextPiece = uint64_t{1} << 20;
constexpr uint64_t kMaxNote = uint64_t{64} << 10;
// As many are listed; all of them are read.
constexpr size_t kMaxEntries = size_t{1} << 18;
constexpr uint64_t kMaxUnpacked = uint64_t{16} << 20;
constexpr uint32_t kMaxCapability = 999;

constexpr uint16_t kKindPtx = 1;
constexpr uint16_t kKindCubin = 2;
constexpr uint16_t kKindIntermediate = 8;
constexpr uint16_t kKindConcatenation = 256;
constexpr uint64_t kLz4 = uint64_t{1} << 13;
constexpr uint64_t kZstd = uint64_t{1} << 15;
constexpr uint64_t kExact = uint64_t{1} << 20;
constexpr uint64_t kFamily = uint64_t{1} << 21;

using Pair = std::pair<int, int>;

// PTX ISA and the first toolkit with it, from the release notes of the ISA. Of 12.7
// only the driver was released.
constexpr std::array<std::pair<Pair, Pair>, 30> kIsas = {{
    {{6, 0}, {9, 0}},  {{6, 1}, {9, 1}},  {{6, 2}, {9, 2}},  {{6, 3}, {10, 0}}, {{6, 4}, {10, 1}},
    {{6, 5}, {10, 2}}, {{7, 0}, {11, 0}}, {{7, 1}, {11, 1}}, {{7, 2}, {11, 2}}, {{7, 3}, {11, 3}},
    {{7, 4}, {11, 4}}, {{7, 5}, {11, 5}}, {{7, 6}, {11, 6}}, {{7, 7}, {11, 7}}, {{7, 8}, {11, 8}},
    {{8, 0}, {12, 0}}, {{8, 1}, {12, 1}}, {{8, 2}, {12, 2}}, {{8, 3}, {12, 3}}, {{8, 4}, {12, 4}},
    {{8, 5}, {12, 5}}, {{8, 6}, {12, 7}}, {{8, 7}, {12, 8}}, {{8, 8}, {12, 9}}, {{9, 0}, {13, 0}},
    {{9, 1}, {13, 1}}, {{9, 2}, {13, 2}}, {{9, 3}, {13, 3}}, {{9, 4}, {13, 4}}, {{9, 5}, {13, 5}},
}};

// A part of a file as a file.
class FilePart final : public InputFile {
 public:
  FilePart(InputFile& file, uint64_t offset, uint64_t size)
      : file_(file), offset_(offset), size_(size) {}

  const std::string& path() const override { return file_.path(); }
  uint64_t size() const override { return size_; }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    if (offset >= size_) return size_t{0};
    return file_.ReadAt(
        offset_ + offset,
        buffer.subspan(0, static_cast<size_t>(std::min<uint64_t>(buffer.size(), size_ - offset))));
  }

 private:
  InputFile& file_;
  const uint64_t offset_;
  const uint64_t size_;
};

// What was unpacked as a file.
class StringFile final : public InputFile {
 public:
  StringFile(const std::string& path, absl::string_view bytes) : path_(path), bytes_(bytes) {}

  const std::string& path() const override { return path_; }
  uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    if (offset >= bytes_.size()) return size_t{0};
    return bytes_.copy(buffer.data(), buffer.size(), static_cast<size_t>(offset));
  }

 private:
  const std::string& path_;
  const absl::string_view bytes_;
};

// "13.5" in "... Cuda compilation tools, release 13.5, V13.5.37 ...": {13, 5}; {} without it.
Pair ReleaseIn(absl::string_view note) {
  constexpr absl::string_view kBefore = "release ";
  const size_t at = note.find(kBefore);
  if (at == absl::string_view::npos) return {};
  const absl::string_view text = note.substr(at + kBefore.size(), 8);
  const size_t dot = text.find('.');
  const size_t end = text.find(',');
  Pair version;
  if (dot == absl::string_view::npos || end == absl::string_view::npos || end < dot ||
      !absl::SimpleAtoi(text.substr(0, dot), &version.first) ||
      !absl::SimpleAtoi(text.substr(dot + 1, end - dot - 1), &version.second) ||
      version.first < 1 || version.second < 0) {
    return {};
  }
  return version;
}

// "sm_90a" in "... -arch sm_90a ..."; empty without it.
std::string ArchIn(absl::string_view note) {
  constexpr absl::string_view kBefore = "-arch ";
  const size_t at = note.find(kBefore);
  if (at == absl::string_view::npos) return "";
  const absl::string_view text = note.substr(at + kBefore.size(), 10);
  if (!absl::StartsWith(text, "sm_")) return "";
  size_t size = 3;
  while (size < text.size() && absl::ascii_isalnum(static_cast<unsigned char>(text[size]))) ++size;
  return std::string(text.substr(0, size));
}

// The capability in the header of a cubin, 86; 0 without one. Since ABI version 8 (toolkit 13) it
// is the second byte of the flags, before it was the first. Neither tells "a" and "f" code apart
// from other code: of nvcc 13.0, sm_90 and sm_90a have the same flags, and sm_100, sm_100a and
// sm_100f.
uint32_t CapabilityOf(const Elf& cubin) {
  if (cubin.machine != ElfMachine::kCuda) return 0;
  return (cubin.abi_version >= 8 ? cubin.flags >> 8 : cubin.flags) & 0xff;
}

// What the tools wrote about themselves in a cubin; empty when they did not.
absl::StatusOr<std::string> ToolNote(InputFile& cubin, const Elf& elf) {
  const ElfSection* const section = elf.Find(".note.nv.tkinfo");
  if (section == nullptr || section->size > kMaxNote) return std::string();
  std::string note(static_cast<size_t>(section->size), '\0');
  RETURN_IF_ERROR(ReadExactly(cubin, section->offset, absl::MakeSpan(note)));
  return note;
}

std::string VersionText(Pair version) {
  return version == Pair() ? std::string() : absl::StrCat(version.first, ".", version.second);
}

class Codes {
 public:
  // `entry` has all but its code.
  void Add(GpuCode::Kind kind, const std::string& arch, Pair toolkit, GpuEntry entry) {
    Pair& newest = code_[{kind, arch}];
    newest = std::max(newest, toolkit);
    entry.code = {kind, arch, VersionText(toolkit)};
    if (entries_.size() < kMaxEntries) {
      entries_.push_back(std::move(entry));
    } else {
      Note(absl::StrCat("more than ", kMaxEntries, " entries"));
    }
  }
  // PTX of that ISA for "75" or "90a".
  void AddPtx(absl::string_view number, Pair version, GpuEntry entry) {
    const auto* const isa = std::find_if(kIsas.begin(), kIsas.end(),
                                         [&](const auto& row) { return row.first == version; });
    if (isa == kIsas.end()) {
      Note(absl::StrCat("the toolkit of PTX ISA ", version.first, ".", version.second,
                        " is unknown"));
    }
    Add(GpuCode::Kind::kPtx, absl::StrCat("compute_", number),
        isa == kIsas.end() ? Pair() : isa->second, std::move(entry));
  }
  bool has_toolkit() const {
    for (const auto& [key, toolkit] : code_) {
      if (toolkit != Pair()) return true;
    }
    return false;
  }
  // Of code that is there.
  void AddToolkit(GpuCode::Kind kind, const std::string& arch, Pair toolkit) {
    code_[{kind, arch}] = toolkit;
  }
  void Note(std::string note) { notes_.insert(std::move(note)); }

  GpuCodes Take() {
    GpuCodes out;
    for (const auto& [key, toolkit] : code_) {
      out.code.push_back({key.first, key.second, VersionText(toolkit)});
    }
    out.entries = std::move(entries_);
    out.notes.assign(notes_.begin(), notes_.end());
    return out;
  }

 private:
  std::map<std::pair<GpuCode::Kind, std::string>, Pair> code_;
  std::vector<GpuEntry> entries_;
  std::set<std::string> notes_;
};

class Reader {
 public:
  Reader(InputFile& file, Codes& codes) : file_(file), codes_(codes) {}

  absl::Status Section(uint64_t begin, uint64_t end);
  // After the last section: looks for a toolkit where nothing else has told one.
  absl::Status Finish();

 private:
  struct Packed {
    std::string arch;
    uint64_t payload = 0;
    uint64_t size = 0;
    uint64_t unpacked_size = 0;
  };

  absl::Status Bad(uint64_t at, absl::string_view got, absl::string_view expected) const {
    return Mismatch("fatbin", absl::StrCat(file_.path(), ": byte ", at), got, expected);
  }
  // `size` bytes at `at`, valid until the next call; the caller knows that the file has them.
  absl::StatusOr<absl::string_view> Bytes(uint64_t at, uint64_t size);
  absl::Status Container(uint64_t begin, uint64_t end);
  // `whole` is false of an entry that is compressed together with others.
  absl::Status Entry(uint64_t at, const std::string& header, bool whole, uint64_t payload,
                     uint64_t payload_size);
  absl::Status Concatenation(uint64_t at, const std::string& header);

  InputFile& file_;
  Codes& codes_;
  std::string window_;
  uint64_t window_at_ = 0;
  uint32_t modules_ = 0;
  std::optional<Packed> smallest_;
};

absl::StatusOr<absl::string_view> Reader::Bytes(uint64_t at, uint64_t size) {
  if (at < window_at_ || at - window_at_ > window_.size() ||
      size > window_.size() - (at - window_at_)) {
    const uint64_t wanted =
        std::max<uint64_t>(size, std::min<uint64_t>(kWindow, file_.size() - at));
    window_.resize(static_cast<size_t>(wanted));
    window_at_ = at;
    RETURN_IF_ERROR(ReadExactly(file_, at, absl::MakeSpan(window_)));
  }
  return absl::string_view(window_).substr(static_cast<size_t>(at - window_at_),
                                           static_cast<size_t>(size));
}

absl::Status Reader::Section(uint64_t begin, uint64_t end) {
  uint64_t at = begin;
  while (end - at >= 8) {
    ASSIGN_OR_RETURN(const absl::string_view start, Bytes(at, 8));
    if (LoadLe<uint64_t>(start, 0) == 0) {
      at += 8;
      continue;
    }
    if (!IsFatbin(start)) {
      return Bad(at, absl::StrFormat("0x%08x", LoadLe<uint32_t>(start, 0)),
                 "0xba55ed50, where a container begins");
    }
    if (end - at < kContainerSize) {
      return Bad(at, absl::StrCat(end - at, " bytes"), "a header of 16 bytes");
    }
    ASSIGN_OR_RETURN(const absl::string_view header, Bytes(at, kContainerSize));
    const uint16_t version = LoadLe<uint16_t>(header, 4);
    const uint64_t header_size = LoadLe<uint16_t>(header, 6);
    const uint64_t size = LoadLe<uint64_t>(header, 8);
    if (version != 1) return Bad(at, absl::StrCat("container version ", version), "1");
    if (header_size < kContainerSize || header_size > end - at || size > end - at - header_size) {
      return Bad(at, absl::StrCat("a container of ", header_size, " and ", size, " bytes"),
                 absl::StrCat("one in the ", end - at, " bytes that are left"));
    }
    RETURN_IF_ERROR(Container(at + header_size, at + header_size + size));
    ++modules_;
    at += header_size + size;
  }
  return absl::OkStatus();
}

absl::Status Reader::Container(uint64_t begin, uint64_t end) {
  uint64_t at = begin;
  while (at < end) {
    if (end - at < kEntrySize) {
      return Bad(at, absl::StrCat(end - at, " bytes"), "a header of at least 48 bytes");
    }
    ASSIGN_OR_RETURN(const absl::string_view start, Bytes(at, kEntrySize));
    const uint64_t header_size = LoadLe<uint32_t>(start, 4);
    const uint64_t payload_size = LoadLe<uint64_t>(start, 8);
    if (header_size < kEntrySize || header_size > kMaxEntryHeader || header_size > end - at ||
        payload_size > end - at - header_size) {
      return Bad(at, absl::StrCat("an entry of ", header_size, " and ", payload_size, " bytes"),
                 absl::StrCat("one in the ", end - at, " bytes that are left"));
    }
    ASSIGN_OR_RETURN(const absl::string_view header, Bytes(at, header_size));
    if (LoadLe<uint16_t>(header, 0) == kKindConcatenation) {
      RETURN_IF_ERROR(Concatenation(at, std::string(header)));
    } else {
      RETURN_IF_ERROR(Entry(at, std::string(header.substr(0, kLongEntrySize)), true,
                            at + header_size, payload_size));
    }
    at += header_size + payload_size;
  }
  return absl::OkStatus();
}

absl::Status Reader::Concatenation(uint64_t at, const std::string& header) {
  const uint64_t list = kConcatenationAt + 8;
  const uint64_t count = LoadLe<uint32_t>(header, kConcatenationAt);
  if (header.size() < list || count > (header.size() - list) / kConcatenatedSize) {
    return Bad(at,
               absl::StrCat(count, " entries together in a header of ", header.size(), " bytes"),
               "a header that holds theirs");
  }
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t one = list + i * kConcatenatedSize;
    std::string inner = header.substr(static_cast<size_t>(one), kConcatenatedSize);
    // How they are compressed is in the flags of the whole: bits 13 and 15 are in this byte.
    inner[41] = static_cast<char>(inner[41] | (header[41] & 0xa0));
    RETURN_IF_ERROR(Entry(at + one, inner, false, 0, 0));
  }
  return absl::OkStatus();
}

absl::Status Reader::Entry(uint64_t at, const std::string& header, bool whole, uint64_t payload,
                           uint64_t payload_size) {
  const uint16_t kind = LoadLe<uint16_t>(header, 0);
  const Pair version = {LoadLe<uint16_t>(header, 26), LoadLe<uint16_t>(header, 24)};
  const uint32_t capability = LoadLe<uint32_t>(header, 28);
  const uint64_t flags = LoadLe<uint64_t>(header, 40);
  if (kind == kKindIntermediate) {
    codes_.Note("intermediate code for the device linker, which no driver runs");
    return absl::OkStatus();
  }
  if (kind != kKindPtx && kind != kKindCubin) {
    codes_.Note(absl::StrCat("an entry of the unknown kind ", kind));
    return absl::OkStatus();
  }
  if (capability < 10 || capability > kMaxCapability) {
    return Bad(at, absl::StrCat("code for capability ", capability),
               absl::StrCat("10 to ", kMaxCapability));
  }
  if ((flags & kExact) != 0 && (flags & kFamily) != 0) {
    return Bad(at, "code for one capability and for a family", "one or the other");
  }
  const std::string number = absl::StrCat(capability, (flags & kExact) != 0    ? "a"
                                                      : (flags & kFamily) != 0 ? "f"
                                                                               : "");
  GpuEntry entry;
  entry.module = modules_;
  entry.compression = (flags & kZstd) != 0  ? Compression::kZstd
                      : (flags & kLz4) != 0 ? Compression::kLz4
                                            : Compression::kNone;
  if (whole && entry.compression == Compression::kNone) {
    entry.size = entry.unpacked_size = payload_size;
  } else if (whole) {
    // The payload is filled up to a multiple of 8.
    entry.size = LoadLe<uint32_t>(header, 16);
    if (entry.size == 0 || entry.size > payload_size) entry.size = payload_size;
    if (header.size() >= kLongEntrySize) entry.unpacked_size = LoadLe<uint64_t>(header, 56);
  }
  if (kind == kKindPtx) {
    codes_.AddPtx(number, version, std::move(entry));
    return absl::OkStatus();
  }
  Pair toolkit;
  if (entry.compression == Compression::kNone && payload_size >= 64) {
    FilePart cubin(file_, payload, payload_size);
    const absl::StatusOr<Elf> elf = ReadElf(cubin);
    if (elf.ok()) {
      if (const uint32_t inside = CapabilityOf(*elf); inside != 0 && inside != capability) {
        codes_.Note(
            absl::StrCat("a cubin for sm_", inside, " under the header of sm_", capability));
      }
      ASSIGN_OR_RETURN(const std::string note, ToolNote(cubin, *elf));
      toolkit = ReleaseIn(note);
    } else if (elf.status().code() != absl::StatusCode::kInvalidArgument) {
      return elf.status();
    }
    // Where it runs is what the header has said: a cubin that is no ELF file, or a bad one, only
    // keeps its toolkit to itself.
  }
  const std::string arch = absl::StrCat("sm_", number);
  if (whole && entry.compression == Compression::kZstd && entry.unpacked_size > 0 &&
      entry.unpacked_size <= kMaxUnpacked && entry.size <= kMaxUnpacked &&
      (!smallest_.has_value() || entry.unpacked_size < smallest_->unpacked_size)) {
    smallest_ = Packed{arch, payload, entry.size, entry.unpacked_size};
  }
  codes_.Add(GpuCode::Kind::kCubin, arch, toolkit, std::move(entry));
  return absl::OkStatus();
}

absl::Status Reader::Finish() {
  if (!smallest_.has_value() || codes_.has_toolkit()) return absl::OkStatus();
  std::string packed(static_cast<size_t>(smallest_->size), '\0');
  RETURN_IF_ERROR(ReadExactly(file_, smallest_->payload, absl::MakeSpan(packed)));
  std::string bytes(static_cast<size_t>(smallest_->unpacked_size), '\0');
  const size_t size = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  // Where it runs is known without that, so what cannot be unpacked only keeps its toolkit to
  // itself.
  if (ZSTD_isError(size) != 0 || size != bytes.size()) return absl::OkStatus();
  StringFile cubin(file_.path(), bytes);
  const absl::StatusOr<Elf> elf = ReadElf(cubin);
  if (!elf.ok()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string note, ToolNote(cubin, *elf));
  codes_.AddToolkit(GpuCode::Kind::kCubin, smallest_->arch, ReleaseIn(note));
  return absl::OkStatus();
}

// Takes 1 to `max_digits` digits from the front of `text`.
bool TakeNumber(absl::string_view& text, size_t max_digits, int* value) {
  size_t size = 0;
  while (size < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[size]))) ++size;
  if (size == 0 || size > max_digits || !absl::SimpleAtoi(text.substr(0, size), value))
    return false;
  text.remove_prefix(size);
  return true;
}

// What begins with ".version " as the directives of PTX, if it is that.
void AddPtxText(absl::string_view text, Codes& codes) {
  Pair version;
  int capability = 0;
  if (!absl::ConsumePrefix(&text, ".version ") || !TakeNumber(text, 2, &version.first) ||
      !absl::ConsumePrefix(&text, ".") || !TakeNumber(text, 2, &version.second)) {
    return;
  }
  absl::ConsumePrefix(&text, "\r");
  if (!absl::ConsumePrefix(&text, "\n.target sm_") || !TakeNumber(text, 3, &capability) ||
      capability < 10) {
    return;
  }
  std::string number = absl::StrCat(capability);
  if (absl::StartsWith(text, "a") || absl::StartsWith(text, "f")) {
    number += text[0];
    text.remove_prefix(1);
  }
  if (text.empty() || !(text[0] == '\n' || text[0] == '\r' || text[0] == ',' || text[0] == ' ')) {
    return;
  }
  codes.AddPtx(number, version, GpuEntry());
  codes.Note(absl::StrCat("PTX for compute_", number, " as text"));
}

// Longer than the directives can be.
constexpr uint64_t kMaxDirectives = 64;

absl::Status FindPtxText(InputFile& file, uint64_t begin, uint64_t end, Codes& codes) {
  constexpr absl::string_view kStart = ".version ";
  std::string piece;
  // Pieces overlap, so that none is cut; what is seen twice is one.
  for (uint64_t at = begin; at < end;) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(kTextPiece, end - at)));
    RETURN_IF_ERROR(ReadExactly(file, at, absl::MakeSpan(piece)));
    for (size_t found = piece.find(kStart); found != std::string::npos;
         found = piece.find(kStart, found + 1)) {
      AddPtxText(absl::string_view(piece).substr(found, kMaxDirectives), codes);
    }
    if (piece.size() < kTextPiece) break;
    at += kTextPiece - kMaxDirectives;
  }
  return absl::OkStatus();
}

}  // namespace

bool IsFatbin(absl::string_view start) {
  return start.size() >= 4 && LoadLe<uint32_t>(start, 0) == kMagic;
}

absl::StatusOr<GpuCodes> ReadFatbin(InputFile& file, uint64_t offset, uint64_t size) {
  Codes codes;
  Reader reader(file, codes);
  RETURN_IF_ERROR(reader.Section(offset, offset + size));
  RETURN_IF_ERROR(reader.Finish());
  return codes.Take();
}

absl::StatusOr<GpuCodes> ReadGpuCode(InputFile& file, const Elf& elf) {
  constexpr absl::string_view kText = ".rodata";
  constexpr std::array<absl::string_view, 3> kNames = {kText, ".nv_fatbin", "__nv_relfatbin"};
  std::vector<std::pair<ElfSection, absl::string_view>> sections;
  for (const ElfSection& section : elf.sections) {
    const absl::string_view name = elf.section_names.c_str() + section.name;
    if (absl::c_linear_search(kNames, name)) sections.emplace_back(section, name);
  }
  absl::c_stable_sort(sections,
                      [](const auto& a, const auto& b) { return a.first.offset < b.first.offset; });

  Codes codes;
  Reader reader(file, codes);
  uint64_t end = 0;
  for (const auto& [section, name] : sections) {
    // A small file could have the same bytes read 100,000 times.
    if (section.size != 0 && section.offset < end) {
      return Mismatch("fatbin", absl::StrCat(file.path(), ": byte ", section.offset),
                      absl::StrCat(name, " in a section before it"), "sections apart");
    }
    end = std::max(end, section.offset + section.size);
    if (name == kText) {
      RETURN_IF_ERROR(FindPtxText(file, section.offset, section.offset + section.size, codes));
    } else {
      RETURN_IF_ERROR(reader.Section(section.offset, section.offset + section.size));
    }
  }
  RETURN_IF_ERROR(reader.Finish());
  if (elf.machine == ElfMachine::kCuda) {
    ASSIGN_OR_RETURN(const std::string note, ToolNote(file, elf));
    std::string arch = ArchIn(note);
    if (const uint32_t capability = CapabilityOf(elf); arch.empty() && capability != 0) {
      arch = absl::StrCat("sm_", capability);
      codes.Note(absl::StrCat("a cubin for ", arch, ", or for that device only: it does not tell"));
    }
    if (arch.empty()) {
      codes.Note("a cubin that does not tell its architecture");
    } else {
      GpuEntry entry;
      entry.size = entry.unpacked_size = file.size();
      codes.Add(GpuCode::Kind::kCubin, arch, ReleaseIn(note), std::move(entry));
    }
  }
  return codes.Take();
}

}  // namespace rules_inference::base
