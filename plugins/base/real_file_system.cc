#include "plugins/base/real_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

// One call never moves more: Linux caps reads and writes a little below 2 GiB.
constexpr size_t kMaxTransfer = size_t{1} << 30;

// Repeats a system call that a signal has interrupted.
template <typename Call>
auto Retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

NodeInfo InfoOf(const struct stat& st) {
  NodeInfo info;
  if (S_ISREG(st.st_mode)) {
    info.type = NodeType::kFile;
  } else if (S_ISDIR(st.st_mode)) {
    info.type = NodeType::kDirectory;
  } else if (S_ISLNK(st.st_mode)) {
    info.type = NodeType::kSymlink;
  }
  info.size = static_cast<uint64_t>(st.st_size);
  info.owner_executable = (st.st_mode & S_IXUSR) != 0;
  info.writable = (st.st_mode & 0222) != 0;
  info.allocated = static_cast<uint64_t>(st.st_blocks) * 512;
  info.links = st.st_nlink;
  info.modified = Nanoseconds(st.st_mtim);
  info.used = std::max(Nanoseconds(st.st_atim), info.modified);
  info.device = st.st_dev;
  info.inode = st.st_ino;
  return info;
}

// `path` is for the message.
absl::StatusOr<size_t> ReadFrom(int fd, const std::string& path, uint64_t offset,
                                absl::Span<char> buffer) {
  size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count = Retry([&] {
      return pread(fd, buffer.data() + done, std::min(buffer.size() - done, kMaxTransfer),
                   static_cast<off_t>(offset + done));
    });
    if (count < 0) return SystemError(errno, "cannot read", path);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

class RealInputFile final : public InputFile {
 public:
  RealInputFile(std::string path, FileDescriptor fd, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  const std::string& path() const override { return path_; }
  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    return ReadFrom(fd_.get(), path_, offset, buffer);
  }

 private:
  std::string path_;
  FileDescriptor fd_;
  uint64_t size_;
};

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

mode_t BitsOf(FileMode mode, Sharing sharing) {
  const mode_t group = sharing == Sharing::kGroup ? 0020 : 0;
  switch (mode) {
    case FileMode::kProgram:
      return 0755 | group;
    case FileMode::kReadOnly:
      return 0444;
    case FileMode::kData:
      break;
  }
  return 0644 | group;
}

class RealUpdatableFile final : public UpdatableFile {
 public:
  RealUpdatableFile(std::string path, FileDescriptor fd, uint64_t size, Sharing sharing)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size), sharing_(sharing) {}

  const std::string& path() const override { return path_; }
  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    return ReadFrom(fd_.get(), path_, offset, buffer);
  }

  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    while (!data.empty()) {
      const ssize_t count = Retry([&] {
        return pwrite(fd_.get(), data.data(), std::min(data.size(), kMaxTransfer),
                      static_cast<off_t>(offset));
      });
      if (count < 0) return SystemError(errno, "cannot write", path_);
      if (count == 0) return SystemError(ENOSPC, "cannot write", path_);
      data.remove_prefix(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
    return absl::OkStatus();
  }

  absl::Status Resize(uint64_t size) override {
    if (Retry([&] { return ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return SystemError(errno, "cannot write", path_);
    }
    return absl::OkStatus();
  }

  absl::Status Reserve(uint64_t size) override {
    // Not posix_fallocate, which writes zeros where the file system cannot reserve.
    if (Retry([&] {
          return fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
        }) == 0 ||
        (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)) {
      return absl::OkStatus();
    }
    return SystemError(errno, "cannot write", path_);
  }

  void StartWriting(uint64_t offset, uint64_t size) override {
    sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size),
                    SYNC_FILE_RANGE_WRITE);
  }

  absl::Status Sync() override {
    if (Retry([&] { return fdatasync(fd_.get()); }) == 0) return absl::OkStatus();
    return SystemError(errno, "cannot sync", path_);
  }

  absl::Status Seal(FileMode mode) override {
    if (fchmod(fd_.get(), BitsOf(mode, sharing_)) != 0 ||
        Retry([&] { return fsync(fd_.get()); }) != 0) {
      return SystemError(errno, "cannot sync", path_);
    }
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const FileDescriptor fd_;
  const uint64_t size_;
  const Sharing sharing_;
};

// A file that goes when its maker goes.
class HeldFile final : public InputFile {
 public:
  HeldFile(std::string path, std::string real, FileDescriptor fd, uint64_t size)
      : path_(std::move(path)), real_(std::move(real)), fd_(std::move(fd)), size_(size) {}
  ~HeldFile() override { unlink(real_.c_str()); }
  const std::string& path() const override { return path_; }
  uint64_t size() const override { return size_; }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    return ReadFrom(fd_.get(), path_, offset, buffer);
  }

 private:
  const std::string path_;
  const std::string real_;
  const FileDescriptor fd_;
  const uint64_t size_;
};

