#include "plugins/select/provider/detect.h"

#include <sys/utsname.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/file_system.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::select {
std::string ThisPlatform() {
  utsname name = {};
  if (uname(&name) != 0) return "";
  std::string os = absl::AsciiStrToLower(name.sysname);
  if (os == "darwin") os = "macos";
  std::string cpu = name.machine;
  if (cpu == "arm64") cpu = "aarch64";
  if (cpu == "amd64") cpu = "x86_64";
  return absl::StrCat(os, "-", cpu);
}

Probe RealProbe(base::FileSystem& files) {
  Probe probe;
  probe.files = &files;
  probe.environment = [](absl::string_view name) -> std::string {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? "" : value;
  };
  return probe;
}

Detection DetectHost(const Probe& probe) {
  std::vector<std::string> names;
  for (const VariantProvider* provider : Providers()) names.emplace_back(provider->name());
  return DetectHost(probe, names);
}

Detection DetectHost(const Probe& probe, absl::Span<const std::string> names) {
  Detection found;
  found.host.set_descriptor_version(1);
  found.host.set_platform(ThisPlatform());
  for (const VariantProvider* provider : Providers()) {
    if (!absl::c_linear_search(names, provider->name())) continue;
    const absl::Status status = provider->Detect(probe, &found);
    if (!status.ok()) found.notes.push_back(absl::StrCat(provider->name(), ": ", status.message()));
  }
  return found;
}

}  // namespace rules_inference::select
