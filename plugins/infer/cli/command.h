// What the subcommands share: where they read and write, and how they say what is to be done.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_COMMAND_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_COMMAND_H_

#include <functional>
#include <istream>
#include <memory>
#include <ostream>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/sdk/command_line/command_line.h"
#include "plugins/sdk/command_line/completions.h"

namespace rules_inference::infer {

// The device that was asked for cannot be used.
inline constexpr int kExitNoDevice = 3;

// "auto", "cpu", "cuda" or "cuda:N"; `threads` of the CPU, 0 for the cores that this process may
// use. `note` is given lines for people: why the CPU does the work.
using EngineOpener = std::function<absl::StatusOr<std::unique_ptr<Engine>>(
    const Model& model, absl::string_view device, int threads,
    std::function<void(absl::string_view)> note)>;

// The world of a subcommand. Tests give it another one.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  base::FileSystem& files;
  EngineOpener open_engine;
  // Whether a person looks at `err`: progress is drawn then.
  bool terminal = false;
};

// A subcommand declares its flags when the program starts, and sets `run` when it was asked for.
struct Context {
  Console& console;
  sdk::RunCommand run;
};

void AddTranscribe(CLI::App& app, Context& context);
void AddBench(CLI::App& app, Context& context);
void AddModel(CLI::App& app, Context& context);

using sdk::kDirectoryType;
using sdk::kFileType;

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_COMMAND_H_
