// Headers of a tar stream: POSIX ustar, with a PAX header before it where ustar cannot say it.
//
// Everything that could differ from one machine to another is fixed: time 0, no user and group
// names, no device numbers.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_TAR_H_
#define RULES_INFERENCE_PLUGINS_LAYER_TAR_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::layer {

inline constexpr size_t kTarBlock = 512;
// Two blocks of zeros end a tar stream.
inline constexpr size_t kTarEndSize = 2 * kTarBlock;

enum class TarType : char { kFile = '0', kSymlink = '2', kDirectory = '5' };

struct TarHeader {
  absl::string_view path;  // Without '/' at the end.
  TarType type = TarType::kFile;
  uint32_t mode = 0644;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  absl::string_view link_target;
};

// Appends the one header block of an entry, or the three or more when it needs a PAX header.
void AppendTarHeader(const TarHeader& header, std::string& out);

// Zeros to add after `size` bytes of data.
inline constexpr size_t TarPadding(uint64_t size) {
  return static_cast<size_t>((kTarBlock - size % kTarBlock) % kTarBlock);
}

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_TAR_H_
