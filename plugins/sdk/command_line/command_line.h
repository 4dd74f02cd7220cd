// What all command lines with subcommands do alike: parse, show errors of flags, run what was
// asked for, and turn the result into an exit code.

#ifndef RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_COMMAND_LINE_H_
#define RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_COMMAND_LINE_H_

#include <functional>
#include <ostream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::sdk {

// What a subcommand sets while the command line is parsed. The result is the exit code.
using RunCommand = std::function<absl::StatusOr<int>()>;

// Parses, then runs `*run`. Exit codes: that of the command; 0 for --help and --version, 1 for an
// error or when not all of `out` could be written, 2 for flags that make no sense.
int RunCommandLine(CLI::App& app, int argc, const char* const* argv, std::ostream& out,
                   std::ostream& err, RunCommand* run);

// `completions bash|fish|zsh`, from the table of `app`, whose subcommand it becomes. `app`, `out`
// and `run` have to live until the command has run.
void AddCompletionsCommand(CLI::App& app, std::ostream& out, RunCommand* run);

// The flag `--version` and the command `version`: "<name of app> <version>", the commit in another
// line where the build was stamped, and the lines that `more` returns, if any. As above.
void AddVersion(CLI::App& app, absl::string_view version, std::ostream& out, RunCommand* run,
                std::function<std::string()> more = nullptr);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_COMMAND_LINE_H_
