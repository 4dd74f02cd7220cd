#include "plugins/base/rel_path.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/unicode_fold.h"
#include "plugins/base/utf8.h"

namespace rules_inference::base {
namespace {

absl::Status CheckCharacters(absl::string_view text) {
  absl::string_view rest = text;
  uint32_t c = 0;
  while (!rest.empty()) {
    const size_t offset = text.size() - rest.size();
    const auto where = [&] { return absl::StrCat(Quoted(text), " at byte ", offset); };
    if (!ConsumeUtf8(rest, c)) {
      return Mismatch("path", where(), "a byte that is not UTF-8", "valid UTF-8");
    }
    // C0 and C1 controls, DEL, and the line and paragraph separators.
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029) {
      return Mismatch("path", where(), absl::StrCat("control character ", c),
                      "printable characters");
    }
    if (c == '\\') return Mismatch("path", where(), "a backslash", "'/' between components");
  }
  return absl::OkStatus();
}

absl::Status CheckComponent(absl::string_view path, absl::string_view component) {
  if (component.empty()) {
    return Mismatch("path", Quoted(path), "an empty component", "one '/' between components");
  }
  if (component == "." || component == "..") {
    return Mismatch("path", Quoted(path), absl::StrCat("component ", Quoted(component)),
                    "no '.' and no '..'");
  }
  if (component.size() > RelPath::kMaxComponentSize) {
    return Mismatch("path", Quoted(path),
                    absl::StrCat("a component of ", component.size(), " bytes"),
                    absl::StrCat("at most ", RelPath::kMaxComponentSize));
  }
  return absl::OkStatus();
}

bool IsReservedDevice(absl::string_view component) {
  const std::string stem = absl::AsciiStrToLower(component.substr(0, component.find('.')));
  if (stem == "con" || stem == "prn" || stem == "aux" || stem == "nul") return true;
  return stem.size() == 4 && (absl::StartsWith(stem, "com") || absl::StartsWith(stem, "lpt")) &&
         stem[3] >= '1' && stem[3] <= '9';
}

}  // namespace

absl::StatusOr<RelPath> RelPath::Parse(absl::string_view text) {
  if (text.empty()) return Mismatch("path", "''", "an empty path", "a relative path");
  if (text.size() > kMaxSize) {
    return Mismatch("path", Quoted(text), absl::StrCat(text.size(), " bytes"),
                    absl::StrCat("at most ", kMaxSize));
  }
  if (text[0] == '/') return Mismatch("path", Quoted(text), "an absolute path", "a relative path");
  RETURN_IF_ERROR(CheckCharacters(text));
  for (absl::string_view component : absl::StrSplit(text, '/')) {
    RETURN_IF_ERROR(CheckComponent(text, component));
  }
  return RelPath(std::string(text));
}

absl::string_view RelPath::Basename() const {
  // npos + 1 is 0: the whole text when there is no '/'.
  return absl::string_view(text_).substr(text_.rfind('/') + 1);
}

absl::string_view RelPath::Dirname() const {
  const size_t slash = text_.rfind('/');
  return slash == std::string::npos ? absl::string_view()
                                    : absl::string_view(text_).substr(0, slash);
}

absl::StatusOr<RelPath> RelPath::Join(const RelPath& below) const {
  std::string joined = absl::StrCat(text_, "/", below.text_);
  if (joined.size() > kMaxSize) {
    return Mismatch("path", Quoted(joined), absl::StrCat(joined.size(), " bytes"),
                    absl::StrCat("at most ", kMaxSize));
  }
  return RelPath(std::move(joined));
}

absl::StatusOr<EntryName> EntryName::Parse(absl::string_view text) {
  const bool is_directory = text.size() > 1 && text.back() == '/';
  absl::string_view stem = text;
  if (is_directory) stem.remove_suffix(1);
  ASSIGN_OR_RETURN(RelPath path, RelPath::Parse(stem));
  if (stem.size() >= 2 && absl::ascii_isalpha(static_cast<unsigned char>(stem[0])) &&
      stem[1] == ':') {
    return Mismatch("path", Quoted(text), "a drive letter", "a relative path");
  }
  for (absl::string_view component : absl::StrSplit(stem, '/')) {
    if (component.back() == '.' || component.back() == ' ') {
      return Mismatch("path", Quoted(text), absl::StrCat("component ", Quoted(component)),
                      "no dot and no space at the end of a component");
    }
    if (IsReservedDevice(component)) {
      return Mismatch("path", Quoted(text), absl::StrCat("component ", Quoted(component)),
                      "no reserved device name");
    }
  }
  return EntryName(std::move(path), is_directory);
}

std::string CollisionKey(absl::string_view path) {
  std::string key;
  key.reserve(path.size());
  uint32_t c = 0;
  while (ConsumeUtf8(path, c)) {
    if (c < 0x80) {
      key.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    } else {
      AppendFolded(c, key);
    }
  }
  // What is not UTF-8 has no other form.
  key.append(path.data(), path.size());
  return key;
}

}  // namespace rules_inference::base
