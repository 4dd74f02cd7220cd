// The file is read with the rights of a program that may do more than who wrote it, so its owner
// and mode are looked at on the open file, never by path, and symlinks are not followed. For that
// and for files of mode 0600 this file uses the system directly:
// base::FileSystem knows no owners.

#include "plugins/launcher/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/file_system.h"
#include "plugins/launcher/manifest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"

namespace rules_inference::launcher {
namespace {

constexpr size_t kMaxCache = size_t{64} << 10;

// Whether this user alone decides what is in it.
bool IsOurs(const struct stat& st) {
  return st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// A path stands for its content by size and time, which every change of it changes.
std::string StampOf(const std::string& path) {
  struct stat st = {};
  if (stat(path.c_str(), &st) != 0) return "none";
#ifdef __APPLE__
  const timespec time = st.st_mtimespec;
#else
  const timespec time = st.st_mtim;
#endif
  return absl::StrCat(st.st_ino, " ", st.st_size, " ", time.tv_sec, ".", time.tv_nsec);
}

std::string ContentOf(base::FileSystem& files, const std::string& path) {
  // Files of /proc say size 0, so they are read until they end.
  const auto file = files.Open(path);
  if (!file.ok()) return "none";
  std::string text(4096, '\0');
  const absl::StatusOr<size_t> size = (*file)->ReadAt(0, absl::MakeSpan(text));
  text.resize(size.ok() ? *size : 0);
  return text;
}

std::string DeviceNodes(base::FileSystem& files) {
  const absl::StatusOr<std::vector<std::string>> names = files.List("/dev");
  std::vector<std::string> nodes;
  if (!names.ok()) return "";
  for (const std::string& name : *names) {
    if (absl::StartsWith(name, "nvidia") || name == "dxg" || name == "kfd") nodes.push_back(name);
  }
  return absl::StrJoin(nodes, " ");
}

}  // namespace

std::string CacheKey(const std::string& detector, const std::vector<std::string>& names,
                     const Environment& environment, base::FileSystem& files) {
  std::string key = absl::StrCat("providers ", absl::StrJoin(names, " "), "\n");
  // Not its path: launchers of one build have one detector by many paths.
  absl::StrAppend(&key, "detector ", StampOf(detector), "\n");
  for (const absl::string_view path :
       {"/proc/sys/kernel/random/boot_id", "/proc/driver/nvidia/version"}) {
    absl::StrAppend(&key, path, " ", ContentOf(files, std::string(path)), "\n");
  }
  absl::StrAppend(&key, "devices ", DeviceNodes(files), "\n");
  // /usr/local/cuda: forward-compatibility packages come and go below it.
  for (const absl::string_view path :
       {"/etc/ld.so.cache", "/usr/local/cuda", "/usr/local/cuda/compat"}) {
    absl::StrAppend(&key, path, " ", StampOf(std::string(path)), "\n");
  }
  for (const absl::string_view name :
       {"CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "LD_PRELOAD",
        "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"}) {
    absl::StrAppend(&key, name, "=", environment(name), "\n");
  }
  return key;
}

HostCache::HostCache(const Environment& environment, std::string key) : key_(std::move(key)) {
  if (const std::string run = environment("XDG_RUNTIME_DIR"); absl::StartsWith(run, "/")) {
    directory_ = run;
    path_ = base::JoinPath(directory_, "inference-host.json");
    return;
  }
  std::string home = environment("XDG_CACHE_HOME");
  if (!absl::StartsWith(home, "/")) {
    home = environment("HOME");
    if (!absl::StartsWith(home, "/")) return;
    home = base::JoinPath(home, ".cache");
  }
  directory_ = base::JoinPath(home, "rules_inference");
  path_ = base::JoinPath(directory_, "host.json");
}

std::optional<sdk::LauncherDetection> HostCache::Read() const {
  if (path_.empty()) return std::nullopt;
  struct stat st = {};
  if (lstat(directory_.c_str(), &st) != 0 || !S_ISDIR(st.st_mode) || !IsOurs(st)) {
    return std::nullopt;
  }
  // O_NONBLOCK: a pipe in its place must not stop the start.
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !IsOurs(st)) return std::nullopt;
  std::string text(kMaxCache, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(fd, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  text.resize(size);
  absl::StatusOr<sdk::LauncherCache> cache = sdk::ParseJson<sdk::LauncherCache>(path_, text);
  if (!cache.ok() || cache->key() != key_) return std::nullopt;
  return std::move(*cache->mutable_detection());
}

void HostCache::Write(const sdk::LauncherDetection& detection) const {
  if (path_.empty()) return;
  // Parents are made by nobody: where there is no ~/.cache, none is wanted.
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return;
  sdk::LauncherCache cache;
  cache.set_key(key_);
  *cache.mutable_detection() = detection;
  const std::string text = sdk::ToCanonicalJson(cache);
  const std::string partial = absl::StrCat(path_, ".", getpid());
  const int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  // A file of this size is written at once or the disk is full.
  const bool whole = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool closed = close(fd) == 0;
  if (!whole || !closed || std::rename(partial.c_str(), path_.c_str()) != 0) {
    unlink(partial.c_str());
  }
}

}  // namespace rules_inference::launcher
