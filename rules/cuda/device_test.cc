// Ends a test before its main where there is no GPU.

#include "rules/cuda/device.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

const bool checked = [] {
  const std::string reason = rules_inference::cuda::WhyNoGpu();
  if (reason.empty()) return true;
  const char* const required = std::getenv("RULES_INFERENCE_REQUIRE_GPU");
  const bool fail = required != nullptr && *required != '\0';
  std::fprintf(stderr, "%s: no usable GPU: %s\n", fail ? "error" : "SKIP", reason.c_str());
  std::_Exit(fail ? EXIT_FAILURE : EXIT_SUCCESS);
}();

}  // namespace
