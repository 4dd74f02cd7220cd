// Problem: a token is 50 loops of 20 microseconds each. Waking a thread that sleeps takes longer
// than one of them, and a loop that waits for all of its threads is as slow as the unluckiest.
//
// Idea: threads wait for the next loop awake, and only sleep when none has come for a while. The
// caller takes tasks as everybody does, and when none is left it closes the loop: it waits for the
// threads that are inside, not for those that have not come yet.
//
// Invariant: the loop's data change only while epoch_ is even and inside_ is 0. A worker goes
// inside first (inside_ + 1) and looks then whether the loop is open; the caller closes it first
// and looks then whether somebody is inside. In the one order that all threads see, one of them
// sees the other.
//
// Cost: two or three cache lines that go back and forth for each loop, about a microsecond.

#include "plugins/infer/cpu/thread_pool.h"

#include <atomic>
#include <chrono>
#include <climits>
#include <cstddef>
#include <system_error>
#include <thread>

#include "absl/functional/function_ref.h"

namespace rules_inference::infer {
namespace {

// How long a worker stays awake without work: longer than what callers do between two tokens.
constexpr std::chrono::microseconds kAwake(300);
// Looks between two looks at the clock.
constexpr int kLooks = 64;

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) {
    try {
      workers_.emplace_back([this, i] { Work(i); });
    } catch (const std::system_error&) {
      // The machine gives no more of them. Fewer do the same work.
      break;
    }
  }
}

ThreadPool::~ThreadPool() {
  epoch_ = INT_MIN;
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Take(int thread) {
  for (size_t task = next_++; task < tasks_; task = next_++) (*work_)(task, thread);
}

void ThreadPool::Work(int thread) {
  int done = 0;
  while (true) {
    int epoch = epoch_;
    auto asleep_at = std::chrono::steady_clock::now() + kAwake;
    while (epoch == done || (epoch & 1) == 0) {
      if (epoch < 0) return;
      for (int i = 0; i < kLooks && epoch_ == epoch; ++i) Pause();
      if (epoch_ == epoch && std::chrono::steady_clock::now() > asleep_at) epoch_.wait(epoch);
      epoch = epoch_;
    }
    ++inside_;
    if (epoch_ == epoch) Take(thread);
    --inside_;
    done = epoch;
  }
}

void ThreadPool::Run(size_t tasks, absl::FunctionRef<void(size_t, int)> work) {
  if (workers_.empty() || tasks < 2) {
    for (size_t task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  work_ = &work;
  tasks_ = tasks;
  next_ = 0;
  // Wraps to 0 in time: negative numbers have a meaning of their own.
  const int epoch = epoch_;
  epoch_ = epoch + 1;
  epoch_.notify_all();
  Take(0);
  epoch_ = epoch + 2 > INT_MAX - 4 ? 0 : epoch + 2;
  for (int looks = 1; inside_ != 0; ++looks) {
    Pause();
    // Whoever is inside may have lost its core to somebody else, perhaps to us.
    if (looks % (16 * kLooks) == 0) std::this_thread::yield();
  }
}

}  // namespace rules_inference::infer
