// The host descriptor of the machine that this runs on.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_DETECT_H_
#define RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_DETECT_H_

#include <string>

#include "absl/types/span.h"
#include "plugins/base/file_system.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::select {

// "<os>-<cpu>" of the machine that this runs on, in the words of @platforms.
std::string ThisPlatform();

// The machine itself: its files and the environment of this process.
Probe RealProbe(base::FileSystem& files);

// Asks every provider. One that fails becomes a note, as what others found is still true.
Detection DetectHost(const Probe& probe);
// The same, of the providers with these names only; the platform is known without any.
Detection DetectHost(const Probe& probe, absl::Span<const std::string> names);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_DETECT_H_
