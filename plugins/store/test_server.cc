#include "plugins/store/test_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace rules_inference::store {
namespace {

constexpr char kScript[] = "plugins/store/testdata/server.py";
constexpr int kStartMilliseconds = 15000;

[[noreturn]] void Fail(absl::string_view why) {
  fprintf(stderr, "cannot start %s with python3: %s\n", kScript, std::string(why).c_str());
  exit(1);
}

// One line, or as much as comes in time.
std::string ReadLine(int fd) {
  std::string line;
  pollfd wait = {.fd = fd, .events = POLLIN, .revents = 0};
  char byte = 0;
  while (poll(&wait, 1, kStartMilliseconds) == 1 && read(fd, &byte, 1) == 1 && byte != '\n') {
    line.push_back(byte);
  }
  return line;
}

}  // namespace

std::string GoodBody() {
  std::string body;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&body, "0123456789");
  return body;
}

std::string BigBody() {
  std::string body(16 << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i);
  return body;
}

TestServer::TestServer(const std::string& certificate) {
  int in[2];
  int out[2];
  // Only the server may hold the ends, or it would not see the test end.
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) Fail("no pipe");
  pid_ = fork();
  if (pid_ < 0) Fail("no process");
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execlp("python3", "python3", kScript, certificate.empty() ? nullptr : certificate.c_str(),
           nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  stdin_ = in[1];
  const std::vector<std::string> ports = absl::StrSplit(ReadLine(out[0]), ' ');
  close(out[0]);
  if (!absl::SimpleAtoi(ports[0], &port_)) Fail("no port came");
  if (!certificate.empty() && (ports.size() != 2 || !absl::SimpleAtoi(ports[1], &secure_port_))) {
    Fail("no port for https came");
  }
}

TestServer::~TestServer() {
  close(stdin_);
  for (int i = 0; i < 100; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) return;
    usleep(20000);
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string TestServer::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

std::string TestServer::SecureUrl(absl::string_view path) const {
  return absl::StrCat("https://127.0.0.1:", secure_port_, path);
}

}  // namespace rules_inference::store
