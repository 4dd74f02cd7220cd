// Which GPUs the CUDA code in a file is for.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ELF_FATBIN_H_
#define RULES_INFERENCE_PLUGINS_BASE_ELF_FATBIN_H_

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

struct GpuCode {
  enum class Kind : uint8_t { kCubin, kPtx };

  Kind kind = Kind::kCubin;
  // "sm_90a" of a cubin, "compute_75" of PTX.
  std::string arch;
  // "12.8": of PTX, the oldest toolkit whose driver reads it; of a cubin, the one that made it.
  // Empty: the file does not tell.
  std::string toolkit;

  friend auto operator<=>(const GpuCode&, const GpuCode&) = default;
};

enum class Compression : uint8_t { kNone, kLz4, kZstd };

// One piece of code as it lies in the file.
struct GpuEntry {
  GpuCode code;
  // The container that it is in, counted from 0 over the file: one for each module of a program.
  uint32_t module = 0;
  Compression compression = Compression::kNone;
  // Bytes in the file, and of the code itself; 0: the file does not tell, as of entries that are
  // compressed together.
  uint64_t size = 0;
  uint64_t unpacked_size = 0;
};

struct GpuCodes {
  // Sorted, one of each kind and arch, with the newest toolkit of those in the file.
  std::vector<GpuCode> code;
  // In the order of the file, the first 262,144 of them.
  std::vector<GpuEntry> entries;
  // What is there and could not be said as code; sorted, each once.
  std::vector<std::string> notes;
};

// All of `.nv_fatbin` and `__nv_relfatbin`, the code of a file that is a cubin itself, and PTX that
// a program holds as text in `.rodata`, which it gives to the driver at run time. Errors read
// "fatbin: <file>: byte N: got X, expected Y".
absl::StatusOr<GpuCodes> ReadGpuCode(InputFile& file, const Elf& elf);

// The containers in `size` bytes at `offset`, which must lie in the file.
absl::StatusOr<GpuCodes> ReadFatbin(InputFile& file, uint64_t offset, uint64_t size);

// The first four bytes are those of a container.
bool IsFatbin(absl::string_view start);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ELF_FATBIN_H_
