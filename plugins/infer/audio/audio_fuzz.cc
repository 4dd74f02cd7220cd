// For libFuzzer, which comes with clang. Start it with the files of testdata.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "plugins/infer/audio/audio.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  (void)rules_inference::infer::DecodeAudio(input, "input", {.max_seconds = 10});
  return 0;
}
