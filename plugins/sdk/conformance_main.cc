// Driver of plugin_conformance_test: checks the program that $PLUGIN names.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "plugins/sdk/conformance.h"
#include "plugins/sdk/error.h"

int main() {
  const auto env = [](const char* name) -> std::string {
    return std::getenv(name) ? std::getenv(name) : "";
  };
  bool ok = true;
  for (const auto& [check, status] : rules_inference::sdk::CheckConformance(
           env("PLUGIN"), env("PLUGIN_KIND"), env("TEST_TMPDIR"))) {
    std::printf("%s %s\n%s", status.ok() ? "PASS" : "FAIL", check.c_str(),
                rules_inference::sdk::FormatError(status).c_str());
    ok = ok && status.ok();
  }
  return ok ? 0 : 1;
}
