#include "plugins/pypi/version.h"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"

namespace rules_inference::pypi {
namespace {

constexpr absl::string_view kDigits = "0123456789";

bool IsDigit(char c) { return kDigits.find(c) != absl::string_view::npos; }

// Takes digits from the start of `*text`.
std::optional<uint64_t> TakeNumber(absl::string_view* text) {
  const absl::string_view digits = text->substr(0, text->find_first_not_of(kDigits));
  uint64_t number = 0;
  if (digits.empty() || digits.size() > 18 || !absl::SimpleAtoi(digits, &number)) {
    return std::nullopt;
  }
  text->remove_prefix(digits.size());
  return number;
}

// Takes "<separator><word><separator><number>" with any one of the words; the separators and the
// number may be missing, a missing number is 0. Leaves `*text` alone when there is none.
std::optional<uint64_t> TakeSegment(std::initializer_list<absl::string_view> words,
                                    absl::string_view* text) {
  absl::string_view rest = *text;
  const auto skip = [&] {
    if (!rest.empty() && (rest[0] == '.' || rest[0] == '-' || rest[0] == '_')) {
      rest.remove_prefix(1);
    }
  };
  skip();
  for (const absl::string_view word : words) {
    absl::string_view after = rest;
    if (!absl::ConsumePrefix(&after, word)) continue;
    rest = after;
    const absl::string_view before_number = rest;
    skip();
    std::optional<uint64_t> number = TakeNumber(&rest);
    if (!number.has_value()) {
      rest = before_number;
      number = 0;
    }
    *text = rest;
    return number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Version> Version::Parse(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  absl::string_view rest = lower;
  absl::ConsumePrefix(&rest, "v");
  Version version;
  const size_t epoch = rest.find('!');
  if (epoch != absl::string_view::npos) {
    const std::optional<uint64_t> number = TakeNumber(&rest);
    if (!number.has_value() || !absl::ConsumePrefix(&rest, "!")) return std::nullopt;
    version.epoch_ = *number;
  }
  do {
    const std::optional<uint64_t> number = TakeNumber(&rest);
    if (!number.has_value()) return std::nullopt;
    version.release_.push_back(*number);
  } while (rest.size() > 1 && rest[0] == '.' && IsDigit(rest[1]) &&
           absl::ConsumePrefix(&rest, "."));
  // Longer words first, as one is the beginning of another.
  if (const auto number = TakeSegment({"alpha", "a"}, &rest)) {
    version.pre_ = {0, *number};
  } else if (const auto beta = TakeSegment({"beta", "b"}, &rest)) {
    version.pre_ = {1, *beta};
  } else if (const auto candidate = TakeSegment({"rc", "c", "preview", "pre"}, &rest)) {
    version.pre_ = {2, *candidate};
  }
  if (const auto number = TakeSegment({"post", "rev", "r"}, &rest)) {
    version.post_ = *number;
  } else if (rest.size() > 1 && rest[0] == '-' && IsDigit(rest[1])) {
    rest.remove_prefix(1);  // "1.0-1" is 1.0.post1.
    version.post_ = TakeNumber(&rest);
    if (!version.post_.has_value()) return std::nullopt;
  }
  if (const auto number = TakeSegment({"dev"}, &rest)) version.dev_ = *number;
  if (absl::ConsumePrefix(&rest, "+")) {
    for (const absl::string_view part : absl::StrSplit(rest, absl::ByAnyChar(".-_"))) {
      if (part.empty() || part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") !=
                              absl::string_view::npos) {
        return std::nullopt;
      }
      LocalPart local;
      absl::string_view digits = part;
      const std::optional<uint64_t> number = TakeNumber(&digits);
      if (number.has_value() && digits.empty()) {
        local.is_number = true;
        local.number = *number;
      } else {
        local.word = std::string(part);
      }
      version.local_.push_back(local);
    }
    rest = "";
  }
  if (!rest.empty()) return std::nullopt;
  return version;
}

Version Version::Public() const {
  Version version = *this;
  version.local_.clear();
  return version;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  const auto trimmed = [](std::vector<uint64_t> release) {
    while (!release.empty() && release.back() == 0) release.pop_back();
    return release;
  };
  // Where a part is missing: a dev release of nothing else is before all prereleases; no
  // prerelease is after them; no post release is before them; no dev release is after them.
  const auto key = [](const Version& v) {
    constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
    std::pair<int, uint64_t> pre = {3, 0};
    if (v.pre_.has_value()) {
      pre = *v.pre_;
    } else if (!v.post_.has_value() && v.dev_.has_value()) {
      pre = {-1, 0};
    }
    return std::tuple(pre, v.post_.has_value() ? *v.post_ + 1 : 0, v.dev_.value_or(kMost));
  };
  if (const auto order = epoch_ <=> other.epoch_; order != 0) return order;
  if (const auto order = trimmed(release_) <=> trimmed(other.release_); order != 0) return order;
  if (const auto order = key(*this) <=> key(other); order != 0) return order;
  return local_ <=> other.local_;
}

namespace {

absl::Status BadSpecifier(absl::string_view text) {
  return base::Mismatch("requirement", "specifier", base::Quoted(text),
                        "an operator of ==, !=, <=, >=, <, >, ~=, === and a version");
}

// Whether the release of `version` begins with that of `prefix`, in one epoch.
bool HasPrefix(const Version& version, const Version& prefix) {
  std::vector<uint64_t> release = version.release();
  release.resize(std::max(release.size(), prefix.release().size()), 0);
  return version.epoch() == prefix.epoch() &&
         std::equal(prefix.release().begin(), prefix.release().end(), release.begin());
}

absl::StatusOr<bool> SatisfiesOne(const Version& version, absl::string_view text) {
  const absl::string_view whole = text;
  absl::string_view op;
  for (const absl::string_view candidate : {"===", "==", "!=", "<=", ">=", "~=", "<", ">"}) {
    if (absl::ConsumePrefix(&text, candidate)) {
      op = candidate;
      break;
    }
  }
  text = absl::StripAsciiWhitespace(text);
  if (op.empty() || text.empty()) return BadSpecifier(whole);
  const bool star = absl::ConsumeSuffix(&text, ".*");
  if (star && op != "==" && op != "!=") return BadSpecifier(whole);
  const std::optional<Version> wanted = Version::Parse(text);
  if (!wanted.has_value()) return BadSpecifier(whole);
  if (star) return HasPrefix(version, *wanted) == (op == "==");
  // A local label of the candidate does not matter unless one is asked for.
  const Version candidate = wanted->has_local() ? version : version.Public();
  if (op == "==" || op == "===") return candidate == *wanted;
  if (op == "!=") return candidate != *wanted;
  if (op == "<=") return version.Public() <= *wanted;
  if (op == ">=") return version.Public() >= *wanted;
  if (op == "<") {
    // 1.0rc1 is not what "<1.0" means.
    return version < *wanted &&
           (wanted->is_prerelease() || !version.is_prerelease() || !HasPrefix(version, *wanted));
  }
  if (op == ">") {
    // Nor is 1.0.post1 or 1.0+local what ">1.0" means.
    return version.Public() > *wanted &&
           (wanted->is_postrelease() || !version.is_postrelease() || !HasPrefix(version, *wanted));
  }
  // ~=1.4.2 is >=1.4.2,==1.4.*
  if (wanted->release().size() < 2) return BadSpecifier(whole);
  Version prefix = *wanted;
  std::vector<std::string> numbers;
  for (size_t i = 0; i + 1 < wanted->release().size(); ++i) {
    numbers.push_back(absl::StrCat(wanted->release()[i]));
  }
  prefix = *Version::Parse(absl::StrCat(wanted->epoch(), "!", absl::StrJoin(numbers, ".")));
  return version.Public() >= *wanted && HasPrefix(version, prefix);
}

}  // namespace

absl::StatusOr<bool> Satisfies(const Version& version, absl::string_view specifiers) {
  bool all = true;
  for (absl::string_view text : absl::StrSplit(specifiers, ',', absl::SkipWhitespace())) {
    const absl::StatusOr<bool> one = SatisfiesOne(version, absl::StripAsciiWhitespace(text));
    if (!one.ok()) return one.status();
    all = all && *one;
  }
  return all;
}

}  // namespace rules_inference::pypi
