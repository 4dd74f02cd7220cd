#include "plugins/inferctl/inferctl.h"

#include "CLI/CLI.hpp"
#include "plugins/base/version.h"
#include "plugins/inferctl/command.h"
#include "plugins/sdk/command_line/command_line.h"

namespace rules_inference::inferctl {

void AddCommands(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  AddDetect(app, context);
  AddSelect(app, context);
  AddRecommend(app, context);
  AddLock(app, context);
  AddVariants(app, context);
  AddWheels(app, context);
  AddModels(app, context);
  AddCuda(app, context);
  sdk::AddCompletionsCommand(app, context.console.out, &context.run);
  sdk::AddVersion(app, base::kVersion, context.console.out, &context.run);
}

int Inferctl(int argc, const char* const* argv, Console& console) {
  CLI::App app("Pins, selects and installs machine-learning inference.", "inferctl");
  Context context{console, nullptr};
  AddCommands(app, context);
  return sdk::RunCommandLine(app, argc, argv, console.out, console.err, &context.run);
}

}  // namespace rules_inference::inferctl
