#include "plugins/infer/server/http_response.h"

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>

#include "microhttpd.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_exchange.h"

namespace rules_inference::infer::http {
namespace {

constexpr size_t kStreamBlock = size_t{16} << 10;

// The reader of an answer that comes in parts: called by the thread of connections whenever the
// client can take more.
ssize_t ReadParts(void* context, uint64_t /*position*/, char* buffer, size_t size) {
  Exchange& exchange = **static_cast<std::shared_ptr<Exchange>*>(context);
  const std::lock_guard<std::mutex> lock(exchange.mutex);
  exchange.since = Clock::now();
  if (!exchange.backlog.empty()) {
    const size_t part = std::min(size, exchange.backlog.size());
    std::memcpy(buffer, exchange.backlog.data(), part);
    exchange.backlog.erase(0, part);
    exchange.sent += static_cast<int64_t>(part);
    return static_cast<ssize_t>(part);
  }
  if (exchange.ended) return MHD_CONTENT_READER_END_OF_STREAM;
  exchange.suspended = true;
  MHD_suspend_connection(exchange.connection);
  return 0;
}

void ForgetParts(void* context) { delete static_cast<std::shared_ptr<Exchange>*>(context); }

}  // namespace

MHD_Result QueueAnswer(const std::shared_ptr<Exchange>& exchange, HttpAnswer answer, bool streams,
                       bool closes) {
  MHD_Response* response = nullptr;
  if (streams) {
    auto* context = new std::shared_ptr<Exchange>(exchange);
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, &ReadParts,
                                                 context, &ForgetParts);
    if (response == nullptr) delete context;
  } else {
    response = MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                               MHD_RESPMEM_MUST_COPY);
  }
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, "Content-Type", answer.content_type.c_str());
  for (const auto& [name, value] : answer.headers) {
    MHD_add_response_header(response, name.c_str(), value.c_str());
  }
  if (closes) MHD_add_response_header(response, "Connection", "close");
  const MHD_Result result =
      MHD_queue_response(exchange->connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return result;
}

}  // namespace rules_inference::infer::http
