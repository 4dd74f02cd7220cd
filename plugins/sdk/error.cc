#include "plugins/sdk/error.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/utf8.h"

namespace rules_inference::sdk {
namespace {

// One line of text, whatever `text` holds.
std::string OneLine(absl::string_view text) {
  std::string out;
  for (char c : ToValidUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string ToValidUtf8(absl::string_view text) {
  if (base::IsValidUtf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const absl::string_view before = text;
    uint32_t code = 0;
    if (base::ConsumeUtf8(text, code)) {
      absl::StrAppend(&out, before.substr(0, before.size() - text.size()));
    } else {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    }
  }
  return out;
}

int ExitCode(const absl::Status& status) { return status.ok() ? kExitOk : kExitFailed; }

std::string FormatError(const absl::Status& status) {
  if (status.ok()) return "";
  // An error without a message still names its kind.
  if (status.message().empty())
    return absl::StrCat("error: ", absl::StatusCodeToString(status.code()), "\n");
  std::string out;
  absl::string_view label = "error: ";
  for (absl::string_view part : absl::StrSplit(status.message(), "\nhint: ")) {
    absl::StrAppend(&out, label, OneLine(part), "\n");
    label = "hint: ";
  }
  return out;
}

absl::Status AddContext(const absl::Status& status, absl::string_view where) {
  if (status.ok()) return status;
  absl::Status result(status.code(), absl::StrCat(where, ": ", status.message()));
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

}  // namespace rules_inference::sdk
