// What all uses of libcurl have in common: certificates, and words for connections that fail.

#ifndef RULES_INFERENCE_PLUGINS_STORE_CONNECTION_H_
#define RULES_INFERENCE_PLUGINS_STORE_CONNECTION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "curl/curl.h"

namespace rules_inference::store {

// Before the first handle is made; from any thread, as often as you like.
void InitCurl();

// `chosen` unless it is empty, else $SSL_CERT_FILE, $CURL_CA_BUNDLE, else the first of the places
// where systems keep the certificates that they trust; empty when there is none.
std::string FindCaFile(const std::string& chosen);
// For an https url when FindCaFile has found nothing.
absl::Status NoCertificates(absl::string_view where);

// Why a server was not reached or not trusted. Unavailable for what may pass by itself; OK when
// `code` says something else.
absl::Status ConnectionError(CURL* curl, CURLcode code, absl::string_view where,
                             absl::Duration connect_timeout, absl::string_view ca_file);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_CONNECTION_H_
