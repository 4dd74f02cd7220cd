#include "plugins/sdk/command_line/command_line.h"

#include <exception>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/commit.h"
#include "plugins/base/error.h"
#include "plugins/sdk/command_line/completions.h"
#include "plugins/sdk/error.h"

namespace rules_inference::sdk {
namespace {

// "inferctl lock check", as far as the command line got.
std::string CommandName(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) return app.get_name();
  return absl::StrCat(app.get_name(), " ", CommandName(*chosen.back()));
}

int FlagError(const CLI::App& app, const CLI::ParseError& error, std::ostream& err) {
  const std::string name = CommandName(app);
  const std::string text = absl::StrReplaceAll(error.what(), {{"\n", " "}});
  err << FormatError(
      base::WithHint(absl::InvalidArgumentError(absl::StrCat("flags: ", name, ": ", text)),
                     absl::StrCat(name, " --help")));
  return kExitUsage;
}

}  // namespace

int RunCommandLine(CLI::App& app, int argc, const char* const* argv, std::ostream& out,
                   std::ostream& err, RunCommand* run) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return FlagError(app, error, err);
    return app.exit(error, out, err);  // --help, --version.
  }
  absl::StatusOr<int> code = kExitOk;
  try {
    code = (*run)();
  } catch (const std::exception& exception) {
    code = absl::InternalError(absl::StrCat(app.get_name(), ": exception: ", exception.what()));
  }
  out.flush();
  if (code.ok() && !out) {
    code =
        absl::DataLossError("output: standard output: got an error, expected to write all of it");
  }
  if (code.ok()) return *code;
  err << FormatError(code.status());
  return kExitFailed;
}

void AddCompletionsCommand(CLI::App& app, std::ostream& out, RunCommand* run) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("completions", "Print the completions of a shell (bash, fish, zsh)");
  command->add_option("shell", *shell, "bash, fish or zsh")
      ->check(CLI::IsMember({"bash", "fish", "zsh"}))
      ->required();
  command->callback([&app, &out, run, shell] {
    *run = [&app, &out, shell]() -> absl::StatusOr<int> {
      out << (*shell == "bash"   ? BashCompletions(app)
              : *shell == "fish" ? FishCompletions(app)
                                 : ZshCompletions(app));
      return kExitOk;
    };
  });
}

void AddVersion(CLI::App& app, absl::string_view version, std::ostream& out, RunCommand* run,
                std::function<std::string()> more) {
  const auto lines = [name = app.get_name(), version = std::string(version),
                      more = std::move(more)] {
    std::string text = absl::StrCat(name, " ", version, "\n");
    if (*base::kCommit != '\0') absl::StrAppend(&text, "commit: ", base::kCommit, "\n");
    if (more) text += more();
    return text;
  };
  // Whatever shows it ends the last line.
  app.set_version_flag("--version",
                       [lines] { return std::string(absl::StripSuffix(lines(), "\n")); });
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->callback([lines, &out, run] {
    *run = [lines, &out]() -> absl::StatusOr<int> {
      out << lines();
      return kExitOk;
    };
  });
}

}  // namespace rules_inference::sdk
