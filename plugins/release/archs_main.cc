// The program of cuda_archs_test targets. $CUDA_BINARY is the file, $CUDA_CUBINS and $CUDA_PTX what
// has to be in it, with spaces between.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "plugins/base/error.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/lock/facts.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::release {
namespace {

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names.empty() ? "none" : absl::StrJoin(names, ", ");
}

absl::Status Compare(const std::string& path, const char* what, const char* variable,
                     const std::vector<std::string>& found) {
  const std::string got = Sorted(found);
  const std::string expected =
      Sorted(absl::StrSplit(Environment(variable), ' ', absl::SkipEmpty()));
  if (got == expected) return absl::OkStatus();
  return base::Mismatch(what, path, got, expected);
}

absl::Status Run() {
  const std::string path = Environment("CUDA_BINARY");
  base::RealFileSystem fs;
  ASSIGN_OR_RETURN(const sdk::BinaryFacts facts, lock::ReadFacts(path, fs));
  RETURN_IF_ERROR(
      Compare(path, "cubins", "CUDA_CUBINS", {facts.cubins().begin(), facts.cubins().end()}));
  return Compare(path, "ptx", "CUDA_PTX", {facts.ptx().begin(), facts.ptx().end()});
}

}  // namespace
}  // namespace rules_inference::release

int main() {
  const absl::Status status = rules_inference::release::Run();
  std::fputs(rules_inference::sdk::FormatError(status).c_str(), stderr);
  return status.ok() ? rules_inference::sdk::kExitOk : rules_inference::sdk::kExitFailed;
}
