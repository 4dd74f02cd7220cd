// The only door to the file system. Everything that reads or writes files takes a FileSystem&, so
// that tests can make any single operation fail (see faulty_file_system.h).

#ifndef RULES_INFERENCE_PLUGINS_BASE_FILE_SYSTEM_H_
#define RULES_INFERENCE_PLUGINS_BASE_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::base {

enum class NodeType { kFile, kDirectory, kSymlink, kOther };

struct NodeInfo {
  NodeType type = NodeType::kOther;
  uint64_t size = 0;
  bool owner_executable = false;
  // Whether anybody has the permission to write.
  bool writable = false;
  // Bytes on the disk, also those reserved.
  uint64_t allocated = 0;
  // How many names the file has.
  uint64_t links = 0;
  // Nanoseconds since 1970: the last change of the content; the last read or Touch, whichever the
  // machine has kept.
  int64_t modified = 0;
  int64_t used = 0;
  // All paths of one node have the same two numbers; both 0 where nobody knows them.
  uint64_t device = 0;
  uint64_t inode = 0;
};

// Permissions of a new file: 0644, 0755 for a program, 0444 for what nobody is to change.
enum class FileMode { kData, kProgram, kReadOnly };

// What a path that ends in a symlink stands for.
enum class Follow { kYes, kNo };

// What can be said of the process that holds a file by flock.
enum class Holder { kAlive, kNone, kUnknown };

// An open regular file. Safe to use from several threads.
class InputFile {
 public:
  virtual ~InputFile() = default;
  virtual const std::string& path() const = 0;
  // The size when the file was opened.
  virtual uint64_t size() const = 0;
  // Reads into `buffer` from `offset` until it is full or the file ends; returns the number of
  // bytes read.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) = 0;
};

// Fills `buffer` from `offset`; an error when the file ends before.
absl::Status ReadExactly(InputFile& file, uint64_t offset, absl::Span<char> buffer);

// A regular file that grows over several runs, and that no other process has in this way: see
// FileSystem::Update.
class UpdatableFile : public InputFile {
 public:
  virtual absl::Status WriteAt(uint64_t offset, absl::string_view data) = 0;
  virtual absl::Status Resize(uint64_t size) = 0;
  // Reserves the space up to `size` without changing the size; nothing where that is not supported.
  virtual absl::Status Reserve(uint64_t size) = 0;
  // Begins to write to the disk what lies in [offset, offset + size), without waiting.
  virtual void StartWriting(uint64_t offset, uint64_t size) = 0;
  // Waits until the content is on the disk.
  virtual absl::Status Sync() = 0;
  // Sync, and the permissions of `mode`: before the file gets another name.
  virtual absl::Status Seal(FileMode mode) = 0;
};

// A file in the making. It appears at its path by Publish, whole and with its mode whatever the
// umask, or not at all: until then it lies beside it under a name that follows from the path, so
// that the next run takes away what a killed one left. Destroying it unpublished removes it.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual absl::Status Append(absl::string_view data) = 0;
  // Makes the file share the blocks of `existing` (a reflink), before any Append. Unimplemented
  // where the file system, or two of them, cannot do that.
  virtual absl::Status CloneFrom(const std::string& existing) {
    return absl::UnimplementedError(existing);
  }
  // Closes it and gives it its name. No other call may follow.
  virtual absl::Status Publish() = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // NotFound when there is no such file. With kNo a symlink at the end of the path is an error.
  virtual absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path,
                                                          Follow follow = Follow::kYes) = 0;
  virtual absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                                             FileMode mode = FileMode::kData) = 0;

  // For a file in a directory that the caller has made and will remove as a whole when anything
  // fails, so that nobody looks at half a file: it may lie at `path` from the start, which saves
  // two changes of the directory. AlreadyExists when there is something at `path`.
  virtual absl::StatusOr<std::unique_ptr<OutputFile>> CreateNew(const std::string& path,
                                                                FileMode mode);

  virtual absl::StatusOr<NodeInfo> Stat(const std::string& path, Follow follow) = 0;
  virtual absl::StatusOr<std::string> ReadLink(const std::string& path) = 0;
  // Names in a directory, without "." and "..", sorted by their bytes.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;

  // Makes the directory and its parents with mode 0755; an existing directory is fine.
  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  // A second name for an existing file; AlreadyExists when `link` exists.
  virtual absl::Status HardLink(const std::string& existing, const std::string& link) = 0;
  virtual absl::Status Symlink(const std::string& target, const std::string& link) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Removes a file, a symlink or a whole directory tree; nothing at `path` is fine.
  virtual absl::Status RemoveTree(const std::string& path) = 0;

  // What only stores need, and only the file systems that they are kept on have.

  // Opens the file at `path`, which is made when it is not there, and holds it by flock. Aborted
  // when another process, or this one, holds it already.
  virtual absl::StatusOr<std::unique_ptr<UpdatableFile>> Update(const std::string& path) {
    return absl::UnimplementedError(path);
  }
  // Writes a new file that is held by flock from before it has its name until the result is
  // destroyed, which removes it.
  virtual absl::StatusOr<std::unique_ptr<InputFile>> CreateHeld(const std::string& path,
                                                                absl::string_view /*data*/) {
    return absl::UnimplementedError(path);
  }
  // Whether somebody holds the file by flock.
  virtual absl::StatusOr<Holder> HolderOf(const std::string& path) {
    return absl::UnimplementedError(path);
  }
  // Makes NodeInfo::used now. Content and `modified` stay.
  virtual absl::Status Touch(const std::string& path) { return absl::UnimplementedError(path); }
  // Bytes that an ordinary user may still write where the directory `path` is.
  virtual absl::StatusOr<uint64_t> FreeSpace(const std::string& path) {
    return absl::UnimplementedError(path);
  }
};

// The name under which Create keeps an unfinished `path`.
std::string PartialPath(absl::string_view path);

// The whole content of a small file; an error when it is over `max_size` bytes.
absl::StatusOr<std::string> ReadFile(FileSystem& fs, const std::string& path, uint64_t max_size);
// Create, Append and Publish.
absl::Status WriteFile(FileSystem& fs, const std::string& path, absl::string_view data);
// Copies in pieces, by way of Create.
absl::Status CopyFile(FileSystem& fs, const std::string& from, const std::string& to);

// `parent`/`name`, or `name` when `parent` is empty.
std::string JoinPath(absl::string_view parent, absl::string_view name);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_FILE_SYSTEM_H_
