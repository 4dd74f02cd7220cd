// A server from its start to the signal that ends it.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVE_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVE_H_

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/server/http_server.h"
#include "plugins/infer/server/metrics.h"
#include "plugins/infer/server/service.h"
#include "plugins/infer/server/speech.h"

namespace rules_inference::infer {

enum class LogFormat { kText, kJson, kNone };

struct ServeOptions {
  HttpServerOptions http;
  ServiceOptions service;
  LogFormat log = LogFormat::kText;
  // For requests that are there when the server is asked to stop.
  std::chrono::milliseconds grace{30'000};
};

// Says a line to people who run the server. May be called by any thread.
using Say = std::function<void(absl::string_view)>;
// Loads the model, while the server already listens and says that it does. Batches go to `metrics`.
using LoadSpeech =
    std::function<absl::StatusOr<std::shared_ptr<Speech>>(Metrics& metrics, const Say& say)>;

// Serves until SIGTERM or SIGINT, then 0; a second signal ends the process at once. The address is
// one line on `out`, everything else goes to `err`. To be called once in a process, before it has
// threads. Errors: an address that cannot be listened on, a model that cannot be loaded.
absl::StatusOr<int> Serve(ServeOptions options, const LoadSpeech& load, std::ostream& out,
                          std::ostream& err);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVE_H_
