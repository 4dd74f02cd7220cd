#include "plugins/layer/layer_plugin.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/error.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/version.h"
#include "plugins/layer/check.h"
#include "plugins/layer/layer.h"
#include "plugins/layer/oci/archive.h"
#include "plugins/layer/oci/image.h"
#include "plugins/layer/oci/index.h"
#include "plugins/layer/oci/layout.h"
#include "plugins/layer/oci/model.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"
#include "plugins/sdk/plugin.h"
#include "plugins/sdk/plugin.pb.h"

namespace rules_inference::layer {

sdk::PluginDescriptor LayerPlugin::Describe() const {
  sdk::PluginDescriptor descriptor;
  descriptor.set_name("layer");
  descriptor.set_kind("layer");
  descriptor.set_version(base::kVersion);
  for (const char* capability : {"multiplex", "cancellation", "sandboxing"}) {
    descriptor.add_capabilities(capability);
  }
  return descriptor;
}

absl::Status LayerPlugin::Run(const sdk::Request& request, std::string* /*output*/) {
  ASSIGN_OR_RETURN(const auto message, sdk::MergeJsonLines<sdk::LayerPluginRequest>(request.lines));
  base::RealFileSystem fs(request.sandbox_dir);
  switch (message.kind_case()) {
    case sdk::LayerPluginRequest::kLayer:
      return BuildLayer(message.layer(), fs, request.cancelled);
    case sdk::LayerPluginRequest::kImage:
      return oci::BuildImage(message.image(), fs);
    case sdk::LayerPluginRequest::kLayout:
      return oci::BuildLayout(message.layout(), fs);
    case sdk::LayerPluginRequest::kArchive:
      return oci::BuildArchive(message.archive(), fs);
    case sdk::LayerPluginRequest::kModel:
      return oci::BuildModel(message.model(), fs);
    case sdk::LayerPluginRequest::kIndex:
      return oci::BuildIndex(message.index(), fs);
    case sdk::LayerPluginRequest::kCheck:
      return CheckWheels(message.check(), fs);
    default:
      return base::Mismatch("request", "kind", "none",
                            "one of layer, image, layout, archive, check, model and index");
  }
}

}  // namespace rules_inference::layer
