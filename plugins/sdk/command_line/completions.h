// Completions for shells, made from the parser's own table of subcommands and flags.

#ifndef RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_COMPLETIONS_H_
#define RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_COMPLETIONS_H_

#include <string>

#include "CLI/CLI.hpp"

namespace rules_inference::sdk {

// Type names of values. They show in the help, and completions offer what fits them.
inline constexpr char kFileType[] = "FILE";
inline constexpr char kDirectoryType[] = "DIR";

// Scripts that a user sources (bash), or puts into a folder of completions (all three). File names
// are offered for values of the type FILE, directories for DIR, and the words themselves where only
// some are allowed.
std::string BashCompletions(const CLI::App& app);
std::string FishCompletions(const CLI::App& app);
std::string ZshCompletions(const CLI::App& app);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_COMPLETIONS_H_
