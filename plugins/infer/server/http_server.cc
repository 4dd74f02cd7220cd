// Problem: a request costs seconds of a device, its body is megabytes, and clients stall, vanish,
// lie, and come in hundreds.
//
// Idea: libmicrohttpd's epoll loop owns all connections, so a slow client costs a descriptor and a
// buffer of fixed size, no thread. A request that takes time is suspended in the loop and waits in
// a queue of limited length for a worker; the worker hands over an answer, or parts of one, and
// resumes the connection. Bodies are paid for from one purse before they are read.
//
// What the library leaves open is in files of its own: time limits that hold for a request as a
// whole and clients that go (http_watchman.cc), memory for bodies (http_load.h), answers that come
// in parts (http_exchange.h, http_response.cc).
//
// Invariants: those of http_exchange.h and http_watchman.cc. Locks are taken in the order server,
// exchange, library.
//
// Cost: some 30 KiB for a connection.

#include "plugins/infer/server/http_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "microhttpd.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_exchange.h"
#include "plugins/infer/server/http_listener.h"
#include "plugins/infer/server/http_load.h"
#include "plugins/infer/server/http_response.h"
#include "plugins/infer/server/http_watchman.h"

namespace rules_inference::infer {
namespace {

using http::Clock;
using http::Connection;
using http::Exchange;
using http::Phase;

constexpr std::chrono::milliseconds kWatchEvery(50);
// The loop waits for changes of a socket. It misses the end of what a client sends when that comes
// together with the last bytes; one round in so many looks for such connections.
constexpr int kEndsEvery = 10;
// A refused body up to that many times the largest one is read and dropped, because most clients
// look for an answer only when they have sent everything. Longer ones lose the connection.
constexpr size_t kDropFactor = 4;
constexpr size_t kConnectionMemory = size_t{32} << 10;
constexpr size_t kFirstGrowth = size_t{64} << 10;

class Server final : public HttpServer {
 public:
  Server(const HttpServerOptions& options, HttpHandler& handler)
      : options_(options),
        handler_(handler),
        load_(options.max_bodies),
        watchman_(options_, handler) {}
  ~Server() override { Stop(std::chrono::milliseconds(0)); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  absl::Status Start();

  int port() const override { return listener_.port; }
  std::string Url() const override { return absl::StrCat("http://", listener_.authority); }
  void Stop(std::chrono::milliseconds grace) override;

 private:
  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char* version, const char* upload,
                              size_t* upload_size, void** context) {
    return static_cast<Server*>(self)->Access(connection, url, method, version,
                                              absl::string_view(upload, *upload_size), upload_size,
                                              context);
  }
  static void OnCompleted(void* self, MHD_Connection* connection, void** context,
                          MHD_RequestTerminationCode code);
  static void OnConnection(void* self, MHD_Connection* connection, void** context,
                           MHD_ConnectionNotificationCode code);

  MHD_Result Access(MHD_Connection* connection, const char* url, const char* method,
                    const char* version, absl::string_view upload, size_t* upload_size,
                    void** context);
  std::shared_ptr<Exchange> NewExchange(MHD_Connection* connection, const char* url,
                                        const char* method, const char* version);
  MHD_Result Head(const std::shared_ptr<Exchange>& exchange);
  MHD_Result Receive(Exchange& exchange, absl::string_view upload);
  MHD_Result Dispatch(MHD_Connection* connection, const std::shared_ptr<Exchange>& exchange);
  MHD_Result Answer(const std::shared_ptr<Exchange>& exchange);
  void Refuse(Exchange& exchange, HttpRefusal refusal) {
    exchange.refusal = handler_.Refuse(refusal);
    exchange.DropBody();
  }

  void Work();
  void Watch();

