#include "plugins/store/transfer.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "curl/curl.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/store/connection.h"
#include "plugins/store/fetch.h"
#include "plugins/store/range_map.h"
#include "plugins/store/sink.h"
#include "plugins/store/url.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;
// Not the time of day, which may jump.
using Clock = std::chrono::steady_clock;

constexpr long kOk = 200;
constexpr long kPartial = 206;
constexpr long kNotSatisfiable = 416;
// What is read of an answer that is not the file, so that the connection can be used again.
constexpr uint64_t kMaxIgnored = 64 << 10;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string FindNetrc(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  std::string file = Environment("NETRC");
  if (!file.empty()) return file;
  const std::string home = Environment("HOME");
  return home.empty() ? "" : base::JoinPath(home, ".netrc");
}

// What a server takes for the version that `source` is of; empty when it has said none that can be
// used, or when another one is asked.
std::string ValidatorOf(const Source& source, const std::string& asked) {
  if (source.url != asked) return "";
  // A weak one says nothing of the bytes.
  if (!source.etag.empty() && !absl::StartsWith(source.etag, "W/")) return source.etag;
  return source.last_modified;
}

void KeepHeader(absl::string_view line, absl::string_view name, std::string* value) {
  if (!absl::StartsWithIgnoreCase(line, name)) return;
  *value = std::string(absl::StripAsciiWhitespace(line.substr(name.size())));
}

bool IsRedirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

// One hop: a request and its answer.
struct Transfer::Exchange {
  CURL* curl;
  const FetchOptions& options;
  Sink& sink;
  std::string where;  // For messages.
  // What was asked first: a redirect may lead to another place each time, for the same file.
  std::string source;
  bool connected = false;
  bool answered = false;
  // Whether the end of the body can be told from the end of the connection.
  bool has_end = false;
  // When the last thing happened that a timeout is counted from.
  Clock::time_point last = Clock::now();
  // The first byte that was asked for.
  uint64_t from = 0;
  // Headers of the answer, as far as they matter.
  std::string etag;
  std::string last_modified;
  std::string content_range;
  std::string content_encoding;
  std::string link;
  uint64_t ignored = 0;
  bool timed_out = false;
  // What ended the exchange from our side.
  Outcome failure;

  long Status() const {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  bool IsSlice() const { return sink.slice().total > 0; }
  // What is asked of the server, and what it has to answer.
  const char* Wish() const { return IsSlice() ? "206" : "200"; }
  // Whether the body is the file, or what is left of it.
  bool IsFile() const {
    const long status = Status();
    if (IsSlice()) return status == kPartial;
    return status == kOk || (status == kPartial && from > 0);
  }
  std::string ContentType() const {
    const char* type = nullptr;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    return type == nullptr ? "" : type;
  }
  // Negative when it is not announced.
  int64_t ContentLength() const {
    curl_off_t length = -1;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
  }
  // How many bytes have to come, for messages.
  std::string Wanted() const {
    const uint64_t size = sink.expected().size;
    if (size > 0) return absl::StrCat(size);
    const int64_t length = ContentLength();
    return length >= 0 ? absl::StrCat(length) : "more";
  }
};

Transfer::Transfer(const FetchOptions& options)
    : options_(options),
      ca_file_(FindCaFile(options.ca_file)),
      netrc_file_(FindNetrc(options.netrc_file)) {
  InitCurl();
  curl_.reset(curl_easy_init());
}

// An answer whose headers are complete, and whose body is the file.
Outcome Transfer::OnAnswer(Exchange& exchange) {
  Sink& sink = exchange.sink;
  if (exchange.Status() == kOk) {
    const int64_t length = exchange.ContentLength();
    if (length >= 0) {
      // Before what is there is forgotten.
      if (Outcome failure = sink.CheckAnnounced(exchange.where, static_cast<uint64_t>(length),
                                                exchange.ContentType())) {
        return failure;
      }
    }
    return sink.BeginAgain({exchange.source, exchange.etag, exchange.last_modified});
  }
  const bool is_slice = exchange.IsSlice();
  const uint64_t size = sink.expected().size;
  const uint64_t total = is_slice ? sink.slice().total : size;
  const uint64_t end = is_slice ? exchange.from + size : size;
  const std::string range = absl::StrCat("bytes ", exchange.from, "-", end - 1, "/", total);
  if (exchange.content_range != range) {
    return sink.Refuse(Mismatch("wrong range", exchange.where, base::Quoted(exchange.content_range),
                                base::Quoted(range)));
  }
  if (!exchange.content_encoding.empty() && exchange.content_encoding != "identity") {
    return sink.Refuse(Mismatch("encoded range", exchange.where,
                                base::Quoted(exchange.content_encoding), "no content-encoding"));
  }
  if (is_slice) return std::nullopt;
  const Source& source = sink.source();
  if (source.url != exchange.source) return std::nullopt;  // Another mirror: the hash decides.
  if (source.etag != exchange.etag) {
    return sink.Refuse(Mismatch("changed while it was fetched", exchange.where,
                                absl::StrCat("etag ", base::Quoted(exchange.etag)),
                                base::Quoted(source.etag)));
  }
  if (source.last_modified != exchange.last_modified) {
    return sink.Refuse(
        Mismatch("changed while it was fetched", exchange.where,
                 absl::StrCat("last-modified ", base::Quoted(exchange.last_modified)),
                 base::Quoted(source.last_modified)));
  }
  return std::nullopt;
}

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const absl::string_view line(data, size * count);
  exchange.answered = true;
  exchange.last = Clock::now();
  if (absl::StartsWithIgnoreCase(line, "content-length:") ||
      absl::StartsWithIgnoreCase(line, "transfer-encoding:")) {
    exchange.has_end = true;
  }
  if (absl::StartsWithIgnoreCase(line, "http/")) {
    // A first answer may have been "100 Continue" or such.
    exchange.etag.clear();
    exchange.last_modified.clear();
    exchange.content_range.clear();
    exchange.content_encoding.clear();
    exchange.link.clear();
  }
  KeepHeader(line, "etag:", &exchange.etag);
  KeepHeader(line, "last-modified:", &exchange.last_modified);
  KeepHeader(line, "content-range:", &exchange.content_range);
  KeepHeader(line, "content-encoding:", &exchange.content_encoding);
  KeepHeader(line, "link:", &exchange.link);
  // The empty line ends the headers; an answer of the right status may then be checked before its
  // body comes.
  if ((line == "\r\n" || line == "\n") && exchange.IsFile()) {
    exchange.failure = OnAnswer(exchange);
    if (exchange.failure.has_value()) return 0;
  }
  return size * count;
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.last = Clock::now();
  if (!exchange.IsFile()) {
    exchange.ignored += size * count;
    return exchange.ignored > kMaxIgnored ? 0 : size * count;
  }
  exchange.failure = exchange.sink.Write(exchange.where, absl::string_view(data, size * count));
  // Writing may have taken long, which is not the server's fault.
  exchange.last = Clock::now();
  return exchange.failure.has_value() ? 0 : size * count;
}

