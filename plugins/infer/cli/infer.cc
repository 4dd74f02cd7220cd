#include "plugins/infer/cli/infer.h"

#include "CLI/CLI.hpp"
#include "plugins/base/version.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/version.h"
#include "plugins/infer/server/serve_command.h"
#include "plugins/sdk/command_line/command_line.h"

namespace rules_inference::infer {

void AddCommands(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  AddTranscribe(app, context);
  AddBench(app, context);
  AddModel(app, context);
  AddServe(app, context);
  sdk::AddCompletionsCommand(app, context.console.out, &context.run);
  sdk::AddVersion(app, base::kVersion, context.console.out, &context.run,
                  [&context] { return DescribeCode(context.console.files, "/proc/self/exe"); });
}

int Infer(int argc, const char* const* argv, Console& console) {
  CLI::App app("Speech to text with Whisper models, on CPU and GPU.", "infer");
  Context context{console, nullptr};
  AddCommands(app, context);
  return sdk::RunCommandLine(app, argc, argv, console.out, console.err, &context.run);
}

}  // namespace rules_inference::infer