  const HttpServerOptions options_;
  HttpHandler& handler_;
  http::Load load_;
  http::Watchman watchman_;
  http::Listener listener_;
  MHD_Daemon* daemon_ = nullptr;
  std::vector<std::thread> workers_;
  std::thread watch_thread_;
  bool stopped_ = false;

  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::set<Connection*> connections_;
  // Requests from their head to their end.
  int active_ = 0;
  std::condition_variable idle_;
  std::deque<std::shared_ptr<Exchange>> queue_;
  std::condition_variable queued_;
  bool workers_end_ = false;
  std::condition_variable watch_;
  bool watch_ends_ = false;
};

absl::Status Server::Start() {
  ASSIGN_OR_RETURN(listener_, http::Listen(options_.host, options_.port));
  daemon_ = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr,
      nullptr, &Server::OnRequest, this,                                             //
      MHD_OPTION_LISTEN_SOCKET, listener_.fd,                                        //
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options_.max_connections),  //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,                         //
      MHD_OPTION_NOTIFY_COMPLETED, &Server::OnCompleted, this,                       //
      MHD_OPTION_NOTIFY_CONNECTION, &Server::OnConnection, this,                     //
      MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,                                           //
      MHD_OPTION_END);
  if (daemon_ == nullptr) {
    const int error = errno;
    close(listener_.fd);
    return base::SystemError(error, "server: cannot start", listener_.authority);
  }
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { Work(); });
  watch_thread_ = std::thread([this] { Watch(); });
  return absl::OkStatus();
}

void Server::OnConnection(void* self, MHD_Connection* connection, void** context,
                          MHD_ConnectionNotificationCode code) {
  auto& server = *static_cast<Server*>(self);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    auto* added = new Connection;
    added->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *context = added;
    const std::lock_guard<std::mutex> lock(server.mutex_);
    server.connections_.insert(added);
    ++server.load_.connections;
  } else {
    auto* gone = static_cast<Connection*>(*context);
    {
      const std::lock_guard<std::mutex> lock(server.mutex_);
      server.connections_.erase(gone);
      --server.load_.connections;
    }
    delete gone;
  }
}

std::shared_ptr<Exchange> Server::NewExchange(MHD_Connection* connection, const char* url,
                                              const char* method, const char* version) {
  HttpHead head{.method = method, .path = url};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* headers, MHD_ValueKind, const char* key, const char* value) {
        static_cast<HttpHeaders*>(headers)->emplace_back(key, value == nullptr ? "" : value);
        return MHD_YES;
      },
      &head.headers);
  const sockaddr* address =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
  char host[NI_MAXHOST] = "";
  const socklen_t size =
      address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  (void)getnameinfo(address, size, host, sizeof(host), nullptr, 0, NI_NUMERICHOST);
  head.peer = host;
  auto* socket = static_cast<Connection*>(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
  auto exchange = std::make_shared<Exchange>(load_, connection, socket->fd,
                                             absl::string_view(version) == MHD_HTTP_VERSION_1_1,
                                             std::move(head));
  ++load_.receiving;
  const std::lock_guard<std::mutex> lock(mutex_);
  socket->exchange = exchange;
  ++active_;
  return exchange;
}

// The library calls this when the head is there, with each part of the body, at its end, and when
// the connection has been resumed.
MHD_Result Server::Access(MHD_Connection* connection, const char* url, const char* method,
                          const char* version, absl::string_view upload, size_t* upload_size,
                          void** context) {
  if (*context == nullptr) {
    auto exchange = NewExchange(connection, url, method, version);
    *context = new std::shared_ptr<Exchange>(exchange);
    return Head(exchange);
  }
  const std::shared_ptr<Exchange> exchange = *static_cast<std::shared_ptr<Exchange>*>(*context);
  if (!upload.empty()) {
    *upload_size = 0;
    return Receive(*exchange, upload);
  }
  bool received = false;
  {
    const std::lock_guard<std::mutex> lock(exchange->mutex);
    received = exchange->phase == Phase::kReceiving;
  }
  return received ? Dispatch(connection, exchange) : Answer(exchange);
}

