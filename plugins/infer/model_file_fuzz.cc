// For libFuzzer, which comes with clang. `infer model make-test` makes files to begin with.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "plugins/infer/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)rules_inference::infer::ModelFile::Parse(bytes, "fuzz.bin");
  return 0;
}
