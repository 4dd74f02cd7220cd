#include "plugins/infer/cpu/thread_pool.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace rules_inference::infer {
namespace {

TEST(ThreadPoolTest, DoesEachTaskOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const size_t tasks : {0U, 1U, 2U, 7U, 1000U}) {
      std::vector<std::atomic<int>> done(tasks);
      pool.Run(tasks, [&](size_t task, int) { ++done[task]; });
      for (size_t task = 0; task < tasks; ++task) EXPECT_EQ(done[task], 1) << task;
    }
  }
}

TEST(ThreadPoolTest, NumbersThreads) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> busy(3);
  pool.Run(200, [&](size_t, int thread) {
    // Nobody else has the number at the same time.
    EXPECT_EQ(busy.at(static_cast<size_t>(thread))++, 0);
    std::this_thread::yield();
    --busy[static_cast<size_t>(thread)];
  });
}

// Loops that follow each other closely, and loops that find everybody asleep.
TEST(ThreadPoolTest, LosesNoLoop) {
  ThreadPool pool(4);
  size_t sum = 0;
  for (int loop = 0; loop < 20000; ++loop) {
    std::vector<size_t> parts(5);
    pool.Run(parts.size(), [&](size_t task, int) { parts[task] = task + 1; });
    for (const size_t part : parts) sum += part;
    if (loop % 2000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(sum, 20000U * 15);
}

}  // namespace
}  // namespace rules_inference::infer
