// What one file says about where it runs.

#ifndef RULES_INFERENCE_PLUGINS_LOCK_FACTS_H_
#define RULES_INFERENCE_PLUGINS_LOCK_FACTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::lock {

// Of an ELF file, a cubin or a fat binary; anything else is an error "facts: <path>: got X,
// expected Y".
absl::StatusOr<sdk::BinaryFacts> ReadFacts(const std::string& path, base::FileSystem& fs);

// As lines for people:
//
//   bin/infer: x86_64 library, glibc 2.34
//     needs libc.so.6, libcudart.so.13
//     sm_86         13.0  2984 bytes
//     compute_86    13.0  412 bytes, zstd, 1024 unpacked
//     note: ...
std::string FormatFacts(const sdk::BinaryFacts& facts);

}  // namespace rules_inference::lock

#endif  // RULES_INFERENCE_PLUGINS_LOCK_FACTS_H_
