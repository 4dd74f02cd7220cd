// What the files of a prebuilt archive say about the machines that they run on.

#ifndef RULES_INFERENCE_PLUGINS_LOCK_INSPECT_H_
#define RULES_INFERENCE_PLUGINS_LOCK_INSPECT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {

struct Inspection {
  // What can be read: accelerator "cuda" or nothing, cubins, ptx, cuda, cudnn, sonames, libc,
  // and the CPU level that a linker was told.
  sdk::VariantProperties properties;
  // What a person should know; sorted, a line each.
  std::vector<std::string> notes;
  // "x86_64" or "aarch64": its programs and libraries are for Linux on that; empty: it has none.
  std::string cpu;
  // Of the CUDA runtime libraries that it links, 12 of libcudart.so.12; 0: none.
  int cuda_runtime = 0;

  bool has_programs() const { return !cpu.empty(); }
  bool has_cuda_code() const { return !properties.cubins().empty() || !properties.ptx().empty(); }
  // False when its programs are for other machines than that; true when it has none.
  bool RunsOn(absl::string_view platform) const {
    return cpu.empty() || platform == "linux-" + cpu;
  }
};

// Reads every regular file below `dir` that is an ELF file, a cubin or a fat binary; symlinks are
// not followed. Programs of two machines, or of two C libraries, in one archive are an error:
// "inspect: <file>: got X, expected Y". What is loaded by name at run time cannot be seen.
absl::StatusOr<Inspection> Inspect(const std::string& dir, base::FileSystem& fs);

}  // namespace rules_inference::lock

#endif  // RULES_INFERENCE_PLUGINS_LOCK_INSPECT_H_
