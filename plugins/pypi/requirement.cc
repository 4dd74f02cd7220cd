#include "plugins/pypi/requirement.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/pypi/name.h"

namespace rules_inference::pypi {
namespace {

struct Line {
  std::string text;
  int number = 0;
};

// Lines without comments, continued ones put together.
std::vector<Line> LogicalLines(absl::string_view text) {
  std::vector<Line> lines;
  bool continued = false;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    // A '#' begins a comment at the start of a line or after white space: urls have it inside.
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] != '#') continue;
      if (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t') {
        line = line.substr(0, i);
        break;
      }
    }
    line = absl::StripTrailingAsciiWhitespace(line);
    const bool more = absl::ConsumeSuffix(&line, "\\");
    if (continued && !lines.empty()) {
      absl::StrAppend(&lines.back().text, " ", absl::StripAsciiWhitespace(line));
    } else {
      lines.push_back({std::string(absl::StripAsciiWhitespace(line)), number});
    }
    continued = more;
  }
  return lines;
}

bool IsUrl(absl::string_view text) {
  return absl::StrContains(text, "://") || absl::StartsWith(text, "git+");
}

bool IsVcs(absl::string_view url) {
  const absl::string_view scheme = url.substr(0, url.find("://"));
  return absl::StrContains(scheme, "+") || absl::StartsWith(scheme, "git");
}

// The name in "…#egg=name", of a repository, or of a wheel or source archive.
std::string NameInUrl(absl::string_view url) {
  const size_t hash = url.find('#');
  if (hash != absl::string_view::npos) {
    for (absl::string_view item : absl::StrSplit(url.substr(hash + 1), '&')) {
      if (absl::ConsumePrefix(&item, "egg=")) return std::string(item.substr(0, item.find('[')));
    }
  }
  absl::string_view path = url.substr(0, hash);
  path = path.substr(0, path.find('?'));
  if (IsVcs(url)) {
    // "…/name.git@revision"
    const size_t at = path.rfind('@');
    if (at != absl::string_view::npos && at > path.rfind('/')) path = path.substr(0, at);
    absl::string_view name = path.substr(path.rfind('/') + 1);
    absl::ConsumeSuffix(&name, ".git");
    return std::string(name);
  }
  const absl::string_view file = path.substr(path.rfind('/') + 1);
  return std::string(file.substr(0, file.find('-')));
}

class Reader {
 public:
  Reader(absl::string_view where, const Line& line)
      : where_(absl::StrCat(where, ":", line.number)), rest_(line.text) {
    out_.line = line.number;
  }

  absl::StatusOr<Requirement> Run() {
    TakeHashes();
    if (IsUrl(rest_.substr(0, rest_.find_first_of(" @;")))) {
      RETURN_IF_ERROR(TakeUrl());
      out_.name = NameInUrl(out_.url);
    } else {
      RETURN_IF_ERROR(TakeName());
      if (absl::ConsumePrefix(&rest_, "@")) {
        rest_ = absl::StripLeadingAsciiWhitespace(rest_);
        RETURN_IF_ERROR(TakeUrl());
      } else {
        RETURN_IF_ERROR(TakeSpecifier());
      }
    }
    if (!IsName(out_.name)) return Bad(out_.name, "the name of a distribution");
    out_.normalized = NormalizeName(out_.name);
    return std::move(out_);
  }

 private:
  absl::Status Bad(absl::string_view got, absl::string_view expected) const {
    return base::Mismatch("requirements", where_, base::Quoted(got), expected);
  }

  void TakeHashes() {
    std::string kept;
    for (absl::string_view word : absl::StrSplit(rest_, ' ', absl::SkipEmpty())) {
      if (absl::ConsumePrefix(&word, "--hash=")) {
        out_.hashes.emplace_back(word);
      } else {
        absl::StrAppend(&kept, kept.empty() ? "" : " ", word);
      }
    }
    text_ = std::move(kept);
    rest_ = text_;
  }

  absl::Status TakeUrl() {
    // " ; " ends a url, as it may have a ';' inside.
    const size_t end = rest_.find(" ;");
    out_.url = std::string(absl::StripAsciiWhitespace(rest_.substr(0, end)));
    if (end != absl::string_view::npos) {
      out_.marker = std::string(absl::StripAsciiWhitespace(rest_.substr(end + 2)));
    }
    out_.kind = IsVcs(out_.url) ? Requirement::Kind::kVcs : Requirement::Kind::kUrl;
    if (out_.url.empty() || !IsUrl(out_.url)) return Bad(out_.url, "a url");
    return absl::OkStatus();
  }

  absl::Status TakeName() {
    size_t end = 0;
    while (end < rest_.size() && (absl::ascii_isalnum(static_cast<unsigned char>(rest_[end])) ||
                                  absl::StrContains("._-", rest_[end]))) {
      ++end;
    }
    if (end == 0) return Bad(rest_, "the name of a distribution");
    out_.name = std::string(rest_.substr(0, end));
    rest_ = absl::StripLeadingAsciiWhitespace(rest_.substr(end));
    if (!absl::ConsumePrefix(&rest_, "[")) return absl::OkStatus();
    const size_t close = rest_.find(']');
    if (close == absl::string_view::npos) return Bad(rest_, "extras that end with ']'");
    for (const absl::string_view extra :
         absl::StrSplit(rest_.substr(0, close), ',', absl::SkipWhitespace())) {
      const absl::string_view name = absl::StripAsciiWhitespace(extra);
      if (!IsName(name)) return Bad(name, "the name of an extra");
      out_.extras.push_back(NormalizeName(name));
    }
    rest_ = absl::StripLeadingAsciiWhitespace(rest_.substr(close + 1));
    return absl::OkStatus();
  }

  absl::Status TakeSpecifier() {
    const size_t end = rest_.find(';');
    absl::string_view specifier = absl::StripAsciiWhitespace(rest_.substr(0, end));
    if (end != absl::string_view::npos) {
      out_.marker = std::string(absl::StripAsciiWhitespace(rest_.substr(end + 1)));
    }
    if (absl::ConsumePrefix(&specifier, "(")) absl::ConsumeSuffix(&specifier, ")");
    if (!specifier.empty() && !absl::StrContains("=<>!~", specifier[0])) {
      return Bad(specifier, "a version specifier such as >=1.2");
    }
    out_.specifier = std::string(specifier);
    return absl::OkStatus();
  }

  const std::string where_;
  std::string text_;
  absl::string_view rest_;
  Requirement out_;
};

}  // namespace

absl::StatusOr<std::vector<Requirement>> ParseRequirements(absl::string_view where,
                                                           absl::string_view text) {
  std::vector<Requirement> requirements;
  for (const Line& line : LogicalLines(text)) {
    if (line.text.empty() || line.text[0] == '-') continue;
    ASSIGN_OR_RETURN(requirements.emplace_back(), Reader(where, line).Run());
  }
  return requirements;
}

}  // namespace rules_inference::pypi
