#include "plugins/cuda/plan.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::cuda {
namespace {

using Settings = std::map<std::string, std::string, std::less<>>;

bool IsNameByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Length of the name that a setting begins with, 0 for what is none.
size_t SettingName(absl::string_view line) {
  size_t size = 0;
  while (size < line.size() && IsNameByte(line[size])) ++size;
  return size < line.size() && line[size] == '=' ? size : 0;
}

// The words of a line as a POSIX shell has them, as far as nvcc uses it: quotes, backslashes,
// $NAME.
absl::StatusOr<Command> SplitWords(absl::string_view line, const Settings& settings) {
  Command words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && absl::ascii_isspace(static_cast<unsigned char>(c))) {
      if (in_word) words.push_back(std::exchange(word, ""));
      in_word = false;
      continue;
    }
    in_word = true;
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size() &&
               (quote == 0 || absl::string_view("\"\\$`").find(line[i + 1]) != line.npos)) {
      word += line[++i];
    } else if (c == '$' && quote != '\'') {
      size_t size = 0;
      while (i + 1 + size < line.size() && IsNameByte(line[i + 1 + size])) ++size;
      const auto setting = settings.find(line.substr(i + 1, size));
      if (setting != settings.end()) word += setting->second;
      i += size;
    } else {
      word += c;
    }
  }
  if (quote != 0) {
    return base::Mismatch("plan of nvcc", base::Quoted(line), "a quote that does not end",
                          "words of a shell");
  }
  if (in_word) words.push_back(word);
  return words;
}

// `path` without empty parts, "." and, after a name, "..".
std::string Normal(absl::string_view path) {
  std::vector<absl::string_view> parts;
  for (absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string normal = absl::StrJoin(parts, "/");
  return path.substr(0, 1) == "/" ? "/" + normal : normal;
}

}  // namespace

absl::StatusOr<std::vector<Command>> ParsePlan(absl::string_view text) {
  Settings settings;
  std::vector<Command> commands;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "#$ ")) continue;
    if (const size_t size = SettingName(line); size > 0) {
      settings[std::string(line.substr(0, size))] = std::string(line.substr(size + 1));
      continue;
    }
    ASSIGN_OR_RETURN(Command command, SplitWords(line, settings));
    if (!command.empty()) commands.push_back(std::move(command));
  }
  return commands;
}

absl::string_view Program(const Command& command) {
  const absl::string_view path = command.front();
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

absl::string_view FlagValue(const Command& command, absl::string_view flag) {
  for (size_t i = 0; i < command.size(); ++i) {
    absl::string_view word = command[i];
    if (word == flag) {
      return i + 1 < command.size() ? absl::string_view(command[i + 1]) : absl::string_view();
    }
    if (absl::ConsumePrefix(&word, flag) && absl::ConsumePrefix(&word, "=")) return word;
  }
  return "";
}

std::vector<std::string> ParseDependencies(absl::string_view text) {
  std::vector<std::string> paths;
  std::string path;
  const auto end = [&] {
    if (!path.empty()) paths.push_back(Normal(std::exchange(path, "")));
  };
  const size_t colon = text.find(": ");
  for (size_t i = colon == text.npos ? text.size() : colon + 1; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == ' ' || next == '#' || next == '\\')) {
      path += text[++i];
    } else if (text[i] == '$' && next == '$') {
      path += text[++i];
    } else if (text[i] == '\\' && next == '\n') {
      end();
      ++i;
    } else if (absl::ascii_isspace(static_cast<unsigned char>(text[i]))) {
      end();
    } else {
      path += text[i];
    }
  }
  end();
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

}  // namespace rules_inference::cuda
