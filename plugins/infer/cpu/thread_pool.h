// Threads that share out the tasks of a loop.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_THREAD_POOL_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_THREAD_POOL_H_

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace rules_inference::infer {

class ThreadPool {
 public:
  // `threads` with the caller's own, at least 1; fewer where the machine gives no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls `work(task, thread)` once for each of 0 .. tasks-1, in any order and at the same time;
  // `thread` is 0 .. threads()-1. Returns when all are done. By one thread at a time, and not from
  // inside of `work`.
  void Run(size_t tasks, absl::FunctionRef<void(size_t, int)> work);

 private:
  void Work(int thread);
  void Take(int thread);

  std::vector<std::thread> workers_;
  // The loop that goes on. Written while nobody is inside.
  const absl::FunctionRef<void(size_t, int)>* work_ = nullptr;
  size_t tasks_ = 0;
  alignas(64) std::atomic<size_t> next_{0};
  // Odd while a loop is open to workers. Negative when it is over for good.
  alignas(64) std::atomic<int> epoch_{0};
  // Workers that are inside of a loop.
  alignas(64) std::atomic<int> inside_{0};
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_THREAD_POOL_H_
