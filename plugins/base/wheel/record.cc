#include "plugins/base/wheel/record.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr size_t kColumns = 3;
constexpr size_t kBase64Digest = 43;  // 32 bytes without padding.

// Takes one line of three columns from the front of `text`. Quotes around a column may hold commas
// and doubled quotes, but no line break: no path has one.
bool ConsumeRow(absl::string_view& text, std::array<std::string, kColumns>& columns) {
  size_t end = text.find('\n');
  absl::string_view line = text.substr(0, end);
  text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
  if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
  for (size_t i = 0; i < kColumns; ++i) {
    std::string& column = columns[i];
    column.clear();
    if (absl::StartsWith(line, "\"")) {
      line.remove_prefix(1);
      while (true) {
        const size_t quote = line.find('"');
        if (quote == absl::string_view::npos) return false;
        absl::StrAppend(&column, line.substr(0, quote));
        line.remove_prefix(quote + 1);
        if (!absl::StartsWith(line, "\"")) break;
        column.push_back('"');
        line.remove_prefix(1);
      }
    } else {
      const size_t comma = std::min(line.find(','), line.size());
      column = std::string(line.substr(0, comma));
      line.remove_prefix(comma);
      if (absl::StrContains(column, '"')) return false;
    }
    if (i + 1 < kColumns) {
      if (!absl::StartsWith(line, ",")) return false;
      line.remove_prefix(1);
    }
  }
  return line.empty();
}

absl::StatusOr<Digest> ParseDigest(const std::string& where, absl::string_view text) {
  constexpr absl::string_view kExpected = "'sha256=' and 43 characters of URL-safe base64";
  std::string raw;
  const absl::string_view code = absl::StartsWith(text, "sha256=") ? text.substr(7) : "";
  if (code.size() != kBase64Digest || !absl::WebSafeBase64Unescape(code, &raw)) {
    return Mismatch("wheel RECORD", where, absl::StrCat("digest ", Quoted(text)), kExpected);
  }
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromRaw(raw));
  // The decoder takes more than one text for a digest: the other base64 alphabet, and unused bits
  // at the end.
  if (absl::WebSafeBase64Escape(raw) != code) {
    return Mismatch("wheel RECORD", where, absl::StrCat("digest ", Quoted(text)), kExpected);
  }
  return digest;
}

// `text` as a column of comma-separated values.
std::string Column(absl::string_view text) {
  if (!absl::StrContains(text, ',') && !absl::StrContains(text, '"')) return std::string(text);
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

absl::StatusOr<Record> ParseRecord(absl::string_view where, absl::string_view text) {
  Record record;
  std::array<std::string, kColumns> columns;
  for (uint32_t line = 1; !text.empty(); ++line) {
    const std::string at = absl::StrCat(where, " line ", line);
    const absl::string_view rest = text.substr(0, text.find('\n'));
    if (!ConsumeRow(text, columns)) {
      return Mismatch("wheel RECORD", at, Quoted(rest),
                      "path, digest and size with commas between");
    }
    const auto& [path, digest, size] = columns;
    RecordRow row;
    row.line = line;
    if (!digest.empty()) {
      ASSIGN_OR_RETURN(row.digest, ParseDigest(at, digest));
    }
    if (!size.empty()) {
      uint64_t value = 0;
      if (!absl::SimpleAtoi(size, &value) || absl::StrCat(value) != size) {
        return Mismatch("wheel RECORD", at, absl::StrCat("size ", Quoted(size)),
                        "a decimal number");
      }
      row.size = value;
    }
    const auto [found, is_new] = record.try_emplace(path, row);
    if (!is_new) {
      return Mismatch("wheel RECORD", at,
                      absl::StrCat(Quoted(path), " as on line ", found->second.line),
                      "every path once");
    }
  }
  return record;
}

std::string RecordRowText(absl::string_view path, const Digest& digest, uint64_t size) {
  const std::string raw(digest.bytes().begin(), digest.bytes().end());
  return absl::StrCat(Column(path), ",sha256=", absl::WebSafeBase64Escape(raw), ",", size, "\n");
}

std::string OwnRecordRowText(absl::string_view path) { return absl::StrCat(Column(path), ",,\n"); }

}  // namespace rules_inference::base
