// An HTTP/1.1 server for few and costly requests, on libmicrohttpd: one thread for all connections,
// some workers for what takes time.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_SERVER_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "plugins/infer/server/http.h"

namespace rules_inference::infer {

// Everything that a client could use without end has a limit.
struct HttpServerOptions {
  using Milliseconds = std::chrono::milliseconds;

  // Name or address.
  std::string host = "127.0.0.1";
  // 0: one that is free.
  int port = 8080;

  int max_connections = 512;
  size_t max_body = size_t{25} << 20;
  // Of all bodies that are in memory.
  size_t max_bodies = size_t{256} << 20;
  int workers = 4;
  int max_waiting = 64;

  // From the first byte that could come to the end of the head; a connection that is kept alive may
  // be idle as long.
  Milliseconds head_timeout{10'000};
  // From the head to the end of the body.
  Milliseconds body_timeout{60'000};
  // From the end of the body to the answer.
  Milliseconds request_timeout{600'000};
  // For a client to take an answer, or the next part of one.
  Milliseconds write_timeout{30'000};
};

class HttpServer {
 public:
  // Listens and serves. `handler` has to outlive the result.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                           HttpHandler& handler);

  // As Stop without grace.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
  // "http://127.0.0.1:8080".
  virtual std::string Url() const = 0;

  // Takes no new connections, waits up to `grace` for the requests that are there, then cancels
  // what is left, and returns when the last worker has noticed. To be called once at most.
  virtual void Stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_SERVER_H_
