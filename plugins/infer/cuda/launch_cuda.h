// What is compiled by nvcc has plain types at its border: the C++ library around it may be another
// one (docs/hermetic_cc.md). Errors are numbers of cudaError_t.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_LAUNCH_CUDA_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_LAUNCH_CUDA_H_

// Launches a Kernel (kernel_args.h) on a cudaStream_t of the current device.
extern "C" int RulesInferenceInferLaunch(void* stream, int kernel, const void* args);

// Whether there is code for the current device: an error when not.
extern "C" int RulesInferenceInferHasCode(void);

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_LAUNCH_CUDA_H_
