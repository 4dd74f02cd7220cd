// Completions for shells, made from the parser's own table of subcommands and flags.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_COMPLETIONS_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_COMPLETIONS_H_

#include <string>

#include "CLI/CLI.hpp"

namespace rules_inference::inferctl {

// Scripts that a user sources (bash), or puts into a folder of completions (all three). File names
// are offered for values of the type FILE, directories for DIR, and the words themselves where only
// some are allowed.
std::string BashCompletions(const CLI::App& app);
std::string FishCompletions(const CLI::App& app);
std::string ZshCompletions(const CLI::App& app);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_COMPLETIONS_H_
