// Problem. The lock has to say what a machine needs to run a build, and the people who write it
// guess: from the name of the archive, from what the release notes promise.
//
// Idea. The loader and the driver do not read names either. What the loader will ask for is in
// DT_NEEDED and the version needs, which CUDA code there is is in the fat binaries, so the archive
// is asked. Libraries that the archive brings itself are nobody else's business.
//
// Not seen: libraries opened by name at run time, code that is packed in some way of the program's
// own, the CPU level where the linker was not told. Those properties stay as people wrote them.
//
// Cost. The headers of each file, and of fat binaries all headers: 0.4 s for 320 MB of NVIDIA's and
// other libraries.

#include "plugins/lock/inspect.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
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
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/elf/fatbin.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/version.h"

namespace rules_inference::lock {
namespace {

using base::GpuCode;
using select::Version;

constexpr int kMaxDepth = 100;

// What every machine with that libc has. libnsl and libcrypt left glibc and are not in the list.
bool IsLibc(absl::string_view name) {
  constexpr std::array<absl::string_view, 10> kNames = {
      "libc.so.6",    "libm.so.6",      "libdl.so.2",  "libpthread.so.0", "librt.so.1",
      "libutil.so.1", "libresolv.so.2", "libanl.so.1", "libmvec.so.1",    "libthread_db.so.1"};
  return absl::c_linear_search(kNames, name) || absl::StartsWith(name, "ld-linux") ||
         absl::StartsWith(name, "ld-musl-") || absl::StartsWith(name, "libc.musl-");
}

// 12 for "libcudart.so.12" and the prefix "libcudart"; nothing for other names. "libcudart.so"
// gives 0.
std::optional<int> SonameMajor(absl::string_view name, absl::string_view library) {
  if (!absl::ConsumePrefix(&name, library) || !absl::ConsumePrefix(&name, ".so")) {
    return std::nullopt;
  }
  if (name.empty()) return 0;
  int major = 0;
  if (!absl::ConsumePrefix(&name, ".") ||
      !absl::SimpleAtoi(name.substr(0, name.find('.')), &major) || major < 0) {
    return std::nullopt;
  }
  return major;
}

// Libraries whose major version is that of the toolkit.
constexpr std::array<absl::string_view, 5> kRuntime = {"libcudart", "libcublas", "libcublasLt",
                                                       "libnvrtc", "libnvJitLink"};
// Others that mean CUDA.
constexpr std::array<absl::string_view, 6> kCudaLibraries = {
    "libcuda", "libcudnn", "libcufft", "libcurand", "libcusolver", "libcusparse"};

class Inspector {
 public:
  Inspector(const std::string& dir, base::FileSystem& fs) : dir_(dir), fs_(fs) {}

  absl::StatusOr<Inspection> Run() {
    RETURN_IF_ERROR(Walk("", 0));
    AddLibraries();
    RETURN_IF_ERROR(AddLibc());
    AddCode();
    for (const std::string& note : notes_) result_.notes.push_back(note);
    return std::move(result_);
  }

 private:
  absl::Status Walk(const std::string& path, int depth);
  absl::Status AddFile(const std::string& path);
  absl::Status AddElf(const std::string& path, base::InputFile& file);
  void AddCodes(const std::string& path, const base::GpuCodes& codes);
  void AddLibraries();
  absl::Status AddLibc();
  void AddCode();

