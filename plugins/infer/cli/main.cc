#include <unistd.h>

#include <functional>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/infer.h"
#include "plugins/infer/device.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"

namespace {

using rules_inference::infer::Console;
using rules_inference::infer::DeviceOptions;
using rules_inference::infer::Engine;
using rules_inference::infer::Model;

absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const Model& model, absl::string_view device,
                                                   int threads,
                                                   std::function<void(absl::string_view)> note) {
  ASSIGN_OR_RETURN(DeviceOptions options, rules_inference::infer::ParseDevice(device));
  options.threads = threads;
  return rules_inference::infer::OpenEngine(model, options, std::move(note));
}

}  // namespace

int main(int argc, char** argv) {
  using rules_inference::base::Durability;
  rules_inference::base::RealFileSystem files(Durability::kBuildAction);
  Console console{std::cin, std::cout, std::cerr, files, OpenEngine, isatty(STDERR_FILENO) == 1};
  return rules_inference::infer::Infer(argc, argv, console);
}
