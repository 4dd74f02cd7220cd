#include "plugins/inferctl/request.h"

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/provider/detect.h"

namespace rules_inference::inferctl {

void AddRequestOptions(CLI::App& command, RequestOptions* options) {
  command
      .add_option("-r,--request", options->request,
                  "auto, NAME (with fallback), or require:NAME (that one or an error)")
      ->type_name("REQUEST")
      ->capture_default_str();
  command
      .add_option("--chain", options->chain,
                  "Variants to try after the requested one, in place of what fits best")
      ->type_name("NAME,NAME")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_flag("--no-fallback", options->no_fallback, "Only the first of the chain");
  command
      .add_option("--devices", options->devices,
                  "Whether every device must run the variant, or one is enough")
      ->check(CLI::IsMember({"all", "any"}))
      ->capture_default_str();
  CLI::Option* host = command
                          .add_option("--host", options->host,
                                      "Descriptor of another machine, from `inferctl detect`")
                          ->type_name(kFileType);
  command.add_flag("--unknown-host", options->unknown_host, "Nothing is known about the machine")
      ->excludes(host);
  command
      .add_option("--platform", options->platform,
                  "Platform of an unknown host, such as linux-aarch64; default: this one")
      ->type_name("OS-CPU");
}

absl::StatusOr<sdk::SelectRequest> MakeRequest(Console& console, const RequestOptions& options,
                                               const sdk::VariantsLock& lock) {
  sdk::SelectRequest request;
  *request.mutable_lock() = lock;
  request.set_request(options.request);
  request.mutable_chain()->Assign(options.chain.begin(), options.chain.end());
  request.set_no_fallback(options.no_fallback);
  request.set_devices(options.devices == "any" ? sdk::ANY_DEVICE : sdk::ALL_DEVICES);
  request.set_platform(options.platform.empty() ? select::ThisPlatform() : options.platform);
  if (!options.host.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_host(), ReadHost(console, options.host));
  } else if (!options.unknown_host && options.platform.empty()) {
    *request.mutable_host() = DetectThisHost(console, {lock}, {});
  }
  return request;
}

}  // namespace rules_inference::inferctl