int Transfer::OnRequest(void* user, char* /*remote*/, char* /*local*/, int /*remote_port*/,
                        int /*local_port*/) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.connected = true;
  exchange.last = Clock::now();
  return CURL_PREREQFUNC_OK;
}

int Transfer::OnTime(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (!exchange.connected) return 0;  // libcurl watches that.
  const absl::Duration limit =
      exchange.answered ? exchange.options.idle_timeout : exchange.options.first_byte_timeout;
  exchange.timed_out = absl::FromChrono(Clock::now() - exchange.last) > limit;
  return exchange.timed_out ? 1 : 0;
}

CURLcode Transfer::Perform(Exchange& exchange, const Url& first, const Url& hop) {
  CURL* const curl = curl_.get();
  curl_easy_reset(curl);  // Keeps connections.
  curl_easy_setopt(curl, CURLOPT_URL, hop.text().c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  // Bytes are hashed as they come.
  curl_easy_setopt(curl, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "rules_inference");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(
      curl, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::max<int64_t>(1, absl::ToInt64Milliseconds(options_.connect_timeout))));
  if (!ca_file_.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  // A redirect that leaves the origin gets no credentials, not even those that netrc has for its
  // host: the user has asked for them to be used at `first`.
  std::vector<std::string> headers;
  const auto token = options_.tokens.find(hop.origin());
  if (token != options_.tokens.end() && hop.origin() == first.origin()) {
    headers.push_back(absl::StrCat("Authorization: Bearer ", token->second));
  } else if (!netrc_file_.empty() && hop.origin() == first.origin()) {
    curl_easy_setopt(curl, CURLOPT_NETRC, long{CURL_NETRC_OPTIONAL});
    curl_easy_setopt(curl, CURLOPT_NETRC_FILE, netrc_file_.c_str());
  }
  if (exchange.IsSlice()) {
    headers.push_back(absl::StrCat("Range: bytes=", exchange.from, "-",
                                   exchange.from + exchange.sink.expected().size - 1));
  } else if (exchange.from > 0) {
    headers.push_back(absl::StrCat("Range: bytes=", exchange.from, "-"));
    // If what is there is of another version, the whole file shall come at once.
    const std::string validator = ValidatorOf(exchange.sink.source(), exchange.source);
    if (!validator.empty()) headers.push_back(absl::StrCat("If-Range: ", validator));
  }
  // libcurl's list copies the lines.
  curl_slist* list = nullptr;
  for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> free_list(list, curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, &Transfer::OnRequest);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::OnTime);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  // The answer to a CONNECT is the proxy's, not the server's; and a token is not for it.
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE});
  return curl_easy_perform(curl);
}

