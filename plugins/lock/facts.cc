#include "plugins/lock/facts.h"

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/elf/fatbin.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::lock {
namespace {

std::string MachineOf(const base::Elf& elf) {
  switch (elf.machine) {
    case base::ElfMachine::kX86_64:
      return "x86_64";
    case base::ElfMachine::kAarch64:
      return "aarch64";
    case base::ElfMachine::kCuda:
      return "cuda";
    case base::ElfMachine::kOther:
      break;
  }
  return absl::StrCat(elf.machine_number);
}

std::string TypeOf(const base::Elf& elf) {
  switch (elf.type) {
    case base::ElfType::kRelocatable:
      return "object";
    case base::ElfType::kExecutable:
      return "program";
    case base::ElfType::kShared:
      return elf.interpreter.empty() ? "library" : "program";
    case base::ElfType::kOther:
      break;
  }
  return "";
}

void AddCodes(const base::GpuCodes& codes, sdk::BinaryFacts& facts) {
  for (const base::GpuCode& code : codes.code) {
    (code.kind == base::GpuCode::Kind::kCubin ? facts.mutable_cubins() : facts.mutable_ptx())
        ->Add(std::string(code.arch));
  }
  for (const base::GpuEntry& entry : codes.entries) {
    sdk::BinaryCode& code = *facts.add_code();
    code.set_arch(entry.code.arch);
    code.set_toolkit(entry.code.toolkit);
    code.set_module(entry.module);
    code.set_compression(entry.compression == base::Compression::kLz4    ? "lz4"
                         : entry.compression == base::Compression::kZstd ? "zstd"
                                                                         : "");
    code.set_size(entry.size);
    code.set_unpacked_size(entry.unpacked_size);
  }
  for (const std::string& note : codes.notes) facts.add_notes(note);
}

}  // namespace

absl::StatusOr<sdk::BinaryFacts> ReadFacts(const std::string& path, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs.Open(path));
  std::string start(base::kElfMagic.size(), '\0');
  ASSIGN_OR_RETURN(const size_t size, file->ReadAt(0, absl::MakeSpan(start)));
  start.resize(size);
  sdk::BinaryFacts facts;
  facts.set_path(path);
  if (base::IsFatbin(start)) {
    facts.set_machine("fatbin");
    ASSIGN_OR_RETURN(const base::GpuCodes codes, base::ReadFatbin(*file, 0, file->size()));
    AddCodes(codes, facts);
    return facts;
  }
  if (start != base::kElfMagic) {
    return base::Mismatch("facts", path,
                          absl::StrCat("a file that begins with ", base::Quoted(start)),
                          "an ELF file or a fat binary");
  }
  ASSIGN_OR_RETURN(const base::Elf elf, base::ReadElf(*file));
  ASSIGN_OR_RETURN(const base::GpuCodes codes, base::ReadGpuCode(*file, elf));
  facts.set_machine(MachineOf(elf));
  facts.set_type(TypeOf(elf));
  facts.set_soname(elf.soname);
  for (const std::string& name : elf.needed) facts.add_needed(name);
  if (const auto glibc = base::NeededGlibc(elf); glibc.has_value()) {
    facts.set_glibc(absl::StrCat(glibc->first, ".", glibc->second));
  }
  facts.set_musl(base::NeedsMusl(elf));
  AddCodes(codes, facts);
  return facts;
}

std::string FormatFacts(const sdk::BinaryFacts& facts) {
  std::string out = absl::StrCat(facts.path(), ": ", facts.machine());
  if (!facts.type().empty()) absl::StrAppend(&out, " ", facts.type());
  if (!facts.glibc().empty()) absl::StrAppend(&out, ", glibc ", facts.glibc());
  if (facts.musl()) absl::StrAppend(&out, ", musl");
  absl::StrAppend(&out, "\n");
  if (!facts.needed().empty()) {
    absl::StrAppend(&out, "  needs ", absl::StrJoin(facts.needed(), ", "), "\n");
  }
  for (const sdk::BinaryCode& code : facts.code()) {
    absl::StrAppendFormat(&out, "  %-12s %5s", code.arch(),
                          code.toolkit().empty() ? "-" : code.toolkit());
    if (code.size() != 0) absl::StrAppend(&out, "  ", code.size(), " bytes");
    if (!code.compression().empty()) {
      absl::StrAppend(&out, code.size() != 0 ? ", " : "  ", code.compression());
      if (code.unpacked_size() != 0) absl::StrAppend(&out, ", ", code.unpacked_size(), " unpacked");
    }
    absl::StrAppend(&out, "\n");
  }
  for (const std::string& note : facts.notes()) absl::StrAppend(&out, "  note: ", note, "\n");
  return out;
}

}  // namespace rules_inference::lock
