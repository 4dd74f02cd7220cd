#include "plugins/infer/output/json_writer.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

template <typename T>
std::string Shortest(T value) {
  if (!std::isfinite(value)) return "null";
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  // Some readers take "1" for an integer type and refuse it where they wait for a fraction.
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

std::string JsonString(absl::string_view text) {
  std::string out = "\"";
  for (const char c : sdk::ToValidUtf8(text)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

void JsonWriter::BreakLine() {
  if (layout_ == Layout::kReadable)
    absl::StrAppend(&out_, "\n", std::string(2 * open_.size(), ' '));
}

void JsonWriter::Begin() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (open_.empty()) return;
  if (!first_) out_ += ',';
  if (short_ == 0) {
    BreakLine();
  } else if (!first_ && layout_ == Layout::kReadable) {
    out_ += ' ';
  }
}

JsonWriter& JsonWriter::Open(char open, char close) {
  Begin();
  out_ += open;
  open_ += close;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::ShortList() {
  Open('[', ']');
  if (short_ == 0) short_ = open_.size();
  return *this;
}

JsonWriter& JsonWriter::End() {
  const char close = open_.back();
  const bool on_line = short_ != 0;
  if (short_ == open_.size()) short_ = 0;
  open_.pop_back();
  if (!first_ && !on_line) BreakLine();
  out_ += close;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::Key(absl::string_view key) {
  Begin();
  absl::StrAppend(&out_, JsonString(key), layout_ == Layout::kReadable ? ": " : ":");
  first_ = false;
  after_key_ = true;
  return *this;
}

void JsonWriter::Value(absl::string_view text) {
  Begin();
  absl::StrAppend(&out_, text);
  first_ = false;
}

JsonWriter& JsonWriter::String(absl::string_view value) {
  Value(JsonString(value));
  return *this;
}

JsonWriter& JsonWriter::Integer(int64_t value) {
  Value(absl::StrCat(value));
  return *this;
}

JsonWriter& JsonWriter::Number(double value) {
  Value(Shortest(value));
  return *this;
}

JsonWriter& JsonWriter::Number(float value) {
  Value(Shortest(value));
  return *this;
}

JsonWriter& JsonWriter::Seconds(double value) { return Number(std::round(value * 1000) / 1000); }

JsonWriter& JsonWriter::Bool(bool value) {
  Value(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Value("null");
  return *this;
}

std::string JsonWriter::Take() {
  if (layout_ == Layout::kReadable) out_ += '\n';
  return std::exchange(out_, {});
}

}  // namespace rules_inference::infer
