// Small ELF files for tests, with everything that ReadElf reports.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ELF_TEST_ELF_H_
#define RULES_INFERENCE_PLUGINS_BASE_ELF_TEST_ELF_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rules_inference::base {

struct TestElf {
  uint16_t machine = 62;
  uint16_t type = 3;
  std::string interpreter;
  std::vector<std::string> needed;
  std::string soname;
  std::string rpath;
  std::string runpath;
  // {library, version}; pairs of one library stand together.
  std::vector<std::pair<std::string, std::string>> version_needs;
  // {name, bytes}.
  std::vector<std::pair<std::string, std::string>> sections;
};

// One loaded segment that is the whole file, at address 0x400000.
std::string BuildElf(const TestElf& elf);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ELF_TEST_ELF_H_