MHD_Result Server::Head(const std::shared_ptr<Exchange>& shared) {
  Exchange& exchange = *shared;
  const HttpHead& head = exchange.head();
  uint64_t length = 0;
  const absl::string_view given = head.Header("Content-Length");
  // The library has read it, too, and refuses what is no number.
  if (!given.empty() && !absl::SimpleAtoi(given, &length)) return MHD_NO;
  exchange.refusal = handler_.Check(head);
  if (!exchange.refusal.has_value() && length > options_.max_body) {
    Refuse(exchange, HttpRefusal::kTooLarge);
  }
  // Not to receive in vain what would not be handled anyway.
  if (!exchange.refusal.has_value() && length > 0 && load_.waiting >= options_.max_waiting) {
    Refuse(exchange, HttpRefusal::kBusy);
  }
  if (!exchange.refusal.has_value() && length > 0 && !exchange.ReserveBody(length)) {
    Refuse(exchange, HttpRefusal::kNoMemory);
  }
  if (!exchange.refusal.has_value()) return MHD_YES;
  const bool waits = !head.Header("Expect").empty();
  if (!waits && length <= options_.max_body * kDropFactor) return MHD_YES;
  exchange.Send(*std::move(exchange.refusal));
  return Answer(shared);
}

MHD_Result Server::Receive(Exchange& exchange, absl::string_view upload) {
  exchange.received += upload.size();
  if (exchange.received > options_.max_body * kDropFactor) return MHD_NO;
  if (exchange.refusal.has_value()) return MHD_YES;
  const size_t size = exchange.body_size() + upload.size();
  if (size > options_.max_body) {
    Refuse(exchange, HttpRefusal::kTooLarge);
    return MHD_YES;
  }
  // Without a length, by doubling.
  if (size > exchange.body_capacity() &&
      !exchange.ReserveBody(std::min(options_.max_body, std::max(kFirstGrowth, 2 * size)))) {
    Refuse(exchange, HttpRefusal::kNoMemory);
    return MHD_YES;
  }
  exchange.Append(upload);
  return MHD_YES;
}

MHD_Result Server::Dispatch(MHD_Connection* connection, const std::shared_ptr<Exchange>& exchange) {
  if (!exchange->refusal.has_value() && stopping_) Refuse(*exchange, HttpRefusal::kStopping);
  const bool quick = exchange->refusal.has_value() || handler_.IsQuick(exchange->head());
  bool queued = false;
  if (!quick) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (load_.waiting < options_.max_waiting && !workers_end_) {
      queued = true;
      ++load_.waiting;
      queue_.push_back(exchange);
      const std::lock_guard<std::mutex> exchange_lock(exchange->mutex);
      exchange->phase = Phase::kQueued;
      exchange->since = Clock::now();
      exchange->suspended = true;
      // Before a worker can see it, because that one would resume it.
      MHD_suspend_connection(connection);
      queued_.notify_one();
    } else {
      Refuse(*exchange, HttpRefusal::kBusy);
    }
  }
  --load_.receiving;
  if (queued) return MHD_YES;
  if (exchange->refusal.has_value()) {
    exchange->Send(*std::move(exchange->refusal));
  } else {
    handler_.Handle(*exchange);
  }
  {
    const std::lock_guard<std::mutex> lock(exchange->mutex);
    exchange->phase = Phase::kQueued;
  }
  return Answer(exchange);
}

MHD_Result Server::Answer(const std::shared_ptr<Exchange>& exchange) {
  HttpAnswer answer;
  bool streams = false;
  {
    const std::lock_guard<std::mutex> lock(exchange->mutex);
    if (exchange->phase == Phase::kAnswering || !exchange->answer.has_value()) return MHD_NO;
    if (exchange->phase == Phase::kReceiving) --load_.receiving;
    exchange->phase = Phase::kAnswering;
    exchange->since = Clock::now();
    answer = *exchange->answer;
    streams = exchange->streams;
    exchange->status = answer.status;
    if (!streams) exchange->sent = static_cast<int64_t>(answer.body.size());
  }
  return http::QueueAnswer(exchange, std::move(answer), streams, stopping_);
}

