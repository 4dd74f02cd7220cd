#include "plugins/base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/error.h"

namespace rules_inference::base {
namespace {

// PIPE_BUF: what a pipe takes at once.
constexpr size_t kMaxInput = 4096;

class Pipe {
 public:
  ~Pipe() {
    Close(0);
    Close(1);
  }
  bool Open() {
    if (pipe(ends_) != 0) return false;
    // The program that is started later must not find them.
    return fcntl(ends_[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends_[1], F_SETFD, FD_CLOEXEC) == 0;
  }
  int end(int which) const { return ends_[which]; }
  void Close(int which) {
    if (ends_[which] >= 0) close(ends_[which]);
    ends_[which] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Appends what there is to read; false at the end.
bool ReadSome(int fd, size_t max_stream, std::string& out) {
  char buffer[4096];
  const ssize_t count = read(fd, buffer, sizeof(buffer));
  if (count < 0) return errno == EINTR;
  out.append(buffer, std::min(static_cast<size_t>(count), max_stream - out.size()));
  return count > 0;
}

// False when the time is over.
bool Drain(Pipe& output, Pipe& error, absl::Time deadline, size_t max_stream, ChildAnswer& answer) {
  while (output.end(0) >= 0 || error.end(0) >= 0) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd fds[] = {{output.end(0), POLLIN, 0}, {error.end(0), POLLIN, 0}};
    if (poll(fds, 2, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) < 0) continue;
    if (fds[0].revents != 0 && !ReadSome(output.end(0), max_stream, answer.output)) output.Close(0);
    if (fds[1].revents != 0 && !ReadSome(error.end(0), max_stream, answer.error)) error.Close(0);
  }
  return true;
}

}  // namespace

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

std::vector<std::string> EnvironmentWith(const std::string& name, const std::string& value) {
  std::vector<std::string> environment;
  const std::string prefix = absl::StrCat(name, "=");
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!absl::StartsWith(*entry, prefix)) environment.emplace_back(*entry);
  }
  if (!value.empty()) environment.push_back(absl::StrCat(prefix, value));
  return environment;
}

absl::StatusOr<ChildAnswer> AskChild(const std::vector<std::string>& argv,
                                     const std::vector<std::string>& environment,
                                     absl::Duration timeout, size_t max_stream,
                                     absl::string_view input) {
  Pipe output;
  Pipe error;
  Pipe question;
  if (!output.Open() || !error.Open() || !question.Open()) {
    return SystemError(errno, "child process", argv[0]);
  }
  // A pipe holds this much, so it is written before anybody reads, and nobody has to wait.
  if (input.size() > kMaxInput) {
    return Mismatch("child process", argv[0], absl::StrCat(input.size(), " bytes of input"),
                    absl::StrCat("at most ", kMaxInput));
  }
  if (!input.empty() && write(question.end(1), input.data(), input.size()) < 0) {
    return SystemError(errno, "child process", argv[0]);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const auto destroy =
      absl::MakeCleanup([&actions] { posix_spawn_file_actions_destroy(&actions); });
  if (input.empty()) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, question.end(0), STDIN_FILENO);
  }
  posix_spawn_file_actions_adddup2(&actions, output.end(1), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error.end(1), STDERR_FILENO);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0].c_str(), &actions, nullptr, Pointers(argv).data(),
                                  Pointers(environment).data());
  if (failed != 0) return SystemError(failed, "child process", argv[0]);
  output.Close(1);
  error.Close(1);
  question.Close(1);

  ChildAnswer answer;
  const bool in_time = Drain(output, error, absl::Now() + timeout, max_stream, answer);
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    // Who ignores SIGCHLD hands that down to us, and then nothing is known but what was said.
    if (errno != EINTR) break;
  }
  if (!in_time) {
    return absl::DeadlineExceededError(absl::StrCat("child process: ", argv[0],
                                                    ": got no answer, expected one within ",
                                                    absl::FormatDuration(timeout)));
  }
  answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return answer;
}

}  // namespace rules_inference::base
