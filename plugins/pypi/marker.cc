#include "plugins/pypi/marker.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/pypi/name.h"
#include "plugins/pypi/version.h"

namespace rules_inference::pypi {
namespace {

// Deep enough for every marker that people write, and no danger to the stack.
constexpr int kMaxDepth = 100;

struct Token {
  enum class Kind { kWord, kText, kOperator, kOpen, kClose, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;
};

class Parser {
 public:
  Parser(absl::string_view marker, const MarkerEnvironment& environment,
         const std::vector<std::string>& extras)
      : marker_(marker), rest_(marker), environment_(environment), extras_(extras) {}

  absl::StatusOr<bool> Run() {
    RETURN_IF_ERROR(Advance());
    ASSIGN_OR_RETURN(const bool value, Or(0));
    if (token_.kind != Token::Kind::kEnd) return Bad("the end");
    return value;
  }

 private:
  absl::Status Bad(absl::string_view expected) const {
    return base::Mismatch("marker", base::Quoted(marker_),
                          token_.kind == Token::Kind::kEnd ? "the end" : base::Quoted(token_.text),
                          expected);
  }

  absl::Status Advance() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    token_ = {};
    if (rest_.empty()) return absl::OkStatus();
    const char c = rest_[0];
    size_t size = 1;
    if (c == '(' || c == ')') {
      token_.kind = c == '(' ? Token::Kind::kOpen : Token::Kind::kClose;
    } else if (c == '"' || c == '\'') {
      const size_t end = rest_.find(c, 1);
      token_.kind = Token::Kind::kText;
      if (end == absl::string_view::npos) {
        token_.text = std::string(rest_);
        return Bad("a text that ends");
      }
      token_.text = std::string(rest_.substr(1, end - 1));
      rest_.remove_prefix(end + 1);
      return absl::OkStatus();
    } else if (absl::StrContains("<>=!~", c)) {
      token_.kind = Token::Kind::kOperator;
      size = std::min(rest_.find_first_not_of("<>=!~"), rest_.size());
    } else {
      token_.kind = Token::Kind::kWord;
      while (size < rest_.size() && (absl::ascii_isalnum(static_cast<unsigned char>(rest_[size])) ||
                                     rest_[size] == '_' || rest_[size] == '.')) {
        ++size;
      }
    }
    token_.text = std::string(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return absl::OkStatus();
  }

  bool IsWord(absl::string_view word) const {
    return token_.kind == Token::Kind::kWord && token_.text == word;
  }

  absl::StatusOr<bool> Or(int depth) {
    ASSIGN_OR_RETURN(bool value, And(depth));
    while (IsWord("or")) {
      RETURN_IF_ERROR(Advance());
      ASSIGN_OR_RETURN(const bool right, And(depth));
      value = value || right;
    }
    return value;
  }

  absl::StatusOr<bool> And(int depth) {
    ASSIGN_OR_RETURN(bool value, Atom(depth));
    while (IsWord("and")) {
      RETURN_IF_ERROR(Advance());
      ASSIGN_OR_RETURN(const bool right, Atom(depth));
      value = value && right;
    }
    return value;
  }

  absl::StatusOr<bool> Atom(int depth) {
    if (token_.kind != Token::Kind::kOpen) return Comparison();
    if (depth > kMaxDepth) return Bad("fewer parentheses");
    RETURN_IF_ERROR(Advance());
    ASSIGN_OR_RETURN(const bool value, Or(depth + 1));
    if (token_.kind != Token::Kind::kClose) return Bad("')'");
    RETURN_IF_ERROR(Advance());
    return value;
  }

  struct Operand {
    std::string name;  // Of a variable; empty for a text.
    std::string value;
  };

  absl::StatusOr<Operand> Side() {
    Operand operand;
    if (token_.kind == Token::Kind::kText) {
      operand.value = token_.text;
    } else if (token_.kind == Token::Kind::kWord) {
      operand.name = absl::StrReplaceAll(token_.text, {{".", "_"}});
      if (operand.name == "python_implementation") operand.name = "platform_python_implementation";
      if (operand.name != "extra") {
        const auto found = environment_.find(operand.name);
        if (found == environment_.end()) return Bad("a variable whose value is known");
        operand.value = found->second;
      }
    } else {
      return Bad("a variable or a text in quotes");
    }
    RETURN_IF_ERROR(Advance());
    return operand;
  }

