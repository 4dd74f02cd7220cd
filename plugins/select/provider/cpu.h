// The CPU: its level ("x86-64-v3", "armv8.2-a") and the features that inference code asks for one
// by one, such as avx512_vnni or i8mm, which become properties of the namespace `cpu` with the
// value "on". Features have the names of /proc/cpuinfo.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_CPU_H_
#define RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_CPU_H_

#include <cstdint>
#include <string>
#include <vector>

namespace rules_inference::select {

struct Cpu {
  std::string level;
  std::vector<std::string> features;  // Sorted.
};

// What the instruction `cpuid` says, and which registers the operating system saves (`xgetbv`); a
// feature that needs a register that is not saved is not there.
struct X86Registers {
  uint32_t leaf1_ecx = 0;
  uint32_t leaf1_edx = 0;
  uint32_t leaf7_ebx = 0;
  uint32_t leaf7_ecx = 0;
  uint32_t leaf7_edx = 0;
  uint32_t leaf7_1_eax = 0;
  uint32_t extended1_ecx = 0;
  uint64_t xcr0 = 0;
};

// The level by the psABI of x86-64.
Cpu DescribeX86(const X86Registers& registers);

// What the kernel says in AT_HWCAP and AT_HWCAP2. A level has everything that the architecture
// makes mandatory in it and the kernel reports.
Cpu DescribeArm(uint64_t hwcap, uint64_t hwcap2);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_CPU_H_
