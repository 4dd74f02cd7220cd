// Numbers in untrusted little-endian bytes, on any machine.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ELF_LITTLE_ENDIAN_H_
#define RULES_INFERENCE_PLUGINS_BASE_ELF_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace rules_inference::base {

// The number of sizeof(T) bytes at `at`; what lies behind the end of `data` is zero.
template <typename T>
T LoadLe(absl::string_view data, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    if (at + i >= data.size()) break;
    value |= static_cast<uint64_t>(static_cast<uint8_t>(data[at + i])) << (8 * i);
  }
  return static_cast<T>(value);
}

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ELF_LITTLE_ENDIAN_H_
