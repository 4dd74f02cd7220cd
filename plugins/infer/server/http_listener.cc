#include "plugins/infer/server/http_listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/error.h"

namespace rules_inference::infer::http {

absl::StatusOr<Listener> Listen(const std::string& host, int port) {
  Listener listener;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string where = absl::StrCat(host, ":", port);
  const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (error != 0) {
    return base::Mismatch("server", where, gai_strerror(error), "an address of this machine");
  }
  absl::Status status;
  for (const addrinfo* each = found; each != nullptr && listener.fd < 0; each = each->ai_next) {
    const int fd = socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    const int yes = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(fd, each->ai_addr, each->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
      listener.fd = fd;
      continue;
    }
    status = base::SystemError(errno, "server: cannot listen", where);
    if (fd >= 0) close(fd);
  }
  freeaddrinfo(found);
  if (listener.fd < 0) return status;
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  char name[NI_MAXHOST];
  char number[NI_MAXSERV];
  if (getsockname(listener.fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      getnameinfo(reinterpret_cast<sockaddr*>(&address), size, name, sizeof(name), number,
                  sizeof(number), NI_NUMERICHOST | NI_NUMERICSERV) != 0 ||
      !absl::SimpleAtoi(number, &listener.port)) {
    const int error = errno;
    close(listener.fd);
    return base::SystemError(error, "server: no name of the socket", where);
  }
  listener.authority = address.ss_family == AF_INET6 ? absl::StrCat("[", name, "]:", number)
                                                     : absl::StrCat(name, ":", number);
  return listener;
}

}  // namespace rules_inference::infer::http
