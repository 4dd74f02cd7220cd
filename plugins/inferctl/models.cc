// The table of `inferctl models`, and the small things that its subcommands share.

#include "plugins/inferctl/models.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/error.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/user_folders.h"

namespace rules_inference::inferctl {
namespace {

struct Unit {
  absl::string_view name;
  double value;
};

// A number with a unit of the list; negative when it is none.
double Parse(absl::string_view text, const std::vector<Unit>& units) {
  size_t end = 0;
  while (end < text.size() &&
         (absl::ascii_isdigit(static_cast<unsigned char>(text[end])) || text[end] == '.')) {
    ++end;
  }
  double number = 0;
  if (end == 0 || !absl::SimpleAtod(text.substr(0, end), &number)) return -1;
  const absl::string_view name = absl::StripAsciiWhitespace(text.substr(end));
  for (const Unit& unit : units) {
    if (unit.name == name) return number * unit.value;
  }
  return -1;
}

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  static const auto* const units = new std::vector<Unit>{{"", 1},
                                                         {"B", 1},
                                                         {"kB", 1e3},
                                                         {"KB", 1e3},
                                                         {"MB", 1e6},
                                                         {"GB", 1e9},
                                                         {"TB", 1e12},
                                                         {"KiB", 1024.0},
                                                         {"MiB", 1048576.0},
                                                         {"GiB", 1073741824.0},
                                                         {"TiB", 1099511627776.0},
                                                         {"K", 1e3},
                                                         {"M", 1e6},
                                                         {"G", 1e9}};
  const double size = Parse(text, *units);
  if (size < 0 || size > 1e18) {
    return base::Mismatch("flags", base::Quoted(text), "no size",
                          "a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB");
  }
  return static_cast<uint64_t>(size);
}

absl::StatusOr<absl::Duration> ParseAge(absl::string_view text) {
  static const auto* const units =
      new std::vector<Unit>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
  const double seconds = Parse(text, *units);
  if (seconds < 0 || seconds > 1e10) {
    return base::Mismatch("flags", base::Quoted(text), "no time",
                          "a number with s, m, h, d or w, such as 30d");
  }
  return absl::Seconds(seconds);
}

std::string Count(uint64_t count, absl::string_view one) {
  return absl::StrCat(count, " ", one, count == 1 ? "" : "s");
}

std::string Table(const std::vector<std::vector<std::string>>& rows,
                  const std::vector<int>& right) {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      const bool to_right = absl::c_linear_search(right, static_cast<int>(i));
      absl::StrAppend(&line, "  ", to_right ? space : "", row[i], to_right ? "" : space);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&out, line, "\n");
  }
  return out;
}