  absl::StatusOr<bool> Comparison() {
    ASSIGN_OR_RETURN(const Operand left, Side());
    std::string op = token_.text;
    if (IsWord("not")) {
      RETURN_IF_ERROR(Advance());
      if (!IsWord("in")) return Bad("'in'");
      op = "not in";
    } else if (token_.kind != Token::Kind::kOperator && !IsWord("in")) {
      return Bad("an operator");
    }
    const Token where = token_;
    RETURN_IF_ERROR(Advance());
    ASSIGN_OR_RETURN(const Operand right, Side());
    if (left.name == "extra" || right.name == "extra") {
      const std::string wanted = NormalizeName(left.name == "extra" ? right.value : left.value);
      const bool there = std::any_of(extras_.begin(), extras_.end(), [&](const std::string& extra) {
        return NormalizeName(extra) == wanted;
      });
      if (op == "==") return there;
      if (op == "!=") return !there;
      token_ = where;
      return Bad("== or != for an extra");
    }
    if (op == "in") return absl::StrContains(right.value, left.value);
    if (op == "not in") return !absl::StrContains(right.value, left.value);
    // Versions where both sides are versions, else texts.
    const std::optional<Version> version = Version::Parse(left.value);
    absl::string_view wanted = right.value;
    if (version.has_value() && Version::Parse(absl::StripSuffix(wanted, ".*")).has_value()) {
      return Satisfies(*version, absl::StrCat(op, right.value));
    }
    if (op == "==" || op == "===") return left.value == right.value;
    if (op == "!=") return left.value != right.value;
    if (op == "<") return left.value < right.value;
    if (op == ">") return left.value > right.value;
    if (op == "<=") return left.value <= right.value;
    if (op == ">=") return left.value >= right.value;
    token_ = where;
    return Bad("an operator for texts");
  }

  const absl::string_view marker_;
  absl::string_view rest_;
  const MarkerEnvironment& environment_;
  const std::vector<std::string>& extras_;
  Token token_;
};

}  // namespace

absl::StatusOr<MarkerEnvironment> EnvironmentOf(absl::string_view python,
                                                absl::string_view platform) {
  absl::string_view version = python;
  absl::ConsumeSuffix(&version, "t");  // Free-threaded: the same to markers.
  const std::vector<std::string> numbers = absl::StrSplit(version, '.');
  if (numbers.size() != 2 || !Version::Parse(version).has_value()) {
    return base::Mismatch("python", base::Quoted(python), "another text", "a version as 3.12");
  }
  const std::vector<std::string> parts = absl::StrSplit(platform, '-');
  const std::map<std::string, std::pair<std::string, std::string>> systems = {
      {"linux", {"linux", "Linux"}},
      {"macos", {"darwin", "Darwin"}},
      {"windows", {"win32", "Windows"}}};
  const auto system = systems.find(parts[0]);
  if (parts.size() != 2 || system == systems.end() ||
      (parts[1] != "x86_64" && parts[1] != "aarch64")) {
    return base::Mismatch("platform", base::Quoted(platform), "another text",
                          "one of linux, macos, windows, with x86_64 or aarch64: linux-x86_64");
  }
  std::string machine = parts[1];
  if (parts[0] == "macos" && machine == "aarch64") machine = "arm64";
  if (parts[0] == "windows") machine = machine == "x86_64" ? "AMD64" : "ARM64";
  return MarkerEnvironment{
      {"implementation_name", "cpython"},
      {"implementation_version", absl::StrCat(version, ".0")},
      {"os_name", parts[0] == "windows" ? "nt" : "posix"},
      {"platform_machine", machine},
      {"platform_python_implementation", "CPython"},
      {"platform_system", system->second.second},
      {"python_full_version", absl::StrCat(version, ".0")},
      {"python_version", std::string(version)},
      {"sys_platform", system->second.first},
  };
}

absl::StatusOr<bool> EvaluateMarker(absl::string_view marker, const MarkerEnvironment& environment,
                                    const std::vector<std::string>& extras) {
  if (absl::StripAsciiWhitespace(marker).empty()) return true;
  return Parser(marker, environment, extras).Run();
}

}  // namespace rules_inference::pypi
