// The program of oci_load targets.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugins/layer/oci/load.h"
#include "plugins/sdk/error.h"

int main(int argc, char** argv) {
  namespace oci = rules_inference::layer::oci;
  namespace sdk = rules_inference::sdk;
  const auto options = oci::ParseLoadOptions(std::vector<std::string>(argv, argv + argc));
  const absl::Status status = options.ok() ? oci::Load(*options) : options.status();
  std::fputs(sdk::FormatError(status).c_str(), stderr);
  if (status.ok()) return sdk::kExitOk;
  return options.ok() ? sdk::kExitFailed : sdk::kExitUsage;
}
