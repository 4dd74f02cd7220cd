// Answers as the library takes them: whole, or part by part as they come.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_RESPONSE_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_RESPONSE_H_

#include <memory>

#include "microhttpd.h"
#include "plugins/infer/server/http.h"
#include "plugins/infer/server/http_exchange.h"

namespace rules_inference::infer::http {

// Sends the head of `answer`, and its body or, when it `streams`, what the exchange's backlog gets.
// `closes`: no further request on this connection.
MHD_Result QueueAnswer(const std::shared_ptr<Exchange>& exchange, HttpAnswer answer, bool streams,
                       bool closes);

}  // namespace rules_inference::infer::http

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_HTTP_RESPONSE_H_
