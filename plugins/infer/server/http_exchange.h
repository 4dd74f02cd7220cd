// One request on its way through the server: its body, its answer, and how far it is.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_EXCHANGE_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_EXCHANGE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "microhttpd.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_load.h"

namespace rules_inference::infer::http {

using Clock = std::chrono::steady_clock;

enum class Phase {
  kReceiving,
  kQueued,     // Suspended, without a worker.
  kRunning,    // Suspended, with one.
  kAnswering,  // Its answer has begun.
};

// Invariants: an exchange that is suspended is resumed exactly once, by who gives the answer, under
// its mutex; a body belongs to the loop until a worker takes it, and to that worker from then on.
class Exchange final : public HttpExchange {
 public:
  // `load` has to outlive it. `can_probe`: whether the client has to skip interim answers.
  Exchange(Load& load, MHD_Connection* connection, int fd, bool can_probe, HttpHead head)
      : connection(connection), fd(fd), can_probe(can_probe), load_(load), head_(std::move(head)) {}
  ~Exchange() override { DropBody(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const HttpHead& head() const override { return head_; }
  absl::string_view body() const override { return body_; }
  void DropBody() override;
  void Send(HttpAnswer answer) override;
  void Begin(HttpAnswer head) override;
  void Write(std::string part) override;
  void End() override;
  bool Cancelled() const override { return cancelled; }
  HttpLoad load() const override { return load_.Now(); }

  // Of the thread of connections. False: it does not fit.
  bool ReserveBody(size_t size);
  void Append(absl::string_view part) { body_.append(part.data(), part.size()); }
  size_t body_size() const { return body_.size(); }
  size_t body_capacity() const { return body_.capacity(); }

  // With the mutex.
  void Resume();

  MHD_Connection* const connection;
  const int fd;
  const bool can_probe;
  const Clock::time_point start = Clock::now();
  // Of the thread of connections.
  std::optional<HttpAnswer> refusal;
  size_t received = 0;
  // With the mutex of the server: a worker has it, and the body with it, also when the connection
  // is long gone.
  bool taken = false;

  std::atomic<bool> cancelled = false;

  std::mutex mutex;
  Phase phase = Phase::kReceiving;
  Clock::time_point since = start;
  bool suspended = false;
  bool probed = false;
  // The library is done with it; `connection` must not be used any more.
  bool over = false;
  // Set once.
  std::optional<HttpAnswer> answer;
  bool streams = false;
  bool ended = false;
  std::string backlog;
  int status = 0;
  int64_t sent = 0;

 private:
  Load& load_;
  const HttpHead head_;
  std::string body_;
  size_t reserved_ = 0;
};

}  // namespace rules_inference::infer::http

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_EXCHANGE_H_
