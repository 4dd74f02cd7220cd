#include "plugins/layer/registry/session.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/error.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/json.h"
#include "plugins/layer/registry/challenge.h"
#include "plugins/layer/registry/credentials.h"
#include "plugins/layer/registry/http.h"
#include "plugins/store/url.h"

namespace rules_inference::layer::registry {
namespace {

using base::Mismatch;
using base::Quoted;
using oci::Json;

constexpr absl::string_view kClient = "rules_inference";

bool IsLoopback(absl::string_view host) {
  const absl::string_view name = host.substr(0, host.rfind(':'));
  return name == "localhost" || absl::StartsWith(name, "127.");
}

bool MayPass(long status) { return status == 408 || status == 429 || status >= 500; }

// Scheme, host and port; empty for what is no url.
std::string OriginOf(absl::string_view url) {
  const absl::StatusOr<store::Url> parsed = store::Url::Parse(url);
  return parsed.ok() ? parsed->origin() : "";
}

std::string Basic(const Credentials& credentials) {
  return absl::StrCat(
      "Basic ", absl::Base64Escape(absl::StrCat(credentials.user, ":", credentials.password)));
}

// "DENIED 'requested access is denied'" of {"errors":[{"code":…,"message":…}]}; empty when that is
// not what the body is.
std::string ErrorsOf(const HttpAnswer& answer) {
  const absl::StatusOr<Json> document = oci::ParseJson(answer.body, "answer");
  if (!document.ok()) return "";
  const Json* errors = document->Find("errors");
  if (errors == nullptr || errors->items().empty()) return "";
  const Json& first = errors->items()[0];
  const Json* code = first.Find("code");
  const Json* message = first.Find("message");
  std::string text;
  if (code != nullptr && code->is_string()) absl::StrAppend(&text, " ", code->text());
  if (message != nullptr && message->is_string() && !message->text().empty()) {
    absl::StrAppend(&text, " ", Quoted(message->text()));
  }
  return text;
}

absl::Duration RetryAfter(const HttpAnswer& answer) {
  int64_t seconds = 0;
  return absl::SimpleAtoi(answer.Header("retry-after"), &seconds) && seconds > 0
             ? absl::Seconds(seconds)
             : absl::ZeroDuration();
}

}  // namespace

std::string Identity::BaseUrl() const {
  const bool plain = options_.plain_http || IsLoopback(options_.host);
  return absl::StrCat(plain ? "http://" : "https://",
                      options_.host == "docker.io" ? "registry-1.docker.io" : options_.host);
}

absl::Status Identity::Load() {
  if (loaded_) return absl::OkStatus();
  base::RealFileSystem fs;
  ASSIGN_OR_RETURN(credentials_,
                   FindCredentials(options_.credential_files, options_.host, options_.path, fs));
  loaded_ = true;
  return absl::OkStatus();
}

std::string Identity::Authorization() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return authorization_;
}

std::string Identity::Describe() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!credentials_.empty())
    return absl::StrCat("the credentials are those of ", credentials_.from);
  return absl::StrCat("no credentials for ", options_.host, " in ",
                      absl::StrJoin(options_.credential_files, ", "));
}

absl::StatusOr<std::string> Identity::Token(const std::string& challenge, absl::string_view where,
                                            Http& http) {
  for (const Challenge& offered : ParseChallenges(challenge)) {
    if (offered.scheme == "basic" && !credentials_.user.empty()) return Basic(credentials_);
    if (offered.scheme != "bearer") continue;
    const auto realm = offered.parameters.find("realm");
    if (realm == offered.parameters.end()) continue;
    const std::string origin = OriginOf(realm->second);
    // Who encrypts what goes to the registry wants it for the password too.
    if (origin.empty() ||
        (absl::StartsWith(BaseUrl(), "https:") && !absl::StartsWith(origin, "https:"))) {
      return Mismatch("sign-in refused", where,
                      absl::StrCat("the realm ", Quoted(store::PrintableUrl(realm->second))),
                      "an https url");
    }
    std::vector<std::string> scopes = {absl::StrCat("repository:", options_.path, ":pull,push")};
    for (const std::string& path : options_.read_paths) {
      scopes.push_back(absl::StrCat("repository:", path, ":pull"));
    }
    const auto service = offered.parameters.find("service");
    HttpRequest request;
    if (credentials_.identity_token.empty()) {
      request.method = "GET";
      request.url = realm->second;
      if (service != offered.parameters.end()) {
        request.url = WithQuery(request.url, "service", service->second);
      }
      for (const std::string& scope : scopes) {
        request.url = WithQuery(request.url, "scope", scope);
      }
      if (!credentials_.user.empty()) {
        request.headers.push_back(absl::StrCat("Authorization: ", Basic(credentials_)));
      }
    } else {
      request.method = "POST";
      request.url = realm->second;
      request.text = absl::StrCat(
          "grant_type=refresh_token&client_id=", kClient,
          "&service=", Escaped(service == offered.parameters.end() ? "" : service->second),
          "&scope=", Escaped(absl::StrJoin(scopes, " ")),
          "&refresh_token=", Escaped(credentials_.identity_token));
      request.headers.push_back("Content-Type: application/x-www-form-urlencoded");
    }
    const std::string printable = store::PrintableUrl(request.url);
    ASSIGN_OR_RETURN(const HttpAnswer answer, http.Send(request));
    if (MayPass(answer.status)) {
      return absl::UnavailableError(
          Mismatch("sign-in", printable, absl::StrCat(answer.status), "200").message());
    }
    if (answer.status != 200) {
      return absl::PermissionDeniedError(
          Mismatch("sign-in", printable, absl::StrCat(answer.status, ErrorsOf(answer)), "200")
              .message());
    }
    ASSIGN_OR_RETURN(const Json document, oci::ParseJson(answer.body, printable));
    for (const absl::string_view name : {"token", "access_token"}) {
      const Json* token = document.Find(name);
      if (token != nullptr && token->is_string() && !token->text().empty()) {
        return absl::StrCat("Bearer ", token->text());
      }
    }
    return Mismatch("sign-in", printable, "no token", "one");
  }
  return absl::PermissionDeniedError(
      Mismatch("sign-in", where,
               challenge.empty() ? "401 and no way to sign in"
                                 : absl::StrCat("401 and ", Quoted(challenge)),
               credentials_.user.empty() ? "to be let in without credentials" : "basic or bearer")
          .message());
}

