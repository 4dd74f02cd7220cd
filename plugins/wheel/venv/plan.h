// Which directories, links and scripts a virtual environment consists of.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_VENV_PLAN_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_VENV_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/venv/wheel_files.h"

namespace rules_inference::wheel {

struct VenvLink {
  // Below the environment.
  std::string path;
  // Path of the file or directory that it stands for, with that of its tree in front.
  std::string target;
  bool is_directory = false;
};

struct VenvPlan {
  // Parents before their children.
  std::vector<std::string> directories;
  std::vector<VenvLink> links;
  // Files directly in bin: programs, whose first line may have to name another interpreter.
  std::vector<VenvLink> programs;
  // Files of wheels, those left out not counted.
  uint64_t files = 0;
};

// `wheels` in the order of their normalized names. Refuses two versions of a distribution, and a
// path that two wheels fill differently unless `choices` says which of them has it.
absl::StatusOr<VenvPlan> PlanVenv(const std::vector<WheelFiles>& wheels,
                                  const sdk::WheelVenvRequest& request);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_VENV_PLAN_H_
