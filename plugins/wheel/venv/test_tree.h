// Trees of wheels for tests, as WheelUnpackRequest makes them in mode TARGET or PREFIX.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_VENV_TEST_TREE_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_VENV_TEST_TREE_H_

#include <map>
#include <string>
#include <utility>

#include "plugins/base/file_system.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

// Packs a wheel `name`-`version` with these files and unpacks it to `directory`; adds the tree to
// `request`. Any failure ends the test.
void AddTree(base::FileSystem& fs, const std::string& directory, const std::string& name,
             const std::string& version, const std::map<std::string, std::string>& files,
             sdk::WheelVenvRequest& request, sdk::WheelTreeMode mode = sdk::TARGET);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_VENV_TEST_TREE_H_
