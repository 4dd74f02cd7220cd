// Whether the blobs of a store still are what they are called.

#ifndef RULES_INFERENCE_PLUGINS_STORE_VERIFY_H_
#define RULES_INFERENCE_PLUGINS_STORE_VERIFY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/inventory.h"
#include "plugins/store/layout.h"
#include "plugins/store/range_map.h"
#include "plugins/store/store.h"

namespace rules_inference::store {

struct VerifyOptions {
  // Of a blob with a range map, only so many ranges are read, chosen by `seed`; 0: everything is
  // read. A blob without a map is always read whole.
  int sample = 0;
  uint64_t seed = 0;
  // Bytes that have been looked at and bytes of all blobs, after each blob.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

struct Damage {
  base::Digest sha256;
  std::string path;
  // "damaged blob: <path>: ...".
  absl::Status status;
  // The wrong ranges, where a range map tells; else empty.
  std::vector<Range> ranges;
};

// What is wrong with a blob, if anything (`status` is OK then). NotFound when there is none.
absl::StatusOr<Damage> VerifyBlob(base::FileSystem& fs, const Layout& layout,
                                  const base::Digest& sha256, const VerifyOptions& options);

// All damaged blobs of a store. An error of reading is damage too, and the rest is read.
absl::StatusOr<std::vector<Damage>> VerifyStore(base::FileSystem& fs, const Layout& layout,
                                                const VerifyOptions& options);

struct RepairResult {
  // Bytes that were fetched; 0 when nothing was wrong.
  uint64_t fetched = 0;
  // Whether only wrong ranges were fetched.
  bool by_ranges = false;
};

// Replaces a damaged blob, or fetches one that is missing. Where a range map tells which ranges are
// wrong and a server gives ranges, only those are fetched; else the whole. The blob is replaced at
// once, by bytes that have its digest: who has the damaged one open keeps that.
absl::StatusOr<RepairResult> Repair(Store& store, const BlobRequest& request,
                                    const FetchOptions& options);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_VERIFY_H_
