// One request to a registry and its answer, by libcurl. Redirects are not followed, and nothing is
// tried again: session.h and push.h know what that means.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_HTTP_H_
#define RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_HTTP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "curl/curl.h"
#include "plugins/base/file_system.h"

namespace rules_inference::layer::registry {

struct HttpRequest {
  std::string method;
  std::string url;
  // "Name: value".
  std::vector<std::string> headers;
  // What is sent: `text`, or [offset, offset + size) of `file`.
  std::string text;
  base::InputFile* file = nullptr;
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct HttpAnswer {
  long status = 0;
  // By names in lower case; of a header that comes twice the values, with a line feed between.
  std::map<std::string, std::string> headers;
  // Up to 1 MiB of it.
  std::string body;

  // Empty when there is none.
  std::string Header(const std::string& name) const;
};

struct HttpOptions {
  absl::Duration connect_timeout = absl::Seconds(30);
  // Without a byte in either direction. A registry that has all of a blob may move it before it
  // answers.
  absl::Duration idle_timeout = absl::Minutes(1);
  absl::Duration answer_timeout = absl::Minutes(5);
};

// Keeps its connection for the next request. For one thread.
class Http {
 public:
  explicit Http(const HttpOptions& options);

  // Unavailable for what may pass by itself. `sent` is told how much of the body has gone.
  absl::StatusOr<HttpAnswer> Send(const HttpRequest& request,
                                  const std::function<void(uint64_t)>& sent = nullptr);

 private:
  struct Exchange;
  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  static size_t OnHeader(char* data, size_t size, size_t count, void* user);
  static size_t OnBody(char* data, size_t size, size_t count, void* user);
  static size_t OnRead(char* data, size_t size, size_t count, void* user);
  static int OnSeek(void* user, curl_off_t offset, int origin);
  static int OnTime(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  const HttpOptions options_;
  const std::string ca_file_;
  std::unique_ptr<CURL, Cleanup> curl_;
};

// `url` with `name`=`value` added to its query; the value is escaped.
std::string WithQuery(const std::string& url, absl::string_view name, absl::string_view value);
// Everything but letters, digits, '-', '_', '.' and '~' as % and two digits.
std::string Escaped(absl::string_view text);

}  // namespace rules_inference::layer::registry

#endif  // RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_HTTP_H_
