// Problem. "Is this build right for that GPU?" is answered wrong by every name table and by every
// rule that knows only one number. The driver, the toolkit and the code each have a say.
//
// The rules, from NVIDIA's compatibility documentation and the CUDA programming guide:
//  - A driver runs every older toolkit. A toolkit of a major release runs on drivers from the floor
//    of that major on (minor version compatibility); below the toolkit's own driver it may not use
//    PTX that is newer than the driver. A forward-compatibility package raises both, where a host
//    says that it has one.
//  - Machine code (sm_XY) runs on devices of the same major and the same or a higher minor
//    capability. Parts of the Tegra line promise that to nobody: there it must be exact.
//  - "a" code runs on exactly that capability, "f" code on its family.
//  - PTX runs on every device of the same or a higher capability, across majors, if the driver is
//    not older than the toolkit that made it.
//
// Example. Device 8.9 with driver 535.54.03 (CUDA 12.2): sm_86 runs (score 3), sm_90 does not,
// compute_75 of toolkit 12.2 runs (score 2), compute_75 of toolkit 12.8 does not.

#include "plugins/select/cuda.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/requirement.h"
#include "plugins/select/version.h"

namespace rules_inference::select {
namespace {

// Jetson and Drive parts, whose machine code and that of the others are not promised to mix.
constexpr std::array<int, 7> kTegra = {53, 62, 72, 87, 88, 101, 110};

bool IsTegra(int capability) { return absl::c_linear_search(kTegra, capability); }

// The devices of the family of an "f" target beside its own capability.
bool InFamily(int target, int device) {
  return device == target || (target == 100 && device == 103) || (target == 120 && device == 121);
}

// The oldest driver for a toolkit: of its major release, or its own where there is no minor version
// compatibility. Empty: a toolkit that is not known.
absl::string_view DriverFloor(const Version& toolkit) {
  switch (toolkit.part(0)) {
    case 10:
      return toolkit.part(1) == 0 ? "410.48" : toolkit.part(1) == 1 ? "418.39" : "440.33";
    case 11:
      return toolkit.part(1) == 0 ? "450.36.06" : "450.80.02";
    case 12:
      return "525.60.13";
    case 13:
      return "580";
    default:
      return "";
  }
}

struct Ptx {
  CudaArch arch;
  Version toolkit;
};

struct Code {
  std::vector<CudaArch> cubins;
  std::vector<Ptx> ptx;
};

// What the variant has, or the name of what cannot be understood.
std::pair<Code, std::optional<std::string>> ParseCode(const sdk::VariantProperties& wants) {
  Code code;
  for (const std::string& text : wants.cubins()) {
    const std::optional<CudaArch> arch = CudaArch::Parse("sm_", text);
    if (!arch.has_value()) return {Code(), text};
    code.cubins.push_back(*arch);
  }
  for (const sdk::PtxCode& item : wants.ptx()) {
    const std::optional<CudaArch> arch = CudaArch::Parse("compute_", item.arch());
    if (!arch.has_value()) return {Code(), item.arch()};
    const std::optional<Version> toolkit = Version::Parse(item.toolkit());
    if (!toolkit.has_value())
      return {Code(), absl::StrCat(item.arch(), " of toolkit ", item.toolkit())};
    code.ptx.push_back({*arch, *toolkit});
  }
  return {std::move(code), std::nullopt};
}

int64_t CubinScore(const CudaArch& arch, int device) {
  switch (arch.features) {
    case CudaArch::Features::kExact:
      return arch.capability == device ? 6 : 0;
    case CudaArch::Features::kFamily:
      return InFamily(arch.capability, device) ? 5 : 0;
    case CudaArch::Features::kBase:
      break;
  }
  if (arch.capability == device) return 4;
  const bool lower_minor = arch.capability / 10 == device / 10 && arch.capability < device;
  return lower_minor && !IsTegra(arch.capability) && !IsTegra(device) ? 3 : 0;
}

bool PtxReaches(const CudaArch& arch, int device) {
  switch (arch.features) {
    case CudaArch::Features::kExact:
      return arch.capability == device;
    case CudaArch::Features::kFamily:
      return InFamily(arch.capability, device);
    case CudaArch::Features::kBase:
      break;
  }
  return arch.capability <= device;
}

// The best code for a device: score and capability. `*too_new` is set when PTX would reach it but
// the driver cannot read that.
std::pair<int64_t, int64_t> BestCode(const Code& code, int device, const Version& api,
                                     bool* too_new) {
  std::pair<int64_t, int64_t> best = {0, 0};
  for (const CudaArch& arch : code.cubins) {
    const int64_t score = CubinScore(arch, device);
    if (score > 0) best = std::max(best, {score, arch.capability});
  }
  for (const Ptx& ptx : code.ptx) {
    if (!PtxReaches(ptx.arch, device)) continue;
    if (api < ptx.toolkit) {
      *too_new = true;
    } else {
      best = std::max(best, {2, ptx.arch.capability});
    }
  }
  return best;
}

std::string CodeNames(const sdk::VariantProperties& wants) {
  std::vector<std::string> names(wants.cubins().begin(), wants.cubins().end());
  for (const sdk::PtxCode& ptx : wants.ptx()) names.push_back(ptx.arch());
  return absl::StrJoin(names, ", ");
}

}  // namespace

std::optional<CudaArch> CudaArch::Parse(absl::string_view prefix, absl::string_view text) {
  if (!absl::ConsumePrefix(&text, prefix)) return std::nullopt;
  CudaArch arch;
  if (absl::ConsumeSuffix(&text, "a")) {
    arch.features = Features::kExact;
  } else if (absl::ConsumeSuffix(&text, "f")) {
    arch.features = Features::kFamily;
  }
  if (text.size() < 2 || text.size() > 3 || text[0] == '0') return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    arch.capability = arch.capability * 10 + (c - '0');
  }
  if (arch.features == Features::kExact && arch.capability < 90) return std::nullopt;
  if (arch.features == Features::kFamily && arch.capability < 100) return std::nullopt;
  return arch;
}

