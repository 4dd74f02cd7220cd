#include "plugins/inferctl/user_folders.h"

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/inferctl/command.h"

namespace rules_inference::inferctl {

absl::StatusOr<std::string> UserFolder(Console& console, absl::string_view variable, Folder folder,
                                       absl::string_view name) {
  const std::string chosen = console.probe.environment(variable);
  const auto refuse = [&](absl::string_view where, absl::string_view value) {
    return base::Mismatch("folder", absl::StrCat("$", where),
                          value.empty() ? "nothing" : base::Quoted(value), "an absolute path");
  };
  if (!chosen.empty()) {
    if (!absl::StartsWith(chosen, "/")) return refuse(variable, chosen);
    return chosen;
  }
  const std::string xdg =
      console.probe.environment(folder == Folder::kData ? "XDG_DATA_HOME" : "XDG_CACHE_HOME");
  // The specification says that a relative path counts as not set.
  if (absl::StartsWith(xdg, "/")) return base::JoinPath(xdg, name);
  const std::string home = console.probe.environment("HOME");
  if (!absl::StartsWith(home, "/")) return refuse("HOME", home);
  return base::JoinPath(home,
                        base::JoinPath(folder == Folder::kData ? ".local/share" : ".cache", name));
}

absl::StatusOr<std::string> StoreRoot(Console& console, const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  return UserFolder(console, kStoreVariable, Folder::kCache, "rules_inference/store");
}

void AddStoreOption(CLI::App& command, std::string* store) {
  command
      .add_option("--store", *store,
                  absl::StrCat("Content-addressed store of downloads; default: $", kStoreVariable,
                               ", else rules_inference/store in the user's cache"))
      ->type_name(kDirectoryType);
}

}  // namespace rules_inference::inferctl
