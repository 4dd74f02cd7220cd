#include "rules/cuda/device.h"

#include <cuda_runtime_api.h>

#include <string>

namespace rules_inference::cuda {
namespace {

// 13000 is 13.0.
std::string Release(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string Ask() {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    return "no CUDA driver (libcuda.so.1) on this machine";
  }
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error == cudaErrorInsufficientDriver) {
    return "the driver is for CUDA " + Release(driver) + ", the program for CUDA " +
           Release(CUDART_VERSION);
  }
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return devices > 0 ? "" : "no device";
}

}  // namespace

std::string WhyNoGpu() {
  static const std::string* const reason = new std::string(Ask());
  return *reason;
}

}  // namespace rules_inference::cuda
