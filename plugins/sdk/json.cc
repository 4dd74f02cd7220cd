// A recursive-descent reader that sets fields as it goes, so that a request of many lines costs one
// pass and one message. The grammar is RFC 8259; every deviation from it is an error with the byte
// at which it was seen. Recursion is bounded by kMaxDepth, so a line of a million brackets costs
// nothing.

#include "plugins/sdk/json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/utf8.h"
#include "plugins/sdk/error.h"

namespace rules_inference::sdk {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::EnumValueDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;
using ::google::protobuf::Reflection;

constexpr int kMaxDepth = 64;

std::string Name(const FieldDescriptor& field) { return absl::StrCat("`", field.name(), "`"); }

const FieldDescriptor* FindField(const Descriptor& descriptor, const std::string& name) {
  if (const FieldDescriptor* field = descriptor.FindFieldByName(name); field != nullptr)
    return field;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    if (absl::string_view(descriptor.field(i)->json_name()) == name) return descriptor.field(i);
  }
  return nullptr;
}

class Reader {
 public:
  // Errors name `what` and count lines from `line`.
  Reader(absl::string_view what, size_t line, absl::string_view text)
      : what_(what), line_(line), text_(text) {}

  absl::Status ReadDocument(Message& message) {
    SkipSpace();
    RETURN_IF_ERROR(ReadObject(message, 1));
    SkipSpace();
    if (pos_ != text_.size()) return Unexpected("the end of the text after the object");
    return absl::OkStatus();
  }

 private:
  absl::Status ErrorAt(size_t pos, absl::string_view got, absl::string_view expected) const {
    const absl::string_view before = text_.substr(0, pos);
    const size_t line_start =
        before.rfind('\n') == absl::string_view::npos ? 0 : before.rfind('\n') + 1;
    const auto line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + line_;
    return base::Mismatch(what_, absl::StrCat("line ", line, ", column ", pos - line_start + 1),
                          got, expected);
  }

  // The error that the next byte is not what it should be.
  absl::Status Unexpected(absl::string_view expected) const {
    if (pos_ >= text_.size()) return ErrorAt(pos_, "the end of the text", expected);
    absl::string_view rest = text_.substr(pos_);
    uint32_t code = 0;
    if (!base::ConsumeUtf8(rest, code)) rest.remove_prefix(1);
    return ErrorAt(pos_, base::Quoted(text_.substr(pos_, text_.size() - pos_ - rest.size())),
                   expected);
  }

  void SkipSpace() {
    while (pos_ < text_.size() && (text_[pos_] == ' ' || text_[pos_] == '\t' ||
                                   text_[pos_] == '\n' || text_[pos_] == '\r')) {
      ++pos_;
    }
  }

  bool Take(char c) {
    if (pos_ >= text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }

  bool TakeWord(absl::string_view word) {
    if (text_.substr(pos_, word.size()) != word) return false;
    pos_ += word.size();
    return true;
  }

  absl::Status ReadObject(Message& message, int depth) {
    if (depth > kMaxDepth) {
      return ErrorAt(pos_, "a deeper object", absl::StrCat("at most ", kMaxDepth, " levels"));
    }
    if (!Take('{')) return Unexpected("`{`");
    std::set<int> seen;
    SkipSpace();
    if (Take('}')) return absl::OkStatus();
    while (true) {
      SkipSpace();
      const size_t name_pos = pos_;
      std::string name;
      RETURN_IF_ERROR(ReadString(&name, "a field name in double quotes"));
      const Descriptor& descriptor = *message.GetDescriptor();
      const FieldDescriptor* field = FindField(descriptor, name);
      if (field == nullptr) {
        return ErrorAt(name_pos, absl::StrCat("unknown field ", base::Quoted(name)),
                       absl::StrCat("a field of ", descriptor.full_name()));
      }
      if (!seen.insert(field->number()).second) {
        return ErrorAt(name_pos, absl::StrCat("field ", Name(*field), " a second time"),
                       "each field once");
      }
      RETURN_IF_ERROR(CheckOneof(message, *field, name_pos));
      SkipSpace();
      if (!Take(':')) return Unexpected("`:`");
      SkipSpace();
      RETURN_IF_ERROR(ReadField(message, *field, depth));
      SkipSpace();
      if (Take('}')) return absl::OkStatus();
      if (!Take(',')) return Unexpected("`,` or `}`");
    }
  }

  absl::Status CheckOneof(const Message& message, const FieldDescriptor& field, size_t pos) const {
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof == nullptr) return absl::OkStatus();
    const FieldDescriptor* set = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    if (set == nullptr || set->number() == field.number()) return absl::OkStatus();
    return ErrorAt(pos, absl::StrCat("field ", Name(field), " although ", Name(*set), " is set"),
                   absl::StrCat("one field of `", oneof->name(), "`"));
  }

