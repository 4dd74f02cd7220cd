#include "plugins/infer/server/http_exchange.h"

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>

#include "microhttpd.h"
#include "plugins/infer/server/http.h"

namespace rules_inference::infer::http {

bool Exchange::ReserveBody(size_t size) {
  if (size <= reserved_) return true;
  if (!load_.TakeBodyMemory(size - reserved_)) return false;
  reserved_ = size;
  body_.reserve(size);
  return true;
}

void Exchange::DropBody() {
  std::string().swap(body_);
  load_.GiveBodyMemory(std::exchange(reserved_, 0));
}

void Exchange::Resume() {
  if (!suspended || over) return;
  suspended = false;
  MHD_resume_connection(connection);
}

void Exchange::Send(HttpAnswer given) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (answer.has_value() || over) return;
  answer = std::move(given);
  ended = true;
  Resume();
}

void Exchange::Begin(HttpAnswer given) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (answer.has_value() || over) return;
  backlog = std::move(given.body);
  given.body.clear();
  answer = std::move(given);
  streams = true;
  Resume();
}

void Exchange::Write(std::string part) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!streams || ended || over) return;
  backlog += part;
  Resume();
}

void Exchange::End() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!streams || ended || over) return;
  ended = true;
  Resume();
}

}  // namespace rules_inference::infer::http
