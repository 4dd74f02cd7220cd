// The content-addressed store: one copy of every artifact of a user, named by its digest. See
// layout.h for what is where.
//
// A blob has its name only after its size and digest were found right (sink.h) and its bytes are on
// the disk, so what has a name is right; any number of processes may share a store. The lock saves
// bandwidth and nothing hangs on it: where flock does not work, two processes fetch twice and the
// second gives the same bytes the same name.
//
// Nothing is ever removed but by a prune (prune.h), which somebody has to ask for.

#ifndef RULES_INFERENCE_PLUGINS_STORE_STORE_H_
#define RULES_INFERENCE_PLUGINS_STORE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/layout.h"

namespace rules_inference::store {

struct BlobRequest {
  // As in FetchRequest.
  std::vector<std::string> urls;
  uint64_t size = 0;
  base::Digest sha256;
};

// Whether processes that want the same blob wait for one another.
enum class Locking { kFlock, kNone };

struct StoreOptions {
  Locking locking = Locking::kFlock;
  // Roots of other stores, in which blobs are looked for after this one. Nothing is written there,
  // and one that cannot be read has nothing.
  std::vector<std::string> lower;
  // Blobs of this size and larger are fetched in more than one go when it has to be.
  uint64_t resume_from = uint64_t{16} << 20;
  // Bytes that a fetch leaves free on the disk.
  uint64_t spare = uint64_t{64} << 20;
};

// A blob that no prune takes as long as one of the copies of `lease` is there. No lease: it is in a
// lower store, or in one that cannot be written.
struct LeasedBlob {
  std::string path;
  std::shared_ptr<base::InputFile> lease;
};

// Safe to use from several threads if `fs` is.
class Store {
 public:
  // `fs` should write durably (RealFileSystem with kDurable): with another one, processes that
  // fetch the same blob at once get into each other's way. With Sharing::kGroup the group may use
  // the store too. `root` is absolute.
  Store(base::FileSystem& fs, std::string root, Locking locking = Locking::kFlock)
      : Store(fs, std::move(root), StoreOptions{.locking = locking}) {}
  Store(base::FileSystem& fs, std::string root, StoreOptions options)
      : fs_(fs), layout_(std::move(root)), options_(std::move(options)) {}

  // The path of the blob, which is fetched if it is not there. A blob that is there opens no socket
  // and makes no file, so a read-only store serves too; it is taken at its size, and read again
  // only where the size is not known. What is there with another size is fetched anew.
  absl::StatusOr<std::string> Get(const BlobRequest& request, const FetchOptions& options);

  // The same, and the blob stays while the lease does.
  absl::StatusOr<LeasedBlob> GetLeased(const BlobRequest& request, const FetchOptions& options);

  // GetLeased for many, up to `max_parallel` at a time; answers in the order of the requests. A
  // blob that is asked for twice is fetched once. Fetches nothing when the disk has not the space
  // for all. `options.progress` gets sums over all requests; it is called by one thread at a time.
  std::vector<absl::StatusOr<LeasedBlob>> GetAll(absl::Span<const BlobRequest> requests,
                                                 const FetchOptions& options, int max_parallel);

  // ResourceExhausted when the disk has not the space for what is missing of these, and `spare`.
  // What has no known size does not count.
  absl::Status CheckSpace(absl::Span<const BlobRequest> requests);

  // Fetches the blob, whatever is there; that stays until the right one takes its place.
  absl::Status Replace(const BlobRequest& request, const FetchOptions& options);

  // Where the blob is, here or in a lower store; empty when it is nowhere.
  absl::StatusOr<std::string> Find(const BlobRequest& request);

  // Reads the whole blob again. NotFound when there is none.
  absl::Status Verify(const base::Digest& sha256, uint64_t size);

  // Whether locks keep anybody out where the store is. Where they do not, all is as right but
  // slower: two may fetch the same, and a fetch that was killed begins again.
  bool LocksWork();

  std::string PathOf(const base::Digest& sha256) const { return layout_.Blob(sha256); }
  const Layout& layout() const { return layout_; }
  const StoreOptions& options() const { return options_; }
  base::FileSystem& fs() { return fs_; }

 private:
  // Whether the right blob is at `path`. An error is one of reading.
  absl::StatusOr<bool> Has(const std::string& path, const BlobRequest& request);
  absl::StatusOr<std::string> FetchMissing(const BlobRequest& request, const FetchOptions& options);
  absl::StatusOr<std::string> FetchInto(const std::string& path, const BlobRequest& request,
                                        const FetchOptions& options);
  absl::StatusOr<LeasedBlob> GetLeasedOf(const BlobRequest& request, const FetchOptions& options);

  base::FileSystem& fs_;
  const Layout layout_;
  const StoreOptions options_;
  absl::once_flag probe_;
  bool locks_work_ = false;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_STORE_H_
