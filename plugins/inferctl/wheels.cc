// `inferctl wheels`: tools around locks of Python wheels.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/available.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/installer.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/lock_json.h"
#include "plugins/pypi/lock_text.h"
#include "plugins/pypi/name.h"
#include "plugins/pypi/requirement.h"
#include "plugins/pypi/wheel_facts.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/coverage.pb.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::inferctl {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{64} << 20;
// Installers that run at a time. Each has dozens of connections of its own, and an index that
// limits them makes eight slower than two.
constexpr size_t kJobs = 2;

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> locks;
  std::vector<std::string> facts;
  std::vector<std::string> wheels;
  std::vector<std::string> layouts;
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

// What a layout tells of its distribution: everything that is not a namespace can be imported.
void AddLayout(const sdk::WheelLayout& layout, std::vector<pypi::Pin>* pins) {
  const std::set<std::string> namespaces(layout.legacy_namespaces().begin(),
                                         layout.legacy_namespaces().end());
  for (pypi::Pin& pin : *pins) {
    if (pin.name != pypi::NormalizeName(layout.name())) continue;
    if (!pin.version.empty() && pin.version != layout.version()) continue;
    pin.license = layout.license();
    for (const sdk::TopLevel& top_level : layout.top_levels()) {
      if (top_level.kind() != sdk::TopLevel::PACKAGE && top_level.kind() != sdk::TopLevel::MODULE &&
          top_level.kind() != sdk::TopLevel::EXTENSION) {
        continue;
      }
      const std::string name = top_level.name().substr(0, top_level.name().find('.'));
      if (namespaces.count(name) == 0) pin.imports.push_back(name);
    }
  }
}

// The wheels of `paths`, which are wheels or folders of them.
absl::StatusOr<sdk::WheelFacts> FactsOf(Console& console, const std::vector<std::string>& paths) {
  std::set<std::string> wheels;
  for (const std::string& path : paths) {
    if (absl::EndsWith(path, ".whl")) {
      wheels.insert(path);
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<std::string> names, console.files.List(path));
    for (const std::string& name : names) {
      if (absl::EndsWith(name, ".whl")) wheels.insert(base::JoinPath(path, name));
    }
  }
  std::map<std::string, sdk::WheelFact> sorted;
  for (const std::string& path : wheels) {
    ASSIGN_OR_RETURN(sdk::WheelFact fact, pypi::ReadWheelFacts(console.files, path));
    sorted[fact.file() + " " + fact.sha256()] = fact;
  }
  sdk::WheelFacts facts;
  for (auto& [key, fact] : sorted) *facts.add_wheels() = std::move(fact);
  return facts;
}

absl::StatusOr<pypi::Locked> ReadLocks(Console& console, const Options& options,
                                       const std::vector<pypi::Configuration>& configurations) {
  pypi::Locked locked;
  for (const std::string& file : options.locks) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
    std::vector<pypi::Pin> pins;
    if (absl::EndsWith(file, ".json")) {
      ASSIGN_OR_RETURN(pins, pypi::ReadLockJson(file, text, configurations));
    } else {
      ASSIGN_OR_RETURN(const std::vector<pypi::Requirement> lock,
                       pypi::ParseRequirements(file, text));
      pins = pypi::PinsOf(lock);
    }
    for (pypi::Pin& pin : pins) locked.pins.push_back(std::move(pin));
    for (pypi::Absent& absent : pypi::AbsentOf(text)) locked.absent.push_back(std::move(absent));
  }
  for (const std::string& file : options.facts) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
    ASSIGN_OR_RETURN(const sdk::WheelFacts facts, sdk::ParseJson<sdk::WheelFacts>(file, text));
    pypi::AddFacts(facts, &locked.pins);
  }
  ASSIGN_OR_RETURN(const sdk::WheelFacts facts, FactsOf(console, options.wheels));
  pypi::AddFacts(facts, &locked.pins);
  for (const std::string& file : options.layouts) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
    ASSIGN_OR_RETURN(const sdk::WheelLayout layout, sdk::ParseJson<sdk::WheelLayout>(file, text));
    AddLayout(layout, &locked.pins);
  }
  return locked;
}

absl::StatusOr<int> RunFacts(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const sdk::WheelFacts facts, FactsOf(console, options.wheels));
  const std::string text = sdk::ToReadableJson(facts);
  if (options.output.empty()) {
    console.out << text;
    return sdk::kExitOk;
  }
  RETURN_IF_ERROR(base::WriteFile(console.files, options.output, text));
  return sdk::kExitOk;
}

