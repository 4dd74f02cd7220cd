#include "plugins/layer/oci/json.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/utf8.h"

namespace rules_inference::layer::oci {
namespace {

class Parser {
 public:
  Parser(absl::string_view text, absl::string_view where) : text_(text), where_(where) {}

  absl::StatusOr<Json> Document() {
    Json result;
    if (!Value(0, result)) return error_;
    SkipBlanks();
    if (pos_ != text_.size()) {
      Fail(Seen(), "the end of the document");
      return error_;
    }
    return result;
  }

 private:
  // All parsing functions return false after they set error_: one kind of return keeps the
  // recursion readable.
  bool Fail(absl::string_view got, absl::string_view expected) {
    if (error_.ok()) {
      error_ = absl::InvalidArgumentError(
          absl::StrCat("JSON: ", where_, ": byte ", pos_, ": got ", got, ", expected ", expected));
    }
    return false;
  }

  // What stands at the current position, for errors.
  std::string Seen() const {
    if (pos_ >= text_.size()) return "the end of the document";
    const char c = text_[pos_];
    if (absl::ascii_isprint(static_cast<unsigned char>(c)))
      return absl::StrCat("'", absl::string_view(&c, 1), "'");
    return absl::StrFormat("byte 0x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }

  void SkipBlanks() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t' ||
                                   text_[pos_] == '\n' || text_[pos_] == '\r')) {
      ++pos_;
    }
  }

  bool At(char c) const { return pos_ < text_.size() && text_[pos_] == c; }
  bool AtDigit() const { return pos_ < text_.size() && text_[pos_] >= '0' && text_[pos_] <= '9'; }

  bool Value(int depth, Json& out) {
    SkipBlanks();
    if (depth > kMaxJsonDepth) {
      return Fail(absl::StrCat("nesting deeper than ", kMaxJsonDepth), "a flatter document");
    }
    if (At('{')) return Object(depth, out);
    if (At('[')) return Array(depth, out);
    if (At('"')) {
      std::string value;
      if (!String(value)) return false;
      out = Json::String(value);
      return true;
    }
    if (At('-') || AtDigit()) return Number(out);
    if (Word("true")) return out = Json::Bool(true), true;
    if (Word("false")) return out = Json::Bool(false), true;
    if (Word("null")) return out = Json(), true;
    return Fail(Seen(), "a value");
  }

  bool Word(absl::string_view word) {
    if (text_.substr(pos_, word.size()) != word) return false;
    pos_ += word.size();
    return true;
  }

  bool Object(int depth, Json& out) {
    out = Json::Object();
    ++pos_;
    SkipBlanks();
    if (At('}')) return ++pos_, true;
    // Json::Set would search all members for each new one; the set keeps large documents linear.
    absl::flat_hash_set<std::string> seen;
    while (true) {
      SkipBlanks();
      const size_t key_pos = pos_;
      if (!At('"')) return Fail(Seen(), "a key in quotes");
      std::string key;
      if (!String(key)) return false;
      if (!seen.insert(key).second) {
        pos_ = key_pos;
        return Fail(absl::StrCat("a second key ", base::Quoted(key)), "every key once");
      }
      SkipBlanks();
      if (!At(':')) return Fail(Seen(), "':'");
      ++pos_;
      Json value;
      if (!Value(depth + 1, value)) return false;
      out.AddMember(std::move(key), std::move(value));
      SkipBlanks();
      if (At('}')) return ++pos_, true;
      if (!At(',')) return Fail(Seen(), "',' or '}'");
      ++pos_;
    }
  }

  bool Array(int depth, Json& out) {
    out = Json::Array();
    ++pos_;
    SkipBlanks();
    if (At(']')) return ++pos_, true;
    while (true) {
      Json value;
      if (!Value(depth + 1, value)) return false;
      out.Append(std::move(value));
      SkipBlanks();
      if (At(']')) return ++pos_, true;
      if (!At(',')) return Fail(Seen(), "',' or ']'");
      ++pos_;
    }
  }

  bool Number(Json& out) {
    const size_t start = pos_;
    if (At('-')) ++pos_;
    if (At('0')) {
      ++pos_;
    } else if (AtDigit()) {
      while (AtDigit()) ++pos_;
    } else {
      return Fail(Seen(), "a digit");
    }
    if (At('.')) {
      ++pos_;
      if (!AtDigit()) return Fail(Seen(), "a digit");
      while (AtDigit()) ++pos_;
    }
    if (At('e') || At('E')) {
      ++pos_;
      if (At('+') || At('-')) ++pos_;
      if (!AtDigit()) return Fail(Seen(), "a digit");
      while (AtDigit()) ++pos_;
    }
    const absl::string_view number = text_.substr(start, pos_ - start);
    double value = 0;
    if (!absl::SimpleAtod(number, &value) || !std::isfinite(value)) {
      pos_ = start;
      return Fail(absl::StrCat("number ", number.substr(0, 40)), "a number that a double can hold");
    }
    out = Json::NumberText(number);
    return true;
  }

