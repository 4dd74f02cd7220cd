// `inferctl`, the command line of rules_inference: one program, a subcommand a file.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_INFERCTL_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_INFERCTL_H_

#include "CLI/CLI.hpp"
#include "plugins/inferctl/command.h"

namespace rules_inference::inferctl {

// Exit codes: 0 done, 1 failed, 2 flags that make no sense, 3 the answer is no (no variant, or a
// recommendation with --check).
int Inferctl(int argc, const char* const* argv, Console& console);

// All subcommands with their flags. The one table of them: parsing, help and completions come from
// it.
void AddCommands(CLI::App& app, Context& context);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_INFERCTL_H_
