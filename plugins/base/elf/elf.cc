// Problem. An archive from the network holds ELF files, and every number in them is an offset, a
// size or a count that somebody chose. Readers of such files are a classic of memory errors.
//
// Idea. Nothing is mapped and no pointer is computed: each piece goes through Slice(), which
// compares offset and size with the size of the file before it reads, and each table has a limit
// of its own before memory is asked for. The dynamic segment is found by program headers, as the
// loader does it, because section headers may be stripped or lie.
//
// Invariant. Work and memory are bounded by the limits below, not by numbers of the file: the lists
// of version needs are walked by offsets that grow, and each list has a count.
//
// Cost. Some 20 reads of a few kilobytes, whatever the size of the file; string tables are read
// where a name is, as those of large libraries have tens of megabytes.

#include "plugins/base/elf/elf.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/elf/little_endian.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr uint64_t kHeaderSize = 64;
constexpr uint64_t kProgramHeaderSize = 56;
constexpr uint64_t kSectionHeaderSize = 64;
constexpr uint64_t kDynamicSize = 16;
constexpr uint64_t kMaxSections = uint64_t{1} << 18;
constexpr uint64_t kMaxSectionNames = uint64_t{16} << 20;
constexpr uint64_t kMaxDynamic = uint64_t{1} << 20;
constexpr size_t kMaxName = 4096;
constexpr size_t kMaxNames = 4096;

constexpr uint32_t kLoad = 1;
constexpr uint32_t kDynamic = 2;
constexpr uint32_t kInterpreter = 3;
constexpr uint32_t kNoBits = 8;
constexpr uint16_t kExtendedIndex = 0xffff;

struct Segment {
  uint64_t address = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
};

class Reader {
 public:
  explicit Reader(InputFile& file) : file_(file) {}

  absl::StatusOr<Elf> Run() {
    RETURN_IF_ERROR(ReadHeader());
    RETURN_IF_ERROR(ReadSegments());
    RETURN_IF_ERROR(ReadSections());
    return std::move(elf_);
  }

 private:
  absl::Status Bad(absl::string_view where, absl::string_view got,
                   absl::string_view expected) const {
    return Mismatch("elf", absl::StrCat(file_.path(), ": ", where), got, expected);
  }
  absl::Status CheckRange(absl::string_view where, uint64_t offset, uint64_t size) const;
  absl::StatusOr<std::string> Slice(absl::string_view where, uint64_t offset, uint64_t size,
                                    uint64_t max_size);
  absl::StatusOr<uint64_t> OffsetOf(absl::string_view where, uint64_t address) const;
  absl::StatusOr<std::string> Name(absl::string_view where, uint64_t index);

  absl::Status ReadHeader();
  absl::Status ReadSegments();
  absl::Status ReadDynamic(uint64_t offset, uint64_t size);
  absl::Status ReadVersionNeeds(uint64_t address, uint64_t count);
  absl::Status ReadSections();

  InputFile& file_;
  Elf elf_;
  std::string header_;
  std::vector<Segment> loads_;
  // The strings of the dynamic segment, in the file.
  uint64_t strings_ = 0;
  uint64_t strings_size_ = 0;
};

absl::Status Reader::CheckRange(absl::string_view where, uint64_t offset, uint64_t size) const {
  if (offset <= file_.size() && size <= file_.size() - offset) return absl::OkStatus();
  return Bad(where, absl::StrCat(size, " bytes at ", offset),
             absl::StrCat("bytes of the file, which has ", file_.size()));
}

absl::StatusOr<std::string> Reader::Slice(absl::string_view where, uint64_t offset, uint64_t size,
                                          uint64_t max_size) {
  RETURN_IF_ERROR(CheckRange(where, offset, size));
  if (size > max_size) {
    return Bad(where, absl::StrCat(size, " bytes"), absl::StrCat("at most ", max_size));
  }
  std::string out(static_cast<size_t>(size), '\0');
  RETURN_IF_ERROR(ReadExactly(file_, offset, absl::MakeSpan(out)));
  return out;
}

