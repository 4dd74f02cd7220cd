// Problem. A variant that fits the machine may still not start: a library is missing, the libc is
// older than the lock says. The dynamic loader finds that out after execve, when it is too late to
// take another variant.
//
// Idea. Ask the loader itself, the one that the program names (PT_INTERP): `ld.so --list PROGRAM`
// maps the program and its libraries by its own rules (RUNPATH, LD_LIBRARY_PATH, ld.so.cache,
// hwcaps, symbol versions) and runs nothing of them. Reading DT_NEEDED ourselves would repeat those
// rules, and be wrong sooner or later. Before that, what the kernel looks at: is it ELF of this
// machine, or a script, and is its interpreter there. And one thing that glibc looks at in a real
// start only: GNU_PROPERTY_X86_ISA_1_NEEDED of the program, the note of a linker that was told a
// level (-z x86-64-v3).
//
// Invariant. A reason is given only for what was seen. A loader that cannot be asked (no memory for
// a process) or does not answer is no reason: then execve decides.
//
// Limits. Instructions that the CPU does not have are seen only by that note; the guard is
// `cpu_level` of the lock. A library that the program loads late is seen when the lock names it in
// `sonames`.
//
// Cost. One process, 0.5 ms, and nothing for static programs and scripts.

#include "plugins/launcher/preflight.h"

#ifdef __linux__
#include <elf.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/child_process.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"

