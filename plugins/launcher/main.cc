// The program of variant_launcher targets.

#include <cstdio>

#include "absl/status/status.h"
#include "plugins/launcher/launch.h"
#include "plugins/sdk/error.h"

int main(int argc, char** argv) {
  namespace launcher = rules_inference::launcher;
  const absl::Status status = launcher::Launch(argc, argv);
  std::fputs(rules_inference::sdk::FormatError(status).c_str(), stderr);
  return launcher::ExitCodeOf(status);
}
