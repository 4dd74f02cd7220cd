#include "plugins/base/memory_file_system.h"

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file.h"

namespace rules_inference::base {
namespace {

using Files = std::map<std::string, std::string>;

class MemoryOutputFile final : public OutputFile {
 public:
  MemoryOutputFile(Files& files, std::string path)
      : files_(files), path_(std::move(path)), partial_(PartialPath(path_)) {
    files_[partial_].clear();
  }
  ~MemoryOutputFile() override { files_.erase(partial_); }
  absl::Status Append(absl::string_view data) override {
    absl::StrAppend(&files_[partial_], data);
    return absl::OkStatus();
  }
  absl::Status Publish() override {
    files_[path_] = std::move(files_[partial_]);
    files_.erase(partial_);
    return absl::OkStatus();
  }

 private:
  Files& files_;
  const std::string path_;
  const std::string partial_;
};

absl::Status NotSupported(absl::string_view path) {
  return SystemError(ENOTSUP, "not supported in memory", path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<InputFile>> MemoryFileSystem::Open(const std::string& path,
                                                                  Follow /*follow*/) {
  const auto found = files.find(path);
  if (found == files.end()) return SystemError(ENOENT, "cannot open", path);
  return std::make_unique<MemoryFile>(path, found->second);
}

absl::StatusOr<std::unique_ptr<OutputFile>> MemoryFileSystem::Create(const std::string& path,
                                                                     FileMode /*mode*/) {
  return std::make_unique<MemoryOutputFile>(files, path);
}

absl::StatusOr<NodeInfo> MemoryFileSystem::Stat(const std::string& path, Follow /*follow*/) {
  const auto found = files.find(path);
  if (found == files.end()) return SystemError(ENOENT, "cannot read", path);
  NodeInfo info;
  info.type = NodeType::kFile;
  info.size = found->second.size();
  return info;
}

absl::StatusOr<std::string> MemoryFileSystem::ReadLink(const std::string& path) {
  return NotSupported(path);
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(const std::string& path) {
  return NotSupported(path);
}

absl::Status MemoryFileSystem::CreateDirectories(const std::string& /*path*/) {
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::HardLink(const std::string& /*existing*/, const std::string& link) {
  return NotSupported(link);
}

absl::Status MemoryFileSystem::Symlink(const std::string& /*target*/, const std::string& link) {
  return NotSupported(link);
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const auto found = files.find(from);
  if (found == files.end()) return SystemError(ENOENT, "cannot rename", from);
  std::string data = std::move(found->second);
  files.erase(found);
  files[to] = std::move(data);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveTree(const std::string& path) {
  files.erase(path);
  return absl::OkStatus();
}

}  // namespace rules_inference::base