namespace rules_inference::launcher {
namespace {

using Reason = std::optional<std::string>;

constexpr absl::Duration kLoaderTimeout = absl::Seconds(30);

absl::string_view Basename(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? path : path.substr(slash + 1);
}

std::string Missing(absl::string_view name) { return absl::StrCat(name, " is missing"); }

// `line` from `open` to `close`, both excluded; false when it has no such part.
bool Between(absl::string_view line, absl::string_view open, absl::string_view close,
             absl::string_view& part) {
  const size_t begin = line.find(open);
  if (begin == absl::string_view::npos) return false;
  line.remove_prefix(begin + open.size());
  const size_t end = line.find(close);
  if (end == absl::string_view::npos) return false;
  part = line.substr(0, end);
  return true;
}

// One line of a loader. Of glibc and musl; both write in English only.
Reason ReadLine(absl::string_view line, absl::Span<const std::string> sonames) {
  absl::string_view part;
  if (Between(line, "object '", "' from LD_PRELOAD cannot be preloaded", part)) {
    // A broken preload of the user is ignored by the loader, and so it is here.
    if (absl::c_linear_search(sonames, part)) return Missing(part);
    return std::nullopt;
  }
  if (Between(line, "version `", "' not found", part)) {
    const absl::string_view library = line.substr(0, line.find(": version `"));
    return absl::StrCat(Basename(library.substr(library.rfind(' ') + 1)), " has no ", part);
  }
  if (Between(line, "error while loading shared libraries: ", ": cannot open shared object",
              part)) {
    return Missing(part);
  }
  if (Between(line, "Error loading shared library ", ":", part)) return Missing(part);
  constexpr absl::string_view kLoading = "error while loading shared libraries: ";
  if (const size_t begin = line.find(kLoading); begin != absl::string_view::npos) {
    return std::string(line.substr(begin + kLoading.size()));
  }
  constexpr absl::string_view kNotFound = " => not found";
  if (absl::EndsWith(line, kNotFound)) {
    return Missing(absl::StripLeadingAsciiWhitespace(absl::StripSuffix(line, kNotFound)));
  }
  constexpr absl::string_view kIsa = ": CPU ISA level is lower than required";
  if (absl::EndsWith(line, kIsa)) {
    return absl::StrCat(Basename(absl::StripSuffix(line, kIsa)),
                        " needs a CPU of a higher ISA level");
  }
  return std::nullopt;
}

#ifdef __linux__

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_NONE;
#endif

// Of a path in an ELF or script header; more is refused by the kernel as well.
constexpr size_t kMaxInterpreter = 4096;
constexpr size_t kMaxProgramHeaders = 512;

template <class T>
bool ReadStruct(base::InputFile& file, uint64_t offset, T& out) {
  return base::ReadExactly(file, offset, absl::MakeSpan(reinterpret_cast<char*>(&out), sizeof(out)))
      .ok();
}

#if defined(__x86_64__)

constexpr uint32_t kPropertyNote = 5;        // NT_GNU_PROPERTY_TYPE_0
constexpr uint32_t kIsaNeeded = 0xc0008002;  // GNU_PROPERTY_X86_ISA_1_NEEDED
constexpr size_t kMaxNotes = 65536;

// The levels of this CPU, as bits of that property: baseline, v2, v3, v4. All of them where the
// compiler cannot tell.
uint32_t IsaOfCpu() {
  uint32_t levels = 1;
#if (defined(__clang__) && __clang_major__ >= 18) || (!defined(__clang__) && __GNUC__ >= 12)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v2")) levels |= 2;
  if (__builtin_cpu_supports("x86-64-v3")) levels |= 4;
  if (__builtin_cpu_supports("x86-64-v4")) levels |= 8;
#else
  levels = 15;
#endif
  return levels;
}

uint32_t NumberAt(absl::string_view bytes, size_t offset) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

size_t RoundUp(size_t number) { return (number + 7) / 8 * 8; }

// Whether the properties, each a type, a size, and data padded to 8 bytes, ask for a level that
// this CPU does not have.
bool NeedsMore(absl::string_view properties) {
  while (properties.size() >= 12) {
    const size_t size = NumberAt(properties, 4);
    if (NumberAt(properties, 0) == kIsaNeeded && size == 4) {
      return (NumberAt(properties, 8) & ~IsaOfCpu()) != 0;
    }
    if (size > properties.size()) return false;
    properties.remove_prefix(std::min(8 + RoundUp(size), properties.size()));
  }
  return false;
}

// A segment of notes: size of the name, size of the data, type, name, data, padded to 8 bytes.
// There may be a PT_GNU_PROPERTY of the same bytes as well; gold makes none.
Reason CheckIsa(base::InputFile& file, const Elf64_Phdr& entry) {
  if (entry.p_align != 8 || entry.p_filesz > kMaxNotes || entry.p_offset > file.size()) {
    return std::nullopt;
  }
  std::string text(static_cast<size_t>(entry.p_filesz), '\0');
  if (!base::ReadExactly(file, entry.p_offset, absl::MakeSpan(text)).ok()) return std::nullopt;
  absl::string_view notes = text;
  while (notes.size() >= 16) {
    const size_t data = RoundUp(size_t{12} + NumberAt(notes, 0));
    const size_t size = NumberAt(notes, 4);
    if (data > notes.size() || size > notes.size() - data) return std::nullopt;
    if (NumberAt(notes, 8) == kPropertyNote && notes.substr(12, 4) == absl::string_view("GNU", 4) &&
        NeedsMore(notes.substr(data, size))) {
      return "it needs a CPU of a higher ISA level";
    }
    notes.remove_prefix(std::min(data + RoundUp(size), notes.size()));
  }
  return std::nullopt;
}

#endif  // __x86_64__

// Finds PT_INTERP; empty for a static program.
Reason ReadElf(base::InputFile& file, std::string& interpreter) {
  Elf64_Ehdr header;
  if (!ReadStruct(file, 0, header)) return "the program ends within its ELF header";
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "wrong ELF class, it is not 64-bit";
  if (header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != kMachine) {
    return absl::StrCat("wrong machine, its ELF header says ", header.e_machine);
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMaxProgramHeaders) {
    return "damaged ELF header";
  }
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr entry;
    if (header.e_phoff > file.size() ||
        !ReadStruct(file, header.e_phoff + i * sizeof(entry), entry)) {
      return "the program ends within its ELF header";
    }
#if defined(__x86_64__)
    if (entry.p_type == PT_NOTE) {
      if (Reason reason = CheckIsa(file, entry); reason.has_value()) return reason;
    }
#endif
    if (entry.p_type != PT_INTERP) continue;
    if (entry.p_filesz > kMaxInterpreter || entry.p_offset > file.size()) {
      return "damaged ELF header";
    }
    interpreter.resize(static_cast<size_t>(entry.p_filesz));
    if (!base::ReadExactly(file, entry.p_offset, absl::MakeSpan(interpreter)).ok()) {
      return "the program ends within its ELF header";
    }
    interpreter.resize(std::strlen(interpreter.c_str()));
  }
  return std::nullopt;
}

Reason CheckInterpreter(const std::string& interpreter) {
  if (access(interpreter.c_str(), X_OK) == 0) return std::nullopt;
  return absl::StrCat("its interpreter ", base::Quoted(interpreter),
                      errno == EACCES ? " cannot be executed" : " is missing");
}

Reason AskLoader(const std::string& interpreter, const std::string& program,
                 absl::Span<const std::string> sonames) {
  std::vector<std::string> environment = base::EnvironmentWith("LD_PRELOAD", "");
  const char* preload = std::getenv("LD_PRELOAD");
  std::vector<std::string> preloads(sonames.begin(), sonames.end());
  if (preload != nullptr && *preload != '\0') preloads.insert(preloads.begin(), preload);
  if (!preloads.empty()) {
    environment.push_back(absl::StrCat("LD_PRELOAD=", absl::StrJoin(preloads, ":")));
  }
  // $ORIGIN is the directory of the path that the loader is given, while the kernel gives the real
  // path of the program; runfiles are symlinks.
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(program.c_str(), nullptr),
                                                         &std::free);
  const absl::StatusOr<base::ChildAnswer> answer = base::AskChild(
      {interpreter, "--list", real == nullptr ? program : real.get()}, environment, kLoaderTimeout);
  if (!answer.ok()) return std::nullopt;
  return WhyNotLoad(*answer, sonames);
}

