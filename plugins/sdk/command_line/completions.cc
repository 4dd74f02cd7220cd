#include "plugins/sdk/command_line/completions.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace rules_inference::sdk {
namespace {

// What may stand for a value.
struct Value {
  enum class Kind { kNone, kAny, kFile, kDirectory, kWords };
  Kind kind = Kind::kNone;
  std::vector<std::string> words;
};

struct Flag {
  std::vector<std::string> names;  // "-o", "--output".
  std::string description;
  Value value;  // kNone for a switch.
};

struct Node {
  std::vector<std::string> path;  // {"inferctl", "lock", "check"}
  std::string description;
  std::vector<Flag> flags;
  Value positional;
  std::vector<std::string> subcommands;
};

Value ValueOf(const CLI::Option& option) {
  Value value;
  if (option.get_items_expected_max() == 0) return value;
  value.kind = Value::Kind::kAny;
  // "{all,any}" is how the parser names a choice, in front of a ':' or the type itself.
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.find('}');
  if (open != std::string::npos && close != std::string::npos) {
    value.kind = Value::Kind::kWords;
    value.words = absl::StrSplit(type.substr(open + 1, close - open - 1), ',');
  } else if (absl::StartsWith(type, kFileType)) {
    value.kind = Value::Kind::kFile;
  } else if (absl::StartsWith(type, kDirectoryType)) {
    value.kind = Value::Kind::kDirectory;
  }
  return value;
}

// The command and everything below it.
void Walk(const CLI::App& app, std::vector<std::string> path, std::vector<Node>* nodes) {
  path.push_back(app.get_name());
  Node node;
  node.path = path;
  node.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional()) {
      node.positional = ValueOf(*option);
      continue;
    }
    Flag flag;
    for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
    flag.description = option->get_description();
    flag.value = ValueOf(*option);
    node.flags.push_back(flag);
  }
  const std::vector<const CLI::App*> below =
      app.get_subcommands([](const CLI::App* /*app*/) { return true; });
  for (const CLI::App* command : below) node.subcommands.push_back(command->get_name());
  nodes->push_back(node);
  for (const CLI::App* command : below) Walk(*command, path, nodes);
}

std::vector<Node> NodesOf(const CLI::App& app) {
  std::vector<Node> nodes;
  Walk(app, {}, &nodes);
  return nodes;
}

// In single quotes, for any of the three shells.
std::string Quote(absl::string_view text, absl::string_view quote_inside) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", quote_inside}}), "'");
}

std::string BashReply(const Value& value, std::vector<std::string> words) {
  words.insert(words.end(), value.words.begin(), value.words.end());
  std::string out;
  if (!words.empty()) {
    absl::StrAppend(&out, "mapfile -t COMPREPLY < <(compgen -W ",
                    Quote(absl::StrJoin(words, " "), "'\\''"), " -- \"$current\")");
  }
  const char* action = value.kind == Value::Kind::kFile        ? "-f"
                       : value.kind == Value::Kind::kDirectory ? "-d"
                                                               : nullptr;
  if (action != nullptr) {
    absl::StrAppend(&out, out.empty() ? "" : "; ", "compopt -o filenames; mapfile -t -O ",
                    "\"${#COMPREPLY[@]}\" COMPREPLY < <(compgen ", action, " -- \"$current\")");
  }
  return out.empty() ? ":" : out;
}

// `_arguments` takes "name[description]:message:action".
std::string ZshAction(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kFile:
      return ":file:_files";
    case Value::Kind::kDirectory:
      return ":directory:_files -/";
    case Value::Kind::kWords:
      return absl::StrCat(":value:(", absl::StrJoin(value.words, " "), ")");
    case Value::Kind::kAny:
      return ":value: ";
    default:
      return "";
  }
}

std::string ZshDescription(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"\\", "\\\\"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}, {"'", "'\\''"}});
}

}  // namespace

std::string BashCompletions(const CLI::App& app) {
  std::string out = absl::StrReplaceAll(
      "# bash completion of PROGRAM: source this file, or put it into\n"
      "# ~/.local/share/bash-completion/completions/PROGRAM.\n"
      "_PROGRAM() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
      "at=PROGRAM word\n"
      "  COMPREPLY=()\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$at $word\" in\n",
      {{"PROGRAM", app.get_name()}});
  const std::vector<Node> nodes = NodesOf(app);
  for (const Node& node : nodes) {
    if (node.path.size() == 1) continue;
    const std::string path = absl::StrJoin(node.path, " ");
    absl::StrAppend(&out, "      '", path, "') at='", path, "' ;;\n");
  }
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$at $previous\" in\n";
  for (const Node& node : nodes) {
    for (const Flag& flag : node.flags) {
      if (flag.value.kind == Value::Kind::kNone) continue;
      for (const std::string& name : flag.names) {
        absl::StrAppend(&out, "    '", absl::StrJoin(node.path, " "), " ", name, "') ",
                        BashReply(flag.value, {}), "; return ;;\n");
      }
    }
  }
  out +=
      "  esac\n"
      "  case \"$at:$current\" in\n";
  for (const Node& node : nodes) {
    std::vector<std::string> flags;
    for (const Flag& flag : node.flags) {
      flags.insert(flags.end(), flag.names.begin(), flag.names.end());
    }
    const std::string path = absl::StrJoin(node.path, " ");
    absl::StrAppend(&out, "    '", path, ":-'*) ", BashReply({}, flags), " ;;\n");
    absl::StrAppend(&out, "    '", path, ":'*) ", BashReply(node.positional, node.subcommands),
                    " ;;\n");
  }
  absl::StrAppend(&out, "  esac\n}\ncomplete -F _", app.get_name(), " ", app.get_name(), "\n");
  return out;
}

