// Writes a list of files with their SHA-256 digests, in the format of sha256sum.

#ifndef E2E_PLUGIN_LISTING_H_
#define E2E_PLUGIN_LISTING_H_

#include <string>

#include "absl/status/status.h"
#include "plugins/sdk/plugin.h"

namespace e2e_plugin {

class ListingPlugin : public rules_inference::sdk::Plugin {
 public:
  rules_inference::sdk::PluginDescriptor Describe() const override;
  absl::Status Run(const rules_inference::sdk::Request& request, std::string* output) override;
};

}  // namespace e2e_plugin

#endif  // E2E_PLUGIN_LISTING_H_
