// `infer`, speech to text at the command line: one program, a subcommand a file.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_INFER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_INFER_H_

#include "CLI/CLI.hpp"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {

// Exit codes: 0 done, 1 failed (of several files: one at least), 2 flags that make no sense, 3 the
// device that was asked for cannot be used.
int Infer(int argc, const char* const* argv, Console& console);

// All subcommands with their flags. The one table of them: parsing, help and completions come from
// it.
void AddCommands(CLI::App& app, Context& context);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_INFER_H_
