#include "plugins/pypi/json_value.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::pypi {
namespace {

constexpr int kMaxDepth = 64;

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (code >> 6)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (code >> 12)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | (code >> 18)));
    out->push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

class Reader {
 public:
  Reader(absl::string_view what, absl::string_view where, absl::string_view text)
      : what_(what), where_(where), text_(text), rest_(text) {}

  absl::StatusOr<JsonValue> Run() {
    ASSIGN_OR_RETURN(JsonValue value, Value(0));
    Space();
    if (!rest_.empty()) return Bad("the end");
    return value;
  }

 private:
  absl::Status Bad(absl::string_view expected) const {
    return base::Mismatch(what_, absl::StrCat(where_, ": byte ", text_.size() - rest_.size()),
                          rest_.empty() ? "the end" : base::Quoted(rest_.substr(0, 1)), expected);
  }

  void Space() {
    while (!rest_.empty() && absl::string_view(" \t\r\n").find(rest_[0]) != rest_.npos) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(absl::string_view token) {
    Space();
    return absl::ConsumePrefix(&rest_, token);
  }

  absl::StatusOr<JsonValue> Value(int depth) {
    if (depth > kMaxDepth) return Bad("at most 64 levels");
    Space();
    JsonValue value;
    if (Take("{")) {
      value.kind = JsonValue::Kind::kObject;
      for (bool first = true; !Take("}"); first = false) {
        if (!first && !Take(",")) return Bad("',' or '}'");
        Space();
        ASSIGN_OR_RETURN(std::string key, String());
        if (!Take(":")) return Bad("':'");
        ASSIGN_OR_RETURN(JsonValue item, Value(depth + 1));
        if (!value.object.emplace(std::move(key), std::move(item)).second) {
          return Bad("each key once");
        }
      }
      return value;
    }
    if (Take("[")) {
      value.kind = JsonValue::Kind::kList;
      for (bool first = true; !Take("]"); first = false) {
        if (!first && !Take(",")) return Bad("',' or ']'");
        ASSIGN_OR_RETURN(value.list.emplace_back(), Value(depth + 1));
      }
      return value;
    }
    if (!rest_.empty() && rest_[0] == '"') {
      value.kind = JsonValue::Kind::kString;
      ASSIGN_OR_RETURN(value.text, String());
      return value;
    }
    if (Take("null")) return value;
    for (const absl::string_view word : {"true", "false"}) {
      if (!Take(word)) continue;
      value.kind = JsonValue::Kind::kBool;
      value.text = std::string(word);
      return value;
    }
    const size_t end = rest_.find_first_not_of("+-.0123456789eE");
    value.text = std::string(rest_.substr(0, end));
    double number = 0;
    if (!absl::SimpleAtod(value.text, &number)) return Bad("a value");
    value.kind = JsonValue::Kind::kNumber;
    rest_.remove_prefix(value.text.size());
    return value;
  }

  absl::StatusOr<uint32_t> Hex4() {
    uint32_t code = 0;
    if (rest_.size() < 4 || !absl::SimpleHexAtoi(rest_.substr(0, 4), &code)) {
      return Bad("four hex digits");
    }
    rest_.remove_prefix(4);
    return code;
  }

  absl::Status Escape(std::string* out) {
    constexpr absl::string_view kNames = "\"\\/bfnrt";
    constexpr absl::string_view kValues = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return Bad("an escape");
    const char name = rest_[0];
    if (name != 'u') {
      const size_t at = kNames.find(name);
      if (at == kNames.npos) return Bad("an escape");
      out->push_back(kValues[at]);
      rest_.remove_prefix(1);
      return absl::OkStatus();
    }
    rest_.remove_prefix(1);
    ASSIGN_OR_RETURN(uint32_t code, Hex4());
    if (code >= 0xd800 && code < 0xdc00) {
      if (!absl::ConsumePrefix(&rest_, "\\u")) return Bad("the second half of a character");
      ASSIGN_OR_RETURN(const uint32_t low, Hex4());
      if (low < 0xdc00 || low > 0xdfff) return Bad("the second half of a character");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
      return Bad("the first half of a character");
    }
    AppendUtf8(code, out);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> String() {
    if (!absl::ConsumePrefix(&rest_, "\"")) return Bad("a text");
    std::string out;
    while (!rest_.empty() && rest_[0] != '"') {
      const char c = rest_[0];
      if (static_cast<unsigned char>(c) < 0x20) return Bad("no control character");
      rest_.remove_prefix(1);
      if (c == '\\') {
        RETURN_IF_ERROR(Escape(&out));
      } else {
        out.push_back(c);
      }
    }
    if (!absl::ConsumePrefix(&rest_, "\"")) return Bad("'\"'");
    return out;
  }

  const absl::string_view what_;
  const absl::string_view where_;
  const absl::string_view text_;
  absl::string_view rest_;
};

}  // namespace

const JsonValue& JsonValue::operator[](const std::string& key) const {
  static const auto* const kNone = new JsonValue();
  const auto found = object.find(key);
  return found == object.end() ? *kNone : found->second;
}

uint64_t JsonValue::Number() const {
  uint64_t number = 0;
  return kind == Kind::kNumber && absl::SimpleAtoi(text, &number) ? number : 0;
}

absl::StatusOr<JsonValue> ParseJsonValue(absl::string_view what, absl::string_view where,
                                         absl::string_view text) {
  return Reader(what, where, text).Run();
}

}  // namespace rules_inference::pypi
