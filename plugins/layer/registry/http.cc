#include "plugins/layer/registry/http.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "curl/curl.h"
#include "plugins/base/error.h"
#include "plugins/store/connection.h"
#include "plugins/store/url.h"

namespace rules_inference::layer::registry {
namespace {

using base::Mismatch;
// Not the time of day, which may jump.
using Clock = std::chrono::steady_clock;

constexpr size_t kMaxBody = size_t{1} << 20;

absl::Status Lost(absl::string_view where, absl::string_view got, absl::string_view expected) {
  return absl::UnavailableError(Mismatch("connection lost", where, got, expected).message());
}

}  // namespace

struct Http::Exchange {
  const HttpRequest& request;
  const HttpOptions& options;
  const std::function<void(uint64_t)>& sent;
  HttpAnswer answer;
  uint64_t size = 0;
  uint64_t done = 0;
  absl::Status failure;
  bool timed_out = false;
  Clock::time_point last = Clock::now();

  void Moved() { last = Clock::now(); }
};

std::string HttpAnswer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Http::Http(const HttpOptions& options) : options_(options), ca_file_(store::FindCaFile("")) {
  store::InitCurl();
  curl_.reset(curl_easy_init());
}

size_t Http::OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.Moved();
  const absl::string_view line(data, size * count);
  // A first answer may have been "100 Continue".
  if (absl::StartsWithIgnoreCase(line, "http/")) exchange.answer.headers.clear();
  const size_t colon = line.find(':');
  if (colon != absl::string_view::npos) {
    std::string& value = exchange.answer.headers[absl::AsciiStrToLower(line.substr(0, colon))];
    absl::StrAppend(&value, value.empty() ? "" : "\n",
                    absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return size * count;
}

size_t Http::OnBody(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.Moved();
  std::string& body = exchange.answer.body;
  body.append(data, std::min(size * count, kMaxBody - body.size()));
  return size * count;
}

size_t Http::OnRead(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const HttpRequest& request = exchange.request;
  const auto piece =
      static_cast<size_t>(std::min<uint64_t>(size * count, exchange.size - exchange.done));
  if (request.file == nullptr) {
    request.text.copy(data, piece, static_cast<size_t>(exchange.done));
  } else {
    exchange.failure = base::ReadExactly(*request.file, request.offset + exchange.done,
                                         absl::MakeSpan(data, piece));
    if (!exchange.failure.ok()) return CURL_READFUNC_ABORT;
  }
  exchange.done += piece;
  exchange.Moved();
  if (exchange.sent) exchange.sent(exchange.done);
  return piece;
}

int Http::OnSeek(void* user, curl_off_t offset, int origin) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  exchange.done = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

int Http::OnTime(void* user, curl_off_t /*total*/, curl_off_t /*now*/, curl_off_t /*up_total*/,
                 curl_off_t /*up_now*/) {
  auto& exchange = *static_cast<Exchange*>(user);
  const absl::Duration limit = exchange.done == exchange.size ? exchange.options.answer_timeout
                                                              : exchange.options.idle_timeout;
  exchange.timed_out = absl::FromChrono(Clock::now() - exchange.last) > limit;
  return exchange.timed_out ? 1 : 0;
}

absl::StatusOr<HttpAnswer> Http::Send(const HttpRequest& request,
                                      const std::function<void(uint64_t)>& sent) {
  if (curl_ == nullptr) return absl::ResourceExhaustedError("cannot start libcurl");
  const std::string where = store::PrintableUrl(request.url);
  if (ca_file_.empty() && absl::StartsWithIgnoreCase(request.url, "https:")) {
    return store::NoCertificates(where);
  }
  Exchange exchange{.request = request, .options = options_, .sent = sent};
  exchange.size = request.file == nullptr ? request.text.size() : request.size;

  CURL* const curl = curl_.get();
  curl_easy_reset(curl);  // Keeps connections.
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "rules_inference");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(options_.connect_timeout)));
  if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Http::OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Http::OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Http::OnTime);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  // The answer to a CONNECT is the proxy's, and credentials are not for it.
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE});
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    // On an old connection that turns out to be dead, libcurl sends everything once more, without a
    // word, and a registry would append it to what it has.
    if (request.file != nullptr) curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(exchange.size));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &Http::OnRead);
    curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &Http::OnSeek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &exchange);
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  // libcurl's list copies the lines.
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> free_list(list, curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);

  const CURLcode code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange.answer.status);
  if (!exchange.failure.ok()) return exchange.failure;
  if (exchange.timed_out) {
    const bool all = exchange.done == exchange.size;
    return Lost(where,
                absl::StrCat("nothing for ", absl::FormatDuration(all ? options_.answer_timeout
                                                                      : options_.idle_timeout)),
                all ? "an answer" : "what is sent to be taken");
  }
  // A server that refuses an upload may answer and hang up; the answer says more.
  if (code == CURLE_OK || (exchange.answer.status >= 400 && code == CURLE_SEND_ERROR)) {
    return exchange.answer;
  }
  const absl::Status error =
      store::ConnectionError(curl, code, where, options_.connect_timeout, ca_file_);
  if (!error.ok()) return error;
  switch (code) {
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
      return Lost(where, absl::StrCat(exchange.done, " bytes"),
                  absl::StrCat(exchange.size, " and an answer"));
    default:
      return Mismatch("request failed", where, curl_easy_strerror(code), "an answer");
  }
}

std::string WithQuery(const std::string& url, absl::string_view name, absl::string_view value) {
  return absl::StrCat(url, absl::StrContains(url, '?') ? "&" : "?", name, "=", Escaped(value));
}

std::string Escaped(absl::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || absl::StrContains("-_.~", c)) {
      result += c;
    } else {
      absl::StrAppendFormat(&result, "%%%02X", byte);
    }
  }
  return result;
}

}  // namespace rules_inference::layer::registry
