#include "plugins/select/provider/provider.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rules_inference::select {
namespace {

// In a function, as registrations of other files may run before this file is initialised; never
// freed, as nothing orders them at the end either.
std::map<std::string, std::unique_ptr<VariantProvider>>& Registry() {
  static auto* registry = new std::map<std::string, std::unique_ptr<VariantProvider>>();
  return *registry;
}

}  // namespace

ProviderRegistration::ProviderRegistration(std::unique_ptr<VariantProvider> provider) {
  std::string name(provider->name());
  if (!Registry().emplace(name, std::move(provider)).second) {
    std::cerr << "error: provider: " << name << ": got two of this name, expected one\n";
    // Before main: nothing is there that would have to be tidied up.
    std::_Exit(1);
  }
}

std::vector<const VariantProvider*> Providers() {
  std::vector<const VariantProvider*> providers;
  for (const auto& [name, provider] : Registry()) providers.push_back(provider.get());
  return providers;
}

}  // namespace rules_inference::select
