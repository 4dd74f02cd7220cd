#include "plugins/layer/registry/challenge.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace rules_inference::layer::registry {
namespace {

bool IsTokenByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", c);
}

class Reader {
 public:
  explicit Reader(absl::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  void SkipBlanks() {
    while (!rest_.empty() && absl::StrContains(" \t\n,", rest_[0])) rest_.remove_prefix(1);
  }
  std::string Token() {
    size_t end = 0;
    while (end < rest_.size() && IsTokenByte(rest_[end])) ++end;
    std::string token(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return token;
  }
  bool Take(char c) {
    const absl::string_view after = absl::StripLeadingAsciiWhitespace(rest_);
    if (after.empty() || after[0] != c) return false;
    rest_ = after.substr(1);
    return true;
  }
  std::string Value() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    if (rest_.empty() || rest_[0] != '"') return Token();
    std::string value;
    size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      value += rest_[i];
    }
    rest_.remove_prefix(i < rest_.size() ? i + 1 : i);
    return value;
  }
  void Skip() { rest_.remove_prefix(1); }

 private:
  absl::string_view rest_;
};

}  // namespace

std::vector<Challenge> ParseChallenges(absl::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header);
  for (reader.SkipBlanks(); !reader.AtEnd(); reader.SkipBlanks()) {
    const std::string name = absl::AsciiStrToLower(reader.Token());
    if (name.empty()) {
      reader.Skip();
    } else if (reader.Take('=')) {
      // A word with "=" is a parameter of the scheme before it.
      std::string value = reader.Value();
      if (!challenges.empty()) challenges.back().parameters.emplace(name, std::move(value));
    } else {
      challenges.push_back({name, {}});
    }
  }
  return challenges;
}

}  // namespace rules_inference::layer::registry
