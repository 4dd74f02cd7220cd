// The `release` plugin: rows and locks behind the plugin interface.

#ifndef RULES_INFERENCE_PLUGINS_RELEASE_RELEASE_PLUGIN_H_
#define RULES_INFERENCE_PLUGINS_RELEASE_RELEASE_PLUGIN_H_

#include <string>

#include "absl/status/status.h"
#include "plugins/sdk/plugin.h"
#include "plugins/sdk/plugin.pb.h"

namespace rules_inference::release {

class ReleasePlugin final : public sdk::Plugin {
 public:
  sdk::PluginDescriptor Describe() const override;
  absl::Status Run(const sdk::Request& request, std::string* output) override;
};

}  // namespace rules_inference::release

#endif  // RULES_INFERENCE_PLUGINS_RELEASE_RELEASE_PLUGIN_H_