absl::StatusOr<uint64_t> Reader::OffsetOf(absl::string_view where, uint64_t address) const {
  for (const Segment& segment : loads_) {
    if (address >= segment.address && address - segment.address < segment.size) {
      // CheckRange has shown that offset + size does not overflow.
      return segment.offset + (address - segment.address);
    }
  }
  return Bad(where, absl::StrCat("address ", address), "an address in a loaded segment");
}

absl::StatusOr<std::string> Reader::Name(absl::string_view where, uint64_t index) {
  if (index >= strings_size_) {
    return Bad(where, absl::StrCat("name at ", index),
               absl::StrCat("one in the ", strings_size_, " bytes of names"));
  }
  const uint64_t size = std::min<uint64_t>(strings_size_ - index, kMaxName + 1);
  ASSIGN_OR_RETURN(std::string text, Slice(where, strings_ + index, size, kMaxName + 1));
  const size_t end = text.find('\0');
  if (end == std::string::npos) {
    return Bad(where, "a name without end", absl::StrCat("one of at most ", kMaxName, " bytes"));
  }
  text.resize(end);
  return text;
}

absl::Status Reader::ReadHeader() {
  if (file_.size() < kHeaderSize) {
    return Bad("header", absl::StrCat("a file of ", file_.size(), " bytes"),
               absl::StrCat("at least ", kHeaderSize));
  }
  ASSIGN_OR_RETURN(header_, Slice("header", 0, kHeaderSize, kHeaderSize));
  if (!absl::StartsWith(header_, kElfMagic)) {
    return Bad("header", Quoted(header_.substr(0, 4)), "the magic bytes of ELF");
  }
  if (header_[4] != 2 || header_[5] != 1) {
    return Bad("header",
               absl::StrCat(header_[4] == 1 ? "32 bits" : "64 bits",
                            header_[5] == 2 ? ", big-endian" : ", little-endian"),
               "64 bits, little-endian");
  }
  switch (LoadLe<uint16_t>(header_, 16)) {
    case 1:
      elf_.type = ElfType::kRelocatable;
      break;
    case 2:
      elf_.type = ElfType::kExecutable;
      break;
    case 3:
      elf_.type = ElfType::kShared;
      break;
    default:
      break;
  }
  elf_.machine_number = LoadLe<uint16_t>(header_, 18);
  switch (elf_.machine_number) {
    case 62:
      elf_.machine = ElfMachine::kX86_64;
      break;
    case 183:
      elf_.machine = ElfMachine::kAarch64;
      break;
    case 190:
      elf_.machine = ElfMachine::kCuda;
      break;
    default:
      break;
  }
  elf_.flags = LoadLe<uint32_t>(header_, 48);
  elf_.abi_version = static_cast<uint8_t>(header_[8]);
  return absl::OkStatus();
}

absl::Status Reader::ReadSegments() {
  const uint64_t offset = LoadLe<uint64_t>(header_, 32);
  const uint64_t count = LoadLe<uint16_t>(header_, 56);
  if (count == 0) return absl::OkStatus();
  if (LoadLe<uint16_t>(header_, 54) != kProgramHeaderSize) {
    return Bad("program headers", absl::StrCat(LoadLe<uint16_t>(header_, 54), " bytes each"),
               absl::StrCat(kProgramHeaderSize));
  }
  const uint64_t size = count * kProgramHeaderSize;
  ASSIGN_OR_RETURN(const std::string table, Slice("program headers", offset, size, size));
  std::optional<Segment> dynamic;
  for (size_t at = 0; at < table.size(); at += kProgramHeaderSize) {
    Segment segment;
    segment.offset = LoadLe<uint64_t>(table, at + 8);
    segment.address = LoadLe<uint64_t>(table, at + 16);
    segment.size = LoadLe<uint64_t>(table, at + 32);
    const std::string where = absl::StrCat("segment ", at / kProgramHeaderSize);
    switch (LoadLe<uint32_t>(table, at)) {
      case kLoad:
        RETURN_IF_ERROR(CheckRange(where, segment.offset, segment.size));
        loads_.push_back(segment);
        break;
      case kDynamic:
        RETURN_IF_ERROR(CheckRange(where, segment.offset, segment.size));
        dynamic = segment;
        break;
      case kInterpreter: {
        ASSIGN_OR_RETURN(elf_.interpreter, Slice(where, segment.offset, segment.size, kMaxName));
        elf_.interpreter.resize(std::min(elf_.interpreter.find('\0'), elf_.interpreter.size()));
        break;
      }
      default:
        break;
    }
  }
  if (!dynamic.has_value()) return absl::OkStatus();
  return ReadDynamic(dynamic->offset, dynamic->size);
}