void Server::OnCompleted(void* self, MHD_Connection* connection, void** context,
                         MHD_RequestTerminationCode code) {
  auto& server = *static_cast<Server*>(self);
  // A request that the library refused by itself.
  if (*context == nullptr) return;
  const std::unique_ptr<std::shared_ptr<Exchange>> holder(
      static_cast<std::shared_ptr<Exchange>*>(*context));
  *context = nullptr;
  Exchange& exchange = **holder;
  HttpRecord record{.head = exchange.head(),
                    .received = static_cast<int64_t>(exchange.received),
                    .complete = code == MHD_REQUEST_TERMINATED_COMPLETED_OK};
  {
    const std::lock_guard<std::mutex> lock(exchange.mutex);
    exchange.over = true;
    exchange.cancelled = true;
    if (exchange.phase == Phase::kReceiving) --server.load_.receiving;
    record.status = exchange.status;
    record.sent = exchange.sent;
    record.seconds = std::chrono::duration<double>(Clock::now() - exchange.start).count();
  }
  auto* socket = static_cast<Connection*>(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
  {
    const std::lock_guard<std::mutex> lock(server.mutex_);
    if (!exchange.taken) {
      if (std::erase(server.queue_, *holder) > 0) --server.load_.waiting;
      exchange.DropBody();
    }
    socket->exchange = nullptr;
    socket->first = false;
    socket->since = Clock::now();
    if (--server.active_ == 0) server.idle_.notify_all();
  }
  server.handler_.OnEnd(record);
}

void Server::Work() {
  for (;;) {
    std::shared_ptr<Exchange> exchange;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      queued_.wait(lock, [&] { return workers_end_ || !queue_.empty(); });
      if (queue_.empty()) return;
      exchange = std::move(queue_.front());
      exchange->taken = true;
      queue_.pop_front();
      --load_.waiting;
      ++load_.running;
      const std::lock_guard<std::mutex> exchange_lock(exchange->mutex);
      if (exchange->phase == Phase::kQueued) exchange->phase = Phase::kRunning;
    }
    if (exchange->Cancelled()) {
      // It may be suspended still. Nobody reads this.
      exchange->Send({.status = 499, .content_type = "text/plain", .body = "cancelled\n"});
    } else {
      handler_.Handle(*exchange);
    }
    exchange->DropBody();
    exchange->End();
    exchange->Send({.status = 500, .content_type = "text/plain", .body = "no answer\n"});
    --load_.running;
  }
}

void Server::Watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (int round = 0; !watch_ends_; ++round) {
    watch_.wait_for(lock, kWatchEvery, [&] { return watch_ends_; });
    const Clock::time_point now = Clock::now();
    for (Connection* connection : connections_) {
      watchman_.Look(*connection, now, round % kEndsEvery == 0);
    }
  }
}

void Server::Stop(std::chrono::milliseconds grace) {
  if (std::exchange(stopped_, true)) return;
  stopping_ = true;
  if (daemon_ == nullptr) return;
  // Whoever comes now is refused by the kernel. Closed at the very end, as the loop knows its
  // number.
  (void)MHD_quiesce_daemon(daemon_);
  (void)shutdown(listener_.fd, SHUT_RDWR);
  const auto idle = [&] { return active_ == 0; };
  {
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait_for(lock, grace, idle);
    for (Connection* connection : connections_) {
      if (connection->exchange == nullptr) continue;
      Exchange& exchange = *connection->exchange;
      const std::lock_guard<std::mutex> exchange_lock(exchange.mutex);
      exchange.cancelled = true;
      if (exchange.phase == Phase::kReceiving) (void)shutdown(connection->fd, SHUT_RDWR);
      if (exchange.answer.has_value() || exchange.phase == Phase::kReceiving) continue;
      exchange.answer = handler_.Refuse(HttpRefusal::kStopping);
      exchange.ended = true;
      exchange.Resume();
    }
    workers_end_ = true;
    queued_.notify_all();
  }
  for (std::thread& worker : workers_) worker.join();
  {
    // What has just been answered has to get out.
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait_for(
        lock, std::min<std::chrono::milliseconds>(options_.write_timeout, std::chrono::seconds(1)),
        idle);
    watch_ends_ = true;
    watch_.notify_all();
  }
  watch_thread_.join();
  MHD_stop_daemon(daemon_);
  close(listener_.fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                              HttpHandler& handler) {
  auto server = std::make_unique<Server>(options, handler);
  RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace rules_inference::infer
