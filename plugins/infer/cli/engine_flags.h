// The flags of all that runs a model: which one, and where.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_ENGINE_FLAGS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_ENGINE_FLAGS_H_

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"

namespace rules_inference::infer {

struct EngineFlags {
  std::string model;
  std::string device = "auto";
  int threads = 0;
};

void AddEngineFlags(CLI::App& command, EngineFlags& flags);

struct OpenedEngine {
  std::unique_ptr<Model> model;
  std::unique_ptr<Engine> engine;
  // How many threads work beside the engine.
  int threads = 1;
};

// When the device that was asked for cannot be used, the error is shown, `*code` becomes
// kExitNoDevice and the result has no engine.
absl::StatusOr<OpenedEngine> OpenEngineOf(const EngineFlags& flags, Console& console, int* code);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_ENGINE_FLAGS_H_
