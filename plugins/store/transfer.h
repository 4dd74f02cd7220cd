// One attempt to get one url over http or https, redirects included, by libcurl.
//
// What libcurl would decide by itself and we do not leave to it: redirects (each hop is a request
// of its own here, so that schemes are checked and credentials stay at home), and how long to wait
// for a byte.

#ifndef RULES_INFERENCE_PLUGINS_STORE_TRANSFER_H_
#define RULES_INFERENCE_PLUGINS_STORE_TRANSFER_H_

#include <memory>
#include <string>

#include "curl/curl.h"
#include "plugins/store/fetch.h"
#include "plugins/store/sink.h"
#include "plugins/store/url.h"

namespace rules_inference::store {

class Transfer {
 public:
  // `options` has to outlive the object.
  explicit Transfer(const FetchOptions& options);

  // Gets `url` into `sink`, which it begins and finishes; on success `*from` is where the bytes
  // came from. Connections are kept for the next call.
  Outcome Get(const Url& url, Sink& sink, std::string* from);
  // The header "Link" of the last answer.
  const std::string& link() const { return link_; }

 private:
  struct Exchange;
  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  static Outcome OnAnswer(Exchange& exchange);
  static size_t OnHeader(char* data, size_t size, size_t count, void* user);
  static size_t OnBody(char* data, size_t size, size_t count, void* user);
  static int OnRequest(void* user, char*, char*, int, int);
  static int OnTime(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  // Sends the request for one hop.
  CURLcode Perform(Exchange& exchange, const Url& first, const Url& hop);
  Outcome OutcomeOf(Exchange& exchange, CURLcode code, long status);

  const FetchOptions& options_;
  const std::string ca_file_;
  const std::string netrc_file_;
  std::unique_ptr<CURL, Cleanup> curl_;
  std::string link_;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_TRANSFER_H_