absl::Status Reader::ReadDynamic(uint64_t offset, uint64_t size) {
  ASSIGN_OR_RETURN(const std::string table, Slice("dynamic", offset, size, kMaxDynamic));
  std::vector<uint64_t> needed;
  std::optional<uint64_t> strings, soname, rpath, runpath, version_needs;
  uint64_t version_need_count = 0;
  for (size_t at = 0; at + kDynamicSize <= table.size(); at += kDynamicSize) {
    const uint64_t value = LoadLe<uint64_t>(table, at + 8);
    const uint64_t tag = LoadLe<uint64_t>(table, at);
    if (tag == 0) break;
    switch (tag) {
      case 1:
        needed.push_back(value);
        break;
      case 5:
        strings = value;
        break;
      case 10:
        strings_size_ = value;
        break;
      case 14:
        soname = value;
        break;
      case 15:
        rpath = value;
        break;
      case 29:
        runpath = value;
        break;
      case 0x6ffffffe:
        version_needs = value;
        break;
      case 0x6fffffff:
        version_need_count = value;
        break;
      default:
        break;
    }
  }
  if (!strings.has_value()) {
    // A static position-independent program has names in none of its tags.
    strings_size_ = 0;
  } else {
    ASSIGN_OR_RETURN(strings_, OffsetOf("dynamic names", *strings));
    RETURN_IF_ERROR(CheckRange("dynamic names", strings_, strings_size_));
  }
  if (needed.size() > kMaxNames) {
    return Bad("dynamic", absl::StrCat(needed.size(), " needed libraries"),
               absl::StrCat("at most ", kMaxNames));
  }
  for (const uint64_t index : needed) {
    ASSIGN_OR_RETURN(std::string name, Name("needed library", index));
    elf_.needed.push_back(std::move(name));
  }
  if (soname.has_value()) {
    ASSIGN_OR_RETURN(elf_.soname, Name("soname", *soname));
  }
  if (rpath.has_value()) {
    ASSIGN_OR_RETURN(elf_.rpath, Name("rpath", *rpath));
  }
  if (runpath.has_value()) {
    ASSIGN_OR_RETURN(elf_.runpath, Name("runpath", *runpath));
  }
  if (!version_needs.has_value()) return absl::OkStatus();
  return ReadVersionNeeds(*version_needs, version_need_count);
}

