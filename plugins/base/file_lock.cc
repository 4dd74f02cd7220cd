#include "plugins/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace rules_inference::base {

FileLock::FileLock(const std::string& path) {
  while (true) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) return;
    int result = 0;
    do {
      result = flock(fd_, LOCK_EX);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return;
    // Whoever had it may have removed the file: a lock on a file without a name keeps nobody out.
    struct stat mine = {};
    struct stat there = {};
    if (fstat(fd_, &mine) == 0 && stat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
        mine.st_dev == there.st_dev) {
      held_ = true;
      return;
    }
    close(fd_);
  }
}

bool LocksWork(const std::string& directory) {
  std::string path = directory + "/.lock-probe.XXXXXX";
  const int first = mkostemp(path.data(), O_CLOEXEC);
  if (first < 0) return false;
  const int second = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool works = second >= 0 && flock(first, LOCK_EX | LOCK_NB) == 0 &&
                     flock(second, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  unlink(path.c_str());
  if (second >= 0) close(second);
  close(first);
  return works;
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace rules_inference::base
