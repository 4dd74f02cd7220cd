// For libFuzzer, which comes with clang. The first line of the input is the header, the rest the
// body.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "plugins/infer/server/form.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  if (end == absl::string_view::npos) return 0;
  (void)rules_inference::infer::ParseForm(input.substr(0, end), input.substr(end + 1), {});
  return 0;
}
