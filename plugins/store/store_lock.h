// A lock of a store, which is good to have and on which nothing hangs.

#ifndef RULES_INFERENCE_PLUGINS_STORE_STORE_LOCK_H_
#define RULES_INFERENCE_PLUGINS_STORE_STORE_LOCK_H_

#include <string>

namespace rules_inference::store {

// Holds a lock file as long as it lives, if that is possible; waits for whoever holds it. Not by
// way of FileSystem: nothing that goes wrong with it matters.
class BestEffortLock {
 public:
  // With an empty path, holds nothing.
  explicit BestEffortLock(std::string path);
  ~BestEffortLock();
  BestEffortLock(const BestEffortLock&) = delete;
  BestEffortLock& operator=(const BestEffortLock&) = delete;

 private:
  const std::string path_;
  int fd_ = -1;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_STORE_LOCK_H_
