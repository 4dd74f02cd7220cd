#include "plugins/store/connection.h"

#include <cstdlib>
#include <string>
#include <system_error>

#include "absl/base/call_once.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "curl/curl.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;

constexpr absl::string_view kOtherCertificates = "SSL_CERT_FILE names another file of certificates";

// Debian, Fedora, openSUSE, Alpine.
constexpr const char* kCaFiles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

absl::Status NotConnected(absl::string_view where, absl::string_view got) {
  return absl::UnavailableError(Mismatch("cannot connect", where, got, "a connection").message());
}

}  // namespace

void InitCurl() {
  static absl::once_flag once;
  absl::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::string FindCaFile(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    const char* file = std::getenv(name);
    if (file != nullptr && *file != '\0') return file;
  }
  base::RealFileSystem fs;
  for (const char* file : kCaFiles) {
    if (fs.Stat(file, base::Follow::kYes).ok()) return file;
  }
  return "";
}

absl::Status NoCertificates(absl::string_view where) {
  return base::WithHint(Mismatch("no certificates to trust", where, "none in the usual places",
                                 "a file of certificates"),
                        kOtherCertificates);
}

absl::Status ConnectionError(CURL* curl, CURLcode code, absl::string_view where,
                             absl::Duration connect_timeout, absl::string_view ca_file) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return NotConnected(where, "an unknown host");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return NotConnected(where, "an unknown proxy");
    case CURLE_COULDNT_CONNECT: {
      long error = 0;
      curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
      return NotConnected(where, error == 0
                                     ? "no connection"
                                     : std::generic_category().message(static_cast<int>(error)));
    }
    case CURLE_OPERATION_TIMEDOUT:
      return NotConnected(where,
                          absl::StrCat("nothing for ", absl::FormatDuration(connect_timeout)));
    case CURLE_PEER_FAILED_VERIFICATION:
      return base::WithHint(
          Mismatch("server not trusted", where, "a certificate that is not accepted",
                   absl::StrCat("one that ", ca_file, " vouches for")),
          kOtherCertificates);
    case CURLE_SSL_CACERT_BADFILE:
      return base::WithHint(
          Mismatch("no certificates to trust", where,
                   absl::StrCat(ca_file, ", which cannot be read"), "a file of certificates"),
          kOtherCertificates);
    default:
      return absl::OkStatus();
  }
}

}  // namespace rules_inference::store
