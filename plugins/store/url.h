// URLs of artifacts: what may be fetched, and what of a URL may be shown.

#ifndef RULES_INFERENCE_PLUGINS_STORE_URL_H_
#define RULES_INFERENCE_PLUGINS_STORE_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::store {

// In the order of what they protect: a redirect may go to the right, never to the left, and file is
// reached by no redirect at all.
enum class Scheme { kFile, kHttp, kHttps };

// A URL that can be fetched.
class Url {
 public:
  // Accepts http, https and file with nothing but printable ASCII; where errors say which URL they
  // mean, it is PrintableUrl.
  static absl::StatusOr<Url> Parse(absl::string_view text);

  const std::string& text() const { return text_; }
  Scheme scheme() const { return scheme_; }
  // Scheme, host and port: what credentials belong to. Empty for file.
  const std::string& origin() const { return origin_; }
  // The path of a file URL, decoded.
  const std::string& file() const { return file_; }
  // What `target` means in an answer of this http or https URL: a URL of its own, or a relative
  // one.
  absl::StatusOr<Url> Resolve(const std::string& target) const;
  // The same URL without user and password.
  Url WithoutUser() const;
  std::string Printable() const;

 private:
  std::string text_;
  Scheme scheme_ = Scheme::kFile;
  std::string origin_;
  std::string file_;
};

// `text` as it may stand in a message or a log: without user and password, with "?..." for a query,
// which often is a token, and without a fragment. Works for any text.
std::string PrintableUrl(absl::string_view text);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_URL_H_