  bool Hex4(uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i) {
      if (pos_ >= text_.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text_[pos_]))) {
        return Fail(Seen(), "a hexadecimal digit");
      }
      const char c = absl::ascii_tolower(static_cast<unsigned char>(text_[pos_]));
      code = code * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
      ++pos_;
    }
    return true;
  }

  bool Escape(std::string& out) {
    if (pos_ >= text_.size()) return Fail(Seen(), "an escape");
    const size_t start = pos_ - 1;
    switch (text_[pos_]) {
      case '"':
        out.push_back('"');
        break;
      case '\\':
        out.push_back('\\');
        break;
      case '/':
        out.push_back('/');
        break;
      case 'b':
        out.push_back('\b');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 't':
        out.push_back('\t');
        break;
      case 'u': {
        ++pos_;
        uint32_t code = 0;
        if (!Hex4(code)) return false;
        if (code >= 0xd800 && code < 0xdc00 && text_.substr(pos_, 2) == "\\u") {
          pos_ += 2;
          uint32_t low = 0;
          if (!Hex4(low)) return false;
          if (low < 0xdc00 || low > 0xdfff) {
            pos_ = start;
            return Fail("a lone surrogate", "a pair of surrogates");
          }
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (code >= 0xd800 && code <= 0xdfff) {
          pos_ = start;
          return Fail("a lone surrogate", "a pair of surrogates");
        }
        if (code == 0) {
          pos_ = start;
          return Fail("a NUL character", "text without NUL");
        }
        base::AppendUtf8(code, out);
        return true;
      }
      default:
        return Fail(Seen(), "an escape");
    }
    ++pos_;
    return true;
  }

  bool String(std::string& out) {
    ++pos_;
    while (true) {
      if (pos_ >= text_.size()) return Fail(Seen(), "'\"'");
      const char c = text_[pos_];
      if (c == '"') return ++pos_, true;
      if (c == '\\') {
        ++pos_;
        if (!Escape(out)) return false;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Fail(Seen(), "an escaped control character");
      absl::string_view rest = text_.substr(pos_);
      uint32_t code = 0;
      if (!base::ConsumeUtf8(rest, code)) return Fail(Seen(), "UTF-8");
      const size_t length = text_.size() - pos_ - rest.size();
      out.append(text_.substr(pos_, length));
      pos_ += length;
    }
  }

  const absl::string_view text_;
  const absl::string_view where_;
  size_t pos_ = 0;
  absl::Status error_;
};

void WriteString(absl::string_view value, std::string& out) {
  out.push_back('"');
  for (const char c : value) {
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          absl::StrAppendFormat(&out, "\\u%04x",
                                static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

void Write(const Json& json, std::string& out) {
  switch (json.kind()) {
    case Json::Kind::kNull:
      out.append("null");
      break;
    case Json::Kind::kBool:
    case Json::Kind::kNumber:
      out.append(json.text());
      break;
    case Json::Kind::kString:
      WriteString(json.text(), out);
      break;
    case Json::Kind::kArray: {
      absl::string_view separator = "[";
      for (const Json& item : json.items()) {
        out.append(separator);
        Write(item, out);
        separator = ",";
      }
      out.append(json.items().empty() ? "[]" : "]");
      break;
    }
    case Json::Kind::kObject: {
      absl::string_view separator = "{";
      for (const auto& [key, value] : json.members()) {
        out.append(separator);
        WriteString(key, out);
        out.push_back(':');
        Write(value, out);
        separator = ",";
      }
      out.append(json.members().empty() ? "{}" : "}");
      break;
    }
  }
}

}  // namespace

Json Json::Bool(bool value) {
  Json result(Kind::kBool);
  result.text_ = value ? "true" : "false";
  return result;
}

Json Json::Number(uint64_t value) { return NumberText(absl::StrCat(value)); }

Json Json::NumberText(absl::string_view text) {
  Json result(Kind::kNumber);
  result.text_ = std::string(text);
  return result;
}

Json Json::String(absl::string_view value) {
  Json result(Kind::kString);
  result.text_ = std::string(value);
  return result;
}

const Json* Json::Find(absl::string_view key) const {
  for (const auto& [name, value] : members_) {
    if (name == key) return &value;
  }
  return nullptr;
}

Json& Json::Set(absl::string_view key, Json value) {
  if (kind_ == Kind::kNull) kind_ = Kind::kObject;
  for (auto& [name, old] : members_) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  AddMember(std::string(key), std::move(value));
  return *this;
}

void Json::AddMember(std::string key, Json value) {
  members_.emplace_back(std::move(key), std::move(value));
}

void Json::Remove(absl::string_view key) {
  for (auto it = members_.begin(); it != members_.end(); ++it) {
    if (it->first == key) {
      members_.erase(it);
      return;
    }
  }
}

absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view where) {
  return Parser(text, where).Document();
}

std::string JsonText(const Json& json) {
  std::string out;
  Write(json, out);
  return out;
}

absl::string_view JsonKindName(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return "a boolean";
    case Json::Kind::kNumber:
      return "a number";
    case Json::Kind::kString:
      return "a string";
    case Json::Kind::kArray:
      return "an array";
    case Json::Kind::kObject:
      return "an object";
  }
  return "a value";
}

}  // namespace rules_inference::layer::oci