  const std::string& dir_;
  base::FileSystem& fs_;
  Inspection result_;
  std::set<std::string> notes_;
  std::string first_program_;
  // Names of files and their sonames.
  std::set<std::string> provided_;
  std::set<std::string> needed_;
  std::optional<std::pair<int, int>> glibc_;
  std::string glibc_file_, musl_file_;
  int x86_level_ = 0;
  // By name; the newest toolkit.
  std::map<std::string, std::string> cubins_, ptx_;
  // The cubins of each file that has some.
  std::map<std::string, std::vector<std::string>> cubins_of_;
};

void KeepNewest(std::string& toolkit, const std::string& other) {
  if (Version::Parse(toolkit).value_or(Version()) < Version::Parse(other).value_or(Version())) {
    toolkit = other;
  }
}

absl::Status Inspector::Walk(const std::string& path, int depth) {
  if (depth > kMaxDepth) {
    return base::Mismatch("inspect", base::Quoted(path), "directories that deep",
                          absl::StrCat("at most ", kMaxDepth));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   fs_.List(path.empty() ? dir_ : base::JoinPath(dir_, path)));
  for (const std::string& name : names) {
    const std::string below = base::JoinPath(path, name);
    const std::string full = base::JoinPath(dir_, below);
    ASSIGN_OR_RETURN(const base::NodeInfo node, fs_.Stat(full, base::Follow::kNo));
    switch (node.type) {
      case base::NodeType::kDirectory:
        RETURN_IF_ERROR(Walk(below, depth + 1));
        break;
      case base::NodeType::kFile:
        provided_.insert(name);
        RETURN_IF_ERROR(AddFile(below));
        break;
      case base::NodeType::kSymlink:
        // libx.so.1 -> libx.so.1.2.3, which is read under its own name.
        if (fs_.Stat(full, base::Follow::kYes).ok()) provided_.insert(name);
        break;
      case base::NodeType::kOther:
        break;
    }
  }
  return absl::OkStatus();
}

absl::Status Inspector::AddFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file,
                   fs_.Open(base::JoinPath(dir_, path), base::Follow::kNo));
  std::string start(4, '\0');
  ASSIGN_OR_RETURN(const size_t size, file->ReadAt(0, absl::MakeSpan(start)));
  if (size < start.size()) return absl::OkStatus();
  if (start == base::kElfMagic) return AddElf(path, *file);
  if (base::IsFatbin(start)) {
    ASSIGN_OR_RETURN(const base::GpuCodes codes, base::ReadFatbin(*file, 0, file->size()));
    AddCodes(path, codes);
  }
  return absl::OkStatus();
}

absl::Status Inspector::AddElf(const std::string& path, base::InputFile& file) {
  const absl::StatusOr<base::Elf> read = base::ReadElf(file);
  if (!read.ok()) {
    // A system error says nothing about the file; a damaged file may be the test data of a library,
    // and that it is not read is worth a line.
    if (read.status().code() != absl::StatusCode::kInvalidArgument) return read.status();
    absl::string_view reason = read.status().message();
    absl::ConsumePrefix(&reason, absl::StrCat("elf: ", file.path(), ": "));
    notes_.insert(absl::StrCat(path, ": not read, ", reason));
    return absl::OkStatus();
  }
  const base::Elf& elf = *read;
  ASSIGN_OR_RETURN(const base::GpuCodes codes, base::ReadGpuCode(file, elf));
  AddCodes(path, codes);
  if (elf.machine == base::ElfMachine::kCuda) return absl::OkStatus();
  if (elf.type != base::ElfType::kExecutable && elf.type != base::ElfType::kShared) {
    return absl::OkStatus();
  }

  const std::string cpu = elf.machine == base::ElfMachine::kX86_64    ? "x86_64"
                          : elf.machine == base::ElfMachine::kAarch64 ? "aarch64"
                                                                      : "";
  if (cpu.empty()) {
    return base::Mismatch("inspect", path, absl::StrCat("ELF machine ", elf.machine_number),
                          "x86_64 or aarch64");
  }
  if (first_program_.empty()) {
    first_program_ = path;
    result_.cpu = cpu;
  } else if (cpu != result_.cpu) {
    return base::Mismatch("inspect", path, cpu,
                          absl::StrCat(result_.cpu, " as in ", first_program_));
  }
  if (!elf.soname.empty()) provided_.insert(elf.soname);
  for (const std::string& name : elf.needed) {
    if (name.empty() || !absl::c_all_of(name, [](char c) {
          return absl::ascii_isgraph(static_cast<unsigned char>(c));
        })) {
      return base::Mismatch("inspect", path, absl::StrCat("needed library ", base::Quoted(name)),
                            "a name without spaces and control characters");
    }
    // A path is what the loader takes as it is: usually "$ORIGIN/..." to a library beside it.
    needed_.insert(name.substr(name.rfind('/') + 1));
  }
  ASSIGN_OR_RETURN(const int level, base::NeededX86Level(file, elf));
  x86_level_ = std::max(x86_level_, level);
  const auto glibc = base::NeededGlibc(elf);
  if (glibc.has_value() && (!glibc_.has_value() || *glibc_ < *glibc)) glibc_ = glibc;
  if (glibc.has_value() && glibc_file_.empty()) glibc_file_ = path;
  if (base::NeedsMusl(elf) && musl_file_.empty()) musl_file_ = path;
  return absl::OkStatus();
}

void Inspector::AddCodes(const std::string& path, const base::GpuCodes& codes) {
  for (const std::string& note : codes.notes) notes_.insert(absl::StrCat(path, ": ", note));
  for (const GpuCode& code : codes.code) {
    const bool cubin = code.kind == GpuCode::Kind::kCubin;
    KeepNewest((cubin ? cubins_ : ptx_)[code.arch], code.toolkit);
    if (cubin) cubins_of_[path].push_back(code.arch);
  }
}