  absl::Status ReadField(Message& message, const FieldDescriptor& field, int depth) {
    if (field.is_map())
      return ErrorAt(pos_, absl::StrCat("map field ", Name(field)), "a field that is no map");
    if (!field.is_repeated()) return ReadValue(message, field, depth);
    if (!Take('[')) return Unexpected(absl::StrCat("`[` as ", Name(field), " is a list"));
    SkipSpace();
    if (Take(']')) return absl::OkStatus();
    while (true) {
      SkipSpace();
      RETURN_IF_ERROR(ReadValue(message, field, depth));
      SkipSpace();
      if (Take(']')) return absl::OkStatus();
      if (!Take(',')) return Unexpected("`,` or `]`");
    }
  }

  // Reads one value and sets it, or appends it to a repeated field.
  absl::Status ReadValue(Message& message, const FieldDescriptor& field, int depth) {
    const Reflection& reflection = *message.GetReflection();
    const bool repeated = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* child = repeated ? reflection.AddMessage(&message, &field)
                                  : reflection.MutableMessage(&message, &field);
        return ReadObject(*child, depth + 1);
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        const size_t pos = pos_;
        std::string value;
        RETURN_IF_ERROR(ReadString(&value, absl::StrCat("a string for ", Name(field))));
        if (field.type() == FieldDescriptor::TYPE_BYTES) {
          std::string bytes;
          if (!absl::Base64Unescape(value, &bytes)) {
            return ErrorAt(pos, base::Quoted(value), absl::StrCat("base64 for ", Name(field)));
          }
          value = std::move(bytes);
        }
        repeated ? reflection.AddString(&message, &field, std::move(value))
                 : reflection.SetString(&message, &field, std::move(value));
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_BOOL: {
        bool value = false;
        if (TakeWord("true")) {
          value = true;
        } else if (!TakeWord("false")) {
          return Unexpected(absl::StrCat("true or false for ", Name(field)));
        }
        repeated ? reflection.AddBool(&message, &field, value)
                 : reflection.SetBool(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const size_t pos = pos_;
        std::string name;
        RETURN_IF_ERROR(ReadString(&name, absl::StrCat("a string for ", Name(field))));
        const EnumValueDescriptor* value = field.enum_type()->FindValueByName(name);
        if (value == nullptr) {
          return ErrorAt(pos, base::Quoted(name),
                         absl::StrCat("a value of ", field.enum_type()->full_name()));
        }
        repeated ? reflection.AddEnum(&message, &field, value)
                 : reflection.SetEnum(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_INT32: {
        int32_t value = 0;
        RETURN_IF_ERROR(ReadInteger(field, &value));
        repeated ? reflection.AddInt32(&message, &field, value)
                 : reflection.SetInt32(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t value = 0;
        RETURN_IF_ERROR(ReadInteger(field, &value));
        repeated ? reflection.AddInt64(&message, &field, value)
                 : reflection.SetInt64(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_UINT32: {
        uint32_t value = 0;
        RETURN_IF_ERROR(ReadInteger(field, &value));
        repeated ? reflection.AddUInt32(&message, &field, value)
                 : reflection.SetUInt32(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_UINT64: {
        uint64_t value = 0;
        RETURN_IF_ERROR(ReadInteger(field, &value));
        repeated ? reflection.AddUInt64(&message, &field, value)
                 : reflection.SetUInt64(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_FLOAT: {
        double value = 0;
        RETURN_IF_ERROR(ReadDouble(field, std::numeric_limits<float>::max(), &value));
        const float narrow = static_cast<float>(value);
        repeated ? reflection.AddFloat(&message, &field, narrow)
                 : reflection.SetFloat(&message, &field, narrow);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double value = 0;
        RETURN_IF_ERROR(ReadDouble(field, std::numeric_limits<double>::max(), &value));
        repeated ? reflection.AddDouble(&message, &field, value)
                 : reflection.SetDouble(&message, &field, value);
        return absl::OkStatus();
      }
    }
    return absl::InternalError(absl::StrCat("field ", Name(field), " has an unknown type"));
  }

  // The number at pos_ as the grammar defines it: no plus sign, no leading zero, digits on both
  // sides of the point.
  absl::Status ReadNumber(absl::string_view expected, absl::string_view* number) {
    const size_t start = pos_;
    Take('-');
    if (!Take('0')) {
      if (!TakeDigits()) return Unexpected(expected);
    }
    if (Take('.') && !TakeDigits()) return Unexpected("a digit after the point");
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!TakeDigits()) return Unexpected("a digit in the exponent");
    }
    // "01" stops here with "1" left over, and "1x" with "x".
    if (pos_ < text_.size() &&
        (absl::ascii_isalnum(static_cast<unsigned char>(text_[pos_])) || text_[pos_] == '.')) {
      return Unexpected("the end of the number");
    }
    *number = text_.substr(start, pos_ - start);
    return absl::OkStatus();
  }

  bool TakeDigits() {
    const size_t start = pos_;
    while (pos_ < text_.size() && absl::ascii_isdigit(static_cast<unsigned char>(text_[pos_])))
      ++pos_;
    return pos_ != start;
  }

  // Integers of 64 bits may stand in quotes, as protobuf's own writers put them.
  template <class T>
  absl::Status ReadInteger(const FieldDescriptor& field, T* value) {
    const size_t start = pos_;
    const std::string expected =
        absl::StrCat("a whole number from ", std::numeric_limits<T>::min(), " to ",
                     std::numeric_limits<T>::max(), " for ", Name(field));
    absl::string_view number;
    const bool quoted = sizeof(T) == 8 && Take('"');
    RETURN_IF_ERROR(ReadNumber(expected, &number));
    if (quoted && !Take('"')) return Unexpected("`\"`");
    if (!absl::SimpleAtoi(number, value)) return ErrorAt(start, base::Quoted(number), expected);
    return absl::OkStatus();
  }

  absl::Status ReadDouble(const FieldDescriptor& field, double max, double* value) {
    const size_t start = pos_;
    const std::string expected = absl::StrCat("a number for ", Name(field));
    absl::string_view number;
    RETURN_IF_ERROR(ReadNumber(expected, &number));
    if (!absl::SimpleAtod(number, value) || !(std::fabs(*value) <= max)) {
      return ErrorAt(start, base::Quoted(number),
                     absl::StrCat(expected, " that its type can hold"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadString(std::string* value, absl::string_view expected) {
    if (!Take('"')) return Unexpected(expected);
    while (true) {
      if (pos_ >= text_.size()) return Unexpected("the end of the string");
      const char c = text_[pos_];
      if (c == '"') {
        ++pos_;
        return absl::OkStatus();
      }
      if (c == '\\') {
        RETURN_IF_ERROR(ReadEscape(value));
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Unexpected("control characters as escapes");
      absl::string_view rest = text_.substr(pos_);
      uint32_t code = 0;
      if (!base::ConsumeUtf8(rest, code)) return ErrorAt(pos_, "a byte that is not UTF-8", "UTF-8");
      const size_t length = text_.size() - pos_ - rest.size();
      value->append(text_.data() + pos_, length);
      pos_ += length;
    }
  }

  absl::Status ReadEscape(std::string* value) {
    const size_t start = pos_;
    ++pos_;  // The backslash.
    if (pos_ >= text_.size()) return Unexpected("an escape");
    const char c = text_[pos_++];
    switch (c) {
      case '"':
      case '\\':
      case '/':
        *value += c;
        return absl::OkStatus();
      case 'b':
        *value += '\b';
        return absl::OkStatus();
      case 'f':
        *value += '\f';
        return absl::OkStatus();
      case 'n':
        *value += '\n';
        return absl::OkStatus();
      case 'r':
        *value += '\r';
        return absl::OkStatus();
      case 't':
        *value += '\t';
        return absl::OkStatus();
      case 'u':
        break;
      default:
        return ErrorAt(start, base::Quoted(text_.substr(start, 2)), "an escape of JSON");
    }
    uint32_t code = 0;
    RETURN_IF_ERROR(ReadHex4(&code));
    if (code >= 0xd800 && code <= 0xdbff) {
      uint32_t low = 0;
      if (!TakeWord("\\u")) return ErrorAt(start, "a lone surrogate", "a pair of surrogates");
      RETURN_IF_ERROR(ReadHex4(&low));
      if (low < 0xdc00 || low > 0xdfff)
        return ErrorAt(start, "a lone surrogate", "a pair of surrogates");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
      return ErrorAt(start, "a lone surrogate", "a pair of surrogates");
    }
    if (code == 0) return ErrorAt(start, "NUL in a string", "no NUL");
    base::AppendUtf8(code, *value);
    return absl::OkStatus();
  }

  absl::Status ReadHex4(uint32_t* code) {
    const absl::string_view digits = text_.substr(pos_, 4);
    uint32_t result = 0;
    for (char c : digits) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) break;
      result =
          result * 16 + static_cast<uint32_t>(
                            absl::ascii_isdigit(static_cast<unsigned char>(c))
                                ? c - '0'
                                : absl::ascii_tolower(static_cast<unsigned char>(c)) - 'a' + 10);
      ++pos_;
      if (pos_ == static_cast<size_t>(digits.data() - text_.data()) + 4) {
        *code = result;
        return absl::OkStatus();
      }
    }
    return Unexpected("four hexadecimal digits");
  }

  const absl::string_view what_;
  const size_t line_;
  const absl::string_view text_;
  size_t pos_ = 0;
};

void WriteString(absl::string_view value, std::string* out) {
  *out += '"';
  for (char c : ToValidUtf8(value)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(out, "\\u%04x", byte);
    } else {
      *out += c;
    }
  }
  *out += '"';
}

// The shortest of the usual two precisions that reads back as the same value.
void WriteDouble(double value, std::string* out) {
  if (std::isnan(value)) {
    *out += "\"NaN\"";
  } else if (std::isinf(value)) {
    *out += value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  } else {
    std::string text = absl::StrFormat("%.15g", value);
    double back = 0;
    if (!absl::SimpleAtod(text, &back) || back != value) text = absl::StrFormat("%.17g", value);
    *out += text;
  }
}

void WriteMessage(const Message& message, std::string* out);

// Writes element `index` of a repeated field, or the value of a singular one.
void WriteValue(const Message& message, const FieldDescriptor& field, int index, std::string* out) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      WriteMessage(repeated ? reflection.GetRepeatedMessage(message, &field, index)
                            : reflection.GetMessage(message, &field),
                   out);
      return;
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = repeated ? reflection.GetRepeatedString(message, &field, index)
                                         : reflection.GetString(message, &field);
      WriteString(field.type() == FieldDescriptor::TYPE_BYTES ? absl::Base64Escape(value) : value,
                  out);
      return;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = repeated ? reflection.GetRepeatedBool(message, &field, index)
                                  : reflection.GetBool(message, &field);
      *out += value ? "true" : "false";
      return;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = repeated ? reflection.GetRepeatedEnumValue(message, &field, index)
                                  : reflection.GetEnumValue(message, &field);
      const EnumValueDescriptor* value = field.enum_type()->FindValueByNumber(number);
      value == nullptr ? absl::StrAppend(out, number) : WriteString(value->name(), out);
      return;
    }
    case FieldDescriptor::CPPTYPE_INT32:
      absl::StrAppend(out, repeated ? reflection.GetRepeatedInt32(message, &field, index)
                                    : reflection.GetInt32(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      absl::StrAppend(out, repeated ? reflection.GetRepeatedInt64(message, &field, index)
                                    : reflection.GetInt64(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      absl::StrAppend(out, repeated ? reflection.GetRepeatedUInt32(message, &field, index)
                                    : reflection.GetUInt32(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      absl::StrAppend(out, repeated ? reflection.GetRepeatedUInt64(message, &field, index)
                                    : reflection.GetUInt64(message, &field));
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      WriteDouble(static_cast<double>(repeated ? reflection.GetRepeatedFloat(message, &field, index)
                                               : reflection.GetFloat(message, &field)),
                  out);
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      WriteDouble(repeated ? reflection.GetRepeatedDouble(message, &field, index)
                           : reflection.GetDouble(message, &field),
                  out);
      return;
  }
}

void WriteMessage(const Message& message, std::string* out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::sort(fields.begin(), fields.end(), [](const FieldDescriptor* a, const FieldDescriptor* b) {
    return a->name() < b->name();
  });
  *out += '{';
  bool first = true;
  for (const FieldDescriptor* field : fields) {
    if (!first) *out += ',';
    first = false;
    WriteString(field->name(), out);
    *out += ':';
    if (!field->is_repeated()) {
      WriteValue(message, *field, 0, out);
      continue;
    }
    *out += '[';
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      if (i > 0) *out += ',';
      WriteValue(message, *field, i, out);
    }
    *out += ']';
  }
  *out += '}';
}

}  // namespace

absl::Status MergeJson(absl::string_view what, absl::string_view text, Message* message) {
  return Reader(what, 1, text).ReadDocument(*message);
}

absl::Status MergeJsonLinesInto(absl::Span<const std::string> lines, Message* message) {
  for (size_t i = 0; i < lines.size(); ++i) {
    RETURN_IF_ERROR(Reader("request", i + 1, lines[i]).ReadDocument(*message));
  }
  return absl::OkStatus();
}

std::string ToCanonicalJson(const Message& message) {
  std::string out;
  WriteMessage(message, &out);
  return out;
}

}  // namespace rules_inference::sdk
