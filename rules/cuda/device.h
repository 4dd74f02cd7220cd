// Whether this machine can run CUDA code, for programs that have another way where it cannot.

#ifndef RULES_INFERENCE_RULES_CUDA_DEVICE_H_
#define RULES_INFERENCE_RULES_CUDA_DEVICE_H_

#include <string>

namespace rules_inference::cuda {

// "" when there is a device that can be used, else the reason in a few words, such as "no CUDA
// driver (libcuda.so.1) on this machine". Loads the driver at most once and never fails otherwise.
std::string WhyNoGpu();

}  // namespace rules_inference::cuda

#endif  // RULES_INFERENCE_RULES_CUDA_DEVICE_H_
