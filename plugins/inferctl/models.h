// `inferctl models`: what its subcommands share.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_MODELS_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_MODELS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/models_store.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/store.h"

namespace rules_inference::inferctl {

struct ModelsOptions {
  std::string lock;
  std::string store;
  std::vector<std::string> names;
  bool json = false;
  bool dry_run = false;
  // lock
  bool check = false;
  std::string variant;
  std::string licence;
  std::string min_memory;
  std::string url_base;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::vector<std::string> allow;
  std::vector<std::string> removed;
  // fetch
  bool all = false;
  int jobs = 4;
  // prune
  std::string max_size;
  std::string older_than;
  std::string grace = "1h";
  bool drop_gone = false;
  // verify
  int sample = 0;
  // export, materialise
  std::string to;
  bool copy = false;
};

absl::StatusOr<int> RunModelsLock(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsList(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsFetch(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsPath(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsWhy(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsPrune(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsVerify(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsRepair(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsImport(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsExport(Console& console, const ModelsOptions& options);
absl::StatusOr<int> RunModelsMaterialise(Console& console, const ModelsOptions& options);

// "50GB", "1.5GiB" or "1000000" in bytes; "30d", "2w", "12h", "90m" or "10s".
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);
absl::StatusOr<absl::Duration> ParseAge(absl::string_view text);

// "1 file", "2 files".
std::string Count(uint64_t count, absl::string_view one);

// Columns as wide as they have to be, two spaces between; those of `right` are set to the right.
// Each line begins with two spaces.
std::string Table(const std::vector<std::vector<std::string>>& rows, const std::vector<int>& right);

// Fetches the files of models that are not there, with a progress line. The leases are held by the
// result; of what fails, each error is written, and the first one returned.
struct FetchedModel {
  const sdk::Model* model = nullptr;
  std::vector<store::LeasedBlob> blobs;  // In the order of its files.
  uint64_t fetched = 0;                  // Bytes that were not there.
};
absl::StatusOr<std::vector<FetchedModel>> FetchModels(Console& console, store::Store& store,
                                                      const std::vector<const sdk::Model*>& wanted,
                                                      int jobs);

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_MODELS_H_
