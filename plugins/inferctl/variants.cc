// `inferctl variants`: installed variants of this user.

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_lock.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/inferctl/install/generations.h"
#include "plugins/inferctl/install/install.h"
#include "plugins/inferctl/request.h"
#include "plugins/inferctl/user_folders.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/install.pb.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/explain.h"
#include "plugins/store/store.h"

namespace rules_inference::inferctl {
namespace {

using install::Generation;
using install::Generations;

struct Options {
  std::string prefix;
  std::string store;
  std::string lock;
  RequestOptions request;
  bool dry_run = false;
  std::string artifact;
  std::string target;
  std::vector<int> numbers;
  bool all = false;
  bool old = false;
  std::string format = "text";
};

absl::StatusOr<std::string> PrefixOf(Console& console, const Options& options) {
  if (!options.prefix.empty()) return options.prefix;
  return UserFolder(console, kPrefixVariable, Folder::kData, "rules_inference/variants");
}

// The folder of an artifact, whose name has to be one.
absl::StatusOr<Generations> Open(Console& console, const Options& options,
                                 const std::string& artifact) {
  ASSIGN_OR_RETURN(const std::string prefix, PrefixOf(console, options));
  const absl::StatusOr<base::RelPath> name = base::RelPath::Parse(artifact);
  if (!name.ok() || absl::StrContains(artifact, "/") || absl::StartsWith(artifact, ".")) {
    return base::Mismatch("artifact", prefix, base::Quoted(artifact),
                          "a name that can be that of a folder");
  }
  return Generations(console.files, base::JoinPath(prefix, artifact));
}

std::string NameOf(const Generation& generation) {
  return absl::StrCat(generation.build.artifact(), " ", generation.build.version(), ": ",
                      generation.build.variant().name());
}

void SayActive(Console& console, Generations& generations, const Generation& generation) {
  console.out << NameOf(generation) << " is active, generation " << generation.number << "\n"
              << generations.current() << "\n";
}

// All that a real installation would do, in words.
absl::StatusOr<int> DryRun(Console& console, const sdk::SelectRequest& request,
                           Generations& generations) {
  const sdk::SelectAnswer answer = select::Select(request);
  console.out << select::Explain(request, answer);
  if (!answer.error().empty()) return kExitNo;
  const sdk::Variant& variant = request.lock().variants(answer.row());
  console.out << "\n";
  for (const store::BlobRequest& blob : install::BlobsOf(request.lock(), variant)) {
    console.out << "would fetch  "
                << (blob.size == 0 ? "an unknown size" : base::HumanSize(blob.size))
                << ", sha256:" << blob.sha256.Hex() << "\n";
  }
  console.out << "would be at  " << generations.current() << "\n";
  return sdk::kExitOk;
}

absl::StatusOr<int> RunInstall(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const sdk::VariantsLock lock, ReadLock(console, options.lock));
  ASSIGN_OR_RETURN(const sdk::SelectRequest request, MakeRequest(console, options.request, lock));
  ASSIGN_OR_RETURN(Generations generations, Open(console, options, lock.artifact()));
  if (options.dry_run) return DryRun(console, request, generations);
  ASSIGN_OR_RETURN(const std::string root, StoreRoot(console, options.store));
  store::Store store(console.files, root);
  sdk::Progress progress(console.err, console.terminal);
  install::InstallOptions install;
  install.begin = [&](const sdk::Variant& variant) { progress.Begin(variant.name()); };
  install.fetch.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
  install.note = [&](absl::string_view text) {
    progress.Clear();
    console.err << "note: " << text << "\n";
  };
  absl::StatusOr<install::Installed> installed =
      install::Install(request, install, generations, store, console.files);
  progress.Clear();
  RETURN_IF_ERROR(installed.status());
  if (installed->already) {
    console.out << NameOf(installed->generation) << " is active already, generation "
                << installed->generation.number << "\n"
                << generations.current() << "\n";
  } else {
    SayActive(console, generations, installed->generation);
  }
  return sdk::kExitOk;
}

absl::StatusOr<int> RunList(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const std::string prefix, PrefixOf(console, options));
  std::vector<std::string> artifacts = {options.artifact};
  if (options.artifact.empty()) {
    absl::StatusOr<std::vector<std::string>> names = console.files.List(prefix);
    if (absl::IsNotFound(names.status())) names = std::vector<std::string>();
    RETURN_IF_ERROR(names.status());
    // What somebody else has put there is not ours to complain about.
    artifacts.clear();
    for (std::string& name : *names) {
      const absl::StatusOr<base::NodeInfo> info =
          console.files.Stat(base::JoinPath(prefix, name), base::Follow::kYes);
      const bool folder = info.ok() && info->type == base::NodeType::kDirectory;
      if (folder && !absl::StartsWith(name, ".")) artifacts.push_back(std::move(name));
    }
  }
  std::vector<std::string> json;
  bool any = false;
  for (const std::string& artifact : artifacts) {
    ASSIGN_OR_RETURN(Generations generations, Open(console, options, artifact));
    ASSIGN_OR_RETURN(const std::vector<Generation> all, generations.List());
    if (all.empty()) continue;
    any = true;
    if (options.format == "json") {
      for (const Generation& generation : all) {
        json.push_back(absl::StrCat("{\"active\":", generation.active ? "true" : "false",
                                    ",\"build\":", sdk::ToCanonicalJson(generation.build),
                                    ",\"generation\":", generation.number, "}"));
      }
      continue;
    }
    console.out << artifact << "  " << generations.current() << "\n";
    for (const Generation& generation : all) {
      console.out << absl::StrFormat("%s %3d  %-12s  %-20s  %s\n", generation.active ? "*" : " ",
                                     generation.number, generation.build.version(),
                                     generation.build.variant().name(),
                                     generation.build.installed());
    }
  }
  if (options.format == "json") {
    console.out << sdk::LayOutJson(
        absl::StrCat("{\"generations\":[", absl::StrJoin(json, ","), "]}"));
  } else if (!any) {
    console.err << "note: nothing is installed in " << prefix << "\n";
  }
  return sdk::kExitOk;
}

