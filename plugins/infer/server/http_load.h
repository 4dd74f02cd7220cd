// What a server has to do at the moment, and the purse that bodies are paid from.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_LOAD_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_LOAD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "plugins/infer/server/http.h"

namespace rules_inference::infer::http {

// All may be used by any thread.
class Load {
 public:
  // `max_bodies`: bytes of all bodies that are in memory.
  explicit Load(size_t max_bodies) : max_bodies_(static_cast<int64_t>(max_bodies)) {}

  // False: bodies would hold more than they may. What was taken is given back once.
  bool TakeBodyMemory(size_t bytes) {
    const auto wanted = static_cast<int64_t>(bytes);
    if (body_bytes_.fetch_add(wanted) + wanted <= max_bodies_) return true;
    body_bytes_ -= wanted;
    return false;
  }
  void GiveBodyMemory(size_t bytes) { body_bytes_ -= static_cast<int64_t>(bytes); }

  HttpLoad Now() const {
    return {.connections = connections,
            .receiving = receiving,
            .waiting = waiting,
            .running = running,
            .body_bytes = body_bytes_};
  }

  std::atomic<int> connections = 0;
  std::atomic<int> receiving = 0;
  std::atomic<int> waiting = 0;
  std::atomic<int> running = 0;

 private:
  const int64_t max_bodies_;
  std::atomic<int64_t> body_bytes_ = 0;
};

}  // namespace rules_inference::infer::http

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_LOAD_H_
