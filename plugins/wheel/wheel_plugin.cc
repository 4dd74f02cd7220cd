#include "plugins/wheel/wheel_plugin.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/error.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/version.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/plugin.h"
#include "plugins/sdk/plugin.pb.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/patch/rewrite.h"
#include "plugins/wheel/unpack.h"
#include "plugins/wheel/venv/venv.h"

namespace rules_inference::wheel {

sdk::PluginDescriptor WheelPlugin::Describe() const {
  sdk::PluginDescriptor descriptor;
  descriptor.set_name("wheel");
  descriptor.set_kind("wheel");
  descriptor.set_version(base::kVersion);
  for (const char* capability : {"multiplex", "cancellation", "sandboxing"}) {
    descriptor.add_capabilities(capability);
  }
  return descriptor;
}

absl::Status WheelPlugin::Run(const sdk::Request& request, std::string* /*output*/) {
  ASSIGN_OR_RETURN(const auto message, sdk::MergeJsonLines<sdk::WheelPluginRequest>(request.lines));
  base::RealFileSystem fs(request.sandbox_dir);
  switch (message.kind_case()) {
    case sdk::WheelPluginRequest::kUnpack:
      return UnpackWheel(message.unpack(), fs, request.cancelled);
    case sdk::WheelPluginRequest::kRewrite:
      return RewriteWheel(message.rewrite(), fs, request.cancelled);
    case sdk::WheelPluginRequest::kVenv:
      return MakeVenv(message.venv(), fs, request.cancelled);
    case sdk::WheelPluginRequest::KIND_NOT_SET:
      break;
  }
  return base::Mismatch("request", "kind", "none", "one of unpack, rewrite and venv");
}

}  // namespace rules_inference::wheel
