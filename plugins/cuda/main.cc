// One step of compiling a CUDA file, see step.h. Arguments, or @FILE with one on each line.

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/real_file_system.h"
#include "plugins/cuda/step.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/params.h"

int main(int argc, char** argv) {
  namespace ri = rules_inference;
  const absl::StatusOr<std::vector<std::string>> arguments =
      ri::sdk::ExpandParams(std::vector<std::string>(argv + 1, argv + argc));
  absl::StatusOr<ri::cuda::StepRequest> request =
      arguments.ok() ? ri::cuda::ParseStepRequest(*arguments)
                     : absl::StatusOr<ri::cuda::StepRequest>(arguments.status());
  if (!request.ok()) {
    std::cerr << ri::sdk::FormatError(request.status());
    return ri::sdk::kExitUsage;
  }
  ri::base::RealFileSystem files;
  const absl::Status status = ri::cuda::RunStep(*request, files, ri::cuda::AskTool,
                                                [](const std::string& text) { std::cerr << text; });
  std::cerr << ri::sdk::FormatError(status);
  return ri::sdk::ExitCode(status);
}
