// From a wheel to the list of files of its tree: judged as a whole before anything is written.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_PLAN_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/metadata.h"

namespace rules_inference::wheel {

struct TreeFile {
  // Below the directory of the tree.
  std::string path;
  base::WheelScheme scheme = base::WheelScheme::kLib;
  bool executable = false;
  // Index of the zip entry, or none for a file that is made here and consists of `text`.
  std::optional<uint32_t> entry;
  std::string text;
  // What the bytes of the entry must hash to.
  base::Digest digest;
  uint64_t size = 0;
};

struct TreePlan {
  base::Wheel wheel;
  Metadata metadata;
  std::vector<sdk::EntryPoint> entry_points;
  // Text of namespace_packages.txt.
  std::string legacy_namespaces;
  // Sorted by path. RECORD is not among them: it follows from their digests.
  std::vector<TreeFile> files;
  // "" or "lib/python3.12/site-packages".
  std::string site_packages;
  // The `.dist-info` directory, below the directory of the tree.
  std::string dist_info;
  // First line of scripts, without "#!".
  std::string interpreter;
};

// Reads and checks everything but the data of the members.
absl::StatusOr<TreePlan> PlanTree(const sdk::WheelUnpackRequest& request, base::FileSystem& fs);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_PLAN_H_
