// From a request to the list of entries of a layer: what is where, checked and sorted, before any
// data is read.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_PLAN_H_
#define RULES_INFERENCE_PLUGINS_LAYER_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/layer/tar.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

struct LayerEntry {
  static constexpr int kNoWheel = -1;

  std::string path;
  TarType type = TarType::kFile;
  uint32_t mode = 0644;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size = 0;
  std::string link_target;
  // A file has its data from an entry of a wheel, else from the file at `source`; without either it
  // is empty.
  int wheel = kNoWheel;
  uint32_t zip_entry = 0;
  std::string source;
  // What the data must hash to, when the input says so.
  std::optional<base::Digest> digest;
};

struct LayerPlan {
  std::vector<base::Wheel> wheels;
  // Sorted by path, every path once; the parents of each entry come before it.
  std::vector<LayerEntry> entries;

  const base::ZipFile& zip(const LayerEntry& entry) const {
    return wheels[static_cast<size_t>(entry.wheel)].zip;
  }
  const base::ZipEntry& zip_entry(const LayerEntry& entry) const {
    return zip(entry).entries()[entry.zip_entry];
  }
  // Its data is a deflate stream in a wheel.
  bool is_deflated(const LayerEntry& entry) const {
    return entry.wheel != LayerEntry::kNoWheel &&
           zip_entry(entry).method == base::ZipMethod::kDeflated;
  }
};

absl::StatusOr<LayerPlan> PlanLayer(const sdk::LayerRequest& request, base::FileSystem& fs);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_PLAN_H_
