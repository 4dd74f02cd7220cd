// Problem: the library limits idle time only, so a client that sends a byte now and then would stay
// for ever; and its loop does not look at a connection whose request is suspended.
//
// Idea: all connections are looked at twenty times a second. Those whose head, body or answer takes
// too long as a whole are ended. A connection that the client has closed and one that it has closed
// for writing only look alike; an interim answer ("100 Continue", which any client has to skip)
// tells them apart, as only the first kind answers it with a reset.
//
// Invariant: a descriptor is used only between the library's notices of start and end of the
// connection, which take the server's mutex, as who calls this does.
//
// Cost: a system call for each request that is worked on.

#include "plugins/infer/server/http_watchman.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <mutex>
#include <utility>

#include "absl/strings/string_view.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_exchange.h"

namespace rules_inference::infer::http {
namespace {

// Whether the client has closed its side, and the loop has read all that came before.
bool HasEnded(int fd) {
  pollfd look = {.fd = fd, .events = POLLRDHUP, .revents = 0};
  int unread = 0;
  return poll(&look, 1, 0) > 0 && ioctl(fd, FIONREAD, &unread) == 0 && unread == 0;
}

void SendRaw(int fd, absl::string_view text) {
  // What does not fit into the socket's buffer is not worth waiting for.
  (void)send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

void Watchman::Look(Connection& connection, Clock::time_point now, bool ends) {
  constexpr absl::string_view kTooSlow =
      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  const auto end = [&](bool say) {
    if (say) SendRaw(connection.fd, kTooSlow);
    // The loop notices and closes it.
    (void)shutdown(connection.fd, SHUT_RDWR);
  };
  // Seen twice, half a second apart, so that the loop had time for what it has read.
  const auto has_ended = [&] {
    if (!ends) return false;
    return std::exchange(connection.ended, HasEnded(connection.fd)) && connection.ended;
  };
  if (connection.exchange == nullptr) {
    if (now > connection.since + options_.head_timeout) {
      end(connection.first);
    } else if (has_ended()) {
      end(false);
    }
    return;
  }
  Exchange& exchange = *connection.exchange;
  const std::lock_guard<std::mutex> lock(exchange.mutex);
  switch (exchange.phase) {
    case Phase::kReceiving:
      if (now > exchange.since + options_.body_timeout) {
        end(true);
      } else if (has_ended()) {
        end(false);
      }
      return;
    case Phase::kQueued:
    case Phase::kRunning:
      if (!exchange.suspended) return;
      LookForClient(exchange);
      if (now > exchange.since + options_.request_timeout && !exchange.answer.has_value()) {
        exchange.cancelled = true;
        exchange.answer = handler_.Refuse(HttpRefusal::kTimeout);
        exchange.ended = true;
        exchange.Resume();
      }
      return;
    case Phase::kAnswering:
      if (exchange.suspended) {
        LookForClient(exchange);
        if (now > exchange.start + options_.body_timeout + options_.request_timeout) {
          exchange.cancelled = true;
        }
      } else if (now > exchange.since + options_.write_timeout) {
        exchange.cancelled = true;
        end(false);
      }
      return;
  }
}

void Watchman::LookForClient(Exchange& exchange) {
  pollfd look = {.fd = exchange.fd, .events = POLLRDHUP, .revents = 0};
  if (poll(&look, 1, 0) <= 0) return;
  if ((look.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    exchange.cancelled = true;
    return;
  }
  if ((look.revents & POLLRDHUP) == 0) return;
  if (exchange.phase == Phase::kAnswering) return;  // The next part will tell.
  if (!exchange.can_probe) {
    exchange.cancelled = true;
  } else if (!std::exchange(exchange.probed, true)) {
    SendRaw(exchange.fd, "HTTP/1.1 100 Continue\r\n\r\n");
  }
}

}  // namespace rules_inference::infer::http
