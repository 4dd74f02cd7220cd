// NVIDIA's rules: which CUDA code runs on which device under which driver.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_CUDA_H_
#define RULES_INFERENCE_PLUGINS_SELECT_CUDA_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/requirement.h"

namespace rules_inference::select {

// What code is compiled for: 86 for 8.6, and the suffix of its features.
struct CudaArch {
  enum class Features : uint8_t {
    kBase,
    kFamily,  // "f": the devices of a family.
    kExact,   // "a": that device only.
  };

  int capability = 0;
  Features features = Features::kBase;

  // "sm_86", "sm_90a", "compute_100f", with the prefix that is asked for. Nothing for an unknown
  // suffix, and for one that this capability never had.
  static std::optional<CudaArch> Parse(absl::string_view prefix, absl::string_view text);
};

// 86 for "8.6".
std::optional<int> ParseCapability(absl::string_view text);

// How well a variant fits, for its rank.
struct CudaFit {
  // 6 code for exactly this device, 5 for its family, 4 base code of its capability, 3 of a lower
  // minor one, 2 compiled by the driver; the lowest of all devices that count.
  int64_t score = 0;
  // Capability of the code that is used; the lowest.
  int64_t capability = 0;
  // The driver implements all of the toolkit.
  bool native = false;
  // 12008 for 12.8; 9000 for cuDNN 9, 0 for none.
  int64_t toolkit = 0;
  int64_t cudnn = 0;
};

// The first reason why not, or how well.
Refusal CheckCuda(const sdk::VariantProperties& wants, const Machine& machine,
                  sdk::DevicePolicy policy, CudaFit* fit);

// The machine that a request for a variant by name stands for when nothing is known: one device
// with the lowest capability that the variant has code for, and a driver that is new enough for it.
// Nothing when its properties do not say.
std::optional<sdk::HostDescriptor> ImpliedCudaHost(const sdk::VariantProperties& wants);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_CUDA_H_
