// HTTP as the request logic sees it: no sockets, no threads.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace rules_inference::infer {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpHead {
  std::string method;
  // Decoded, without the query, which nothing here uses.
  std::string path;
  HttpHeaders headers;
  // Address of the client, for logs.
  std::string peer;

  // The first header of that name; empty when there is none.
  absl::string_view Header(absl::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (absl::EqualsIgnoreCase(key, name)) return value;
    }
    return {};
  }
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Besides Content-Type and Content-Length.
  HttpHeaders headers;
};

// What goes on at the moment.
struct HttpLoad {
  int connections = 0;
  // Requests whose body is on its way, that wait for a worker, and that have one.
  int receiving = 0;
  int waiting = 0;
  int running = 0;
  // Memory that bodies hold or have reserved.
  int64_t body_bytes = 0;
};

// One request and the place for its answer: either Send once, or Begin, Write any number of times,
// End. What comes after the answer has been given, or after the client has gone, does nothing. All
// may be called by any thread.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual const HttpHead& head() const = 0;
  virtual absl::string_view body() const = 0;
  // Frees the body as soon as it is no longer needed.
  virtual void DropBody() = 0;

  virtual void Send(HttpAnswer answer) = 0;
  virtual void Begin(HttpAnswer head) = 0;
  virtual void Write(std::string part) = 0;
  virtual void End() = 0;

  // Nobody waits for the answer any more: the client has gone, time is over, the server stops.
  virtual bool Cancelled() const = 0;

  virtual HttpLoad load() const = 0;
};

// Why a request is not even handled, or not to its end.
enum class HttpRefusal {
  kTooLarge,  // Its body.
  kBusy,      // Too many requests wait.
  kNoMemory,  // Other bodies hold all the memory there is for them.
  kTimeout,   // It took too long to handle.
  kStopping,
};

// A request that is over.
struct HttpRecord {
  HttpHead head;
  // 0: the connection was lost before there was an answer.
  int status = 0;
  int64_t received = 0;
  int64_t sent = 0;
  double seconds = 0;
  // Whether the client got all of the answer.
  bool complete = false;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  // Asked when the head of a request is there. An answer refuses it before its body is read.
  virtual std::optional<HttpAnswer> Check(const HttpHead& head) = 0;
  // Whether Handle needs no time to speak of: it is called by the thread of all connections then,
  // and may not wait.
  virtual bool IsQuick(const HttpHead& head) = 0;
  virtual void Handle(HttpExchange& exchange) = 0;
  virtual HttpAnswer Refuse(HttpRefusal refusal) = 0;
  virtual void OnEnd(const HttpRecord& record) = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_H_
