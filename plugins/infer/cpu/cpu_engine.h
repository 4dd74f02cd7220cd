// The engine that every machine can run: the CPU, with the widest instructions that it has.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CPU_CPU_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_CPU_CPU_ENGINE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

struct CpuOptions {
  // 0: the cores that this process may use.
  int threads = 0;
  // A name that CpuInstructionSets() returns. Empty: the best there is.
  std::string isa;
};

// What this CPU can run, best first: "avx512vnni", "avx512", "avx2", "sse4", "sse2", "neon".
std::vector<std::string> CpuInstructionSets();
// The same, of all CPUs that the program has code for.
std::vector<std::string> CompiledInstructionSets();

// `file` and its bytes have to outlive the result. Matrices are copied into an order that suits the
// CPU, in the type that they have: memory as large as the file, beside its mapping.
//
// The results of an engine do not depend on the number of threads, down to the bit. They do depend,
// within rounding, on the instructions.
absl::StatusOr<std::unique_ptr<Engine>> NewCpuEngine(const ModelFile& file,
                                                     const CpuOptions& options);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CPU_CPU_ENGINE_H_
