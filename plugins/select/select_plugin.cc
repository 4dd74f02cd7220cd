#include "plugins/select/select_plugin.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/archive/unpack.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/version.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/plugin.h"
#include "plugins/sdk/plugin.pb.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/explain.h"
#include "plugins/select/lock.h"

namespace rules_inference::select {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{64} << 20;

absl::Status RunSelect(const sdk::SelectAction& action, base::FileSystem& fs) {
  sdk::SelectRequest request = action.select();
  if (!action.lock_file().empty()) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, action.lock_file(), kMaxDocument));
    request.clear_lock();
    RETURN_IF_ERROR(sdk::MergeJson(action.lock_file(), text, request.mutable_lock()));
  }
  if (!action.host_file().empty()) {
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, action.host_file(), kMaxDocument));
    request.clear_host();
    RETURN_IF_ERROR(sdk::MergeJson(action.host_file(), text, request.mutable_host()));
  }
  RETURN_IF_ERROR(CheckLock(
      request.lock(), action.lock_file().empty() ? request.lock().artifact() : action.lock_file(),
      nullptr));
  const sdk::SelectAnswer answer = Select(request);
  const std::string chosen = answer.chosen().empty() ? "(none)" : answer.chosen();
  if (!action.expected().empty() && action.expected() != chosen) {
    return base::WithHint(
        base::Mismatch("select", request.lock().artifact(), absl::StrCat("variant ", chosen),
                       absl::StrCat(action.expected(), ", which the analysis of the build chose")),
        "the two must never differ: this is a bug of rules_inference or of the select plugin");
  }
  if (!action.answer_output().empty()) {
    RETURN_IF_ERROR(base::WriteFile(fs, action.answer_output(),
                                    absl::StrCat(sdk::ToCanonicalJson(answer), "\n")));
  }
  if (!action.explain_output().empty()) {
    RETURN_IF_ERROR(base::WriteFile(fs, action.explain_output(), Explain(request, answer)));
  }
  return absl::OkStatus();
}

absl::Status RunUnpack(const sdk::UnpackRequest& request, base::FileSystem& fs) {
  base::UnpackOptions options;
  ASSIGN_OR_RETURN(options.sha256, base::Digest::FromHex(request.sha256()));
  options.sources.assign(request.sources().begin(), request.sources().end());
  options.size = request.size();
  options.format = request.format();
  options.file_name = request.file_name();
  options.strip_prefix = request.strip_prefix();
  options.output_dir = request.output_dir();
  if (request.max_unpacked_bytes() != 0) options.max_unpacked_bytes = request.max_unpacked_bytes();
  return base::Unpack(options, fs);
}

}  // namespace

sdk::PluginDescriptor SelectPlugin::Describe() const {
  sdk::PluginDescriptor descriptor;
  descriptor.set_name("select");
  descriptor.set_kind("select");
  descriptor.set_version(base::kVersion);
  for (const char* capability : {"multiplex", "cancellation", "sandboxing"}) {
    descriptor.add_capabilities(capability);
  }
  return descriptor;
}

absl::Status SelectPlugin::Run(const sdk::Request& request, std::string* /*output*/) {
  ASSIGN_OR_RETURN(const auto message,
                   sdk::MergeJsonLines<sdk::SelectPluginRequest>(request.lines));
  base::RealFileSystem fs(request.sandbox_dir);
  switch (message.kind_case()) {
    case sdk::SelectPluginRequest::kSelect:
      return RunSelect(message.select(), fs);
    case sdk::SelectPluginRequest::kUnpack:
      return RunUnpack(message.unpack(), fs);
    default:
      return base::Mismatch("request", "kind", "none", "one of select and unpack");
  }
}

}  // namespace rules_inference::select
