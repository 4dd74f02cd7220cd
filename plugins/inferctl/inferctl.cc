#include "plugins/inferctl/inferctl.h"

#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/version.h"
#include "plugins/inferctl/command.h"
#include "plugins/sdk/error.h"

namespace rules_inference::inferctl {
namespace {

// "inferctl lock check", as far as the command line got.
std::string CommandName(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) return app.get_name();
  return absl::StrCat(app.get_name(), " ", CommandName(*chosen.back()));
}

int FlagError(const CLI::App& app, const CLI::ParseError& error, Console& console) {
  const std::string name = CommandName(app);
  const std::string text = absl::StrReplaceAll(error.what(), {{"\n", " "}});
  console.err << sdk::FormatError(
      base::WithHint(absl::InvalidArgumentError(absl::StrCat("flags: ", name, ": ", text)),
                     absl::StrCat(name, " --help")));
  return sdk::kExitUsage;
}

}  // namespace

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
  AddCompletions(app, context);
  AddVersion(app, context);
}

void AddVersion(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->callback([&context] {
    context.run = [&context]() -> absl::StatusOr<int> {
      context.console.out << "inferctl " << base::kVersion << "\n";
      return sdk::kExitOk;
    };
  });
}

int Inferctl(int argc, const char* const* argv, Console& console) {
  CLI::App app("Pins, selects and installs machine-learning inference.", "inferctl");
  app.set_version_flag("--version", absl::StrCat("inferctl ", base::kVersion));
  Context context{console, nullptr};
  AddCommands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return FlagError(app, error, console);
    return app.exit(error, console.out, console.err);  // --help, --version.
  }
  absl::StatusOr<int> code = sdk::kExitOk;
  try {
    code = context.run();
  } catch (const std::exception& exception) {
    code = absl::InternalError(absl::StrCat("inferctl: exception: ", exception.what()));
  }
  console.out.flush();
  if (code.ok() && !console.out) {
    code =
        absl::DataLossError("output: standard output: got an error, expected to write all of it");
  }
  if (code.ok()) return *code;
  console.err << sdk::FormatError(code.status());
  return sdk::kExitFailed;
}

}  // namespace rules_inference::inferctl
