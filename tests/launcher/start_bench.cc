// What a launcher adds to the start of a program: `start_bench PROGRAM LAUNCHER`. Both are started
// in turns, 200 times each; the medians of the time until they have ended are printed.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

constexpr size_t kRuns = 200;

double Milliseconds(char* program) {
  char* argv[] = {program, nullptr};
  const auto begin = std::chrono::steady_clock::now();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
  pid_t child = 0;
  if (posix_spawn(&child, program, &actions, nullptr, argv, environ) != 0) return -1;
  posix_spawn_file_actions_destroy(&actions);
  waitpid(child, nullptr, 0);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

double Median(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
  return times[kRuns / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<double> direct;
  std::vector<double> launched;
  for (size_t run = 0; run < kRuns; ++run) {
    direct.push_back(Milliseconds(argv[1]));
    launched.push_back(Milliseconds(argv[2]));
  }
  std::printf("direct %.2f ms, launcher %.2f ms, %.2f ms more\n", Median(direct), Median(launched),
              Median(launched) - Median(direct));
  return 0;
}
