// Installed variants of one artifact: builds, generations of them, and the one that is active.
//
//   <dir>/builds/<version>-<variant>-<digest>/root        what was in the archive
//   <dir>/builds/<version>-<variant>-<digest>/build.json  InstalledBuild
//   <dir>/generations/<number> -> ../builds/<...>/root
//   <dir>/current -> generations/<number>
//   <dir>/lock                                            held while something changes
//
// Invariant: `current` is one symlink, and it is only ever replaced, by one rename. What it leads
// to was whole and on the disk before; so whenever a process is killed, the old or the new
// generation is active. A build gets its name when it is whole, and loses it before the first of
// its files goes.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_INSTALL_GENERATIONS_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_INSTALL_GENERATIONS_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/file_lock.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/install.pb.h"

namespace rules_inference::install {

struct Generation {
  int number = 0;
  bool active = false;
  // Name of its folder below builds/.
  std::string id;
  sdk::InstalledBuild build;
};

// The folder name of a build.
std::string BuildId(const sdk::InstalledBuild& build);

class Generations {
 public:
  // `fs` has to write durably, RealFileSystem with kDurable. Nothing is done yet.
  Generations(base::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  const std::string& dir() const { return dir_; }
  // Where the active generation is, whichever it is.
  std::string current() const { return base::JoinPath(dir_, "current"); }

  // All of them, oldest first; none when nothing is installed.
  absl::StatusOr<std::vector<Generation>> List();

  // Makes the folder, waits for whoever changes something there, and keeps others out until the
  // result is destroyed. Takes away what a killed process left.
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock();

  // The calls below need Lock().

  // An empty folder for a build in the making; its files go below root/. FinishBuild or
  // DropBuild ends it.
  absl::StatusOr<std::string> BeginBuild();
  absl::Status FinishBuild(const std::string& folder, const sdk::InstalledBuild& build);
  void DropBuild(const std::string& folder);
  // Whether the files of a build are there.
  absl::StatusOr<bool> HasBuild(const std::string& id);

  // A new generation of a build; not active yet.
  absl::StatusOr<int> Add(const std::string& id);
  absl::Status Activate(int number);
  // Removes generations, none of which may be active, and the builds that no other one has.
  absl::Status Remove(const std::vector<int>& numbers);
  // Removes everything, the active one first.
  absl::Status RemoveAll();

 private:
  std::string Path(const std::string& name) const { return base::JoinPath(dir_, name); }
  // The number that `current` leads to; nothing when nothing is active.
  absl::StatusOr<std::optional<int>> Active();
  absl::Status RemoveBuild(const std::string& id);

  base::FileSystem& fs_;
  const std::string dir_;
};

}  // namespace rules_inference::install

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_INSTALL_GENERATIONS_H_
