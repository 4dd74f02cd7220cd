// What a C++ runtime has to bring besides code: prints one word for each part that works.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <locale>
#include <mutex>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "answer.h"

extern "C" int Length(const char* text);

namespace {

struct Counted {
  explicit Counted(std::atomic<int>* count) : count(count) { ++*count; }
  ~Counted() { --*count; }
  std::atomic<int>* count;
};

std::atomic<int> g_alive{0};
thread_local Counted t_counted(&g_alive);

struct alignas(16) Pair {
  std::uint64_t first, second;
};

bool Exceptions() {
  try {
    // Thrown in another file, through frames without a handler.
    Answer(-1);
  } catch (const std::invalid_argument& error) {
    return std::string(error.what()) == "negative";
  }
  return false;
}

bool Threads() {
  std::vector<std::thread> threads;
  std::mutex mutex;
  int sum = 0;
  for (int i = 1; i <= 4; ++i) {
    threads.emplace_back([&, i] {
      const std::lock_guard lock(mutex);
      sum += i;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return sum == 10 && std::async(std::launch::async, [] { return 7; }).get() == 7;
}

bool ThreadLocals() {
  std::thread([] { t_counted.count->load(); }).join();
  return g_alive == 0;
}

bool Files() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "hermetic_cc_test";
  fs::create_directories(folder / "a");
  std::ofstream(folder / "a" / "b") << "text";
  const bool right = fs::file_size(folder / "a" / "b") == 4;
  return fs::remove_all(folder) == 3 && right;
}

bool Atomics() {
  std::atomic<Pair> pair{Pair{1, 2}};
  Pair expected = pair.load();
  return pair.compare_exchange_strong(expected, Pair{3, 4}) && pair.load().second == 4;
}

bool Texts() {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << 1.5 << ' ' << std::regex_replace("a-b", std::regex("-"), "+");
  return out.str() == "1.5 a+b";
}

bool CpuFeatures() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64") && __builtin_cpu_supports("sse2");
#else
  return true;
#endif
}

}  // namespace

int main() {
  if (Exceptions()) std::cout << "exceptions ";
  if (Threads()) std::cout << "threads ";
  if (ThreadLocals()) std::cout << "thread_local ";
  if (Files()) std::cout << "filesystem ";
  if (Atomics()) std::cout << "atomics ";
  if (Texts()) std::cout << "texts ";
  if (std::abs(std::pow(2.0, 0.5) - 1.41421356) < 1e-6) std::cout << "math ";
  if (Length("four") == 4) std::cout << "c ";
  if (CpuFeatures()) std::cout << "cpu ";
  std::cout << Answer(41) << std::endl;
}
