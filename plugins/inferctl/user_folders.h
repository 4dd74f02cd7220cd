// Where a user's files are, by the XDG base directories.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_USER_FOLDERS_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_USER_FOLDERS_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/inferctl/command.h"

namespace rules_inference::inferctl {

inline constexpr char kPrefixVariable[] = "RULES_INFERENCE_PREFIX";
inline constexpr char kStoreVariable[] = "RULES_INFERENCE_STORE";

enum class Folder { kData, kCache };

// The value of `variable` when it is set, else `name` below the user's folder of that kind.
// Relative values are refused: they would mean another folder in each directory.
absl::StatusOr<std::string> UserFolder(Console& console, absl::string_view variable, Folder folder,
                                       absl::string_view name);

// The root of the content-addressed store: `chosen`, unless it is empty, else the user's.
absl::StatusOr<std::string> StoreRoot(Console& console, const std::string& chosen);
void AddStoreOption(CLI::App& command, std::string* store);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_USER_FOLDERS_H_
