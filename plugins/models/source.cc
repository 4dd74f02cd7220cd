#include "plugins/models/source.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/models/hub.h"
#include "plugins/models/lock.h"

namespace rules_inference::models {
namespace {

// "ggml-base.en-q5_1.bin" -> "ggml_base_en_q5_1".
std::string NameFrom(absl::string_view place, bool is_file) {
  while (absl::ConsumeSuffix(&place, "/")) {
  }
  absl::string_view last = place.substr(0, place.find_first_of("?#"));
  last = last.substr(last.rfind('/') + 1);
  if (is_file && last.rfind('.') != absl::string_view::npos) last = last.substr(0, last.rfind('.'));
  std::string name;
  for (const char c : last) {
    const auto byte = static_cast<unsigned char>(c);
    name += absl::ascii_isalnum(byte) ? static_cast<char>(absl::ascii_tolower(byte)) : '_';
  }
  return name;
}

absl::Status Bad(absl::string_view text, absl::string_view got) {
  return base::Mismatch("source", base::Quoted(text), got,
                        "[NAME[:VARIANT]=] and hf://HOST/owner/name[@REVISION], a url or a path");
}

bool MatchesAll(absl::string_view pattern, absl::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern[0] == '*') {
    const bool any = absl::ConsumePrefix(&pattern, "**");
    if (!any) pattern.remove_prefix(1);
    for (size_t i = 0;; ++i) {
      if (MatchesAll(pattern, path.substr(i))) return true;
      if (i == path.size() || (!any && path[i] == '/')) return false;
    }
  }
  if (path.empty() || (pattern[0] == '?' ? path[0] == '/' : pattern[0] != path[0])) return false;
  return MatchesAll(pattern.substr(1), path.substr(1));
}

}  // namespace

absl::StatusOr<Source> ParseSource(absl::string_view text, absl::string_view directory) {
  Source source;
  absl::string_view rest = text;
  // A name comes before any character that a url or a path has in front of its first '='.
  const size_t equals = rest.find('=');
  if (equals != absl::string_view::npos &&
      rest.substr(0, equals).find_first_of("/?") == absl::string_view::npos) {
    const std::vector<std::string> names =
        absl::StrSplit(rest.substr(0, equals), absl::MaxSplits(':', 1));
    source.name = names[0];
    if (names.size() > 1) source.variant = names[1];
    if (!IsName(source.name) || (names.size() > 1 && source.variant.empty())) {
      return base::Mismatch("source", base::Quoted(text),
                            absl::StrCat("name ", base::Quoted(rest.substr(0, equals))),
                            "NAME or NAME:VARIANT of lower-case letters, digits, '-', '_' and '.'");
    }
    rest.remove_prefix(equals + 1);
  }
  if (rest.empty()) return Bad(text, "nothing");
  std::string url(rest);
  const bool hub = absl::StartsWith(url, "hf://");
  if (hub || absl::StartsWith(url, "https://") || absl::StartsWith(url, "http://")) {
    if (hub) url = absl::StrCat("https://", url.substr(5));
    const size_t at = url.find("://") + 3;
    std::vector<std::string> parts = absl::StrSplit(absl::string_view(url).substr(at), '/');
    const bool page = !hub && parts.size() >= 5 && parts[3] == "tree";
    if (hub || page) {
      source.kind = Source::Kind::kHub;
      source.revision = "main";
      if (page) {
        source.revision = absl::StrJoin(parts.begin() + 4, parts.end(), "/");
        parts.resize(3);
      } else if (parts.size() >= 3) {
        const std::string tail = absl::StrJoin(parts.begin() + 2, parts.end(), "/");
        const size_t sign = tail.find('@');
        if (sign != std::string::npos) source.revision = tail.substr(sign + 1);
        parts.resize(2);
        parts.push_back(tail.substr(0, sign));
      }
      if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[2].empty() ||
          absl::StrContains(parts[2], "/") || source.revision.empty()) {
        return Bad(text, "something else");
      }
      source.place = absl::StrCat(url.substr(0, at), parts[0], "/", parts[1], "/", parts[2]);
    } else {
      source.kind = Source::Kind::kUrl;
      source.place = url;
    }
  } else if (absl::StrContains(url, "://")) {
    return Bad(text, absl::StrCat("scheme ", base::Quoted(url.substr(0, url.find("://")))));
  } else {
    source.place = absl::StartsWith(url, "/") ? url : base::JoinPath(directory, url);
  }
  if (source.name.empty()) source.name = NameFrom(source.place, source.kind != Source::Kind::kHub);
  if (!IsName(source.name)) return Bad(text, "nothing that a name follows from");
  return source;
}

std::string FileUrl(absl::string_view path) { return absl::StrCat("file://", EncodePath(path)); }

bool Matches(absl::string_view pattern, absl::string_view path) {
  if (!absl::StrContains(pattern, "/")) path = path.substr(path.rfind('/') + 1);
  return MatchesAll(pattern, path);
}

}  // namespace rules_inference::models