absl::Status Reader::ReadVersionNeeds(uint64_t address, uint64_t count) {
  constexpr absl::string_view kWhere = "version needs";
  ASSIGN_OR_RETURN(uint64_t library_at, OffsetOf(kWhere, address));
  const auto too_many = [&] {
    return Bad(kWhere, "more than that", absl::StrCat("at most ", kMaxNames));
  };
  for (uint64_t i = 0; i < count; ++i) {
    if (i == kMaxNames) return too_many();
    ASSIGN_OR_RETURN(const std::string library, Slice(kWhere, library_at, 16, 16));
    ASSIGN_OR_RETURN(const std::string name, Name(kWhere, LoadLe<uint32_t>(library, 4)));
    // Offsets are of 32 bits and what they are added to lies in the file: no overflow.
    uint64_t version_at = library_at + LoadLe<uint32_t>(library, 8);
    const uint16_t versions = LoadLe<uint16_t>(library, 2);
    for (uint16_t j = 0; j < versions; ++j) {
      ASSIGN_OR_RETURN(const std::string version, Slice(kWhere, version_at, 16, 16));
      ASSIGN_OR_RETURN(std::string text, Name(kWhere, LoadLe<uint32_t>(version, 8)));
      if (elf_.version_needs.size() == kMaxNames) return too_many();
      elf_.version_needs.push_back({name, std::move(text)});
      const uint32_t next = LoadLe<uint32_t>(version, 12);
      if (next == 0) break;
      version_at += next;
    }
    const uint32_t next = LoadLe<uint32_t>(library, 12);
    if (next == 0) break;
    library_at += next;
  }
  return absl::OkStatus();
}

absl::Status Reader::ReadSections() {
  constexpr absl::string_view kWhere = "section headers";
  const uint64_t offset = LoadLe<uint64_t>(header_, 40);
  if (offset == 0) return absl::OkStatus();
  if (LoadLe<uint16_t>(header_, 58) != kSectionHeaderSize) {
    return Bad(kWhere, absl::StrCat(LoadLe<uint16_t>(header_, 58), " bytes each"),
               absl::StrCat(kSectionHeaderSize));
  }
  uint64_t count = LoadLe<uint16_t>(header_, 60);
  uint64_t names_index = LoadLe<uint16_t>(header_, 62);
  // Numbers that do not fit in 16 bits are in the first section.
  if (count == 0 || names_index == kExtendedIndex) {
    ASSIGN_OR_RETURN(const std::string first,
                     Slice(kWhere, offset, kSectionHeaderSize, kSectionHeaderSize));
    if (count == 0) count = LoadLe<uint64_t>(first, 32);
    if (names_index == kExtendedIndex) names_index = LoadLe<uint32_t>(first, 40);
  }
  if (count > kMaxSections) {
    return Bad(kWhere, absl::StrCat(count, " sections"), absl::StrCat("at most ", kMaxSections));
  }
  const uint64_t size = count * kSectionHeaderSize;
  ASSIGN_OR_RETURN(const std::string table, Slice(kWhere, offset, size, size));
  std::string names;
  if (names_index != 0) {
    if (names_index >= count) {
      return Bad(kWhere, absl::StrCat("names in section ", names_index),
                 absl::StrCat("one of ", count, " sections"));
    }
    const size_t at = static_cast<size_t>(names_index * kSectionHeaderSize);
    ASSIGN_OR_RETURN(names, Slice("section names", LoadLe<uint64_t>(table, at + 24),
                                  LoadLe<uint64_t>(table, at + 32), kMaxSectionNames));
  }
  for (size_t at = 0; at < table.size(); at += kSectionHeaderSize) {
    const uint32_t type = LoadLe<uint32_t>(table, at + 4);
    if (type == 0 || type == kNoBits) continue;
    ElfSection section;
    section.name = LoadLe<uint32_t>(table, at);
    section.offset = LoadLe<uint64_t>(table, at + 24);
    section.size = LoadLe<uint64_t>(table, at + 32);
    const std::string where = absl::StrCat("section ", at / kSectionHeaderSize);
    RETURN_IF_ERROR(CheckRange(where, section.offset, section.size));
    if (names_index != 0 && section.name >= names.size()) {
      return Bad(where, absl::StrCat("name at ", section.name),
                 absl::StrCat("one in the ", names.size(), " bytes of names"));
    }
    elf_.sections.push_back(section);
  }
  elf_.section_names = std::move(names);
  elf_.section_names += '\0';
  return absl::OkStatus();
}