class RealOutputFile final : public OutputFile {
 public:
  // `path` is for messages.
  RealOutputFile(std::string path, std::string real, std::string partial, FileDescriptor fd,
                 Durability durability)
      : path_(std::move(path)),
        real_(std::move(real)),
        partial_(std::move(partial)),
        fd_(std::move(fd)),
        durability_(durability) {}

  ~RealOutputFile() override {
    if (!published_) unlink(partial_.c_str());
  }

  absl::Status Append(absl::string_view data) override {
    while (!data.empty()) {
      const ssize_t count =
          Retry([&] { return write(fd_.get(), data.data(), std::min(data.size(), kMaxTransfer)); });
      if (count < 0) return SystemError(errno, "cannot write", path_);
      if (count == 0) return SystemError(ENOSPC, "cannot write", path_);
      data.remove_prefix(static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  absl::Status CloneFrom(const std::string& existing) override {
    const FileDescriptor source(
        Retry([&] { return open(existing.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW); }));
    if (source.get() < 0) return SystemError(errno, "cannot open", existing);
    if (Retry([&] { return ioctl(fd_.get(), FICLONE, source.get()); }) == 0) {
      return absl::OkStatus();
    }
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO) {
      return SystemError(errno, "cannot write", path_);
    }
    return absl::UnimplementedError(SystemError(errno, "cannot clone", existing).message());
  }

  absl::Status Publish() override {
    if (durability_ == Durability::kDurable) return PublishDurably();
    // Some file systems report a failed write only here; the descriptor is gone in any case.
    if (close(fd_.Release()) != 0 && errno != EINTR) {
      return SystemError(errno, "cannot write", path_);
    }
    return Name();
  }

 private:
  absl::Status Name() {
    if (partial_ != real_ && rename(partial_.c_str(), real_.c_str()) != 0) {
      return SystemError(errno, "cannot create", path_);
    }
    published_ = true;
    return absl::OkStatus();
  }

  absl::Status PublishDurably() {
    // The data first: a journal may bring the name to the disk before the data, and the name would
    // then stand for zeros. The descriptor stays open until the file has its name, because the lock
    // that protects the partial one goes with it.
    if (Retry([&] { return fsync(fd_.get()); }) != 0) {
      return SystemError(errno, "cannot sync", path_);
    }
    RETURN_IF_ERROR(Name());
    if (close(fd_.Release()) != 0 && errno != EINTR) {
      return SystemError(errno, "cannot write", path_);
    }
    return SyncDirectory(ParentOf(real_));
  }

  std::string path_;
  std::string real_;
  std::string partial_;
  FileDescriptor fd_;
  Durability durability_;
  bool published_ = false;
};

// `path` is for the message.
absl::StatusOr<struct stat> StatOf(const std::string& real, Follow follow,
                                   const std::string& path) {
  struct stat st = {};
  const int result = follow == Follow::kYes ? stat(real.c_str(), &st) : lstat(real.c_str(), &st);
  if (result != 0) return SystemError(errno, "cannot read", path);
  return st;
}

struct CloseDirectory {
  void operator()(DIR* dir) const { closedir(dir); }
};

absl::Status RemoveTreeAt(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  const int unlink_error = errno;
  struct stat st = {};
  if (lstat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) {
    return SystemError(unlink_error, "cannot remove", path);
  }
  RealFileSystem fs;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(path));
  for (const std::string& name : names) RETURN_IF_ERROR(RemoveTreeAt(JoinPath(path, name)));
  if (rmdir(path.c_str()) != 0) return SystemError(errno, "cannot remove", path);
  return absl::OkStatus();
}

// Unfinished files of kDurable: ".<name>.<process>-<random>.partial".
//
// Invariant: nobody takes away a partial file whose writer lives. The writer holds an flock from
// just after the creation until the file has its name. Who finds a partial file of the same name
// takes it away only with the flock in his hand, which he gets at once when the writer is dead, and
// never when it lives. Between creation and flock a writer can lose its file to another one; it
// sees that when it has the lock, because its file has no name any more, and begins again. Where
// flock does not work at all, age decides.
constexpr time_t kAbandonedAfter = 24 * 60 * 60;

std::string UniquePartialPath(const std::string& real) {
  // The process alone is not enough: machines share directories.
  std::random_device random;
  const std::string partial = PartialPath(real);
  const uint64_t number = (uint64_t{random()} << 32) | random();
  return absl::StrCat(partial.substr(0, partial.size() - absl::string_view("partial").size()),
                      getpid(), "-", absl::Hex(number, absl::kZeroPad16), ".partial");
}

// Removes what dead writers of `real` have left. Nothing that goes wrong here concerns the caller.
void RemoveAbandoned(const std::string& real) {
  const std::string parent = ParentOf(real);
  const absl::StatusOr<std::vector<std::string>> names = RealFileSystem().List(parent);
  if (!names.ok()) return;
  const std::string prefix = absl::StrCat(".", real.substr(real.rfind('/') + 1), ".");
  for (const std::string& name : *names) {
    if (!absl::StartsWith(name, prefix) || !absl::EndsWith(name, ".partial")) continue;
    const std::string path = JoinPath(parent, name);
    const FileDescriptor fd(
        Retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }));
    if (fd.get() < 0) continue;
    struct stat st = {};
    if (fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0 &&
        (errno == EWOULDBLOCK || time(nullptr) - st.st_mtime < kAbandonedAfter)) {
      continue;
    }
    unlink(path.c_str());
  }
}