absl::StatusOr<int> RunCoverage(Console& console, const Options& options) {
  std::vector<pypi::RequirementList> lists;
  for (const std::string& file : options.files) {
    pypi::RequirementList list;
    list.name = file.substr(file.rfind('/') + 1);
    ASSIGN_OR_RETURN(list.requirements, Read(console, file));
    lists.push_back(std::move(list));
  }
  const std::vector<pypi::Configuration> configurations = ConfigurationsOf(options);
  ASSIGN_OR_RETURN(const pypi::Locked locked, ReadLocks(console, options, configurations));
  ASSIGN_OR_RETURN(const sdk::CoverageReport report, pypi::Cover(lists, locked, configurations));
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
  std::vector<std::string> names;
  std::vector<std::string> lines;
  for (const std::string& file : options.files) {
    ASSIGN_OR_RETURN(const std::vector<pypi::Requirement> requirements, Read(console, file));
    for (const pypi::Requirement& requirement : requirements) {
      if (requirement.kind == pypi::Requirement::Kind::kIndex) {
        names.push_back(requirement.normalized);
        lines.push_back(LineOf(requirement));
        continue;
      }
      // Not the url itself, which may have a password.
      const bool is_url = requirement.kind == pypi::Requirement::Kind::kUrl;
      left_out->insert(pypi::AbsentLine(configuration, requirement.normalized,
                                        sdk::CoverageCell::NOT_NEEDED,
                                        is_url ? "a url" : "a repository"));
    }
  }
  const std::string folder = absl::StrCat(options.output, ".part");
  const absl::Cleanup remove = [&] { console.files.RemoveTree(folder).IgnoreError(); };
  RETURN_IF_ERROR(console.files.CreateDirectories(folder));
  std::atomic<int> questions = 0;
  const auto resolve = [&](const std::vector<size_t>& indices, bool dependencies) {
    std::string text;
    for (const size_t index : indices) text += lines[index];
    const std::string part = base::JoinPath(folder, absl::StrCat(questions++, ".txt"));
    const absl::Status written = base::WriteFile(console.files, part, text);
    // NotFound is an answer of the installer and of nobody else.
    if (!written.ok()) {
      return absl::StatusOr<std::vector<pypi::Requirement>>(
          absl::FailedPreconditionError(written.message()));
    }
    return Resolve(installer, {part}, configuration, options.glibc_minor, dependencies);
  };
  std::vector<size_t> kept(lines.size());
  std::iota(kept.begin(), kept.end(), size_t{0});
  absl::StatusOr<std::vector<pypi::Requirement>> answer = resolve(kept, true);
  if (!absl::IsNotFound(answer.status())) return answer;
  console.err << "note: not all " << lines.size() << " can be had together; looking which cannot\n"
              << std::flush;
  const absl::Time begin = absl::Now();
  std::mutex mutex;
  // Asking for a few without what they need is quick, and most that cannot be had are found by it.
  // The others are found one after the other, as each of those questions is a long one.
  for (const bool dependencies : {false, true}) {
    if (dependencies) {
      answer = resolve(kept, true);
      if (!absl::IsNotFound(answer.status())) break;
    }
    const std::vector<size_t> asked = kept;
    std::vector<std::string> asked_names;
    asked_names.reserve(asked.size());
    for (const size_t index : asked) asked_names.push_back(names[index]);
    const AskInstaller ask = [&](const std::vector<size_t>& indices) {
      std::vector<size_t> wanted;
      wanted.reserve(indices.size());
      for (const size_t index : indices) wanted.push_back(asked[index]);
      const absl::Status status = resolve(wanted, dependencies).status();
      if (absl::IsNotFound(status) && indices.size() == 1) {
        const std::lock_guard<std::mutex> lock(mutex);
        console.err << "note: without " << asked_names[indices[0]] << ": "
                    << ReasonOf(InstallerSaid(status)) << "\n"
                    << std::flush;
      }
      return status;
    };
    ASSIGN_OR_RETURN(const std::vector<Unavailable> found,
                     FindUnavailable(asked_names, ask, dependencies ? 1 : kJobs));
    for (const Unavailable& item : found) {
      const std::string said = InstallerSaid(item.status);
      const std::string& name = asked_names[item.index];
      // It was asked for alone, so that it was asked for says nothing.
      const std::string reason(
          absl::StripSuffix(ReasonOf(said), absl::StrCat(" and you require ", name)));
      left_out->insert(pypi::AbsentLine(configuration, name, StateOf(said), reason));
      kept.erase(std::find(kept.begin(), kept.end(), asked[item.index]));
    }
    if (dependencies) answer = resolve(kept, true);
  }
  console.err << "note: " << lines.size() - kept.size() << " of " << lines.size()
              << " left out, after " << questions << " questions and "
              << absl::ToInt64Seconds(absl::Now() - begin) << " s\n"
              << std::flush;
  return answer;
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
    if (!requirements.ok()) {
      console.err << InstallerSaid(requirements.status());
      return requirements.status();
    }
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
  console.out << options.output << ": " << count << " wheels, " << base::HumanSize(bytes) << "\n"
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
                     "requirements.txt with versions and digests, lock.json of a hub, or a list")
        ->type_name(kFileType)
        ->allow_extra_args(false)
        ->required();
    command
        ->add_option("--facts", options->facts, "What `inferctl wheels facts` has told of wheels")
        ->type_name(kFileType)
        ->allow_extra_args(false);
    command
        ->add_option("--wheels", options->wheels, "Wheels, or a folder of them, to read facts from")
        ->type_name(kFileType)
        ->allow_extra_args(false);
    command->add_option("--layout", options->layouts, "The layout of an unpacked wheel")
        ->type_name(kFileType)
        ->allow_extra_args(false);
    AddConfigurationOptions(*command, options.get());
    command->add_option("--format", options->format, "text, json or html")
        ->check(CLI::IsMember({"text", "json", "html"}))
        ->capture_default_str();
    command->add_option("-o,--output", options->output, "Write to this file")->type_name(kFileType);
    command->add_flag("--no-check", options->no_check, "Exit code 0 with gaps too");
  }
  {
    auto [command, options] =
        add("facts", "Say what wheels are: size, digest, license, what they import as", RunFacts);
    command->add_option("wheels", options->wheels, "Wheels, or folders of them")
        ->type_name(kFileType)
        ->required();
    command->add_option("-o,--output", options->output, "Write to this file")->type_name(kFileType);
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