// {2, 34} for "2.34" and "2.2.5".
std::optional<std::pair<int, int>> GlibcVersion(absl::string_view text) {
  std::pair<int, int> version;
  const size_t dot = text.find('.');
  if (dot == absl::string_view::npos) return std::nullopt;
  const absl::string_view rest = text.substr(dot + 1);
  if (!absl::SimpleAtoi(text.substr(0, dot), &version.first) ||
      !absl::SimpleAtoi(rest.substr(0, rest.find('.')), &version.second) || version.first < 0 ||
      version.second < 0) {
    return std::nullopt;
  }
  return version;
}

}  // namespace

const ElfSection* Elf::Find(absl::string_view name) const {
  for (const ElfSection& section : sections) {
    const size_t end = section_names.find('\0', section.name);
    if (end == section.name + name.size() &&
        section_names.compare(section.name, name.size(), name) == 0) {
      return &section;
    }
  }
  return nullptr;
}

absl::StatusOr<Elf> ReadElf(InputFile& file) { return Reader(file).Run(); }

std::optional<std::pair<int, int>> NeededGlibc(const Elf& elf) {
  std::optional<std::pair<int, int>> highest;
  for (const ElfVersionNeed& need : elf.version_needs) {
    absl::string_view text = need.version;
    if (!absl::ConsumePrefix(&text, "GLIBC_")) continue;
    // Relative relocations in their packed form: the marker has no number, 2.36 was the first.
    if (text == "ABI_DT_RELR") text = "2.36";
    if (const auto version = GlibcVersion(text); version.has_value()) {
      highest = std::max(highest.value_or(*version), *version);
    }
  }
  return highest;
}

absl::StatusOr<int> NeededX86Level(InputFile& file, const Elf& elf) {
  constexpr uint32_t kPropertyNote = 5;        // NT_GNU_PROPERTY_TYPE_0
  constexpr uint32_t kIsaNeeded = 0xc0008002;  // GNU_PROPERTY_X86_ISA_1_NEEDED
  constexpr uint64_t kMaxNotes = uint64_t{64} << 10;
  constexpr absl::string_view kName("GNU\0", 4);
  const ElfSection* const section = elf.Find(".note.gnu.property");
  if (elf.machine != ElfMachine::kX86_64 || section == nullptr || section->size > kMaxNotes) {
    return 0;
  }
  std::string text(static_cast<size_t>(section->size), '\0');
  RETURN_IF_ERROR(ReadExactly(file, section->offset, absl::MakeSpan(text)));
  // One note: size of the name, size of the data, type, name; then properties, each a type, a size,
  // and data that is filled up to 8 bytes.
  absl::string_view rest = text;
  if (rest.size() < 16 || LoadLe<uint32_t>(rest, 0) != kName.size() ||
      LoadLe<uint32_t>(rest, 8) != kPropertyNote || rest.substr(12, 4) != kName) {
    return 0;
  }
  for (rest = rest.substr(16, LoadLe<uint32_t>(rest, 4)); rest.size() >= 12;) {
    const uint64_t size = LoadLe<uint32_t>(rest, 4);
    if (LoadLe<uint32_t>(rest, 0) == kIsaNeeded && size == 4) {
      const uint32_t levels = LoadLe<uint32_t>(rest, 8);
      return levels >= 8 ? 4 : levels >= 4 ? 3 : levels >= 2 ? 2 : levels >= 1 ? 1 : 0;
    }
    rest.remove_prefix(
        static_cast<size_t>(std::min<uint64_t>(8 + (size + 7) / 8 * 8, rest.size())));
  }
  return 0;
}

bool NeedsMusl(const Elf& elf) {
  if (absl::StrContains(elf.interpreter, "/ld-musl-")) return true;
  for (const std::string& name : elf.needed) {
    if (absl::StartsWith(name, "libc.musl-") || absl::StartsWith(name, "ld-musl-")) return true;
  }
  return false;
}

}  // namespace rules_inference::base