// The generations of an artifact that has some.
absl::StatusOr<std::vector<Generation>> Installed(Generations& generations) {
  ASSIGN_OR_RETURN(std::vector<Generation> all, generations.List());
  if (all.empty()) {
    return base::WithHint(
        base::Mismatch("installed variants", generations.dir(), "nothing", "an installed artifact"),
        "inferctl variants list");
  }
  return all;
}

// The machine of the file, or this one.
absl::StatusOr<sdk::HostDescriptor> HostFor(Console& console, const std::string& file,
                                            const sdk::InstalledBuild& build) {
  if (!file.empty()) return ReadHost(console, file);
  sdk::VariantsLock lock;
  *lock.add_variants() = build.variant();
  return DetectThisHost(console, {lock}, {});
}

std::string Numbers(const std::vector<Generation>& all) {
  return absl::StrJoin(all, ", ", [](std::string* out, const Generation& generation) {
    absl::StrAppend(out, generation.number, " (", generation.build.version(), " ",
                    generation.build.variant().name(), ")");
  });
}

absl::StatusOr<int> RunSwitch(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(Generations generations, Open(console, options, options.artifact));
  ASSIGN_OR_RETURN(std::vector<Generation> all, Installed(generations));
  ASSIGN_OR_RETURN(const std::unique_ptr<base::FileLock> lock, generations.Lock());
  ASSIGN_OR_RETURN(all, generations.List());
  // A number is what `list` shows: it comes before a version that looks like one.
  auto found = absl::c_find_if(
      all, [&](const Generation& item) { return options.target == absl::StrCat(item.number); });
  if (found == all.end()) {
    // The newest that has the name.
    const auto newest = std::find_if(all.rbegin(), all.rend(), [&](const Generation& item) {
      return options.target == item.build.variant().name() ||
             options.target == item.build.version();
    });
    if (newest != all.rend()) found = newest.base() - 1;
  }
  if (found == all.end()) {
    return base::Mismatch("switch", options.artifact, base::Quoted(options.target),
                          absl::StrCat("one of ", Numbers(all)));
  }
  ASSIGN_OR_RETURN(const sdk::HostDescriptor host,
                   HostFor(console, options.request.host, found->build));
  const std::string why = install::WhyNot(found->build, host);
  if (!why.empty()) {
    return base::Mismatch("switch", options.artifact,
                          absl::StrCat(found->build.variant().name(), ", which ", why),
                          "one that this machine can run");
  }
  RETURN_IF_ERROR(generations.Activate(found->number));
  SayActive(console, generations, *found);
  return sdk::kExitOk;
}

absl::StatusOr<int> RunRollback(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(Generations generations, Open(console, options, options.artifact));
  ASSIGN_OR_RETURN(std::vector<Generation> all, Installed(generations));
  ASSIGN_OR_RETURN(const std::unique_ptr<base::FileLock> lock, generations.Lock());
  ASSIGN_OR_RETURN(all, generations.List());
  const auto active = absl::c_find_if(all, [](const Generation& item) { return item.active; });
  if (active == all.end()) {
    return base::Mismatch("rollback", options.artifact, "no active generation",
                          "an older one to go back to");
  }
  // Generations of the same build are passed over: an installation that was cut off before its end
  // and then repeated has two of them, and the way back has to lead to something else.
  const auto older = std::find_if(std::make_reverse_iterator(active), all.rend(),
                                  [&](const Generation& item) { return item.id != active->id; });
  if (older == all.rend()) {
    return base::Mismatch(
        "rollback", options.artifact,
        absl::StrCat("generation ", active->number,
                     active == all.begin() ? ", the oldest" : ", and older ones of the same build"),
        "an older one to go back to");
  }
  const Generation& target = *older;
  RETURN_IF_ERROR(generations.Activate(target.number));
  // The way back is never closed; but what does not run should not be a surprise.
  ASSIGN_OR_RETURN(const sdk::HostDescriptor host, HostFor(console, "", target.build));
  const std::string why = install::WhyNot(target.build, host);
  if (!why.empty()) {
    console.err << "warning: " << target.build.variant().name() << " does not run here: " << why
                << "\n";
  }
  SayActive(console, generations, target);
  return sdk::kExitOk;
}

