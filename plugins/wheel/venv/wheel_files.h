// What a tree of one wheel brings to a virtual environment: its files, where they go, and which
// directories the loader needs to be real.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_VENV_WHEEL_FILES_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_VENV_WHEEL_FILES_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

struct WheelFile {
  // Below the environment, and below the tree.
  std::string path;
  std::string source;
  base::Digest digest;
};

struct WheelFiles {
  // As METADATA spells it.
  std::string name;
  // As package indexes compare it.
  std::string normalized_name;
  std::string version;
  // The directory of the tree.
  std::string tree;
  std::vector<WheelFile> files;
  // Directories below the environment that must not be links.
  std::set<std::string, std::less<>> real_directories;

  std::string Title() const;
};

// The directory of an environment that packages lie in: "lib/python3.12/site-packages".
std::string SitePackages(absl::string_view python_version);

// Reads layout and RECORD of `tree`. Refuses a layout that is not that of the tree, and paths that
// leave it.
absl::StatusOr<WheelFiles> ReadWheelFiles(const sdk::WheelTree& tree,
                                          absl::string_view python_version, base::FileSystem& fs);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_VENV_WHEEL_FILES_H_