#endif  // __linux__

}  // namespace

std::optional<std::string> WhyNotLoad(const base::ChildAnswer& answer,
                                      absl::Span<const std::string> sonames) {
  // Version errors come with any exit code, so the texts are read first.
  std::string last;
  for (const std::string* text : {&answer.error, &answer.output}) {
    for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipWhitespace())) {
      if (Reason reason = ReadLine(line, sonames); reason.has_value()) return reason;
      if (text == &answer.error) last = std::string(line);
    }
  }
  if (answer.exit_code == 0) return std::nullopt;
  if (!last.empty()) return last;
  return absl::StrCat("its loader ends with exit code ", answer.exit_code);
}

std::optional<std::string> WhyNotStart(base::FileSystem& files, const std::string& program,
                                       absl::Span<const std::string> sonames) {
  absl::StatusOr<std::unique_ptr<base::InputFile>> file = files.Open(program);
  if (!file.ok()) {
    // A program may be executable and not readable.
    if (access(program.c_str(), X_OK) == 0) return std::nullopt;
    return absl::StrCat(base::Quoted(Basename(program)), " is not in its archive");
  }
  if (access(program.c_str(), X_OK) != 0) {
    return absl::StrCat(base::Quoted(Basename(program)), " is not executable");
  }
#ifdef __linux__
  std::string head(kMaxInterpreter, '\0');
  const absl::StatusOr<size_t> size = (*file)->ReadAt(0, absl::MakeSpan(head));
  if (!size.ok()) return std::string(size.status().message());
  head.resize(*size);
  if (absl::StartsWith(head, "#!")) {
    const absl::string_view line =
        absl::StripAsciiWhitespace(absl::string_view(head).substr(2, head.find('\n') - 2));
    return CheckInterpreter(std::string(line.substr(0, line.find_first_of(" \t"))));
  }
  if (!absl::StartsWith(head, absl::string_view(ELFMAG, SELFMAG))) {
    return absl::StrCat(base::Quoted(Basename(program)), " is neither ELF nor a script");
  }
  std::string interpreter;
  if (Reason reason = ReadElf(**file, interpreter); reason.has_value()) return reason;
  if (interpreter.empty()) return std::nullopt;
  if (Reason reason = CheckInterpreter(interpreter); reason.has_value()) return reason;
  return AskLoader(interpreter, program, sonames);
#else
  static_cast<void>(sonames);
  return std::nullopt;
#endif
}

}  // namespace rules_inference::launcher
