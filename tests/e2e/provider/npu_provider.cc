// The provider of namespace `npu`: accelerators of the kind whose driver shows
// "generation <number>" in a file of its own.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/select/provider/provider.h"

namespace e2e_provider {
namespace {

namespace base = rules_inference::base;
namespace select = rules_inference::select;

class NpuProvider final : public select::VariantProvider {
 public:
  absl::string_view name() const override { return "npu"; }

  absl::Status Detect(const select::Probe& probe, select::Detection* found) const override {
    const std::string chosen = probe.environment("NPU_VERSION_FILE");
    const std::string path =
        chosen.empty() ? absl::StrCat(probe.root, "/proc/driver/npu/version") : chosen;
    const absl::StatusOr<std::string> text = base::ReadFile(*probe.files, path, 4096);
    if (absl::IsNotFound(text.status())) return absl::OkStatus();
    RETURN_IF_ERROR(text.status());
    absl::string_view line = absl::StripAsciiWhitespace(*text);
    uint32_t generation = 0;
    if (!absl::ConsumePrefix(&line, "generation ") || !absl::SimpleAtoi(line, &generation)) {
      return base::Mismatch("driver", path, base::Quoted(absl::StripAsciiWhitespace(*text)),
                            "'generation <number>'");
    }
    auto& property = *found->host.add_properties();
    property.set_namespace_("npu");
    property.set_feature("generation");
    // Programs of the generation before run too, though not as well.
    property.add_values(absl::StrCat(generation));
    if (generation > 1) property.add_values(absl::StrCat(generation - 1));
    return absl::OkStatus();
  }
};

const select::ProviderRegistration kRegistration(std::make_unique<NpuProvider>());

}  // namespace
}  // namespace e2e_provider
