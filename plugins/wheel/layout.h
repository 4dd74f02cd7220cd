// What an unpacked wheel consists of, for those who put trees of several wheels together.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_LAYOUT_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/elf/elf.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/plan.h"

namespace rules_inference::wheel {

// What is known of a file after it was written.
struct FileResult {
  base::Digest digest;
  uint64_t size = 0;
  // Set for ELF files.
  std::optional<sdk::NativeLibrary> library;
};

// How many directories above the file of a library must be real ones for the loader to find what
// `search_path` (RPATH or RUNPATH) names: the largest number of ".." in an element that begins with
// $ORIGIN.
uint32_t OriginParents(absl::string_view search_path);

// The description of an ELF file at `path`.
sdk::NativeLibrary DescribeElf(absl::string_view path, const base::Elf& elf);

// `results` are those of plan.files. `record`: the text of the RECORD of the tree.
sdk::WheelLayout BuildLayout(const TreePlan& plan, const std::vector<FileResult>& results,
                             absl::string_view record);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_LAYOUT_H_
