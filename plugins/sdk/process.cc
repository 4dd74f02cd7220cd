#include "plugins/sdk/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "plugins/base/error.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  bool Open() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    read_end = fds[0];
    write_end = fds[1];
    return true;
  }
  static void Close(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  ~Pipe() {
    Close(read_end);
    Close(write_end);
  }
};

// Appends what there is to read; false at the end.
bool ReadSome(int fd, std::string& out) {
  char buffer[65536];
  const ssize_t n = read(fd, buffer, sizeof(buffer));
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  out.append(buffer, static_cast<size_t>(n));
  return n > 0;
}

// Feeds and drains all three pipes at once, as either side may be blocked on any of them.
void Communicate(absl::string_view input, Pipe& in, Pipe& out, Pipe& err, ProcessResult& result) {
  fcntl(in.write_end, F_SETFL, O_NONBLOCK);
  while (out.read_end >= 0 || err.read_end >= 0) {
    if (input.empty()) Pipe::Close(in.write_end);
    pollfd fds[] = {
        {in.write_end, POLLOUT, 0}, {out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};
    if (poll(fds, 3, -1) < 0) continue;
    if (fds[0].revents != 0) {
      const ssize_t n = write(in.write_end, input.data(), input.size());
      if (n > 0) {
        input.remove_prefix(static_cast<size_t>(n));
      } else if (errno != EINTR && errno != EAGAIN) {
        input = "";  // The program reads no more; what it says about that is the result.
      }
    }
    if (fds[1].revents != 0 && !ReadSome(out.read_end, result.output)) Pipe::Close(out.read_end);
    if (fds[2].revents != 0 && !ReadSome(err.read_end, result.error)) Pipe::Close(err.read_end);
  }
}

}  // namespace

absl::StatusOr<ProcessResult> RunProcess(const std::vector<std::string>& argv,
                                         absl::string_view input) {
  Pipe in;
  Pipe out;
  Pipe err;
  if (argv.empty() || !in.Open() || !out.Open() || !err.Open())
    return base::SystemError(errno, "process", "pipe");
  std::vector<char*> c_argv;
  for (const std::string& argument : argv) c_argv.push_back(const_cast<char*>(argument.c_str()));
  c_argv.push_back(nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const pid_t pid = fork();
  if (pid < 0) return base::SystemError(errno, "process", "fork");
  if (pid == 0) {
    // Only async-signal-safe calls until execv: the parent may have threads.
    std::signal(SIGPIPE, SIG_DFL);
    dup2(in.read_end, STDIN_FILENO);
    dup2(out.write_end, STDOUT_FILENO);
    dup2(err.write_end, STDERR_FILENO);
    execv(c_argv[0], c_argv.data());
    _exit(127);
  }
  Pipe::Close(in.read_end);
  Pipe::Close(out.write_end);
  Pipe::Close(err.write_end);
  ProcessResult result;
  Communicate(input, in, out, err, result);
  int status = 0;
  rusage usage = {};
  while (wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) return base::SystemError(errno, "process", "wait4");
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.max_rss_kib = usage.ru_maxrss;
  return result;
}

std::string Delimited(const blaze::worker::WorkRequest& request) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::util::SerializeDelimitedToZeroCopyStream(request, &stream);
  }
  return bytes;
}

absl::StatusOr<std::vector<blaze::worker::WorkResponse>> ParseResponses(absl::string_view bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  std::vector<blaze::worker::WorkResponse> responses;
  while (true) {
    blaze::worker::WorkResponse response;
    bool clean_eof = false;
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&response, &stream, &clean_eof)) {
      if (clean_eof) return responses;
      return base::Mismatch("worker", "standard output", base::Quoted(bytes),
                            "length-delimited WorkResponses");
    }
    responses.push_back(std::move(response));
  }
}

blaze::worker::WorkRequest MakeRequest(int id, const std::vector<std::string>& arguments) {
  blaze::worker::WorkRequest request;
  request.set_request_id(id);
  for (const std::string& argument : arguments) request.add_arguments(argument);
  return request;
}

}  // namespace rules_inference::sdk
