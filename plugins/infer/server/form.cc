// Problem: a body of named parts between lines that the client chose, from clients that quote names
// in three ways, read by a program that must not be led astray by any of it.
//
// Idea: the body is in memory as a whole and is only looked at: a part is a view of it. Delimiters
// are found from the front, the few lines at the head of each part are split, and everything that
// no known client sends is refused.
//
// Invariant: each step consumes at least the delimiter that it found, so the work ends; nothing is
// allocated beyond names, which are limited.
//
// Cost: one pass over the body.

#include "plugins/infer/server/form.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::infer {
namespace {

constexpr absl::string_view kWhat = "form";
constexpr size_t kMostBoundary = 70;  // RFC 2046, 5.1.1.
constexpr size_t kMostHead = 4096;
constexpr size_t kMostName = 256;

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", c);
}

bool IsBoundaryCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("'()+_,-./:=? ", c);
}

void SkipSpace(absl::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

absl::string_view TakeToken(absl::string_view& text) {
  size_t size = 0;
  while (size < text.size() && IsTokenCharacter(text[size])) ++size;
  const absl::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

// After the opening quote. Browsers write %22 for a quote in a name, curl \", and old ones put
// backslashes of paths there, which stand for themselves.
std::optional<std::string> TakeQuoted(absl::string_view& text) {
  std::string value;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return value;
    if (c == '\\' && !text.empty() && (text.front() == '"' || text.front() == '\\')) {
      value.push_back(text.front());
      text.remove_prefix(1);
    } else {
      value.push_back(c);
    }
  }
  return std::nullopt;
}

struct Parameter {
  std::string name;
  std::string value;
};

// "; name=value; other=\"value\"" to the end of `text`.
std::optional<std::vector<Parameter>> TakeParameters(absl::string_view text) {
  std::vector<Parameter> parameters;
  SkipSpace(text);
  while (!text.empty()) {
    if (!absl::ConsumePrefix(&text, ";")) return std::nullopt;
    SkipSpace(text);
    if (text.empty()) break;
    Parameter parameter{.name = absl::AsciiStrToLower(TakeToken(text))};
    if (parameter.name.empty() || !absl::ConsumePrefix(&text, "=")) return std::nullopt;
    if (absl::ConsumePrefix(&text, "\"")) {
      std::optional<std::string> value = TakeQuoted(text);
      if (!value.has_value()) return std::nullopt;
      parameter.value = *std::move(value);
    } else {
      parameter.value = std::string(TakeToken(text));
      if (parameter.value.empty()) return std::nullopt;
    }
    for (const Parameter& other : parameters) {
      if (other.name == parameter.name) return std::nullopt;
    }
    parameters.push_back(std::move(parameter));
    SkipSpace(text);
  }
  return parameters;
}

absl::StatusOr<std::string> BoundaryOf(absl::string_view content_type) {
  const auto refuse = [&] {
    return base::Mismatch(kWhat, "Content-Type", base::Quoted(content_type),
                          "multipart/form-data with a boundary");
  };
  const size_t end = content_type.find(';');
  const absl::string_view type = absl::StripAsciiWhitespace(content_type.substr(0, end));
  if (end == absl::string_view::npos || !absl::EqualsIgnoreCase(type, "multipart/form-data")) {
    return refuse();
  }
  const auto parameters = TakeParameters(content_type.substr(end));
  if (!parameters.has_value()) return refuse();
  for (const Parameter& parameter : *parameters) {
    if (parameter.name != "boundary") continue;
    const std::string& boundary = parameter.value;
    if (boundary.empty() || boundary.size() > kMostBoundary || boundary.back() == ' ' ||
        !absl::c_all_of(boundary, IsBoundaryCharacter)) {
      return refuse();
    }
    return boundary;
  }
  return refuse();
}

// What stands between the delimiter and the value of a part.
absl::StatusOr<FormField> ParseHead(absl::string_view head, absl::string_view where) {
  std::optional<FormField> field;
  while (!head.empty()) {
    const size_t end = head.find("\r\n");
    absl::string_view line = head.substr(0, end);
    head.remove_prefix(end == absl::string_view::npos ? head.size() : end + 2);
    absl::string_view rest = line;
    const absl::string_view name = TakeToken(rest);
    if (name.empty() || !absl::ConsumePrefix(&rest, ":")) {
      return base::Mismatch(kWhat, where, base::Quoted(line), "a header");
    }
    rest = absl::StripAsciiWhitespace(rest);
    if (absl::EqualsIgnoreCase(name, "Content-Transfer-Encoding")) {
      if (!absl::EqualsIgnoreCase(rest, "binary") && !absl::EqualsIgnoreCase(rest, "8bit") &&
          !absl::EqualsIgnoreCase(rest, "7bit")) {
        return base::Mismatch(kWhat, where, absl::StrCat("an encoding of ", base::Quoted(rest)),
                              "none");
      }
      continue;
    }
    if (!absl::EqualsIgnoreCase(name, "Content-Disposition")) continue;
    const absl::string_view value = rest;
    const absl::string_view kind = TakeToken(rest);
    const auto parameters = TakeParameters(rest);
    if (field.has_value() || !absl::EqualsIgnoreCase(kind, "form-data") ||
        !parameters.has_value()) {
      return base::Mismatch(kWhat, where, base::Quoted(value), "one form-data with a name");
    }
    field.emplace();
    for (const Parameter& parameter : *parameters) {
      if (parameter.name == "name") field->name = parameter.value;
      if (parameter.name == "filename") field->file_name = parameter.value;
      // Its value is in an encoding of its own (RFC 5987); that there is a file is what counts.
      if (parameter.name == "filename*" && !field->file_name.has_value()) field->file_name = "";
    }
  }
  if (!field.has_value() || field->name.empty()) {
    return base::Mismatch(kWhat, where, "no name", "Content-Disposition: form-data with a name");
  }
  if (field->name.size() > kMostName) {
    return base::Mismatch(kWhat, where, absl::StrCat("a name of ", field->name.size(), " bytes"),
                          absl::StrCat("at most ", kMostName));
  }
  return *std::move(field);
}

enum class Delimiter { kNone, kPart, kLast };

// What `text`, behind "--boundary", makes of it. Takes the rest of the line.
Delimiter TakeDelimiter(absl::string_view& text) {
  if (absl::ConsumePrefix(&text, "--")) return Delimiter::kLast;
  absl::string_view rest = text;
  SkipSpace(rest);
  if (!absl::ConsumePrefix(&rest, "\r\n")) return Delimiter::kNone;
  text = rest;
  return Delimiter::kPart;
}

}  // namespace