std::string FishCompletions(const CLI::App& app) {
  // The subcommands that were typed, compared as a whole: flags and their values do not count.
  const std::string& program = app.get_name();
  std::string out = absl::StrReplaceAll(
      "# fish completion of PROGRAM: put this file into ~/.config/fish/completions/PROGRAM.fish\n"
      "function __PROGRAM_at\n"
      "  set -l at PROGRAM\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    if contains -- \"$at $word\"",
      {{"PROGRAM", program}});
  const std::vector<Node> nodes = NodesOf(app);
  for (const Node& node : nodes) {
    if (node.path.size() > 1) absl::StrAppend(&out, " '", absl::StrJoin(node.path, " "), "'");
  }
  absl::StrAppend(&out,
                  "\n"
                  "      set at \"$at $word\"\n"
                  "    end\n"
                  "  end\n"
                  "  test \"$at\" = \"$argv\"\n"
                  "end\n"
                  "complete -c ",
                  program, " -f\n");
  for (const Node& node : nodes) {
    const std::string start = absl::StrCat(
        "complete -c ", program, " -n ",
        Quote(absl::StrCat("__", program, "_at ", absl::StrJoin(node.path, " ")), "\\'"));
    for (const Node& child : nodes) {
      if (child.path.size() != node.path.size() + 1) continue;
      if (!std::equal(node.path.begin(), node.path.end(), child.path.begin())) continue;
      absl::StrAppend(&out, start, " -a ", child.path.back(), " -d ",
                      Quote(child.description, "\\'"), "\n");
    }
    if (node.positional.kind == Value::Kind::kFile) absl::StrAppend(&out, start, " -F\n");
    if (node.positional.kind == Value::Kind::kWords) {
      absl::StrAppend(&out, start, " -a ", Quote(absl::StrJoin(node.positional.words, " "), "\\'"),
                      "\n");
    }
    for (const Flag& flag : node.flags) {
      std::string line = start;
      for (const absl::string_view name : flag.names) {
        if (absl::StartsWith(name, "--")) {
          absl::StrAppend(&line, " -l ", name.substr(2));
        } else {
          absl::StrAppend(&line, " -s ", name.substr(1));
        }
      }
      if (flag.value.kind == Value::Kind::kFile) {
        line += " -r -F";
      } else if (flag.value.kind != Value::Kind::kNone) {
        line += " -x";
      }
      if (flag.value.kind == Value::Kind::kDirectory) line += " -a '(__fish_complete_directories)'";
      if (flag.value.kind == Value::Kind::kWords) {
        absl::StrAppend(&line, " -a ", Quote(absl::StrJoin(flag.value.words, " "), "\\'"));
      }
      absl::StrAppend(&out, line, " -d ", Quote(flag.description, "\\'"), "\n");
    }
  }
  return out;
}

std::string ZshCompletions(const CLI::App& app) {
  std::string out = absl::StrReplaceAll(
      "#compdef PROGRAM\n"
      "# zsh completion of PROGRAM: put this file as _PROGRAM into a folder of $fpath.\n",
      {{"PROGRAM", app.get_name()}});
  for (const Node& node : NodesOf(app)) {
    absl::StrAppend(&out, "\n_", absl::StrJoin(node.path, "_"), "() {\n");
    if (!node.subcommands.empty()) {
      out += "  local context state state_descr line curcontext=\"$curcontext\"\n";
      out += "  typeset -A opt_args\n";
    }
    absl::StrAppend(&out, "  _arguments ", node.subcommands.empty() ? "" : "-C ", "-s");
    for (const Flag& flag : node.flags) {
      const std::string rest =
          absl::StrCat("'[", ZshDescription(flag.description), "]", ZshAction(flag.value), "'");
      // Several names of one flag exclude each other.
      if (flag.names.size() > 1) {
        absl::StrAppend(&out, " \\\n    '(", absl::StrJoin(flag.names, " "), ")'{",
                        absl::StrJoin(flag.names, ","), "}", rest);
      } else {
        absl::StrAppend(&out, " \\\n    ", flag.names[0], rest);
      }
    }
    if (!node.subcommands.empty()) {
      absl::StrAppend(&out, " \\\n    '1:command:(", absl::StrJoin(node.subcommands, " "),
                      ")' \\\n    '*::argument:->below'\n  case \"$state:$line[1]\" in\n");
      for (const std::string& name : node.subcommands) {
        absl::StrAppend(&out, "    below:", name, ") _", absl::StrJoin(node.path, "_"), "_", name,
                        " ;;\n");
      }
      out += "  esac\n";
    } else if (node.positional.kind != Value::Kind::kNone) {
      absl::StrAppend(&out, " \\\n    '*", ZshAction(node.positional), "'\n");
    } else {
      out += "\n";
    }
    out += "}\n";
  }
  absl::StrAppend(&out, "\n_", app.get_name(), " \"$@\"\n");
  return out;
}

}  // namespace rules_inference::sdk
