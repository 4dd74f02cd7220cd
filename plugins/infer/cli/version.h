// What `infer --version` says beside the version: which machines there is code for.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_VERSION_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_VERSION_H_

#include <string>

#include "plugins/base/file_system.h"

namespace rules_inference::infer {

// Two lines. What is for GPUs is read from the file `program`, which is the one that runs: so the
// answer is about what was linked, not about what was meant to be.
//
//   CPU: avx512, avx2, sse4, sse2; here avx2
//   GPU: sm_86, sm_90a, compute_90 (CUDA 13.0)
std::string DescribeCode(base::FileSystem& files, const std::string& program);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_VERSION_H_
