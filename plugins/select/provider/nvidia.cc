#include "plugins/select/provider/nvidia.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/select/provider/nvml.h"
#include "plugins/select/provider/provider.h"
#include "plugins/select/version.h"

namespace rules_inference::select {
namespace {

constexpr uint64_t kMaxText = 1 << 16;

class NvidiaProvider final : public VariantProvider {
 public:
  absl::string_view name() const override { return "nvidia"; }

  absl::Status Detect(const Probe& probe, Detection* found) const override {
    // The kernel module's own files: right in every container, and enough to notice a driver whose
    // library is not there.
    std::string driver;
    const absl::StatusOr<std::string> text = base::ReadFile(
        *probe.files, absl::StrCat(probe.root, "/proc/driver/nvidia/version"), kMaxText);
    if (text.ok()) driver = DriverVersionIn(*text);
    found->host.set_driver(driver);

    // Where the loader does not look by itself: WSL, and NixOS.
    std::vector<std::string> libraries;
    if (probe.root.empty()) libraries.emplace_back("libnvidia-ml.so.1");
    for (const char* folder : {"/usr/lib/wsl/lib", "/run/opengl-driver/lib"}) {
      libraries.push_back(absl::StrCat(probe.root, folder, "/libnvidia-ml.so.1"));
    }
    const absl::StatusOr<NvmlAnswer> answer = AskNvml(libraries);
    if (absl::IsNotFound(answer.status())) {
      if (driver.empty()) return absl::OkStatus();
      return absl::NotFoundError(
          absl::StrCat("the kernel has driver ", driver,
                       ", but libnvidia-ml.so.1 cannot be loaded, so no device is known"));
    }
    if (!answer.ok()) return answer.status();
    found->host.set_driver(answer->driver);
    found->host.set_driver_api(answer->driver_api);
    const std::string visible = probe.environment("CUDA_VISIBLE_DEVICES");
    absl::StatusOr<std::vector<NvidiaDevice>> devices = answer->devices;
    if (!visible.empty()) {
      devices =
          Visible(answer->devices, visible, probe.environment("CUDA_DEVICE_ORDER") == "PCI_BUS_ID");
    }
    if (!devices.ok()) {
      found->notes.push_back(absl::StrCat("nvidia: ", devices.status().message()));
      devices = answer->devices;
    }
    for (const NvidiaDevice& device : *devices) *found->host.add_devices() = device.device;
    if (answer->devices.empty()) {
      found->notes.push_back(absl::StrCat("nvidia: driver ", answer->driver, " has no device"));
    } else if (devices->empty()) {
      found->notes.push_back(absl::StrCat("nvidia: CUDA_VISIBLE_DEVICES hides all ",
                                          answer->devices.size(),
                                          answer->devices.size() == 1 ? " device" : " devices"));
    }
    return absl::OkStatus();
  }
};

const ProviderRegistration kRegistration(std::make_unique<NvidiaProvider>());

}  // namespace

std::string DriverVersionIn(absl::string_view text) {
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue ...": the first word of that
  // line that is a version of at least two numbers.
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "NVRM version:")) continue;
    for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      if (absl::StrContains(word, ".") && Version::Parse(word).has_value()) {
        return std::string(word);
      }
    }
  }
  return "";
}

std::string CudaRelease(int number) { return absl::StrCat(number / 1000, ".", number % 1000 / 10); }

absl::StatusOr<std::vector<NvidiaDevice>> Visible(const std::vector<NvidiaDevice>& devices,
                                                  absl::string_view value, bool pci_order) {
  const bool alike = absl::c_all_of(devices, [&](const NvidiaDevice& device) {
    return device.device.compute_capability() == devices[0].device.compute_capability();
  });
  std::vector<NvidiaDevice> visible;
  std::vector<bool> taken(devices.size(), false);
  for (absl::string_view item : absl::StrSplit(value, ',')) {
    item = absl::StripAsciiWhitespace(item);
    std::optional<size_t> match;
    int index = 0;
    if (absl::SimpleAtoi(item, &index)) {
      if (index < 0 || static_cast<size_t>(index) >= devices.size()) break;
      if (!alike && !pci_order) {
        return absl::FailedPreconditionError(
            absl::StrCat("CUDA_VISIBLE_DEVICES=", value,
                         " names devices of several kinds by index, and CUDA may count them in "
                         "another order: all are taken; set CUDA_DEVICE_ORDER=PCI_BUS_ID or use "
                         "UUIDs"));
      }
      match = static_cast<size_t>(index);
    } else if (absl::StartsWith(item, "GPU-")) {
      for (size_t i = 0; i < devices.size(); ++i) {
        if (!absl::StartsWith(devices[i].uuid, item)) continue;
        if (match.has_value()) return visible;  // Of two devices: names none.
        match = i;
      }
    } else if (absl::StartsWith(item, "MIG-")) {
      // A part of a device: which one is not told by the name. Parts have the capability of their
      // device.
      if (!alike || devices.empty()) {
        return absl::FailedPreconditionError(
            absl::StrCat("CUDA_VISIBLE_DEVICES=", value,
                         " names a part of a device, and there are several kinds: all are taken"));
      }
      visible.push_back(devices[0]);
      continue;
    }
    if (!match.has_value() || taken[*match]) break;
    taken[*match] = true;
    visible.push_back(devices[*match]);
  }
  return visible;
}

}  // namespace rules_inference::select