Outcome Transfer::OutcomeOf(Exchange& exchange, CURLcode code, long status) {
  const std::string& where = exchange.where;
  const std::string done = absl::StrCat(exchange.sink.done(), " bytes");
  if (exchange.failure.has_value()) return exchange.failure;
  if (exchange.timed_out) {
    if (!exchange.answered) {
      return Transient(
          Mismatch("no answer", where,
                   absl::StrCat("nothing for ", absl::FormatDuration(options_.first_byte_timeout)),
                   "an answer"));
    }
    return Transient(Mismatch(
        "stalled", where,
        absl::StrCat("nothing for ", absl::FormatDuration(options_.idle_timeout), " after ", done),
        exchange.Wanted()));
  }
  if (status == kNotSatisfiable && exchange.from > 0 && !exchange.IsSlice()) {
    return exchange.sink.Refuse(Mismatch("range refused", where, absl::StrCat(status),
                                         absl::StrCat("206 from byte ", exchange.from)));
  }
  if (status != 0 && !exchange.IsFile()) {
    const std::string got = absl::StrCat(status);
    if (status == 404 || status == 410) {
      return Failure{FailureKind::kAbsent,
                     absl::NotFoundError(Mismatch("absent", where, got, exchange.Wish()).message()),
                     0};
    }
    if (status == 401 || status == 403 || status == 407) {
      return Wrong(
          base::WithHint(absl::PermissionDeniedError(
                             Mismatch("not allowed", where, got, exchange.Wish()).message()),
                         "credentials are taken from $NETRC or ~/.netrc"));
    }
    if (status == 408 || status == 429 || status >= 500) {
      Failure failure = Transient(Mismatch(status == 429 ? "too many requests" : "server error",
                                           where, got, exchange.Wish()));
      curl_off_t seconds = 0;
      curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &seconds);
      failure.retry_after = seconds;
      return failure;
    }
    return Wrong(Mismatch("unexpected answer", where, got, exchange.Wish()));
  }
  if (const absl::Status error =
          ConnectionError(curl_.get(), code, where, options_.connect_timeout, ca_file_);
      !error.ok()) {
    return absl::IsUnavailable(error) ? Transient(error) : Wrong(error);
  }
  switch (code) {
    case CURLE_OK:
      if (!exchange.IsFile())
        return Wrong(Mismatch("unexpected answer", where, "no status", "200"));
      if (!exchange.has_end && exchange.sink.done() < exchange.sink.expected().size) {
        return Transient(Mismatch("truncated", where, done, exchange.Wanted()));
      }
      return std::nullopt;
    case CURLE_PARTIAL_FILE:
      return Transient(Mismatch("truncated", where, done, exchange.Wanted()));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
      return Transient(Mismatch("connection lost", where, done, exchange.Wanted()));
    default:
      return Wrong(Mismatch("cannot fetch", where, curl_easy_strerror(code), "the file"));
  }
}

Outcome Transfer::Get(const Url& url, Sink& sink, std::string* from) {
  if (curl_ == nullptr) return Local(absl::ResourceExhaustedError("cannot start libcurl"));
  Url hop = url;
  for (int redirects = 0;; ++redirects) {
    if (hop.scheme() == Scheme::kHttps && ca_file_.empty()) {
      return Wrong(NoCertificates(hop.Printable()));
    }
    if (Outcome failure = sink.Begin()) return failure;
    if (sink.IsComplete()) {
      *from = sink.source().url;
      return sink.Finish(*from, "");
    }
    Exchange exchange{.curl = curl_.get(), .options = options_, .sink = sink};
    exchange.where = hop.Printable();
    exchange.source = url.Printable();
    exchange.from = sink.slice().begin + sink.done();
    const CURLcode code = Perform(exchange, url, hop);
    const long status = exchange.Status();
    link_ = exchange.link;
    if (!IsRedirect(status) || exchange.timed_out) {
      if (Outcome failure = OutcomeOf(exchange, code, status)) return failure;
      *from = exchange.where;
      return sink.Finish(exchange.where, exchange.ContentType());
    }
    const char* target = nullptr;
    curl_easy_getinfo(curl_.get(), CURLINFO_REDIRECT_URL, &target);
    if (target == nullptr) {
      return Wrong(Mismatch("redirect refused", exchange.where, "no target", "a url"));
    }
    if (redirects == options_.max_redirects) {
      return Wrong(Mismatch("too many redirects", url.Printable(), absl::StrCat(redirects + 1),
                            absl::StrCat("at most ", redirects)));
    }
    const absl::StatusOr<Url> next = Url::Parse(target);
    // Only to the same scheme or to a better one: neither to a file of this machine, nor from what
    // is encrypted to what is not.
    if (!next.ok() || next->scheme() == Scheme::kFile || next->scheme() < hop.scheme()) {
      return Wrong(Mismatch("redirect refused", exchange.where, PrintableUrl(target),
                            hop.scheme() == Scheme::kHttps ? "https" : "http or https"));
    }
    hop = next->WithoutUser();
  }
}

}  // namespace rules_inference::store
