// What a 64-bit little-endian ELF file says about where it runs: machine, libraries, versions.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ELF_ELF_H_
#define RULES_INFERENCE_PLUGINS_BASE_ELF_ELF_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

enum class ElfMachine : uint8_t { kX86_64, kAarch64, kCuda, kOther };
enum class ElfType : uint8_t { kRelocatable, kExecutable, kShared, kOther };

// Bytes of the file; they lie in it, or the file would not have been read.
struct ElfSection {
  // Where its name begins in Elf::section_names.
  uint32_t name = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// A version of a symbol that a library has to have: {"libc.so.6", "GLIBC_2.34"}.
struct ElfVersionNeed {
  std::string library;
  std::string version;
};

struct Elf {
  ElfMachine machine = ElfMachine::kOther;
  uint16_t machine_number = 0;
  ElfType type = ElfType::kOther;
  uint32_t flags = 0;
  uint8_t abi_version = 0;
  std::string interpreter;
  // In the order of the file.
  std::vector<std::string> needed;
  std::string soname;
  std::string rpath;
  std::string runpath;
  std::vector<ElfVersionNeed> version_needs;
  // Those with bytes in the file.
  std::vector<ElfSection> sections;
  // Names that end in NUL. Sections share its bytes, as in the file: a small file may have many
  // names that are long.
  std::string section_names;

  // The first section of that name, or null.
  const ElfSection* Find(absl::string_view name) const;
};

inline constexpr absl::string_view kElfMagic =
    "\x7f"
    "ELF";

// Reads headers and the dynamic segment, never the contents. A file that says anything about bytes
// that it does not have is refused: "elf: <file>: <where>: got X, expected Y".
absl::StatusOr<Elf> ReadElf(InputFile& file);

// The highest GLIBC_x.y that it needs, as {x, y}.
std::optional<std::pair<int, int>> NeededGlibc(const Elf& elf);
// The level in the note of a linker that was told one (-z x86-64-v3): 3 for x86-64-v3; 0: no note,
// or none that can be read. An error is one of the file system.
absl::StatusOr<int> NeededX86Level(InputFile& file, const Elf& elf);
// Its interpreter or a needed library is musl's.
bool NeedsMusl(const Elf& elf);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ELF_ELF_H_
