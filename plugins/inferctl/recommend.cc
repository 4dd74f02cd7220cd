// `inferctl recommend`: whether the configured variant is the one that this machine should have.

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/provider/detect.h"

namespace rules_inference::inferctl {
namespace {

struct Options {
  std::vector<std::string> locks;
  std::string host;
  std::string configured_host;
  std::string configured = "auto";
  bool check = false;
};

const sdk::Candidate* Find(const sdk::SelectAnswer& answer, absl::string_view name) {
  for (const sdk::Candidate& candidate : answer.candidates()) {
    if (candidate.name() == name) return &candidate;
  }
  return nullptr;
}

// Why no accelerated variant is there for a machine that has a device.
std::string WhyNoneForTheGpu(const sdk::VariantsLock& lock, const sdk::SelectAnswer& answer) {
  std::vector<std::string> reasons;
  for (const sdk::Candidate& candidate : answer.candidates()) {
    const sdk::Variant& variant = lock.variants(static_cast<int>(candidate.row()));
    if (variant.properties().accelerator() != "cuda" || !candidate.has_reason()) continue;
    reasons.push_back(absl::StrCat(candidate.name(), " (", candidate.reason().text(), ")"));
  }
  return absl::StrJoin(reasons, ", ");
}

// One line about a lock. `*advice`: something should be changed.
absl::StatusOr<std::string> Recommend(Console& console, const Options& options,
                                      const sdk::VariantsLock& lock,
                                      const sdk::HostDescriptor& host, bool* advice) {
  // What a build takes as it is configured: without a descriptor nothing is known of the machine.
  sdk::SelectRequest request;
  *request.mutable_lock() = lock;
  request.set_platform(host.platform());
  request.set_request(options.configured);
  if (!options.configured_host.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_host(), ReadHost(console, options.configured_host));
  }
  const sdk::SelectAnswer configured = select::Select(request);
  request.set_request("auto");
  *request.mutable_host() = host;
  const sdk::SelectAnswer best = select::Select(request);

  const std::string gpu = GpuOf(host);
  const std::string seen = gpu.empty() ? "no GPU detected" : gpu;
  const std::string what = absl::StrCat(lock.artifact(), ": ");
  if (best.chosen().empty()) {
    *advice = true;
    return absl::StrCat(what, seen, ", and no variant runs here: ", best.error());
  }
  if (configured.chosen().empty()) {
    *advice = true;
    return absl::StrCat(what, seen, ", and what is configured gives no variant (",
                        configured.error(), "); consider ", best.chosen());
  }
  if (configured.chosen() == best.chosen()) {
    const std::string why = gpu.empty() || best.candidates().empty() ||
                                    lock.variants(best.row()).properties().accelerator() == "cuda"
                                ? ""
                                : WhyNoneForTheGpu(lock, best);
    return absl::StrCat(what, seen, "; ", best.chosen(), " is configured, and the best for it",
                        why.empty() ? "" : absl::StrCat(", as nothing else runs: ", why));
  }
  *advice = true;
  const sdk::Candidate* now = Find(best, configured.chosen());
  if (now != nullptr && now->has_reason()) {
    return absl::StrCat(what, seen, ", but the variant ", configured.chosen(),
                        " is configured, which does not run here (", now->reason().text(),
                        "); consider ", best.chosen());
  }
  return absl::StrCat(what, seen, ", but the variant ", configured.chosen(),
                      " is configured; consider ", best.chosen());
}

absl::StatusOr<int> Run(Console& console, const Options& options) {
  std::vector<sdk::VariantsLock> locks;
  for (const std::string& file : options.locks) {
    ASSIGN_OR_RETURN(locks.emplace_back(), ReadLock(console, file));
  }
  sdk::HostDescriptor host;
  if (options.host.empty()) {
    host = DetectThisHost(console, locks, {});
  } else {
    ASSIGN_OR_RETURN(host, ReadHost(console, options.host));
  }
  if (host.platform().empty()) host.set_platform(select::ThisPlatform());
  bool advice = false;
  for (const sdk::VariantsLock& lock : locks) {
    ASSIGN_OR_RETURN(const std::string line, Recommend(console, options, lock, host, &advice));
    console.out << line << "\n";
  }
  if (advice && options.configured_host.empty() && options.configured == "auto") {
    console.out << "`inferctl detect --build` and `inferctl detect --bazelrc` print what tells "
                   "Bazel about this machine.\n";
  }
  return advice && options.check ? kExitNo : sdk::kExitOk;
}

}  // namespace

void AddRecommend(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "recommend", "Say whether the configured variant is the best one for this machine");
  command->add_option("lock", options->locks, "variants.lock.json")
      ->type_name(kFileType)
      ->required();
  command
      ->add_option("--configured", options->configured,
                   "The request that is configured, as --@rules_inference//rules:variant")
      ->type_name("REQUEST")
      ->capture_default_str();
  command
      ->add_option("--configured-host", options->configured_host,
                   "The host descriptor that is configured; default: none")
      ->type_name(kFileType);
  command
      ->add_option("--host", options->host,
                   "Descriptor of another machine, from `inferctl detect`; default: this one")
      ->type_name(kFileType);
  command->add_flag("--check", options->check, "Exit code 3 when something should be changed");
  command->callback([&context, options] {
    context.run = [&context, options] { return Run(context.console, *options); };
  });
}

}  // namespace rules_inference::inferctl
