// Who takes too long, and who has gone.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_WATCHMAN_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_WATCHMAN_H_

#include <memory>

#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_exchange.h"
#include "plugins/infer/server/http_server.h"

namespace rules_inference::infer::http {

// What the library tells about sockets.
struct Connection {
  int fd = -1;
  // A request may come since then.
  Clock::time_point since = Clock::now();
  bool first = true;
  // The watchman has seen that nothing more will come.
  bool ended = false;
  std::shared_ptr<Exchange> exchange;
};

class Watchman {
 public:
  // Both have to outlive it.
  Watchman(const HttpServerOptions& options, HttpHandler& handler)
      : options_(options), handler_(handler) {}

  // Ends what is over its time. `ends`: looks for connections that the client has closed, too.
  void Look(Connection& connection, Clock::time_point now, bool ends);

 private:
  // With the exchange's mutex.
  static void LookForClient(Exchange& exchange);

  const HttpServerOptions& options_;
  HttpHandler& handler_;
};

}  // namespace rules_inference::infer::http

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_WATCHMAN_H_
