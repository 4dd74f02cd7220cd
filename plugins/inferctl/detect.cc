// `inferctl detect`: the host descriptor of this machine, and what to do with it in Bazel.

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::inferctl {
namespace {

struct Options {
  std::vector<std::string> locks;
  std::vector<std::string> sonames;
  std::string label = "//hosts:this";
  std::string output;
  bool bazelrc = false;
  bool build = false;
};

// A Starlark string.
std::string Literal(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string ListLiteral(const std::vector<std::string>& items) {
  std::vector<std::string> literals;
  for (const std::string& item : items) literals.push_back(Literal(item));
  if (literals.size() < 2) return absl::StrCat("[", absl::StrJoin(literals, ""), "]");
  return absl::StrCat("[\n        ", absl::StrJoin(literals, ",\n        "), ",\n    ]");
}

// The rule call, as buildifier would format it.
std::string BuildTarget(const sdk::HostDescriptor& host, absl::string_view name) {
  std::string text =
      absl::StrCat("load(\"@rules_inference//rules:variant.bzl\", ",
                   "\"host_descriptor\")\n\nhost_descriptor(\n    name = ", Literal(name), ",\n");
  const auto add = [&](absl::string_view key, const std::string& literal) {
    absl::StrAppend(&text, "    ", key, " = ", literal, ",\n");
  };
  const auto add_text = [&](absl::string_view key, const std::string& value) {
    if (!value.empty()) add(key, Literal(value));
  };
  add_text("cpu_level", host.cpu_level());
  std::vector<std::string> devices;
  for (const sdk::Device& device : host.devices()) devices.push_back(device.compute_capability());
  if (!devices.empty()) add("devices", ListLiteral(devices));
  add_text("driver", host.driver());
  add_text("driver_api", host.driver_api());
  add_text("forward_compat", host.forward_compat());
  add_text("libc", host.libc());
  add_text("platform", host.platform());
  if (!host.properties().empty()) {
    std::string properties = "{\n";
    for (const sdk::ProviderProperty& item : host.properties()) {
      std::vector<std::string> values;
      for (const std::string& value : item.values()) values.push_back(Literal(value));
      absl::StrAppend(&properties, "        ",
                      Literal(absl::StrCat(item.namespace_(), "::", item.feature())), ": [",
                      absl::StrJoin(values, ", "), "],\n");
    }
    add("properties", properties + "    }");
  }
  if (!host.sonames().empty()) {
    add("sonames", ListLiteral({host.sonames().begin(), host.sonames().end()}));
  }
  return text + ")\n";
}

absl::StatusOr<std::string> Text(const Options& options, const sdk::HostDescriptor& host) {
  if (!options.bazelrc && !options.build) return sdk::ToReadableJson(host);
  const size_t colon = options.label.rfind(':');
  if (!absl::StrContains(options.label, "//") || colon == std::string::npos ||
      colon + 1 == options.label.size()) {
    return base::Mismatch("flags", "--label", base::Quoted(options.label),
                          "a label such as //hosts:this");
  }
  if (options.build) return BuildTarget(host, options.label.substr(colon + 1));
  const std::string gpu = GpuOf(host);
  return absl::StrCat("# ", gpu.empty() ? "No GPU detected" : gpu, ". The target comes from ",
                      "`inferctl detect --build --label ", options.label, "`.\n",
                      "build --@rules_inference//rules:host=", options.label, "\n");
}

absl::StatusOr<int> Run(Console& console, const Options& options) {
  std::vector<sdk::VariantsLock> locks;
  for (const std::string& file : options.locks) {
    ASSIGN_OR_RETURN(locks.emplace_back(), ReadLock(console, file));
  }
  const sdk::HostDescriptor host = DetectThisHost(console, locks, options.sonames);
  ASSIGN_OR_RETURN(const std::string text, Text(options, host));
  if (options.output.empty()) {
    console.out << text;
  } else {
    RETURN_IF_ERROR(base::WriteFile(console.files, options.output, text));
  }
  return sdk::kExitOk;
}

}  // namespace

void AddDetect(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "detect", "Describe what this machine supports, as a host descriptor (JSON)");
  CLI::Option* bazelrc = command->add_flag("--bazelrc", options->bazelrc,
                                           "Print the flags for a user's .bazelrc instead");
  command
      ->add_flag("--build", options->build, "Print the host_descriptor() of a BUILD file instead")
      ->excludes(bazelrc);
  command
      ->add_option("--label", options->label,
                   "Label of the host_descriptor, for --bazelrc and --build")
      ->type_name("LABEL")
      ->capture_default_str();
  command
      ->add_option("--lock", options->locks,
                   "Also look for the shared libraries that this lock's variants need")
      ->type_name(kFileType)
      ->allow_extra_args(false);
  command->add_option("--soname", options->sonames, "Also look for this shared library")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("-o,--output", options->output, "Write to this file")->type_name(kFileType);
  command->callback([&context, options] {
    context.run = [&context, options] { return Run(context.console, *options); };
  });
}

}  // namespace rules_inference::inferctl
