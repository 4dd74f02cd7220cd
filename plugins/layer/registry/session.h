// Talks to one registry about one repository: signs in when it is asked to, and tries again what
// may pass by itself. As of the OCI distribution specification 1.1 and Docker's token
// authentication.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_SESSION_H_
#define RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_SESSION_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/registry/credentials.h"
#include "plugins/layer/registry/http.h"

namespace rules_inference::layer::registry {

struct SessionOptions {
  // Host and maybe port, as in the names of images. "docker.io" is asked where Docker asks it.
  std::string host;
  // The repository that is written.
  std::string path;
  // Other repositories of the registry that blobs may be mounted from.
  std::vector<std::string> read_paths;
  // http in the place of https. Loopback hosts get http anyway.
  bool plain_http = false;
  std::vector<std::string> credential_files;
  HttpOptions http;
  // How often something is tried while the failure may pass by itself; the waits between double
  // from `backoff` to `max_backoff`. A server that names a longer wait gets it, up to
  // `max_backoff`.
  int attempts = 5;
  absl::Duration backoff = absl::Milliseconds(500);
  absl::Duration max_backoff = absl::Seconds(30);
  std::function<void(absl::Duration)> sleep = absl::SleepFor;
};

// What the connections of all threads share: who we are, and the tokens for it.
class Identity {
 public:
  explicit Identity(SessionOptions options) : options_(std::move(options)) {}

  const SessionOptions& options() const { return options_; }
  // "https://host".
  std::string BaseUrl() const;

  // The value of the header Authorization, as far as it is known what the registry wants; else
  // empty.
  std::string Authorization();
  // Does what the challenge of a 401 asks for. `used` is the Authorization of the request that was
  // refused: when another thread has signed in since, nothing is done. PermissionDenied when the
  // registry has refused what there is.
  absl::Status SignIn(const HttpAnswer& refused, const std::string& used, absl::string_view where,
                      Http& http);
  // For messages: "credentials of FILE", or where they have been looked for.
  std::string Describe();

 private:
  absl::Status Load();
  absl::StatusOr<std::string> Token(const std::string& challenge, absl::string_view where,
                                    Http& http);

  const SessionOptions options_;
  std::mutex mutex_;
  bool loaded_ = false;
  Credentials credentials_;
  std::string authorization_;
};

// For one thread.
class Session {
 public:
  explicit Session(Identity& identity) : identity_(identity), http_(identity.options().http) {}

  // `url` may begin with "/": then it is one of the registry. Signs in when asked to. The
  // credentials go to the registry only, wherever an upload is sent. Unavailable for what may pass
  // by itself, answers of overload included.
  absl::StatusOr<HttpAnswer> Once(HttpRequest request,
                                  const std::function<void(uint64_t)>& sent = nullptr);
  // The same, again and again while it is Unavailable.
  absl::StatusOr<HttpAnswer> Send(const HttpRequest& request);
  // Calls `attempt` until it is done, or fails in a way that will not pass.
  absl::Status Retry(const std::function<absl::Status()>& attempt);

  // "/v2/<path>/<what>".
  std::string Path(absl::string_view what) const;
  std::string Absolute(const std::string& url) const;
  // An answer that was not expected: "<what>: <url>: got 403 DENIED 'requested access is denied',
  // expected 201", with a hint where one helps.
  absl::Status Unexpected(absl::string_view what, const std::string& url, const HttpAnswer& answer,
                          absl::string_view expected);

 private:
  Identity& identity_;
  Http http_;
  // What the server has asked us to wait, of the last answer.
  absl::Duration asked_;
};

}  // namespace rules_inference::layer::registry

#endif  // RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_SESSION_H_
