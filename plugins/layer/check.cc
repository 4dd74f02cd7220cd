#include "plugins/layer/check.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/plan.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

absl::Status CheckWheels(const sdk::CheckRequest& request, base::FileSystem& fs) {
  if (request.output().empty()) {
    return base::Mismatch("check request", "output", "''", "a path");
  }
  // One layer of all the wheels has the same claims, and is planned without reading their data.
  sdk::LayerRequest together;
  *together.mutable_wheels() = request.wheels();
  ASSIGN_OR_RETURN(const LayerPlan plan, PlanLayer(together, fs));
  sdk::CheckReport report;
  report.set_wheels(static_cast<uint32_t>(plan.wheels.size()));
  report.set_entries(plan.entries.size());
  uint64_t bytes = 0;
  for (const LayerEntry& entry : plan.entries) bytes += entry.size;
  report.set_unpacked_size(bytes);
  return base::WriteFile(fs, request.output(), absl::StrCat(sdk::ToCanonicalJson(report), "\n"));
}

}  // namespace rules_inference::layer
