#include "plugins/layer/oci/image_name.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

bool IsWord(absl::string_view text, absl::string_view inner) {
  if (text.empty()) return false;
  auto alnum = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  return alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || absl::StrContains(inner, c); });
}

// A name or an address, and maybe a port.
bool IsHost(absl::string_view text) { return IsWord(text, ".-:"); }

// Host and path; the host is empty when there is none, and nothing comes back for what is no name.
bool Split(absl::string_view text, RepositoryName* name) {
  const size_t slash = text.find('/');
  const absl::string_view first = text.substr(0, slash);
  const bool has_host =
      slash != absl::string_view::npos &&
      (absl::StrContains(first, '.') || absl::StrContains(first, ':') || first == "localhost");
  absl::string_view rest = text;
  if (has_host) {
    if (!IsHost(first)) return false;
    name->host = std::string(first);
    rest = text.substr(slash + 1);
  }
  name->path = std::string(rest);
  while (true) {
    const size_t end = rest.find('/');
    if (!IsWord(rest.substr(0, end), "._-")) return false;
    if (end == absl::string_view::npos) return true;
    rest = rest.substr(end + 1);
  }
}

}  // namespace

bool IsTag(absl::string_view text) {
  if (text.empty() || text.size() > 128 || text[0] == '.' || text[0] == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
  });
}

absl::StatusOr<RepositoryName> ParseRepository(absl::string_view text, absl::string_view where) {
  RepositoryName name;
  if (!Split(text, &name)) {
    return Mismatch(where, "repository", Quoted(text),
                    "a host and lower-case words, such as 'registry.example.com/team/app'");
  }
  return name;
}

absl::StatusOr<std::string> FullName(absl::string_view tag) {
  const absl::Status bad = Mismatch("image archive", "tags", Quoted(tag),
                                    "a lower-case repository and a tag, such as 'app:1'");
  const size_t colon = tag.rfind(':');
  // A ':' before the last '/' belongs to a port.
  if (colon == absl::string_view::npos || absl::StrContains(tag.substr(colon), '/')) return bad;
  RepositoryName name;
  if (!IsTag(tag.substr(colon + 1)) || !Split(tag.substr(0, colon), &name)) return bad;
  if (!name.host.empty()) return std::string(tag);
  return absl::StrCat("docker.io/", absl::StrContains(name.path, '/') ? "" : "library/", tag);
}

}  // namespace rules_inference::layer::oci