void Inspector::AddLibraries() {
  sdk::VariantProperties& properties = result_.properties;
  // What it brings counts as what it needs: it is there to be used.
  std::set<std::string> all = needed_;
  all.insert(provided_.begin(), provided_.end());
  std::set<int> runtimes;
  int cudnn = 0;
  for (const std::string& name : all) {
    for (const absl::string_view library : kRuntime) {
      if (const auto major = SonameMajor(name, library); major.has_value()) {
        properties.set_accelerator("cuda");
        if (*major > 0) runtimes.insert(*major);
      }
    }
    for (const absl::string_view library : kCudaLibraries) {
      if (SonameMajor(name, library).has_value()) properties.set_accelerator("cuda");
    }
    cudnn = std::max(cudnn, SonameMajor(name, "libcudnn").value_or(0));
  }
  if (!runtimes.empty()) result_.cuda_runtime = *runtimes.rbegin();
  if (runtimes.size() > 1) {
    notes_.insert(
        absl::StrCat("libraries of CUDA ", absl::StrJoin(runtimes, " and "), " in one archive"));
  }
  if (cudnn > 0) properties.set_cudnn(absl::StrCat(cudnn));
  for (const std::string& name : needed_) {
    if (IsLibc(name) || name == "libcuda.so.1" || provided_.contains(name)) continue;
    properties.add_sonames(name);
  }
}

absl::Status Inspector::AddLibc() {
  // The first level is every such CPU.
  if (x86_level_ > 1) result_.properties.set_cpu_level(absl::StrCat("x86-64-v", x86_level_));
  if (glibc_.has_value() && !musl_file_.empty()) {
    return base::Mismatch("inspect", musl_file_, "a program of musl",
                          absl::StrCat("glibc as in ", glibc_file_));
  }
  if (glibc_.has_value()) {
    result_.properties.set_libc(absl::StrCat("glibc-", glibc_->first, ".", glibc_->second));
  } else if (!musl_file_.empty()) {
    // Its symbols have no versions.
    result_.properties.set_libc("musl-1.0");
    notes_.insert(absl::StrCat(musl_file_, ": needs musl, and does not tell which version"));
  }
  return absl::OkStatus();
}

// Orders "sm_86" before "sm_100".
bool ArchLess(const std::string& a, const std::string& b) {
  return std::make_pair(
             a.size() - (absl::ascii_isalpha(static_cast<unsigned char>(a.back())) ? 1 : 0), a) <
         std::make_pair(
             b.size() - (absl::ascii_isalpha(static_cast<unsigned char>(b.back())) ? 1 : 0), b);
}

std::vector<std::string> SortedArchs(const std::map<std::string, std::string>& archs) {
  std::vector<std::string> out;
  for (const auto& [arch, toolkit] : archs) out.push_back(arch);
  std::sort(out.begin(), out.end(), ArchLess);
  return out;
}

void Inspector::AddCode() {
  sdk::VariantProperties& properties = result_.properties;
  std::string toolkit;
  for (const std::string& arch : SortedArchs(cubins_)) {
    properties.add_cubins(arch);
    KeepNewest(toolkit, cubins_[arch]);
  }
  for (const std::string& arch : SortedArchs(ptx_)) {
    sdk::PtxCode& ptx = *properties.add_ptx();
    ptx.set_arch(arch);
    ptx.set_toolkit(ptx_[arch]);
    KeepNewest(toolkit, ptx_[arch]);
  }
  if (result_.has_cuda_code()) properties.set_accelerator("cuda");
  const std::string runtime = result_.cuda_runtime == 0 ? "" : absl::StrCat(result_.cuda_runtime);
  KeepNewest(toolkit, runtime);
  properties.set_cuda(toolkit);
  // One library for fewer GPUs than the others is what makes "has sm_80" wrong.
  for (auto& [path, archs] : cubins_of_) {
    if (archs.size() == cubins_.size()) continue;
    std::sort(archs.begin(), archs.end(), ArchLess);
    notes_.insert(absl::StrCat(path, ": has ", absl::StrJoin(archs, ", "), " of ",
                               absl::StrJoin(properties.cubins(), ", ")));
  }
}

}  // namespace

absl::StatusOr<Inspection> Inspect(const std::string& dir, base::FileSystem& fs) {
  return Inspector(dir, fs).Run();
}

}  // namespace rules_inference::lock
