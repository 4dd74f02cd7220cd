// `inferctl wheels`: tools around locks of Python wheels.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/installer.h"
#include "plugins/inferctl/progress.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/lock_text.h"
#include "plugins/pypi/requirement.h"
#include "plugins/sdk/coverage.pb.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json_layout.h"

namespace rules_inference::inferctl {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{64} << 20;

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> locks;
  std::vector<std::string> pythons = {"3.12"};
  std::vector<std::string> platforms = {"linux-x86_64"};
  std::string format = "text";
  std::string output;
  std::string installer = "auto";
  int glibc_minor = 28;
  bool no_check = false;
  bool skip_unavailable = false;
  bool dry_run = false;
};

std::vector<pypi::Configuration> ConfigurationsOf(const Options& options) {
  std::vector<pypi::Configuration> configurations;
  for (const std::string& python : options.pythons) {
    for (const std::string& platform : options.platforms) {
      configurations.push_back({python, platform});
    }
  }
  return configurations;
}

absl::StatusOr<std::vector<pypi::Requirement>> Read(Console& console, const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
  return pypi::ParseRequirements(file, text);
}

absl::StatusOr<int> RunCoverage(Console& console, const Options& options) {
  std::vector<pypi::RequirementList> lists;
  for (const std::string& file : options.files) {
    pypi::RequirementList list;
    list.name = file.substr(file.rfind('/') + 1);
    ASSIGN_OR_RETURN(list.requirements, Read(console, file));
    lists.push_back(std::move(list));
  }
  std::vector<pypi::Pin> pins;
  for (const std::string& file : options.locks) {
    ASSIGN_OR_RETURN(const std::vector<pypi::Requirement> lock, Read(console, file));
    for (pypi::Pin& pin : pypi::PinsOf(lock)) pins.push_back(std::move(pin));
  }
  ASSIGN_OR_RETURN(const sdk::CoverageReport report,
                   pypi::Cover(lists, pins, ConfigurationsOf(options)));
  const std::string text = options.format == "json"   ? sdk::ToReadableJson(report)
                           : options.format == "html" ? pypi::CoverageHtml(report)
                                                      : pypi::CoverageText(report);
  if (options.output.empty()) {
    console.out << text;
  } else {
    RETURN_IF_ERROR(base::WriteFile(console.files, options.output, text));
  }
  return pypi::HasGaps(report) && !options.no_check ? kExitNo : sdk::kExitOk;
}

// What the lock is for, so that the next update asks the same.
std::string HeadOf(const Options& options) {
  return absl::StrCat(
      "# Written by `inferctl wheels lock` for CPython ", absl::StrJoin(options.pythons, ", "),
      " on ", absl::StrJoin(options.platforms, ", "), ", glibc 2.", options.glibc_minor, ".\n");
}

// "name[extra]>=1 ; marker", as it stands in a file.
std::string LineOf(const pypi::Requirement& requirement) {
  return absl::StrCat(
      requirement.name,
      requirement.extras.empty() ? ""
                                 : absl::StrCat("[", absl::StrJoin(requirement.extras, ","), "]"),
      requirement.specifier, requirement.marker.empty() ? "" : " ; ", requirement.marker, "\n");
}

// Resolves what can be had. A requirement that is none of an index, or that has no wheel when it is
// asked for alone, is left out with a note and becomes a line of `*left_out`; what is left has to
// resolve as a whole.
absl::StatusOr<std::vector<pypi::Requirement>> ResolveAvailable(
    Console& console, Installer installer, const Options& options,
    const pypi::Configuration& configuration, std::set<std::string>* left_out) {
  const std::string part = absl::StrCat(options.output, ".part");
  const absl::Cleanup remove = [&] { console.files.RemoveTree(part).IgnoreError(); };
  std::string kept;
  for (const std::string& file : options.files) {
    ASSIGN_OR_RETURN(const std::vector<pypi::Requirement> requirements, Read(console, file));
    for (const pypi::Requirement& requirement : requirements) {
      const std::string line = LineOf(requirement);
      std::string why;
      if (requirement.kind == pypi::Requirement::Kind::kIndex) {
        RETURN_IF_ERROR(base::WriteFile(console.files, part, line));
        const auto alone = Resolve(installer, {part}, configuration, options.glibc_minor);
        if (alone.ok()) {
          kept += line;
          continue;
        }
        why = "no wheel";
        console.err << "note: " << requirement.name << ": " << alone.status().message() << "\n";
      } else {
        why = "not of an index";
      }
      left_out->insert(absl::StrCat("# Not locked for ", configuration.python, " on ",
                                    configuration.platform, ": ", requirement.normalized, ", ", why,
                                    ".\n"));
    }
  }
  RETURN_IF_ERROR(base::WriteFile(console.files, part, kept));
  return Resolve(installer, {part}, configuration, options.glibc_minor);
}

