// The file system of the machine, by POSIX calls.
//
// Two ways of writing:
//
// kBuildAction, the default, for outputs of build actions. Nothing is synced: Bazel digests outputs
// again after a loss of power and builds again what was lost, and waiting for the disk would cost
// every build. Nobody else writes the same path, so the name of an unfinished file follows from it.
//
// kDurable, for what belongs to the user: stores, locks. What has returned OK survives a loss of
// power: the data of a file is on the disk before the file gets its name, and the directory with
// the name is on the disk before Publish returns. Any number of processes may write the same path
// at once: each has an unfinished file of its own, held by flock as long as its writer lives; those
// that nobody holds are taken away by the next Create of the same path. When the last sync, that of
// the directory, fails, the call fails though the whole file is there: only that is left open.

#ifndef RULES_INFERENCE_PLUGINS_BASE_REAL_FILE_SYSTEM_H_
#define RULES_INFERENCE_PLUGINS_BASE_REAL_FILE_SYSTEM_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

enum class Durability { kBuildAction, kDurable };

// Who may write besides the user: kGroup makes directories 02775, so that what is made in them
// belongs to their group, and files 0664 (FileMode::kReadOnly stays 0444).
enum class Sharing { kUser, kGroup };

// Waits until the entries of the directory (names, not contents of files) are on the disk.
absl::Status SyncDirectory(const std::string& path);

class RealFileSystem final : public FileSystem {
 public:
  RealFileSystem() = default;
  // Relative paths are taken from `root` instead of the working directory.
  explicit RealFileSystem(std::string root) : root_(std::move(root)) {}
  explicit RealFileSystem(Durability durability, Sharing sharing = Sharing::kUser)
      : durability_(durability), sharing_(sharing) {}

  absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path, Follow follow) override;
  absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                                     FileMode mode = FileMode::kData) override;
  absl::StatusOr<std::unique_ptr<OutputFile>> CreateNew(const std::string& path,
                                                        FileMode mode) override;
  absl::StatusOr<NodeInfo> Stat(const std::string& path, Follow follow) override;
  absl::StatusOr<std::string> ReadLink(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status HardLink(const std::string& existing, const std::string& link) override;
  absl::Status Symlink(const std::string& target, const std::string& link) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<UpdatableFile>> Update(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<InputFile>> CreateHeld(const std::string& path,
                                                        absl::string_view data) override;
  absl::StatusOr<Holder> HolderOf(const std::string& path) override;
  absl::Status Touch(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override;

 private:
  std::string Resolve(const std::string& path) const;
  // In kDurable mode, syncs the directory that holds `real`.
  absl::Status SyncParent(const std::string& real) const;

  std::string root_;
  Durability durability_ = Durability::kBuildAction;
  Sharing sharing_ = Sharing::kUser;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_REAL_FILE_SYSTEM_H_
