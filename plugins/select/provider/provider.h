// Provider plugins: C++ libraries that find out what the machine has, each for one namespace of the
// host descriptor. A program that links a provider has it; nothing else is to be done:
//
//   class NpuProvider final : public VariantProvider { ... };
//   const ProviderRegistration kNpu(std::make_unique<NpuProvider>());       // alwayslink = True
//
// Whether a variant runs is decided by the engine from data alone (the descriptor and the lock), so
// a build gives one answer everywhere, on machines without the provider too: a provider puts what
// the machine has into `properties` under its own namespace, best value first, and a variant names
// the values that it accepts.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_PROVIDER_H_
#define RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_PROVIDER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/select.pb.h"

namespace rules_inference::select {

// The machine as providers see it. Tests show them another one.
struct Probe {
  base::FileSystem* files = nullptr;
  // Put in front of absolute paths ("/proc/...").
  std::string root;
  // The value of an environment variable; empty when it is not set.
  std::function<std::string(absl::string_view)> environment;
  // Shared libraries to look for; a descriptor has those of them that are there.
  std::vector<std::string> sonames;
};

// What was found, and remarks for people: "nvidia: the driver is loaded, but ...".
struct Detection {
  sdk::HostDescriptor host;
  std::vector<std::string> notes;
};

class VariantProvider {
 public:
  virtual ~VariantProvider() = default;
  // The namespace: lower-case letters, digits, '-' and '_'.
  virtual absl::string_view name() const = 0;
  // Adds what the machine has to `*found`. Nothing there is OK; an error is for what is there and
  // cannot be read.
  virtual absl::Status Detect(const Probe& probe, Detection* found) const = 0;
};

// Adds a provider to those of this program, at start-up. A namespace that is taken ends the
// program.
class ProviderRegistration {
 public:
  explicit ProviderRegistration(std::unique_ptr<VariantProvider> provider);
};

// All providers of this program, sorted by name.
std::vector<const VariantProvider*> Providers();

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_PROVIDER_H_