absl::StatusOr<int> RunLock(Console& console, const Options& options) {
  std::vector<pypi::Requirement> before;
  absl::StatusOr<std::string> old = base::ReadFile(console.files, options.output, kMaxDocument);
  if (old.ok()) {
    ASSIGN_OR_RETURN(before, pypi::ParseRequirements(options.output, *old));
  } else if (!absl::IsNotFound(old.status())) {
    return old.status();
  }
  for (const std::string& file : options.files) RETURN_IF_ERROR(Read(console, file).status());
  ASSIGN_OR_RETURN(const Installer installer, FindInstaller(options.installer));
  std::vector<pypi::Resolution> resolutions;
  std::set<std::string> left_out;
  for (const pypi::Configuration& configuration : ConfigurationsOf(options)) {
    console.err << "note: resolving for " << configuration.python << " on "
                << configuration.platform << " by " << (installer == Installer::kUv ? "uv" : "pip")
                << "\n"
                << std::flush;
    absl::StatusOr<std::vector<pypi::Requirement>> requirements =
        options.skip_unavailable
            ? ResolveAvailable(console, installer, options, configuration, &left_out)
            : Resolve(installer, options.files, configuration, options.glibc_minor);
    RETURN_IF_ERROR(requirements.status());
    resolutions.push_back({configuration, *std::move(requirements)});
  }
  ASSIGN_OR_RETURN(
      const std::string text,
      pypi::LockText(resolutions, absl::StrCat(HeadOf(options), absl::StrJoin(left_out, ""))));
  ASSIGN_OR_RETURN(const std::vector<pypi::Requirement> after,
                   pypi::ParseRequirements(options.output, text));
  const bool same = old.ok() && *old == text;
  const std::string diff = pypi::LockDiff(before, after);
  console.out << (diff.empty() ? absl::StrCat(options.output, ": no pin has changed\n") : diff);
  if (options.dry_run) return same ? sdk::kExitOk : kExitNo;
  if (!same) RETURN_IF_ERROR(base::WriteFile(console.files, options.output, text));
  return sdk::kExitOk;
}

// Every wheel of the folder is one that the lock pins, and nothing else is there.
absl::StatusOr<int> CheckWheelhouse(Console& console, const Options& options,
                                    const std::vector<pypi::Requirement>& lock) {
  std::set<std::string> pinned;
  for (const pypi::Requirement& requirement : lock) {
    pinned.insert(requirement.hashes.begin(), requirement.hashes.end());
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, console.files.List(options.output));
  std::string sums;
  uint64_t bytes = 0;
  int count = 0;
  for (const std::string& name : names) {
    if (name == "SHA256SUMS") continue;
    const std::string path = base::JoinPath(options.output, name);
    ASSIGN_OR_RETURN(std::shared_ptr<base::InputFile> file, console.files.Open(path));
    base::Sha256 hasher;
    std::vector<char> buffer(size_t{1} << 20);
    for (uint64_t offset = 0; offset < file->size();) {
      ASSIGN_OR_RETURN(const size_t read, file->ReadAt(offset, absl::MakeSpan(buffer)));
      if (read == 0) break;
      hasher.Update(absl::string_view(buffer.data(), read));
      offset += read;
    }
    const base::Digest digest = hasher.Finish();
    if (pinned.count(digest.ToString()) == 0) {
      return base::Mismatch("wheelhouse", path, digest.ToString(), "a file that the lock pins");
    }
    absl::StrAppend(&sums, digest.Hex(), "  ", name, "\n");
    bytes += file->size();
    ++count;
  }
  RETURN_IF_ERROR(
      base::WriteFile(console.files, base::JoinPath(options.output, "SHA256SUMS"), sums));
  console.out << options.output << ": " << count << " wheels, " << HumanSize(bytes) << "\n"
              << "pip takes them alone with PIP_NO_INDEX=1 PIP_FIND_LINKS=" << options.output
              << "\n";
  return sdk::kExitOk;
}

