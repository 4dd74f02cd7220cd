#include "plugins/wheel/metadata.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/utf8.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

// The first line of a header; a byte that is not UTF-8 has no place in a side file.
std::string Clean(absl::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const absl::string_view before = text;
    uint32_t code_point = 0;
    if (base::ConsumeUtf8(text, code_point)) {
      absl::StrAppend(&clean, before.substr(0, before.size() - text.size()));
    } else {
      clean.push_back('?');
      text.remove_prefix(1);
    }
  }
  return clean;
}

bool IsIdentifier(absl::string_view text) {
  if (text.empty() || absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

bool IsDottedName(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  return std::all_of(parts.begin(), parts.end(), IsIdentifier);
}

struct Object {
  absl::string_view module;
  absl::string_view attribute;
};

// "module:attribute [extras]"; the extras are history.
Object ParseObject(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text.substr(0, text.find('[')));
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) return {text, ""};
  return {absl::StripAsciiWhitespace(text.substr(0, colon)),
          absl::StripAsciiWhitespace(text.substr(colon + 1))};
}

absl::Status CheckProgram(const std::string& where, const sdk::EntryPoint& entry_point) {
  const auto name = base::EntryName::Parse(entry_point.name());
  if (!name.ok() || name->is_directory() || absl::StrContains(entry_point.name(), '/')) {
    return Mismatch("wheel entry point", where, absl::StrCat("name ", Quoted(entry_point.name())),
                    "the name of a file, without a directory");
  }
  const Object object = ParseObject(entry_point.object());
  if (!IsDottedName(object.module) || !IsDottedName(object.attribute)) {
    return Mismatch("wheel entry point", where, Quoted(entry_point.object()), "module:attribute");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Metadata> ParseMetadata(absl::string_view where, absl::string_view text) {
  Metadata metadata;
  std::string license_text;
  std::string expression;
  uint32_t number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripSuffix(line, "\r");
    if (line.empty()) break;
    // The rest of a header that goes over several lines: none of those that are read here does.
    if (line[0] == ' ' || line[0] == '\t') continue;
    const size_t colon = line.find(':');
    // As mail readers do: what cannot be a header begins the text.
    if (colon == absl::string_view::npos) break;
    const std::string key = absl::AsciiStrToLower(line.substr(0, colon));
    const std::string value = Clean(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    const auto once = [&](std::string& field) {
      if (!field.empty()) {
        return Mismatch("wheel METADATA", absl::StrCat(where, " line ", number),
                        absl::StrCat("a second ", line.substr(0, colon)), "one");
      }
      field = value;
      return absl::OkStatus();
    };
    if (key == "name") RETURN_IF_ERROR(once(metadata.name));
    if (key == "version") RETURN_IF_ERROR(once(metadata.version));
    if (key == "requires-python") metadata.requires_python = value;
    if (key == "requires-dist") metadata.requires_dist.push_back(value);
    if (key == "license-file") metadata.license_files.push_back(value);
    if (key == "license-expression") expression = value;
    if (key == "license") license_text = value;
  }
  for (const auto& [key, value] :
       {std::pair("Name", &metadata.name), std::pair("Version", &metadata.version)}) {
    if (value->empty()) {
      return Mismatch("wheel METADATA", where, absl::StrCat("no line '", key, ":'"), "one");
    }
  }
  metadata.license = expression.empty() ? license_text : expression;
  return metadata;
}

absl::StatusOr<std::vector<sdk::EntryPoint>> ParseEntryPoints(absl::string_view where,
                                                              absl::string_view text) {
  std::vector<sdk::EntryPoint> entry_points;
  std::set<std::pair<std::string, std::string>> seen;
  std::string group;
  uint32_t number = 0;
  for (const absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const std::string at = absl::StrCat(where, " line ", number);
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      group = Clean(absl::StripAsciiWhitespace(absl::StripSuffix(line.substr(1), "]")));
      if (!absl::EndsWith(line, "]") || group.empty()) {
        return Mismatch("wheel entry point", at, Quoted(line), "[group]");
      }
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos || group.empty()) {
      return Mismatch("wheel entry point", at, Quoted(line),
                      group.empty() ? "a [group] before it" : "name = module:attribute");
    }
    sdk::EntryPoint entry_point;
    entry_point.set_group(group);
    entry_point.set_name(Clean(absl::StripAsciiWhitespace(line.substr(0, equals))));
    entry_point.set_object(Clean(absl::StripAsciiWhitespace(line.substr(equals + 1))));
    if (!seen.insert({group, entry_point.name()}).second) {
      return Mismatch("wheel entry point", at, absl::StrCat("name ", Quoted(entry_point.name())),
                      absl::StrCat("every name once in [", group, "]"));
    }
    if (IsProgram(entry_point)) RETURN_IF_ERROR(CheckProgram(at, entry_point));
    entry_points.push_back(std::move(entry_point));
  }
  return entry_points;
}

bool IsProgram(const sdk::EntryPoint& entry_point) {
  return entry_point.group() == "console_scripts" || entry_point.group() == "gui_scripts";
}

std::string LauncherText(const sdk::EntryPoint& entry_point, absl::string_view interpreter) {
  const Object object = ParseObject(entry_point.object());
  const absl::string_view first = object.attribute.substr(0, object.attribute.find('.'));
  return absl::StrCat("#!", interpreter, "\nimport sys\n\nfrom ", object.module, " import ", first,
                      "\n\nif __name__ == \"__main__\":\n    sys.exit(", object.attribute, "())\n");
}

}  // namespace rules_inference::wheel
