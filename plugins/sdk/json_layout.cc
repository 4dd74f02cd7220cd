#include "plugins/sdk/json_layout.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/json.h"

namespace rules_inference::sdk {
namespace {

// The end of the value that begins at `pos`: the ',' or closing bracket behind it, or the end.
size_t EndOfValue(absl::string_view json, size_t pos) {
  int depth = 0;
  bool in_text = false;
  for (; pos < json.size(); ++pos) {
    const char c = json[pos];
    if (in_text) {
      if (c == '\\') {
        ++pos;
      } else if (c == '"') {
        in_text = false;
      }
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return pos;
      --depth;
    } else if (c == ',' && depth == 0) {
      return pos;
    }
  }
  return pos;
}

// `{"a":[1,2]}` as `{"a": [1, 2]}`.
std::string Spaced(absl::string_view value) {
  std::string out;
  bool in_text = false;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    out += c;
    if (in_text) {
      if (c == '\\') {
        out += value[++i];
      } else if (c == '"') {
        in_text = false;
      }
    } else if (c == '"') {
      in_text = true;
    } else if (c == ':' || c == ',') {
      out += ' ';
    }
  }
  return out;
}

// Whether the value takes at most `limit` columns on one line.
bool Fits(absl::string_view value, size_t limit) {
  return value.size() <= limit && Spaced(value).size() <= limit;
}

// Appends `value`, which begins at `column` of a line that is indented by `indent`.
void LayOut(absl::string_view value, size_t indent, size_t column, size_t width, std::string* out) {
  const bool container = value.size() > 2 && (value[0] == '{' || value[0] == '[');
  if (!container || (indent > 0 && Fits(value, width > column + 1 ? width - column - 1 : 0))) {
    *out += Spaced(value);
    return;
  }
  const std::string margin(indent + 2, ' ');
  *out += value[0];
  size_t pos = 1;
  while (pos < value.size() - 1) {
    if (pos > 1) *out += ',';
    absl::StrAppend(out, "\n", margin);
    const size_t end = EndOfValue(value, pos);
    absl::string_view item = value.substr(pos, end - pos);
    size_t at = margin.size();
    if (value[0] == '{') {
      // The key: it has no brackets and its text may hold anything.
      size_t colon = 1;
      while (item[colon] != '"') colon += item[colon] == '\\' ? 2U : 1U;
      const absl::string_view key = item.substr(0, colon + 1);
      absl::StrAppend(out, key, ": ");
      at += key.size() + 2;
      item.remove_prefix(colon + 2);
    }
    LayOut(item, indent + 2, at, width, out);
    pos = end + 1;
  }
  absl::StrAppend(out, "\n", std::string(indent, ' '), std::string(1, value.back()));
}

}  // namespace

std::string LayOutJson(absl::string_view json, size_t width) {
  std::string out;
  LayOut(json, 0, 0, width, &out);
  out += '\n';
  return out;
}

std::string ToReadableJson(const google::protobuf::Message& message) {
  return LayOutJson(ToCanonicalJson(message));
}

}  // namespace rules_inference::sdk
