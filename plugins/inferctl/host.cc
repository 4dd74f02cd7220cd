#include "plugins/inferctl/host.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/lock.h"
#include "plugins/select/provider/detect.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::inferctl {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{64} << 20;

}  // namespace

absl::StatusOr<sdk::VariantsLock> ReadLock(Console& console, const std::string& file,
                                           std::vector<std::string>* warnings) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
  ASSIGN_OR_RETURN(sdk::VariantsLock lock, sdk::ParseJson<sdk::VariantsLock>(file, text));
  RETURN_IF_ERROR(select::CheckLock(lock, file, warnings));
  return lock;
}

absl::StatusOr<sdk::HostDescriptor> ReadHost(Console& console, const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(console.files, file, kMaxDocument));
  ASSIGN_OR_RETURN(sdk::HostDescriptor host, sdk::ParseJson<sdk::HostDescriptor>(file, text));
  if (host.descriptor_version() != 1) {
    return base::Mismatch("host descriptor", file,
                          absl::StrCat("descriptor_version ", host.descriptor_version()),
                          "1, as `inferctl detect` writes it");
  }
  return host;
}

sdk::HostDescriptor DetectThisHost(Console& console, const std::vector<sdk::VariantsLock>& locks,
                                   std::vector<std::string> sonames) {
  for (const sdk::VariantsLock& lock : locks) {
    for (const sdk::Variant& variant : lock.variants()) {
      for (const std::string& soname : variant.properties().sonames()) sonames.push_back(soname);
    }
  }
  select::Probe probe = console.probe;
  probe.sonames = std::move(sonames);
  select::Detection found = select::DetectHost(probe);
  for (const std::string& note : found.notes) console.err << "note: " << note << "\n";
  return std::move(found.host);
}

std::string GpuOf(const sdk::HostDescriptor& host) {
  if (host.devices().empty()) return "";
  std::vector<std::string> capabilities;
  for (const sdk::Device& device : host.devices()) {
    capabilities.push_back(device.compute_capability());
  }
  return absl::StrCat(capabilities.size() == 1 ? "NVIDIA GPU" : "NVIDIA GPUs",
                      " detected (compute capability ", absl::StrJoin(capabilities, ", "),
                      host.driver().empty()
                          ? ", no driver"
                          : absl::StrCat(", driver ", host.driver(), " for CUDA ",
                                         host.driver_api().empty() ? "?" : host.driver_api()),
                      ")");
}

}  // namespace rules_inference::inferctl