absl::StatusOr<int> RunRemove(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(Generations generations, Open(console, options, options.artifact));
  ASSIGN_OR_RETURN(std::vector<Generation> all, Installed(generations));
  ASSIGN_OR_RETURN(const std::unique_ptr<base::FileLock> lock, generations.Lock());
  ASSIGN_OR_RETURN(all, generations.List());
  if (options.all) {
    RETURN_IF_ERROR(generations.RemoveAll());
    console.out << options.artifact << ": removed\n";
    return sdk::kExitOk;
  }
  // Each once, whatever was said twice.
  std::set<int> numbers(options.numbers.begin(), options.numbers.end());
  for (const Generation& generation : all) {
    if (options.old && !generation.active) numbers.insert(generation.number);
  }
  for (const int number : options.numbers) {
    if (absl::c_any_of(all, [&](const Generation& item) { return item.number == number; })) {
      continue;
    }
    return base::Mismatch("remove", options.artifact, absl::StrCat("generation ", number),
                          absl::StrCat("one of ", Numbers(all)));
  }
  if (numbers.empty() && !options.old) {
    return base::Mismatch("remove", options.artifact, "no generation",
                          "numbers of generations, --old, or --all");
  }
  RETURN_IF_ERROR(generations.Remove({numbers.begin(), numbers.end()}));
  console.out << options.artifact << ": removed "
              << (numbers.empty() ? "nothing"
                                  : absl::StrCat("generation ", absl::StrJoin(numbers, ", ")))
              << "\n";
  return sdk::kExitOk;
}

}  // namespace

void AddVariants(CLI::App& app, Context& context) {
  CLI::App* variants =
      app.add_subcommand("variants", "Install variants of artifacts for this user");
  variants->require_subcommand(1);
  const auto add = [&](const char* name, const char* description,
                       absl::StatusOr<int> (*run)(Console&, const Options&)) {
    auto options = std::make_shared<Options>();
    CLI::App* command = variants->add_subcommand(name, description);
    command
        ->add_option("--prefix", options->prefix,
                     absl::StrCat("Folder of installed variants; default: $", kPrefixVariable,
                                  ", else rules_inference/variants in the user's data"))
        ->type_name(kDirectoryType);
    command->callback([&context, options, run] {
      context.run = [&context, options, run] { return run(context.console, *options); };
    });
    return std::make_pair(command, options);
  };
  const auto add_artifact = [](CLI::App* command, Options& options) {
    return command->add_option("artifact", options.artifact, "Name of an installed artifact")
        ->type_name("ARTIFACT");
  };

  {
    auto [command, options] =
        add("install", "Install the variant of a lock that fits this machine, and make it active",
            RunInstall);
    command->add_option("lock", options->lock, "variants.lock.json")
        ->type_name(kFileType)
        ->required();
    AddRequestOptions(*command, &options->request);
    AddStoreOption(*command, &options->store);
    command->add_flag("--dry-run", options->dry_run,
                      "Say what would be installed, and why; change nothing");
  }
  {
    auto [command, options] = add("list", "List what is installed; * is active", RunList);
    add_artifact(command, *options);
    command->add_option("--format", options->format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
  }
  {
    auto [command, options] = add("switch", "Make another generation active", RunSwitch);
    add_artifact(command, *options)->required();
    command
        ->add_option("target", options->target,
                     "Number of a generation, or a variant or version: the newest one of it")
        ->type_name("TARGET")
        ->required();
    command
        ->add_option("--host", options->request.host,
                     "Descriptor of the machine; default: this one")
        ->type_name(kFileType);
  }
  {
    auto [command, options] = add(
        "rollback",
        "Make the generation before the active one active: the newest older one of another build",
        RunRollback);
    add_artifact(command, *options)->required();
  }
  {
    auto [command, options] =
        add("remove", "Remove generations that are not active, or everything", RunRemove);
    add_artifact(command, *options)->required();
    command->add_option("generations", options->numbers, "Numbers of generations")
        ->type_name("NUMBER");
    CLI::Option* old =
        command->add_flag("--old", options->old, "All generations but the active one");
    command->add_flag("--all", options->all, "Everything, the active one too")->excludes(old);
  }
}

}  // namespace rules_inference::inferctl
