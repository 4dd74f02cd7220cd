// The program of variant_release targets.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugins/base/real_file_system.h"
#include "plugins/release/export.h"
#include "plugins/sdk/error.h"

int main(int argc, char** argv) {
  namespace release = rules_inference::release;
  namespace sdk = rules_inference::sdk;
  const auto options = release::ParseExportOptions(std::vector<std::string>(argv, argv + argc));
  rules_inference::base::RealFileSystem fs;
  std::string report;
  const absl::Status status =
      options.ok() ? release::Export(*options, fs, &report) : options.status();
  std::fputs(report.c_str(), stdout);
  std::fputs(sdk::FormatError(status).c_str(), stderr);
  if (status.ok()) return sdk::kExitOk;
  return options.ok() ? sdk::kExitFailed : sdk::kExitUsage;
}
