// NVIDIA GPUs: the driver's version, the CUDA release it implements, and the compute capability of
// every device that a program sees. What a device is called decides nothing.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_NVIDIA_H_
#define RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_NVIDIA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/select.pb.h"

namespace rules_inference::select {

// The version in the text of /proc/driver/nvidia/version; empty when there is none.
std::string DriverVersionIn(absl::string_view text);

// "13.0" for 13000, as the driver counts CUDA releases.
std::string CudaRelease(int number);

struct NvidiaDevice {
  sdk::Device device;
  std::string uuid;  // "GPU-..."
};

// The devices that CUDA_VISIBLE_DEVICES leaves, `value` being its value and `pci_order` whether
// CUDA_DEVICE_ORDER is PCI_BUS_ID: a list of indices or of UUIDs (or their beginnings), that ends
// at the first that names no device. CUDA may count devices in another order than the driver; an
// index then only means something when all are of one capability, and FailedPrecondition is the
// answer when they are not.
absl::StatusOr<std::vector<NvidiaDevice>> Visible(const std::vector<NvidiaDevice>& devices,
                                                  absl::string_view value, bool pci_order);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_NVIDIA_H_
