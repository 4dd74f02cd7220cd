#include "plugins/infer/cli/version.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/elf/fatbin.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cpu/cpu_engine.h"

namespace rules_inference::infer {
namespace {

absl::StatusOr<std::string> GpuCode(base::FileSystem& files, const std::string& program) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, files.Open(program));
  ASSIGN_OR_RETURN(const base::Elf elf, base::ReadElf(*file));
  ASSIGN_OR_RETURN(const base::GpuCodes codes, base::ReadGpuCode(*file, elf));
  if (codes.code.empty()) return "none";
  std::vector<std::string> archs;
  std::vector<std::string> toolkits;
  for (const base::GpuCode& code : codes.code) {
    archs.push_back(code.arch);
    // Compressed cubins do not tell.
    if (!code.toolkit.empty()) toolkits.push_back(code.toolkit);
  }
  std::sort(toolkits.begin(), toolkits.end());
  toolkits.erase(std::unique(toolkits.begin(), toolkits.end()), toolkits.end());
  const std::string toolkit =
      toolkits.empty() ? "" : absl::StrCat(" (CUDA ", absl::StrJoin(toolkits, ", "), ")");
  return absl::StrCat(absl::StrJoin(archs, ", "), toolkit);
}

}  // namespace

std::string DescribeCode(base::FileSystem& files, const std::string& program) {
  const absl::StatusOr<std::string> gpu = GpuCode(files, program);
  return absl::StrCat("CPU: ", absl::StrJoin(CompiledInstructionSets(), ", "), "; here ",
                      CpuInstructionSets().front(), "\n",  //
                      "GPU: ", gpu.ok() ? *gpu : absl::StrCat("unknown: ", gpu.status().message()),
                      "\n");
}

}  // namespace rules_inference::infer
