// One step of compiling a CUDA file, as an action of its own.
//
// Problem: nvcc compiles all architectures of a file and its host code in one call, so a change of
// one of them does all of it again; and what it writes depends on process ids, on the directory
// and, with line tables, on when a header was written.
//
// Idea: ask nvcc what it would do (`--dryrun`), do the part that is asked for, with the files of
// the action in the places of nvcc's temporary ones. nvcc stays the one who knows which of its
// flags become which flags of cicc, cudafe++ and ptxas.
//
//   preprocess   source + headers          -> device code of one architecture, preprocessed
//   compile      that, and nothing else    -> cubin, PTX or LTO code, and what registers kernels
//   split        source + headers          -> host code, as C++ for the host compiler
//   fatbinary    what compile has made     -> fat binary, and the same as a C file
//
// Invariants: an output is a function of inputs and flags. Names of what has internal linkage
// follow from the module id, which is an input, so host code and each cubin agree on them however
// many actions made them.
// Cost: what nvcc takes, and one more preprocessing of nothing (some 10 ms) for each step.

#ifndef RULES_INFERENCE_PLUGINS_CUDA_STEP_H_
#define RULES_INFERENCE_PLUGINS_CUDA_STEP_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/child_process.h"
#include "plugins/base/file_system.h"

namespace rules_inference::cuda {

struct StepRequest {
  // preprocess, compile, split or fatbinary.
  std::string step;
  // Programs: a path below the working directory, and the compiler of the C++ toolchain.
  std::string nvcc;
  std::string ccbin;
  // Name of the source, which is what messages and debug information say.
  std::string source;
  // A text that no other source of a program has. Names follow from it.
  std::string seed;
  // compile: what preprocess has written.
  std::string input;
  std::string output;
  // `sm_90a`, `compute_90` or, for link-time optimization, `lto_90`, of preprocess and compile.
  std::string arch;
  // All of the target, for code that asks for __CUDA_ARCH_LIST__; compile has just its own.
  std::vector<std::string> archs;
  // A file with the seed. Not for preprocess.
  std::string module_id;
  // compile: the code that registers kernels, an output; and the name by which what split writes
  // includes it.
  std::string stub;
  std::string stub_name;
  // compile: the name that the stub includes.
  std::string fatbin;
  // fatbinary: `<arch>:<path>` of each image; the C file.
  std::vector<std::string> images;
  std::string embedded;
  // Flags for nvcc, and flags of the C++ toolchain for the preprocessor.
  std::vector<std::string> nvcc_flags;
  std::vector<std::string> host_flags;
  // Headers that the preprocessor may read; those that it did not are written to `unused`.
  std::vector<std::string> headers;
  std::string unused;
  // For messages: release of the toolkit, newest compilers that it accepts.
  std::string toolkit;
  std::string gcc_max;
  std::string clang_max;
};

// Of `--field=value` arguments; lists by repetition.
absl::StatusOr<StepRequest> ParseStepRequest(absl::Span<const std::string> arguments);

using Ask = std::function<absl::StatusOr<base::ChildAnswer>(const std::vector<std::string>& argv)>;

// Does the step. `ask` runs programs; `warn` gets what they say. On an error there is no output.
absl::Status RunStep(const StepRequest& request, base::FileSystem& files, const Ask& ask,
                     const std::function<void(const std::string&)>& warn);

// Runs a program with the fixed environment of steps.
absl::StatusOr<base::ChildAnswer> AskTool(const std::vector<std::string>& argv);

}  // namespace rules_inference::cuda

#endif  // RULES_INFERENCE_PLUGINS_CUDA_STEP_H_
