#include "plugins/models/json_reader.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/utf8.h"

namespace rules_inference::models {
namespace {

constexpr int kMaxDepth = 64;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

}  // namespace

absl::Status JsonReader::Bad(size_t at, absl::string_view got, absl::string_view expected) const {
  return base::Mismatch(what_, absl::StrCat("byte ", at), got, expected);
}

absl::Status JsonReader::Unexpected(absl::string_view expected) {
  return Bad(pos_, pos_ < text_.size() ? base::Quoted(text_.substr(pos_, 1)) : "the end", expected);
}

void JsonReader::SkipSpace() {
  while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t' || text_[pos_] == '\n' ||
                                 text_[pos_] == '\r')) {
    ++pos_;
  }
}

bool JsonReader::Take(char c) {
  SkipSpace();
  if (pos_ >= text_.size() || text_[pos_] != c) return false;
  ++pos_;
  return true;
}

char JsonReader::Peek() {
  SkipSpace();
  return pos_ < text_.size() ? text_[pos_] : '\0';
}

absl::Status JsonReader::Object(
    const std::function<absl::Status(const std::string& name)>& member) {
  if (!Take('{')) return Unexpected("an object");
  if (++depth_ > kMaxDepth) return Bad(pos_, "a deeper object", "at most 64 levels");
  if (Take('}')) return --depth_, absl::OkStatus();
  while (true) {
    ASSIGN_OR_RETURN(const std::string name, String());
    if (!Take(':')) return Unexpected("':'");
    RETURN_IF_ERROR(member(name));
    if (Take('}')) return --depth_, absl::OkStatus();
    if (!Take(',')) return Unexpected("',' or '}'");
  }
}

absl::Status JsonReader::Array(const std::function<absl::Status()>& item) {
  if (!Take('[')) return Unexpected("a list");
  if (++depth_ > kMaxDepth) return Bad(pos_, "a deeper list", "at most 64 levels");
  if (Take(']')) return --depth_, absl::OkStatus();
  while (true) {
    RETURN_IF_ERROR(item());
    if (Take(']')) return --depth_, absl::OkStatus();
    if (!Take(',')) return Unexpected("',' or ']'");
  }
}

absl::StatusOr<uint32_t> JsonReader::Hex4() {
  uint32_t value = 0;
  if (text_.size() - pos_ < 4 || !absl::SimpleHexAtoi(text_.substr(pos_, 4), &value) ||
      !absl::c_all_of(text_.substr(pos_, 4),
                      [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); })) {
    return Bad(pos_, "something else", "four hex digits");
  }
  pos_ += 4;
  return value;
}

absl::StatusOr<std::string> JsonReader::String() {
  if (!Take('"')) return Unexpected("text in double quotes");
  std::string out;
  while (true) {
    if (pos_ >= text_.size()) return Unexpected("'\"'");
    const char c = text_[pos_];
    if (static_cast<unsigned char>(c) < 0x20) return Unexpected("no control character");
    if (c == '"') {
      ++pos_;
      return out;
    }
    if (c != '\\') {
      absl::string_view rest = text_.substr(pos_);
      uint32_t code = 0;
      if (!base::ConsumeUtf8(rest, code)) return Unexpected("valid UTF-8");
      const size_t size = text_.size() - pos_ - rest.size();
      out.append(text_.substr(pos_, size));
      pos_ += size;
      continue;
    }
    ++pos_;
    if (pos_ >= text_.size()) return Unexpected("an escape");
    const char escape = text_[pos_++];
    constexpr absl::string_view kNames = "\"\\/bfnrt";
    constexpr absl::string_view kValues = "\"\\/\b\f\n\r\t";
    if (const size_t at = kNames.find(escape); at != absl::string_view::npos) {
      out += kValues[at];
      continue;
    }
    if (escape != 'u') return Bad(pos_ - 1, base::Quoted(std::string(1, escape)), "an escape");
    const size_t start = pos_;
    ASSIGN_OR_RETURN(uint32_t code, Hex4());
    if (code >= 0xD800 && code < 0xDC00 && absl::StartsWith(text_.substr(pos_), "\\u")) {
      pos_ += 2;
      ASSIGN_OR_RETURN(const uint32_t low, Hex4());
      if (low < 0xDC00 || low > 0xDFFF) return Bad(start, "half a character", "its other half");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xD800 && code < 0xE000) {
      return Bad(start, "half a character", "its other half");
    }
    base::AppendUtf8(code, out);
  }
}

absl::StatusOr<uint64_t> JsonReader::Number() {
  SkipSpace();
  size_t end = pos_;
  while (end < text_.size() && IsDigit(text_[end])) ++end;
  const absl::string_view digits = text_.substr(pos_, end - pos_);
  if (digits.empty()) return Unexpected("a whole number");
  if (end < text_.size() && absl::StrContains(".eE", text_.substr(end, 1))) {
    return Bad(pos_, "a number with a fraction or an exponent", "a whole number");
  }
  uint64_t value = 0;
  if ((digits.size() > 1 && digits[0] == '0') || !absl::SimpleAtoi(digits, &value)) {
    return Bad(pos_, base::Quoted(digits), "a whole number below 2^64");
  }
  pos_ = end;
  return value;
}

absl::Status JsonReader::Skip() {
  switch (Peek()) {
    case '{':
      return Object([this](const std::string&) { return Skip(); });
    case '[':
      return Array([this] { return Skip(); });
    case '"':
      return String().status();
    default:
      break;
  }
  for (const absl::string_view word : {"true", "false", "null"}) {
    if (!absl::StartsWith(text_.substr(pos_), word)) continue;
    pos_ += word.size();
    return absl::OkStatus();
  }
  const size_t begin = pos_;
  while (pos_ < text_.size() && (IsDigit(text_[pos_]) || text_[pos_] == '-' || text_[pos_] == '+' ||
                                 text_[pos_] == '.' || text_[pos_] == 'e' || text_[pos_] == 'E')) {
    ++pos_;
  }
  double ignored = 0;
  if (pos_ == begin || !absl::SimpleAtod(text_.substr(begin, pos_ - begin), &ignored)) {
    pos_ = begin;
    return Unexpected("a value");
  }
  return absl::OkStatus();
}

absl::Status JsonReader::End() {
  SkipSpace();
  return pos_ == text_.size() ? absl::OkStatus() : Unexpected("the end");
}

}  // namespace rules_inference::models
