#include "plugins/store/url.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "curl/curl.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;

constexpr absl::string_view kSchemes = "http, https or file";

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// libcurl's own parser: another one could see another host than the one that is asked in the end.
std::unique_ptr<CURLU, FreeUrl> ParsedByCurl(const std::string& text) {
  std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return nullptr;
  }
  return url;
}

std::string PartOf(CURLU* url, CURLUPart part, unsigned int flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

absl::StatusOr<std::string> FilePath(absl::string_view text) {
  absl::string_view rest = text.substr(text.find("://") + 3);
  if (absl::StartsWithIgnoreCase(rest, "localhost/")) rest.remove_prefix(9);
  const std::string where = PrintableUrl(text);
  if (!absl::StartsWith(rest, "/")) {
    return Mismatch("bad url", where, "a host", "file:/// and an absolute path");
  }
  if (rest.find_first_of("?#") != absl::string_view::npos) {
    return Mismatch("bad url", where, "a query or a fragment", "a path; %3F is '?', %23 is '#'");
  }
  std::string path;
  while (!rest.empty()) {
    std::string byte(rest.substr(0, 1));
    size_t length = 1;
    if (byte == "%") {
      length = 3;
      if (rest.size() < length || !absl::ascii_isxdigit(static_cast<unsigned char>(rest[1])) ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(rest[2])) ||
          !absl::HexStringToBytes(rest.substr(1, 2), &byte) || byte == absl::string_view("\0", 1)) {
        return Mismatch("bad url", where, base::Quoted(rest.substr(0, length)),
                        "% and the two hexadecimal digits of a byte that is not 0");
      }
    }
    absl::StrAppend(&path, byte);
    rest.remove_prefix(length);
  }
  return path;
}

}  // namespace

absl::StatusOr<Url> Url::Parse(absl::string_view text) {
  Url url;
  url.text_ = std::string(text);
  const std::string where = PrintableUrl(text);
  if (!std::all_of(text.begin(), text.end(),
                   [](unsigned char c) { return absl::ascii_isgraph(c); })) {
    return Mismatch("bad url", where, "a space or a byte that is not printable ASCII",
                    "all others written as % and two hexadecimal digits");
  }
  const size_t end = text.find("://");
  if (end == absl::string_view::npos) {
    return Mismatch("bad url", where, "no scheme", kSchemes);
  }
  const std::string scheme = absl::AsciiStrToLower(text.substr(0, end));
  if (scheme == "file") {
    ASSIGN_OR_RETURN(url.file_, FilePath(text));
    return url;
  }
  if (scheme != "http" && scheme != "https") {
    return Mismatch("bad url", where, base::Quoted(scheme), kSchemes);
  }
  url.scheme_ = scheme == "http" ? Scheme::kHttp : Scheme::kHttps;
  const auto parsed = ParsedByCurl(url.text_);
  // libcurl takes the first name of the path for a missing host.
  if (parsed == nullptr || absl::StartsWith(text.substr(end + 3), "/"))
    return Mismatch("bad url", where, "no host", "scheme, host and path");
  url.origin_ =
      absl::StrCat(scheme, "://", absl::AsciiStrToLower(PartOf(parsed.get(), CURLUPART_HOST, 0)),
                   ":", PartOf(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
  return url;
}

absl::StatusOr<Url> Url::Resolve(const std::string& target) const {
  const auto parsed = ParsedByCurl(text_);
  // libcurl takes a relative text as one that continues what is set.
  if (parsed == nullptr || target.empty() ||
      curl_url_set(parsed.get(), CURLUPART_URL, target.c_str(), 0) != CURLUE_OK) {
    return Mismatch("bad url", Printable(), base::Quoted(PrintableUrl(target)), "a url");
  }
  return Parse(PartOf(parsed.get(), CURLUPART_URL, 0));
}

Url Url::WithoutUser() const {
  Url result = *this;
  if (scheme_ == Scheme::kFile) return result;
  const auto parsed = ParsedByCurl(text_);
  if (parsed == nullptr) return result;
  curl_url_set(parsed.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(parsed.get(), CURLUPART_PASSWORD, nullptr, 0);
  curl_url_set(parsed.get(), CURLUPART_OPTIONS, nullptr, 0);
  result.text_ = PartOf(parsed.get(), CURLUPART_URL, 0);
  return result;
}

std::string Url::Printable() const { return PrintableUrl(text_); }

std::string PrintableUrl(absl::string_view text) {
  text = text.substr(0, text.find('#'));
  const size_t query = text.find('?');
  const bool has_query = query != absl::string_view::npos;
  text = text.substr(0, query);
  std::string result;
  const size_t scheme = text.find("://");
  if (scheme != absl::string_view::npos) {
    result = std::string(text.substr(0, scheme + 3));
    text.remove_prefix(scheme + 3);
  }
  // rfind: a password may hold '@'.
  const absl::string_view host = text.substr(0, text.find('/'));
  const size_t user = host.rfind('@');
  if (user != absl::string_view::npos) text.remove_prefix(user + 1);
  absl::StrAppend(&result, text, has_query ? "?..." : "");
  return absl::CEscape(result);
}

}  // namespace rules_inference::store