absl::StatusOr<std::vector<FormField>> ParseForm(absl::string_view content_type,
                                                 absl::string_view body, const FormLimits& limits) {
  ASSIGN_OR_RETURN(const std::string boundary, BoundaryOf(content_type));
  const std::string delimiter = absl::StrCat("\r\n--", boundary);
  absl::string_view rest = body;
  absl::ConsumePrefix(&rest, "\r\n");
  const absl::string_view first = absl::string_view(delimiter).substr(2);
  Delimiter last = absl::ConsumePrefix(&rest, first) ? TakeDelimiter(rest) : Delimiter::kNone;
  if (last == Delimiter::kNone) {
    return base::Mismatch(kWhat, "byte 0", base::Quoted(body.substr(0, first.size())),
                          absl::StrCat("the boundary ", base::Quoted(first)));
  }
  std::vector<FormField> fields;
  while (last == Delimiter::kPart) {
    const std::string where = absl::StrCat("byte ", body.size() - rest.size());
    if (fields.size() == limits.fields) {
      return base::Mismatch(kWhat, where, "one more field",
                            absl::StrCat("at most ", limits.fields));
    }
    // A part without any header begins with the empty line; it has no name then.
    const size_t head_end =
        absl::StartsWith(rest, "\r\n") ? 0 : rest.substr(0, kMostHead).find("\r\n\r\n");
    if (head_end == absl::string_view::npos) {
      return base::Mismatch(kWhat, where, "no empty line behind the headers",
                            absl::StrCat("one within ", kMostHead, " bytes"));
    }
    ASSIGN_OR_RETURN(FormField field, ParseHead(rest.substr(0, head_end), where));
    rest.remove_prefix(head_end == 0 ? 2 : head_end + 4);
    // The line break before the delimiter belongs to it, also where the value is empty.
    const absl::string_view value = rest;
    last = Delimiter::kNone;
    for (size_t at = 0; last == Delimiter::kNone;) {
      const size_t found = value.find(delimiter, at);
      if (found == absl::string_view::npos) {
        return base::Mismatch(kWhat, absl::StrCat("byte ", body.size()), "the end of the body",
                              absl::StrCat("the boundary ", base::Quoted(first)));
      }
      rest = value.substr(found + delimiter.size());
      last = TakeDelimiter(rest);
      field.value = value.substr(0, found);
      at = found + 1;
    }
    if (!field.file_name.has_value() && field.value.size() > limits.value) {
      return base::Mismatch(kWhat, base::Quoted(field.name),
                            absl::StrCat(field.value.size(), " bytes"),
                            absl::StrCat("at most ", limits.value));
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace rules_inference::infer
