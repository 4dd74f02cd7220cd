// A lock between processes, on a file.

#ifndef RULES_INFERENCE_PLUGINS_BASE_FILE_LOCK_H_
#define RULES_INFERENCE_PLUGINS_BASE_FILE_LOCK_H_

#include <string>

namespace rules_inference::base {

// Waits for whoever holds the lock, and holds it as long as it lives; the system gives it back when
// the process dies. Some network file systems have no such locks: `held` is then false, and whoever
// uses this has to be right without it. Not by way of FileSystem, as no data goes through it.
class FileLock {
 public:
  // Makes the file when it is not there. It stays: its directory may go with it.
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return held_; }

 private:
  int fd_ = -1;
  bool held_ = false;
};

// Whether locks in the directory keep anybody out. Some network file systems grant them to
// everyone, or to everyone on another machine; the first is seen here, by asking for a lock a
// second time from another open file. False too where no file can be made.
bool LocksWork(const std::string& directory);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_FILE_LOCK_H_
