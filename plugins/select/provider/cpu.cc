#include "plugins/select/provider/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::select {
namespace {

constexpr bool Bit(uint64_t value, int bit) { return ((value >> bit) & 1) != 0; }

Cpu ThisCpu() {
#if defined(__x86_64__)
  X86Registers r;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &r.leaf1_ecx, &r.leaf1_edx) == 0) return {};
  if (__get_cpuid_count(7, 0, &eax, &r.leaf7_ebx, &r.leaf7_ecx, &r.leaf7_edx) != 0 && eax >= 1) {
    __get_cpuid_count(7, 1, &r.leaf7_1_eax, &ebx, &ecx, &edx);
  }
  __get_cpuid(0x80000001, &eax, &ebx, &r.extended1_ecx, &edx);
  if (Bit(r.leaf1_ecx, 27)) {  // OSXSAVE: xgetbv may be used.
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    r.xcr0 = (static_cast<uint64_t>(high) << 32) | low;
  }
  return DescribeX86(r);
#elif defined(__aarch64__) && defined(__linux__)
  return DescribeArm(getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
#elif defined(__aarch64__) && defined(__APPLE__)
  // The first of them, M1, has all of it.
  return {.level = "armv8.4-a", .features = {"asimddp"}};
#else
  return {};
#endif
}

class CpuProvider final : public VariantProvider {
 public:
  absl::string_view name() const override { return "cpu"; }

  absl::Status Detect(const Probe& /*probe*/, Detection* found) const override {
    const Cpu cpu = ThisCpu();
    found->host.set_cpu_level(cpu.level);
    for (const std::string& feature : cpu.features) {
      sdk::ProviderProperty& property = *found->host.add_properties();
      property.set_namespace_("cpu");
      property.set_feature(feature);
      property.add_values("on");
    }
    return absl::OkStatus();
  }
};

const ProviderRegistration kRegistration(std::make_unique<CpuProvider>());

}  // namespace

Cpu DescribeX86(const X86Registers& r) {
  // The operating system has to save the registers that the instructions use.
  const bool ymm = (r.xcr0 & 0x06) == 0x06;
  const bool zmm = (r.xcr0 & 0xe6) == 0xe6;
  const bool tiles = (r.xcr0 & 0x60000) == 0x60000;
  const struct {
    const char* name;
    bool there;
  } features[] = {
      {"amx_bf16", tiles && Bit(r.leaf7_edx, 22)},  {"amx_int8", tiles && Bit(r.leaf7_edx, 25)},
      {"amx_tile", tiles && Bit(r.leaf7_edx, 24)},  {"avx", ymm && Bit(r.leaf1_ecx, 28)},
      {"avx2", ymm && Bit(r.leaf7_ebx, 5)},         {"avx512_bf16", zmm && Bit(r.leaf7_1_eax, 5)},
      {"avx512_fp16", zmm && Bit(r.leaf7_edx, 23)}, {"avx512_vnni", zmm && Bit(r.leaf7_ecx, 11)},
      {"avx512bw", zmm && Bit(r.leaf7_ebx, 30)},    {"avx512cd", zmm && Bit(r.leaf7_ebx, 28)},
      {"avx512dq", zmm && Bit(r.leaf7_ebx, 17)},    {"avx512f", zmm && Bit(r.leaf7_ebx, 16)},
      {"avx512vl", zmm && Bit(r.leaf7_ebx, 31)},    {"avx_vnni", ymm && Bit(r.leaf7_1_eax, 4)},
      {"f16c", ymm && Bit(r.leaf1_ecx, 29)},        {"fma", ymm && Bit(r.leaf1_ecx, 12)},
  };
  Cpu cpu;
  for (const auto& feature : features) {
    if (feature.there) cpu.features.emplace_back(feature.name);
  }
  const auto has = [&](absl::string_view name) {
    return std::find(cpu.features.begin(), cpu.features.end(), name) != cpu.features.end();
  };
  // CMPXCHG16B, LAHF-SAHF, POPCNT, SSE3, SSE4.1, SSE4.2, SSSE3.
  const bool v2 = Bit(r.leaf1_ecx, 13) && Bit(r.extended1_ecx, 0) && Bit(r.leaf1_ecx, 23) &&
                  Bit(r.leaf1_ecx, 0) && Bit(r.leaf1_ecx, 19) && Bit(r.leaf1_ecx, 20) &&
                  Bit(r.leaf1_ecx, 9);
  // And BMI1, BMI2, LZCNT, MOVBE.
  const bool v3 = v2 && has("avx") && has("avx2") && has("f16c") && has("fma") &&
                  Bit(r.leaf7_ebx, 3) && Bit(r.leaf7_ebx, 8) && Bit(r.extended1_ecx, 5) &&
                  Bit(r.leaf1_ecx, 22);
  const bool v4 = v3 && has("avx512f") && has("avx512bw") && has("avx512cd") && has("avx512dq") &&
                  has("avx512vl");
  cpu.level = v4 ? "x86-64-v4" : v3 ? "x86-64-v3" : v2 ? "x86-64-v2" : "x86-64-v1";
  return cpu;
}

Cpu DescribeArm(uint64_t hwcap, uint64_t hwcap2) {
  // Bits of the kernel's interface (asm/hwcap.h), by number, as older headers lack the later ones.
  const struct {
    const char* name;
    bool there;
  } features[] = {
      {"asimddp", Bit(hwcap, 20)}, {"asimdhp", Bit(hwcap, 10)}, {"bf16", Bit(hwcap2, 14)},
      {"fphp", Bit(hwcap, 9)},     {"i8mm", Bit(hwcap2, 13)},   {"sme", Bit(hwcap2, 23)},
      {"sve", Bit(hwcap, 22)},     {"sve2", Bit(hwcap2, 1)},
  };
  Cpu cpu;
  for (const auto& feature : features) {
    if (feature.there) cpu.features.emplace_back(feature.name);
  }
  // LSE atomics, RDM, CRC32.
  const bool v81 = Bit(hwcap, 8) && Bit(hwcap, 12) && Bit(hwcap, 7);
  // Clean to the point of persistence.
  const bool v82 = v81 && Bit(hwcap, 16);
  // JSCVT, FCMA, LRCPC, pointer authentication.
  const bool v83 =
      v82 && Bit(hwcap, 13) && Bit(hwcap, 14) && Bit(hwcap, 15) && Bit(hwcap, 30) && Bit(hwcap, 31);
  // Dot product, DIT, USCAT, ILRCPC, FLAGM.
  const bool v84 =
      v83 && Bit(hwcap, 20) && Bit(hwcap, 24) && Bit(hwcap, 25) && Bit(hwcap, 26) && Bit(hwcap, 27);
  // FLAGM2, FRINT, SB, BTI.
  const bool v85 = v84 && Bit(hwcap2, 7) && Bit(hwcap2, 8) && Bit(hwcap, 29) && Bit(hwcap2, 17);
  const bool v86 = v85 && Bit(hwcap2, 13) && Bit(hwcap2, 14);
  const bool sve2 = Bit(hwcap, 22) && Bit(hwcap2, 1);
  // 9.0 is 8.5 with SVE2, and 9.1 is 8.6 with it.
  cpu.level = v86 && sve2   ? "armv9.1-a"
              : v85 && sve2 ? "armv9.0-a"
              : v86         ? "armv8.6-a"
              : v85         ? "armv8.5-a"
              : v84         ? "armv8.4-a"
              : v83         ? "armv8.3-a"
              : v82         ? "armv8.2-a"
              : v81         ? "armv8.1-a"
                            : "armv8.0-a";
  return cpu;
}

}  // namespace rules_inference::select
