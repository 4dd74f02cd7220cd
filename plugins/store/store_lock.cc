#include "plugins/store/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace rules_inference::store {

BestEffortLock::BestEffortLock(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  // The file of another user: reading is enough for a lock, but on some network file systems.
  if (fd_ < 0 && errno == EACCES) fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  while (fd_ >= 0 && flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

BestEffortLock::~BestEffortLock() {
  if (fd_ < 0) return;
  // Who waits with the removed file in hand gets the lock next and finds the blob; who comes later
  // makes a new file, and finds it as well. At worst two fetch what one has failed to fetch.
  unlink(path_.c_str());
  close(fd_);
}

}  // namespace rules_inference::store
