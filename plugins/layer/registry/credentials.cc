#include "plugins/layer/registry/credentials.h"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/child_process.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/json.h"

namespace rules_inference::layer::registry {
namespace {

using base::Mismatch;
using base::Quoted;
using oci::Json;

constexpr absl::Duration kHelperTimeout = absl::Minutes(1);
// What docker calls its own registry in these files.
constexpr absl::string_view kDockerHub = "https://index.docker.io/v1/";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Text(const Json& object, absl::string_view key) {
  const Json* member = object.Find(key);
  return member != nullptr && member->is_string() ? member->text() : "";
}

bool IsDockerHub(absl::string_view host) {
  return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io";
}

// "https://host/v1/" as older files have it is "host".
absl::string_view WithoutScheme(absl::string_view key) {
  const size_t scheme = key.find("://");
  if (scheme == absl::string_view::npos) return key;
  key.remove_prefix(scheme + 3);
  return key.substr(0, key.find('/'));
}

bool IsPrefix(absl::string_view key, absl::string_view name) {
  return absl::StartsWith(name, key) && (name.size() == key.size() || name[key.size()] == '/');
}

absl::StatusOr<Credentials> FromEntry(const Json& entry, const std::string& file,
                                      absl::string_view key) {
  Credentials result;
  result.from = file;
  result.identity_token = Text(entry, "identitytoken");
  result.user = Text(entry, "username");
  result.password = Text(entry, "password");
  const std::string auth = Text(entry, "auth");
  if (!auth.empty()) {
    std::string plain;
    const bool decoded = absl::Base64Unescape(auth, &plain);
    const size_t colon = plain.find(':');
    if (!decoded || colon == std::string::npos) {
      return Mismatch("credentials", absl::StrCat(file, ": auths[", Quoted(key), "].auth"),
                      "something else", "base64 of user:password");
    }
    result.user = plain.substr(0, colon);
    result.password = plain.substr(colon + 1);
    // Some writers fill it up with NULs.
    result.password.erase(result.password.find_last_not_of('\0') + 1);
  }
  if (result.user.empty() && result.identity_token.empty()) result.from.clear();
  return result;
}

absl::StatusOr<Credentials> FromHelper(absl::string_view helper, absl::string_view server,
                                       const std::string& file) {
  const std::string program = absl::StrCat("docker-credential-", helper);
  ASSIGN_OR_RETURN(const base::ChildAnswer answer,
                   base::AskChild({program, "get"}, base::OwnEnvironment(), kHelperTimeout,
                                  size_t{1} << 20, server));
  if (answer.exit_code != 0) {
    const std::string said = answer.output + answer.error;
    if (absl::StrContains(said, "not found")) return Credentials();
    return Mismatch("credentials", absl::StrCat(file, ": ", program),
                    absl::StrCat("exit code ", answer.exit_code, " and ",
                                 Quoted(absl::StripAsciiWhitespace(said))),
                    "exit code 0");
  }
  ASSIGN_OR_RETURN(const Json document, oci::ParseJson(answer.output, program));
  Credentials result;
  result.from = absl::StrCat(file, " (", program, ")");
  result.user = Text(document, "Username");
  result.password = Text(document, "Secret");
  if (result.user == "<token>") {
    result.identity_token = result.password;
    result.user.clear();
    result.password.clear();
  }
  return result;
}

}  // namespace

std::vector<std::string> CredentialFiles() {
  const std::string chosen = Environment("REGISTRY_AUTH_FILE");
  if (!chosen.empty()) return {chosen};
  std::vector<std::string> files;
  const std::string home = Environment("HOME");
  const std::string docker = Environment("DOCKER_CONFIG");
  if (!docker.empty()) {
    files.push_back(base::JoinPath(docker, "config.json"));
  } else if (!home.empty()) {
    files.push_back(base::JoinPath(home, ".docker/config.json"));
  }
  const std::string runtime = Environment("XDG_RUNTIME_DIR");
  if (!runtime.empty()) files.push_back(base::JoinPath(runtime, "containers/auth.json"));
  const std::string config = Environment("XDG_CONFIG_HOME");
  if (!config.empty()) {
    files.push_back(base::JoinPath(config, "containers/auth.json"));
  } else if (!home.empty()) {
    files.push_back(base::JoinPath(home, ".config/containers/auth.json"));
  }
  return files;
}

absl::StatusOr<Credentials> FindCredentials(const std::vector<std::string>& files,
                                            absl::string_view host, absl::string_view path,
                                            base::FileSystem& fs) {
  const std::string name = absl::StrCat(IsDockerHub(host) ? "index.docker.io" : host, "/", path);
  const std::string server(IsDockerHub(host) ? kDockerHub : host);
  for (const std::string& file : files) {
    const absl::StatusOr<std::string> text = oci::ReadDocument(file, fs);
    if (absl::IsNotFound(text.status())) continue;
    RETURN_IF_ERROR(text.status());
    ASSIGN_OR_RETURN(const Json document, oci::ParseJson(*text, file));

    if (const Json* helpers = document.Find("credHelpers"); helpers != nullptr) {
      for (const Json::Member& member : helpers->members()) {
        if (WithoutScheme(member.first) != WithoutScheme(server)) continue;
        ASSIGN_OR_RETURN(Credentials found, FromHelper(member.second.text(), server, file));
        if (!found.empty()) return found;
      }
    }
    if (const Json* auths = document.Find("auths"); auths != nullptr) {
      const Json::Member* best = nullptr;
      for (const Json::Member& member : auths->members()) {
        if (!IsPrefix(WithoutScheme(member.first), name)) continue;
        if (best == nullptr ||
            WithoutScheme(member.first).size() > WithoutScheme(best->first).size()) {
          best = &member;
        }
      }
      if (best != nullptr) {
        ASSIGN_OR_RETURN(Credentials found, FromEntry(best->second, file, best->first));
        if (!found.empty()) return found;
      }
    }
    if (const std::string store = Text(document, "credsStore"); !store.empty()) {
      ASSIGN_OR_RETURN(Credentials found, FromHelper(store, server, file));
      if (!found.empty()) return found;
    }
  }
  return Credentials();
}

}  // namespace rules_inference::layer::registry
