// The digest of a file that comes in ranges and the checksum of each range, computed on a thread of
// their own while the caller receives and writes.
//
// Hashing costs about as much processor time as receiving and writing together, so that it would
// halve the speed of a fast download.

#ifndef RULES_INFERENCE_PLUGINS_STORE_RANGE_HASHER_H_
#define RULES_INFERENCE_PLUGINS_STORE_RANGE_HASHER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "plugins/base/digest.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {

// All calls from one thread.
class RangeHasher {
 public:
  RangeHasher() = default;
  ~RangeHasher();
  RangeHasher(const RangeHasher&) = delete;
  RangeHasher& operator=(const RangeHasher&) = delete;

  // Begins (again): `whole` has hashed what comes before.
  void Begin(const base::Sha256& whole);
  // Takes the bytes; waits while too many of before are not hashed yet. Returns an empty string to
  // be filled next: the memory of one that was hashed, which new memory would cost more than.
  std::string Update(std::string data);
  // Ends a range with the bytes so far; its checksum comes by TakeEnded.
  void EndRange(uint64_t begin, uint64_t end);
  // The ranges that have been hashed since the last call, in their order; with `wait`, all that
  // were ended.
  std::vector<Range> TakeEnded(bool wait);
  // Of all bytes.
  base::Digest Whole();

 private:
  // Bytes, or the end of a range.
  struct Work {
    std::string data;
    std::optional<Range> end;
  };
  void Add(Work work);
  void Run();
  // Waits until nothing is left to do.
  void Drain(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  std::vector<Range> ended_;
  std::vector<std::string> spare_;
  bool busy_ = false;
  bool stop_ = false;
  // Touched by the thread while it is busy, and by the caller only when it is not.
  base::Sha256 whole_;
  uint32_t range_ = 0;
  std::thread thread_;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_RANGE_HASHER_H_