absl::StatusOr<int> RunExport(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<pypi::Requirement> lock, Read(console, options.locks[0]));
  RETURN_IF_ERROR(FindInstaller("pip").status());
  RETURN_IF_ERROR(console.files.CreateDirectories(options.output));
  for (const pypi::Configuration& configuration : ConfigurationsOf(options)) {
    // pip would evaluate markers for the Python that it runs on.
    ASSIGN_OR_RETURN(const std::string text, pypi::LockFor(lock, configuration));
    const std::string part = base::JoinPath(options.output, ".lock.txt");
    RETURN_IF_ERROR(base::WriteFile(console.files, part, text));
    const absl::Status status =
        Download(console, part, configuration, options.glibc_minor, options.output);
    RETURN_IF_ERROR(console.files.RemoveTree(part));
    RETURN_IF_ERROR(status);
  }
  return CheckWheelhouse(console, options, lock);
}

void AddConfigurationOptions(CLI::App& command, Options* options) {
  command.add_option("--python", options->pythons, "Versions of CPython")
      ->type_name("X.Y,X.Y")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_option("--platform", options->platforms, "Platforms, such as linux-aarch64")
      ->type_name("OS-CPU,OS-CPU")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
}

void AddGlibcOption(CLI::App& command, Options* options) {
  command
      .add_option("--glibc-minor", options->glibc_minor,
                  "N of the oldest glibc 2.N that the wheels have to run on")
      ->type_name("N")
      ->check(CLI::Range(5, 99))
      ->capture_default_str();
}

}  // namespace

void AddWheels(CLI::App& app, Context& context) {
  CLI::App* wheels = app.add_subcommand("wheels", "Lock, check and export Python wheels");
  wheels->require_subcommand(1);
  const auto add = [&](const char* name, const char* description,
                       absl::StatusOr<int> (*run)(Console&, const Options&)) {
    auto options = std::make_shared<Options>();
    CLI::App* command = wheels->add_subcommand(name, description);
    command->callback([&context, options, run] {
      context.run = [&context, options, run] { return run(context.console, *options); };
    });
    return std::make_pair(command, options);
  };
  {
    auto [command, options] =
        add("coverage", "Say which requirements a lock covers (exit code 3: not all)", RunCoverage);
    command->add_option("lists", options->files, "Requirement lists")
        ->type_name(kFileType)
        ->required();
    command
        ->add_option("--lock", options->locks,
                     "requirements.txt with versions and digests, or a plain list of names")
        ->type_name(kFileType)
        ->allow_extra_args(false)
        ->required();
    AddConfigurationOptions(*command, options.get());
    command->add_option("--format", options->format, "text, json or html")
        ->check(CLI::IsMember({"text", "json", "html"}))
        ->capture_default_str();
    command->add_option("-o,--output", options->output, "Write to this file")->type_name(kFileType);
    command->add_flag("--no-check", options->no_check, "Exit code 0 with gaps too");
  }
  {
    auto [command, options] = add(
        "lock", "Resolve requirements by your own installer; write versions and digests", RunLock);
    command->add_option("requirements", options->files, "Requirement lists")
        ->type_name(kFileType)
        ->required();
    command->add_option("-o,--output", options->output, "The lock")
        ->type_name(kFileType)
        ->required();
    AddConfigurationOptions(*command, options.get());
    AddGlibcOption(*command, options.get());
    command->add_option("--installer", options->installer, "Who resolves: uv, pip, or either")
        ->check(CLI::IsMember({"auto", "uv", "pip"}))
        ->capture_default_str();
    command->add_flag("--skip-unavailable", options->skip_unavailable,
                      "Leave out what has no wheel or is of no index, with a note and a comment");
    command->add_flag("--dry-run", options->dry_run,
                      "Print the changes, write nothing; exit code 3 when there are some");
  }
  {
    auto [command, options] =
        add("export", "Download the wheels of a lock into a folder that serves without a network",
            RunExport);
    command->add_option("lock", options->locks, "requirements.txt with versions and digests")
        ->type_name(kFileType)
        ->expected(1)
        ->required();
    command->add_option("-o,--output", options->output, "The folder")
        ->type_name(kDirectoryType)
        ->required();
    AddConfigurationOptions(*command, options.get());
    AddGlibcOption(*command, options.get());
  }
}

}  // namespace rules_inference::inferctl