std::optional<int> ParseCapability(absl::string_view text) {
  const std::optional<Version> version = Version::Parse(text);
  // "8.6" and nothing else that a version may look like.
  if (!version.has_value() || version->part(0) < 1 || version->part(0) > 99 ||
      version->part(1) > 9 || text != absl::StrCat(version->part(0), ".", version->part(1))) {
    return std::nullopt;
  }
  return static_cast<int>(version->part(0) * 10 + version->part(1));
}

Refusal CheckCuda(const sdk::VariantProperties& wants, const Machine& machine,
                  sdk::DevicePolicy policy, CudaFit* fit) {
  const sdk::HostDescriptor& host = machine.host;
  const std::optional<Version> toolkit = Version::Parse(wants.cuda());
  if (!toolkit.has_value() || DriverFloor(*toolkit).empty()) {
    return MakeReason("bad_cuda", absl::StrCat("'", wants.cuda(), "' is no known CUDA toolkit"));
  }
  if (!wants.cudnn().empty()) {
    const std::optional<Version> cudnn = Version::Parse(wants.cudnn());
    if (!cudnn.has_value())
      return MakeReason("bad_cudnn", absl::StrCat("'", wants.cudnn(), "' is no version of cuDNN"));
    fit->cudnn = cudnn->major_minor();
  }
  if (wants.cubins().empty() && wants.ptx().empty()) {
    return MakeReason("no_code", "the lock names no CUDA code of it");
  }
  const auto [code, bad] = ParseCode(wants);
  if (bad.has_value()) {
    return MakeReason("bad_code", absl::StrCat("'", *bad, "' is no CUDA code"));
  }

  if (host.devices().empty()) return MakeReason("no_device", "the host has no CUDA device");
  if (host.driver().empty() || host.driver_api().empty()) {
    return MakeReason("no_driver",
                      "the host has a device, but no NVIDIA driver that says its version");
  }
  const std::optional<Version> driver = Version::Parse(host.driver());
  std::optional<Version> api = Version::Parse(host.driver_api());
  const std::optional<Version> forward =
      Version::Parse(host.forward_compat().empty() ? "0" : host.forward_compat());
  if (!driver.has_value() || !api.has_value() || !forward.has_value()) {
    return MakeReason("bad_host", absl::StrCat("the host's driver '", host.driver(), "' (CUDA '",
                                               host.driver_api(), "', forward '",
                                               host.forward_compat(), "') is no version"));
  }
  const bool forward_covers = *forward >= *toolkit;
  if (*driver < *Version::Parse(DriverFloor(*toolkit)) && !forward_covers) {
    return MakeReason("driver_too_old",
                      absl::StrCat("CUDA ", wants.cuda(), " needs driver ", DriverFloor(*toolkit),
                                   " or newer, the host has ", host.driver()));
  }
  if (*forward > *api) api = forward;
  fit->native = *api >= *toolkit;
  fit->toolkit = toolkit->major_minor();

  bool first = true;
  Refusal refusal;
  for (const sdk::Device& device : host.devices()) {
    const std::optional<int> capability = ParseCapability(device.compute_capability());
    if (!capability.has_value()) {
      return MakeReason("bad_host", absl::StrCat("the host's compute capability '",
                                                 device.compute_capability(), "' is none"));
    }
    bool too_new = false;
    const auto [score, used] = BestCode(code, *capability, *api, &too_new);
    if (score == 0) {
      if (!refusal.has_value()) {
        refusal =
            too_new ? MakeReason("ptx_too_new",
                                 absl::StrCat("its PTX is newer than the host's driver (CUDA ",
                                              host.driver_api(), "), and it has no other code for ",
                                              device.compute_capability()))
                    : MakeReason("no_code_for_device",
                                 absl::StrCat("has ", CodeNames(wants), ", nothing that runs on ",
                                              device.compute_capability()));
      }
      continue;
    }
    if (policy == sdk::ANY_DEVICE) {
      if (first || std::make_pair(score, used) > std::make_pair(fit->score, fit->capability)) {
        fit->score = score;
        fit->capability = used;
      }
    } else {
      fit->score = first ? score : std::min(fit->score, score);
      fit->capability = first ? used : std::min(fit->capability, used);
    }
    first = false;
  }
  if (policy == sdk::ANY_DEVICE ? first : refusal.has_value()) return refusal;
  return std::nullopt;
}

std::optional<sdk::HostDescriptor> ImpliedCudaHost(const sdk::VariantProperties& wants) {
  const auto [code, bad] = ParseCode(wants);
  const std::optional<Version> toolkit = Version::Parse(wants.cuda());
  if (bad.has_value() || !toolkit.has_value()) return std::nullopt;
  int lowest = 0;
  for (const CudaArch& arch : code.cubins) {
    lowest = lowest == 0 ? arch.capability : std::min(lowest, arch.capability);
  }
  if (lowest == 0) {
    for (const Ptx& ptx : code.ptx) {
      lowest = lowest == 0 ? ptx.arch.capability : std::min(lowest, ptx.arch.capability);
    }
  }
  if (lowest == 0) return std::nullopt;
  sdk::HostDescriptor host;
  host.add_devices()->set_compute_capability(absl::StrCat(lowest / 10, ".", lowest % 10));
  // Newer than every floor.
  host.set_driver("999999");
  host.set_driver_api(wants.cuda());
  return host;
}

}  // namespace rules_inference::select