void AddModels(CLI::App& app, Context& context) {
  CLI::App* models = app.add_subcommand("models", "Lock, fetch, keep and prune models");
  models->require_subcommand(1);
  const auto add = [&](const char* name, const char* description,
                       absl::StatusOr<int> (*run)(Console&, const ModelsOptions&)) {
    auto options = std::make_shared<ModelsOptions>();
    CLI::App* command = models->add_subcommand(name, description);
    AddStoreOption(*command, &options->store);
    command->callback([&context, options, run] {
      context.run = [&context, options, run] { return run(context.console, *options); };
    });
    return std::make_pair(command, options);
  };
  const auto add_lock = [](CLI::App* command, ModelsOptions& options) {
    command
        ->add_option("--lock", options.lock,
                     "Lock of the workspace; default: models.lock.json here or above")
        ->type_name(kFileType);
  };
  const auto add_names = [](CLI::App* command, ModelsOptions& options, const char* description) {
    return command->add_option("names", options.names, description)->type_name("NAME");
  };
  const auto add_json = [](CLI::App* command, ModelsOptions& options) {
    command->add_flag("--json", options.json, "Say it as JSON");
  };
  const auto add_jobs = [](CLI::App* command, ModelsOptions& options) {
    command->add_option("--jobs", options.jobs, "Files that are fetched at a time")
        ->type_name("N")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
  };

  {
    auto [command, options] =
        add("lock", "Pin models of hubs, urls and files; prints what changes", RunModelsLock);
    add_lock(command, *options);
    command
        ->add_option("sources", options->names,
                     "[NAME[:VARIANT]=] and hf://HOST/owner/name[@REVISION], a url, or a path")
        ->type_name("SOURCE");
    command->add_flag("--check", options->check, "Check the file itself; needs no network");
    command->add_option("--variant", options->variant, "Which build of its model this is, as q5_1")
        ->type_name("VARIANT");
    command
        ->add_option("--min-memory", options->min_memory, "What a machine must have for it, as 2GB")
        ->type_name("SIZE");
    command->add_option("--licence", options->licence, "Default: what the hub says")
        ->type_name("LICENCE");
    command->add_option("--include", options->include, "Glob of files that are taken; default: all")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command->add_option("--exclude", options->exclude, "Glob of files that are not")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command
        ->add_option("--allow", options->allow,
                     "Take files that can run code (pickle), or that nobody knows (other)")
        ->check(CLI::IsMember({"pickle", "other"}))
        ->allow_extra_args(false);
    command->add_option("--url-base", options->url_base, "Where local files will be")
        ->type_name("URL");
    command->add_option("--remove", options->removed, "A model that goes")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command->add_flag("--dry-run", options->dry_run,
                      "Print the changes, write nothing; exit code 3 when there are some");
  }
  {
    auto [command, options] =
        add("list", "Models of this workspace and of the store, and who keeps them", RunModelsList);
    add_lock(command, *options);
    add_json(command, *options);
  }
  {
    auto [command, options] = add("fetch", "Get models into the store", RunModelsFetch);
    add_names(command, *options, "Models; none on a terminal: choose from a list");
    add_lock(command, *options);
    command->add_flag("--all", options->all, "All of the lock");
    add_jobs(command, *options);
  }
  {
    auto [command, options] = add("path", "Where the files of a model are", RunModelsPath);
    add_names(command, *options, "Model")->required();
    add_lock(command, *options);
  }
  {
    auto [command, options] = add("why", "Who keeps a model; exit code 3: nobody", RunModelsWhy);
    add_names(command, *options, "Models, digests, or paths in the store")->required();
    add_lock(command, *options);
    add_json(command, *options);
  }
  {
    auto [command, options] = add("prune", "Remove what nobody keeps", RunModelsPrune);
    add_lock(command, *options);
    command->add_flag("--dry-run", options->dry_run, "Say what would go; remove nothing");
    command
        ->add_option("--max-size", options->max_size,
                     "Only until the store is no larger, least recently used first, as 50GB")
        ->type_name("SIZE");
    command
        ->add_option("--older-than", options->older_than,
                     "Only what was not used for so long, as 30d")
        ->type_name("AGE");
    command->add_option("--grace", options->grace, "What came or was used within this stays")
        ->type_name("AGE")
        ->capture_default_str();
    command->add_flag("--drop-gone", options->drop_gone,
                      "Let go of what workspaces keep that are gone");
    add_json(command, *options);
  }
  {
    auto [command, options] =
        add("verify", "Read stored files again; exit code 3: some are damaged", RunModelsVerify);
    add_names(command, *options, "Models; none: all of the store");
    add_lock(command, *options);
    command->add_option("--sample", options->sample, "Read only so many ranges of each large file")
        ->type_name("N")
        ->check(CLI::Range(0, 1 << 20));
    add_json(command, *options);
  }
  {
    auto [command, options] = add(
        "repair", "Fetch what is damaged, and of named models what is missing", RunModelsRepair);
    add_names(command, *options, "Models; none: all of the lock that are stored");
    add_lock(command, *options);
  }
  {
    auto [command, options] =
        add("import", "Take files of the lock that are on this disk already", RunModelsImport);
    command->add_option("paths", options->names, "Files, folders, or the cache of a hub client")
        ->type_name(kFileType)
        ->required();
    add_lock(command, *options);
  }
  {
    auto [command, options] =
        add("export", "Write a hub cache, for libraries without a network", RunModelsExport);
    add_names(command, *options, "Models; none: all");
    add_lock(command, *options);
    command->add_option("--to", options->to, "The cache, for $HF_HUB_CACHE")
        ->type_name(kDirectoryType)
        ->required();
    command->add_flag("--copy", options->copy, "Files of their own, that nothing shares");
    add_jobs(command, *options);
  }
  {
    auto [command, options] =
        add("materialise", "Make the files of a manifest, read-only", RunModelsMaterialise);
    command
        ->add_option("manifest", options->lock, "Manifest of a build in reference mode, or a lock")
        ->type_name(kFileType)
        ->required();
    command->add_option("--model", options->names, "A model of a lock; default: all")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command->add_option("--to", options->to, "Where the files go")
        ->type_name(kDirectoryType)
        ->required();
    command->add_flag("--copy", options->copy, "Files of their own, that nothing shares");
    add_jobs(command, *options);
  }
}

}  // namespace rules_inference::inferctl
