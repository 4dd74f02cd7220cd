// A file system of plain files in memory, for tests that need thousands of them. It knows no
// directories and no links: what the interface has for those fails.

#ifndef RULES_INFERENCE_PLUGINS_BASE_MEMORY_FILE_SYSTEM_H_
#define RULES_INFERENCE_PLUGINS_BASE_MEMORY_FILE_SYSTEM_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

class MemoryFileSystem final : public FileSystem {
 public:
  // The files by path; also those of PartialPath() while they are being written.
  std::map<std::string, std::string> files;

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
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_MEMORY_FILE_SYSTEM_H_
