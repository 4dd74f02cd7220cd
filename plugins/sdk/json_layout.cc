#include "plugins/sdk/json_layout.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
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

class Layouter {
 public:
  explicit Layouter(const JsonLayout& layout) : layout_(layout) {}

  // Appends `value`, the one of `key`, which begins at `column` of a line indented by `indent`.
  void Add(absl::string_view key, absl::string_view value, size_t indent, size_t column);
  std::string Take() { return std::move(out_); }

 private:
  bool StaysOnLine(absl::string_view key, absl::string_view value, size_t column) const {
    if (value.size() <= 2 || (value[0] != '{' && value[0] != '[')) return true;
    if (column == 0) return false;
    if (value[0] == '{' && layout_.open_objects) return false;
    if (value[0] == '[' && absl::c_linear_search(layout_.open_lists, key)) return false;
    // One column for a comma.
    return layout_.width > column && Fits(value, layout_.width - column - 1);
  }

  const JsonLayout& layout_;
  std::string out_;
};

void Layouter::Add(absl::string_view key, absl::string_view value, size_t indent, size_t column) {
  if (StaysOnLine(key, value, column)) {
    out_ += Spaced(value);
    return;
  }
  const std::string margin(indent + 2, ' ');
  out_ += value[0];
  for (size_t pos = 1; pos < value.size() - 1;) {
    if (pos > 1) out_ += ',';
    absl::StrAppend(&out_, "\n", margin);
    const size_t end = EndOfValue(value, pos);
    absl::string_view item = value.substr(pos, end - pos);
    absl::string_view name;
    size_t at = margin.size();
    if (value[0] == '{') {
      size_t quote = 1;
      while (item[quote] != '"') quote += item[quote] == '\\' ? 2U : 1U;
      absl::StrAppend(&out_, item.substr(0, quote + 1), ": ");
      name = item.substr(1, quote - 1);
      at += quote + 3;
      item.remove_prefix(quote + 2);
    }
    Add(name, item, indent + 2, at);
    pos = end + 1;
  }
  absl::StrAppend(&out_, "\n", std::string(indent, ' '), std::string(1, value.back()));
}

}  // namespace

std::string LayOutJson(absl::string_view json, const JsonLayout& layout) {
  Layouter layouter(layout);
  layouter.Add("", json, 0, 0);
  return layouter.Take() + "\n";
}

std::string ToReadableJson(const google::protobuf::Message& message) {
  return LayOutJson(ToCanonicalJson(message));
}

}  // namespace rules_inference::sdk