// Creates an unfinished file that is held by flock, and says under which name.
absl::StatusOr<std::pair<FileDescriptor, std::string>> CreatePartial(const std::string& real,
                                                                     const std::string& path) {
  RemoveAbandoned(real);
  constexpr int kAttempts = 16;
  for (int i = 0; i < kAttempts; ++i) {
    std::string partial = UniquePartialPath(real);
    FileDescriptor fd(Retry([&] {
      return open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }));
    if (fd.get() < 0) return SystemError(errno, "cannot create", path);
    // A machine without flock goes on without; age protects the file there.
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) continue;
    struct stat st = {};
    if (fstat(fd.get(), &st) != 0) return SystemError(errno, "cannot create", path);
    if (st.st_nlink == 0) continue;
    return std::make_pair(std::move(fd), std::move(partial));
  }
  return SystemError(EBUSY, "cannot create", path);
}

}  // namespace

absl::Status SyncDirectory(const std::string& path) {
  const FileDescriptor fd(
      Retry([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (fd.get() < 0) return SystemError(errno, "cannot sync", path);
  // EINVAL: a file system that has no sync of directories, which then keeps no order either.
  if (Retry([&] { return fsync(fd.get()); }) != 0 && errno != EINVAL) {
    return SystemError(errno, "cannot sync", path);
  }
  return absl::OkStatus();
}

absl::Status RealFileSystem::SyncParent(const std::string& real) const {
  return durability_ == Durability::kDurable ? SyncDirectory(ParentOf(real)) : absl::OkStatus();
}

std::string RealFileSystem::Resolve(const std::string& path) const {
  if (root_.empty() || (!path.empty() && path[0] == '/')) return path;
  return JoinPath(root_, path);
}

absl::StatusOr<std::unique_ptr<InputFile>> RealFileSystem::Open(const std::string& path,
                                                                Follow follow) {
  const std::string real = Resolve(path);
  // O_NONBLOCK: a fifo in the place of a file must be an error, not a wait without end.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow == Follow::kNo ? O_NOFOLLOW : 0);
  FileDescriptor fd(Retry([&] { return open(real.c_str(), flags); }));
  if (fd.get() < 0) return SystemError(errno, "cannot open", path);
  struct stat st = {};
  if (fstat(fd.get(), &st) != 0) return SystemError(errno, "cannot read", path);
  if (!S_ISREG(st.st_mode)) {
    return Mismatch("cannot open", path, S_ISDIR(st.st_mode) ? "a directory" : "a special file",
                    "a regular file");
  }
  return std::make_unique<RealInputFile>(path, std::move(fd), static_cast<uint64_t>(st.st_size));
}

absl::StatusOr<std::unique_ptr<OutputFile>> RealFileSystem::Create(const std::string& path,
                                                                   FileMode mode) {
  const std::string real = Resolve(path);
  if (durability_ == Durability::kDurable) {
    ASSIGN_OR_RETURN(auto held, CreatePartial(real, path));
    const int raw = held.first.get();
    auto file = std::make_unique<RealOutputFile>(path, real, std::move(held.second),
                                                 std::move(held.first), durability_);
    if (fchmod(raw, BitsOf(mode, sharing_)) != 0) return SystemError(errno, "cannot create", path);
    return file;
  }
  const std::string partial = PartialPath(real);
  // What a killed run has left goes first; O_EXCL then makes sure that nothing, no symlink either,
  // is written through.
  RETURN_IF_ERROR(RemoveTreeAt(partial));
  FileDescriptor fd(Retry([&] {
    return open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  }));
  if (fd.get() < 0) return SystemError(errno, "cannot create", path);
  const int raw = fd.get();
  auto file = std::make_unique<RealOutputFile>(path, real, partial, std::move(fd), durability_);
  if (fchmod(raw, BitsOf(mode, sharing_)) != 0) return SystemError(errno, "cannot create", path);
  return file;
}

absl::StatusOr<std::unique_ptr<OutputFile>> RealFileSystem::CreateNew(const std::string& path,
                                                                      FileMode mode) {
  if (durability_ == Durability::kDurable) return Create(path, mode);
  const std::string real = Resolve(path);
  FileDescriptor fd(Retry([&] {
    return open(real.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  }));
  if (fd.get() < 0) return SystemError(errno, "cannot create", path);
  const int raw = fd.get();
  auto file = std::make_unique<RealOutputFile>(path, real, real, std::move(fd), durability_);
  if (fchmod(raw, BitsOf(mode, sharing_)) != 0) return SystemError(errno, "cannot create", path);
  return file;
}

absl::StatusOr<NodeInfo> RealFileSystem::Stat(const std::string& path, Follow follow) {
  ASSIGN_OR_RETURN(const struct stat st, StatOf(Resolve(path), follow, path));
  return InfoOf(st);
}

absl::StatusOr<std::string> RealFileSystem::ReadLink(const std::string& path) {
  std::string target(256, '\0');
  while (true) {
    const ssize_t count = readlink(Resolve(path).c_str(), target.data(), target.size());
    if (count < 0) return SystemError(errno, "cannot read link", path);
    if (static_cast<size_t>(count) < target.size()) {
      target.resize(static_cast<size_t>(count));
      return target;
    }
    target.resize(target.size() * 2);  // It may have been cut.
  }
}

absl::StatusOr<std::vector<std::string>> RealFileSystem::List(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> dir(opendir(Resolve(path).c_str()));
  if (dir == nullptr) return SystemError(errno, "cannot list", path);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = readdir(dir.get());
    if (entry == nullptr) {
      if (errno != 0) return SystemError(errno, "cannot list", path);
      break;
    }
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status RealFileSystem::CreateDirectories(const std::string& path) {
  const std::string real = Resolve(path);
  for (size_t end = real.find('/', 1);; end = real.find('/', end + 1)) {
    const std::string prefix = real.substr(0, end);
    if (mkdir(prefix.c_str(), 0700) == 0) {
      if (chmod(prefix.c_str(), sharing_ == Sharing::kGroup ? 02775 : 0755) != 0)
        return SystemError(errno, "cannot create", path);
      RETURN_IF_ERROR(SyncParent(prefix));
    } else if (errno != EEXIST) {
      return SystemError(errno, "cannot create", path);
    }
    if (end == std::string::npos) break;
  }
  ASSIGN_OR_RETURN(const struct stat st, StatOf(real, Follow::kYes, path));
  if (!S_ISDIR(st.st_mode)) return SystemError(ENOTDIR, "cannot create", path);
  return absl::OkStatus();
}

absl::Status RealFileSystem::HardLink(const std::string& existing, const std::string& link) {
  // AT_SYMLINK_FOLLOW: inputs of a build action are often symlinks; the file is meant, not the
  // symlink.
  if (linkat(AT_FDCWD, Resolve(existing).c_str(), AT_FDCWD, Resolve(link).c_str(),
             AT_SYMLINK_FOLLOW) != 0) {
    return SystemError(errno, "cannot link", link);
  }
  return SyncParent(Resolve(link));
}

absl::Status RealFileSystem::Symlink(const std::string& target, const std::string& link) {
  if (symlink(target.c_str(), Resolve(link).c_str()) != 0) {
    return SystemError(errno, "cannot create symlink", link);
  }
  return SyncParent(Resolve(link));
}

absl::Status RealFileSystem::Rename(const std::string& from, const std::string& to) {
  if (rename(Resolve(from).c_str(), Resolve(to).c_str()) != 0) {
    return SystemError(errno, "cannot rename", from);
  }
  // The new name first: a loss of power between the two leaves two names, never none.
  RETURN_IF_ERROR(SyncParent(Resolve(to)));
  return SyncParent(Resolve(from));
}

absl::Status RealFileSystem::RemoveTree(const std::string& path) {
  const std::string real = Resolve(path);
  RETURN_IF_ERROR(RemoveTreeAt(real));
  const absl::Status synced = SyncParent(real);
  return absl::IsNotFound(synced) ? absl::OkStatus() : synced;  // There was nothing to remove.
}

absl::StatusOr<std::unique_ptr<UpdatableFile>> RealFileSystem::Update(const std::string& path) {
  const std::string real = Resolve(path);
  const mode_t bits = BitsOf(FileMode::kData, sharing_);
  constexpr int kAttempts = 16;
  for (int i = 0; i < kAttempts; ++i) {
    FileDescriptor fd(Retry([&] {
      return open(real.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, bits);
    }));
    if (fd.get() < 0) {
      const int error = errno;
      // Somebody was killed after Seal. Only the owner can do this.
      if (error == EACCES && i == 0 && chmod(real.c_str(), bits) == 0) continue;
      return SystemError(error, "cannot open", path);
    }
    struct stat st = {};
    if (fstat(fd.get(), &st) != 0) return SystemError(errno, "cannot read", path);
    if (!S_ISREG(st.st_mode)) return Mismatch("cannot open", path, "a special file", "a file");
    if (Retry([&] { return flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0 && errno == EWOULDBLOCK) {
      return absl::AbortedError(SystemError(EBUSY, "cannot open", path).message());
    }
    // Whoever held it may have given it another name, under which it is no longer ours to change.
    struct stat there = {};
    if (lstat(real.c_str(), &there) != 0 || there.st_ino != st.st_ino ||
        there.st_dev != st.st_dev) {
      continue;
    }
    if (fstat(fd.get(), &st) != 0) return SystemError(errno, "cannot read", path);
    // Whatever the umask was; who is not the owner cannot, and need not.
    if ((st.st_mode & 0777) != bits && fchmod(fd.get(), bits) != 0 && errno != EPERM) {
      return SystemError(errno, "cannot create", path);
    }
    return std::make_unique<RealUpdatableFile>(path, std::move(fd),
                                               static_cast<uint64_t>(st.st_size), sharing_);
  }
  return absl::AbortedError(SystemError(EBUSY, "cannot open", path).message());
}

absl::StatusOr<std::unique_ptr<InputFile>> RealFileSystem::CreateHeld(const std::string& path,
                                                                      absl::string_view data) {
  const std::string real = Resolve(path);
  ASSIGN_OR_RETURN(auto held, CreatePartial(real, path));
  const int raw = held.first.get();
  if (fchmod(raw, BitsOf(FileMode::kData, sharing_)) != 0) {
    unlink(held.second.c_str());
    return SystemError(errno, "cannot create", path);
  }
  // Beside the output file, which goes away here, `fd` keeps the lock: it is the same open file.
  FileDescriptor fd(Retry([&] { return fcntl(raw, F_DUPFD_CLOEXEC, 0); }));
  if (fd.get() < 0) {
    unlink(held.second.c_str());
    return SystemError(errno, "cannot create", path);
  }
  // Not durable: a loss of power ends the holder too.
  RealOutputFile file(path, real, std::move(held.second), std::move(held.first),
                      Durability::kBuildAction);
  RETURN_IF_ERROR(file.Append(data));
  RETURN_IF_ERROR(file.Publish());
  return std::make_unique<HeldFile>(path, real, std::move(fd), data.size());
}

absl::StatusOr<Holder> RealFileSystem::HolderOf(const std::string& path) {
  const FileDescriptor fd(Retry(
      [&] { return open(Resolve(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }));
  if (fd.get() < 0) return SystemError(errno, "cannot open", path);
  // Shared, so that those who only look do not see one another.
  if (Retry([&] { return flock(fd.get(), LOCK_SH | LOCK_NB); }) == 0) return Holder::kNone;
  return errno == EWOULDBLOCK ? Holder::kAlive : Holder::kUnknown;
}

absl::Status RealFileSystem::Touch(const std::string& path) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_NOW},
                             {.tv_sec = 0, .tv_nsec = UTIME_OMIT}};
  if (utimensat(AT_FDCWD, Resolve(path).c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return SystemError(errno, "cannot touch", path);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RealFileSystem::FreeSpace(const std::string& path) {
  struct statvfs st = {};
  if (statvfs(Resolve(path).c_str(), &st) != 0) return SystemError(errno, "cannot read", path);
  return uint64_t{st.f_bavail} * uint64_t{st.f_frsize};
}

}  // namespace rules_inference::base