absl::Status Identity::SignIn(const HttpAnswer& refused, const std::string& used,
                              absl::string_view where, Http& http) {
  absl::Status status;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (authorization_ != used) return absl::OkStatus();
    RETURN_IF_ERROR(Load());
    absl::StatusOr<std::string> token = Token(refused.Header("www-authenticate"), where, http);
    if (token.ok() && *token == used) {
      // The same again: it will be refused again.
      token = absl::PermissionDeniedError(
          Mismatch("sign-in", where, absl::StrCat("401", ErrorsOf(refused)), "to be let in")
              .message());
    }
    if (token.ok()) authorization_ = *std::move(token);
    status = token.status();
  }
  return absl::IsPermissionDenied(status) ? base::WithHint(status, Describe()) : status;
}

std::string Session::Path(absl::string_view what) const {
  return absl::StrCat("/v2/", identity_.options().path, "/", what);
}

std::string Session::Absolute(const std::string& url) const {
  return absl::StartsWith(url, "/") ? absl::StrCat(identity_.BaseUrl(), url) : url;
}

absl::Status Session::Unexpected(absl::string_view what, const std::string& url,
                                 const HttpAnswer& answer, absl::string_view expected) {
  const absl::Status status = Mismatch(what, store::PrintableUrl(Absolute(url)),
                                       absl::StrCat(answer.status, ErrorsOf(answer)), expected);
  if (answer.status == 401 || answer.status == 403) {
    return base::WithHint(absl::PermissionDeniedError(status.message()), identity_.Describe());
  }
  return status;
}

absl::StatusOr<HttpAnswer> Session::Once(HttpRequest request,
                                         const std::function<void(uint64_t)>& sent) {
  request.url = Absolute(request.url);
  const std::vector<std::string> headers = request.headers;
  const bool ours = OriginOf(request.url) == OriginOf(identity_.BaseUrl());
  // A token may have run out meanwhile, and another thread may have got one that runs out too.
  constexpr int kSignIns = 3;
  for (int i = 0;; ++i) {
    const std::string authorization = ours ? identity_.Authorization() : "";
    request.headers = headers;
    if (!authorization.empty()) {
      request.headers.push_back(absl::StrCat("Authorization: ", authorization));
    }
    ASSIGN_OR_RETURN(HttpAnswer answer, http_.Send(request, sent));
    if (answer.status == 401 && ours && i < kSignIns) {
      RETURN_IF_ERROR(
          identity_.SignIn(answer, authorization, store::PrintableUrl(request.url), http_));
      continue;
    }
    if (MayPass(answer.status)) {
      asked_ = RetryAfter(answer);
      return absl::UnavailableError(
          Unexpected(answer.status == 429 ? "too many requests" : "server error", request.url,
                     answer, "an answer")
              .message());
    }
    return answer;
  }
}

absl::Status Session::Retry(const std::function<absl::Status()>& attempt) {
  const SessionOptions& options = identity_.options();
  absl::Duration wait = options.backoff;
  for (int i = 1;; ++i) {
    asked_ = absl::ZeroDuration();
    const absl::Status status = attempt();
    if (!absl::IsUnavailable(status) || i >= options.attempts) return status;
    options.sleep(std::min(std::max(wait, asked_), options.max_backoff));
    wait = std::min(2 * wait, options.max_backoff);
  }
}

absl::StatusOr<HttpAnswer> Session::Send(const HttpRequest& request) {
  HttpAnswer result;
  RETURN_IF_ERROR(Retry([&]() -> absl::Status {
    ASSIGN_OR_RETURN(result, Once(request));
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace rules_inference::layer::registry
