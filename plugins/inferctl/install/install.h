// Installing the variant of an artifact that fits a machine.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_INSTALL_INSTALL_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_INSTALL_INSTALL_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/inferctl/install/generations.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/store/fetch.h"
#include "plugins/store/store.h"

namespace rules_inference::install {

struct InstallOptions {
  store::FetchOptions fetch;
  // Gets a line for people whenever something is not as it was asked for.
  std::function<void(absl::string_view)> note;
  // Before the files of a variant are fetched.
  std::function<void(const sdk::Variant&)> begin;
};

struct Installed {
  Generation generation;
  // It was active already, and nothing was changed.
  bool already = false;
};

// Fetches, verifies and unpacks the variant that the request chooses, and makes it the active
// generation. An archive that no server has (404, gone) counts as not available: the next of the
// chain is chosen, and a note says so. Wrong bytes, and everything else that goes wrong, end the
// installation; what was active stays.
absl::StatusOr<Installed> Install(sdk::SelectRequest request, const InstallOptions& options,
                                  Generations& generations, store::Store& store,
                                  base::FileSystem& fs);

// Where the files of an available variant are: one entry, or one for each part.
std::vector<store::BlobRequest> BlobsOf(const sdk::VariantsLock& lock, const sdk::Variant& variant);

// Why the machine cannot run what is installed; empty when it can.
std::string WhyNot(const sdk::InstalledBuild& build, const sdk::HostDescriptor& host);

}  // namespace rules_inference::install

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_INSTALL_INSTALL_H_
