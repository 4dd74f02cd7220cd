// A socket that listens.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_LISTENER_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_LISTENER_H_

#include <string>

#include "absl/status/statusor.h"

namespace rules_inference::infer::http {

struct Listener {
  // Whoever has it closes it.
  int fd = -1;
  int port = 0;
  // "127.0.0.1:8080", "[::1]:8080".
  std::string authority;
};

// `host`: a name or an address of this machine. `port` 0: one that is free.
absl::StatusOr<Listener> Listen(const std::string& host, int port);

}  // namespace rules_inference::infer::http

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_LISTENER_H_
