#include "plugins/store/range_hasher.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libdeflate.h"
#include "plugins/base/digest.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {
namespace {

// What waits here is lost when the process is killed, so it is little.
constexpr size_t kMaxWaiting = 3;

}  // namespace

RangeHasher::~RangeHasher() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RangeHasher::Drain(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
}

void RangeHasher::Begin(const base::Sha256& whole) {
  std::unique_lock<std::mutex> lock(mutex_);
  Drain(lock);
  ended_.clear();
  whole_ = whole;
  range_ = 0;
}

std::string RangeHasher::Update(std::string data) {
  Add({.data = std::move(data)});
  const std::lock_guard<std::mutex> lock(mutex_);
  if (spare_.empty()) return "";
  std::string spare = std::move(spare_.back());
  spare_.pop_back();
  return spare;
}

void RangeHasher::EndRange(uint64_t begin, uint64_t end) { Add({.end = Range{begin, end}}); }

void RangeHasher::Add(Work work) {
  // Most parts are never written to: they are complete, or in other hands.
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return queue_.size() < kMaxWaiting; });
  queue_.push_back(std::move(work));
  lock.unlock();
  changed_.notify_all();
}

std::vector<Range> RangeHasher::TakeEnded(bool wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (wait) Drain(lock);
  return std::exchange(ended_, {});
}

base::Digest RangeHasher::Whole() {
  std::unique_lock<std::mutex> lock(mutex_);
  Drain(lock);
  base::Sha256 fork = whole_;
  return fork.Finish();
}

void RangeHasher::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    if (work.end.has_value()) {
      work.end->crc32 = std::exchange(range_, 0);
    } else {
      whole_.Update(work.data);
      range_ = libdeflate_crc32(range_, work.data.data(), work.data.size());
    }
    lock.lock();
    if (work.end.has_value()) {
      ended_.push_back(*work.end);
    } else {
      work.data.clear();
      spare_.push_back(std::move(work.data));
    }
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace rules_inference::store
