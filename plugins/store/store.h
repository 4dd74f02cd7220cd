// The content-addressed store: one copy of every artifact of a user, named by its digest.
//
//   <root>/sha256/<first two digits>/<64 digits>   a blob, read-only, never changed
//   <root>/lock/<64 digits>                        held by flock while somebody fetches that blob
//
// A blob has its name only after its size and digest were found right (sink.h) and its bytes are on
// the disk, so what has a name is right; any number of processes may share a store. The lock saves
// bandwidth and nothing hangs on it: where flock does not work, two processes fetch twice and the
// second gives the same bytes the same name.

#ifndef RULES_INFERENCE_PLUGINS_STORE_STORE_H_
#define RULES_INFERENCE_PLUGINS_STORE_STORE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/fetch.h"

namespace rules_inference::store {

struct BlobRequest {
  // As in FetchRequest.
  std::vector<std::string> urls;
  uint64_t size = 0;
  base::Digest sha256;
};

// Whether processes that want the same blob wait for one another.
enum class Locking { kFlock, kNone };

// Safe to use from several threads if `fs` is.
class Store {
 public:
  // `fs` should write durably (RealFileSystem with kDurable): with another one, processes that
  // fetch the same blob at once get into each other's way. `root` is absolute.
  Store(base::FileSystem& fs, std::string root, Locking locking = Locking::kFlock)
      : fs_(fs), root_(std::move(root)), locking_(locking) {}

  // The path of the blob, which is fetched if it is not there. A blob that is there opens no socket
  // and writes nothing, so a read-only store serves too; it is taken at its size, and read again
  // only where the size is not known. What is there with another size is fetched anew.
  absl::StatusOr<std::string> Get(const BlobRequest& request, const FetchOptions& options);

  // Reads the whole blob again. NotFound when there is none.
  absl::Status Verify(const base::Digest& sha256, uint64_t size);

  std::string PathOf(const base::Digest& sha256) const;

 private:
  // Whether the right blob is at `path`. An error is one of reading.
  absl::StatusOr<bool> Has(const std::string& path, const BlobRequest& request);
  absl::StatusOr<std::string> FetchInto(const std::string& path, const BlobRequest& request,
                                        const FetchOptions& options);

  base::FileSystem& fs_;
  const std::string root_;
  const Locking locking_;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_STORE_H_
