// `inferctl wheels`: tools around locks of Python wheels.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/requirement.h"
#include "plugins/sdk/coverage.pb.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json_layout.h"

namespace rules_inference::inferctl {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{64} << 20;

struct Options {
  std::vector<std::string> lists;
  std::vector<std::string> locks;
  std::vector<std::string> pythons = {"3.12"};
  std::vector<std::string> platforms = {"linux-x86_64"};
  std::string format = "text";
  std::string output;
  bool no_check = false;
};

absl::StatusOr<std::vector<pypi::Requirement>> Read(Console& console, const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
  return pypi::ParseRequirements(file, text);
}

absl::StatusOr<int> RunCoverage(Console& console, const Options& options) {
  std::vector<pypi::RequirementList> lists;
  for (const std::string& file : options.lists) {
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
  std::vector<pypi::Configuration> configurations;
  for (const std::string& python : options.pythons) {
    for (const std::string& platform : options.platforms) {
      configurations.push_back({python, platform});
    }
  }
  ASSIGN_OR_RETURN(const sdk::CoverageReport report, pypi::Cover(lists, pins, configurations));
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

}  // namespace

void AddWheels(CLI::App& app, Context& context) {
  CLI::App* wheels = app.add_subcommand("wheels", "Check locks of Python wheels");
  wheels->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* coverage = wheels->add_subcommand(
      "coverage", "Say which requirements a lock covers (exit code 3: not all)");
  coverage->add_option("lists", options->lists, "Requirement lists")
      ->type_name(kFileType)
      ->required();
  coverage
      ->add_option("--lock", options->locks,
                   "requirements.txt with versions and digests, or a plain list of names")
      ->type_name(kFileType)
      ->allow_extra_args(false)
      ->required();
  coverage->add_option("--python", options->pythons, "Versions of CPython")
      ->type_name("X.Y,X.Y")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  coverage->add_option("--platform", options->platforms, "Platforms, such as linux-aarch64")
      ->type_name("OS-CPU,OS-CPU")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  coverage->add_option("--format", options->format, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  coverage->add_option("-o,--output", options->output, "Write to this file")->type_name(kFileType);
  coverage->add_flag("--no-check", options->no_check, "Exit code 0 with gaps too");
  coverage->callback([&context, options] {
    context.run = [&context, options] { return RunCoverage(context.console, *options); };
  });
}

}  // namespace rules_inference::inferctl
