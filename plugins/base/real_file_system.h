// The file system of the machine, by POSIX calls.

#ifndef RULES_INFERENCE_PLUGINS_BASE_REAL_FILE_SYSTEM_H_
#define RULES_INFERENCE_PLUGINS_BASE_REAL_FILE_SYSTEM_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

class RealFileSystem final : public FileSystem {
 public:
  RealFileSystem() = default;
  // Relative paths are taken from `root` instead of the working directory.
  explicit RealFileSystem(std::string root) : root_(std::move(root)) {}

  absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path, Follow follow) override;
  absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                                     FileMode mode = FileMode::kData) override;
  absl::StatusOr<NodeInfo> Stat(const std::string& path, Follow follow) override;
  absl::StatusOr<std::string> ReadLink(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status HardLink(const std::string& existing, const std::string& link) override;
  absl::Status Symlink(const std::string& target, const std::string& link) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveTree(const std::string& path) override;

 private:
  std::string Resolve(const std::string& path) const;
  std::string root_;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_REAL_FILE_SYSTEM_H_
