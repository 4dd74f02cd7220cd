#include "plugins/launcher/host.h"

#include <unistd.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "plugins/base/child_process.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/launcher/cache.h"
#include "plugins/launcher/manifest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/provider/detect.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::launcher {
namespace {

constexpr uint64_t kMaxDescriptor = uint64_t{16} << 20;
// A driver that hangs must not hang the service; the CPU variant is better than none.
constexpr absl::Duration kDetectorTimeout = absl::Seconds(20);

// A machine of which nothing is known stands, for the engine, for the one that the request names.
// That is right in a build and wrong on a real machine, so the lowest CPU level is said, which is
// what a descriptor without one means.
void SayLevel(sdk::HostDescriptor& host) {
  if (!host.cpu_level().empty()) return;
  if (absl::EndsWith(host.platform(), "-x86_64")) host.set_cpu_level("x86-64-v1");
  if (absl::EndsWith(host.platform(), "-aarch64")) host.set_cpu_level("armv8.0-a");
}

// What the detector says, or why it says nothing as a note.
sdk::LauncherDetection AskDetector(const std::string& detector,
                                   const std::vector<std::string>& names) {
  std::vector<std::string> argv = {detector};
  argv.insert(argv.end(), names.begin(), names.end());
  sdk::LauncherDetection detection;
  const absl::StatusOr<base::ChildAnswer> answer =
      base::AskChild(argv, base::OwnEnvironment(), kDetectorTimeout);
  if (!answer.ok()) {
    detection.add_notes(std::string(answer.status().message()));
  } else if (answer->exit_code != 0) {
    detection.add_notes(absl::StrCat(detector, ": got exit code ", answer->exit_code, ": ",
                                     answer->error.substr(0, answer->error.find('\n'))));
  } else {
    absl::StatusOr<sdk::LauncherDetection> read =
        sdk::ParseJson<sdk::LauncherDetection>(detector, answer->output);
    if (read.ok()) return *std::move(read);
    detection.add_notes(std::string(read.status().message()));
  }
  return detection;
}

absl::StatusOr<sdk::LauncherDetection> Detect(const Installation& installation,
                                              const Environment& environment,
                                              base::FileSystem& files, bool afresh) {
  std::vector<std::string> here;
  std::vector<std::string> there;
  const std::vector<const select::VariantProvider*> linked = select::Providers();
  for (const std::string& name : ProvidersFor(installation.manifest.lock())) {
    const bool is_here =
        absl::c_any_of(linked, [&](const auto* provider) { return provider->name() == name; });
    (is_here ? here : there).push_back(name);
  }
  select::Detection found = select::DetectHost(select::RealProbe(files), here);
  sdk::LauncherDetection detection;
  *detection.mutable_host() = std::move(found.host);
  for (std::string& note : found.notes) detection.add_notes(std::move(note));

  const std::string& detector = installation.manifest.detector();
  if (there.empty() || detector.empty()) return detection;
  ASSIGN_OR_RETURN(const std::string program, installation.locate(detector));
  const HostCache cache(environment, CacheKey(program, there, environment, files));
  std::optional<sdk::LauncherDetection> other = afresh ? std::nullopt : cache.Read();
  if (!other.has_value()) {
    other = AskDetector(program, there);
    // Something went wrong: it may be right the next time.
    if (other->notes().empty()) cache.Write(*other);
  }
  detection.MergeFrom(*other);
  return detection;
}

}  // namespace

std::vector<std::string> ProvidersFor(const sdk::VariantsLock& lock) {
  std::set<std::string> names;
  for (const sdk::Variant& variant : lock.variants()) {
    const sdk::VariantProperties& wants = variant.properties();
    if (wants.accelerator() == "cuda") names.insert("nvidia");
    if (!wants.cpu_level().empty()) names.insert("cpu");
    if (!wants.libc().empty()) names.insert("libc");
    for (const sdk::ProviderProperty& item : wants.properties()) names.insert(item.namespace_());
  }
  return {names.begin(), names.end()};
}

absl::StatusOr<sdk::LauncherDetection> FindHost(const Installation& installation,
                                                const Environment& environment,
                                                base::FileSystem& files, bool afresh) {
  sdk::LauncherDetection detection;
  if (const std::string path = environment("INFERENCE_HOST"); !path.empty()) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(files, path, kMaxDescriptor));
    RETURN_IF_ERROR(sdk::MergeJson(path, text, detection.mutable_host()));
    if (detection.host().platform().empty()) {
      detection.mutable_host()->set_platform(
          select::DetectHost(select::RealProbe(files), {}).host.platform());
    }
  } else {
    ASSIGN_OR_RETURN(detection, Detect(installation, environment, files, afresh));
    for (const sdk::Variant& variant : installation.manifest.lock().variants()) {
      for (const std::string& soname : variant.properties().sonames()) {
        if (absl::c_linear_search(detection.host().sonames(), soname)) continue;
        detection.mutable_host()->add_sonames(soname);
      }
    }
  }
  SayLevel(*detection.mutable_host());
  return detection;
}

}  // namespace rules_inference::launcher
