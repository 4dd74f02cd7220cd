// Where things are in a store.
//
//   <root>/VERSION                        "1": what everything below means
//   <root>/CACHEDIR.TAG                   tells backup programs that it can be fetched again
//   <root>/sha256/<hh>/<hex>              a blob, read-only, never changed
//   <root>/ranges/<hh>/<hex>.jsonl        the range map of a large blob (range_map.h)
//   <root>/parts/<hex>.{data,jsonl}       a large blob that is being fetched (part.h)
//   <root>/roots/<name>                   what a workspace needs (roots.h)
//   <root>/leases/<hex>.<pid>-<random>    a process that uses a blob now (leases.h)
//   <root>/trash/                         what a prune takes away, and its intents (prune.h)
//   <root>/lock/<hex>, lock/prune         held while somebody fetches that blob, or prunes

#ifndef RULES_INFERENCE_PLUGINS_STORE_LAYOUT_H_
#define RULES_INFERENCE_PLUGINS_STORE_LAYOUT_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"

namespace rules_inference::store {

class Layout {
 public:
  explicit Layout(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string Blobs() const { return Path("sha256"); }
  std::string Blob(const base::Digest& sha256) const;
  std::string Ranges() const { return Path("ranges"); }
  std::string RangesOf(const base::Digest& sha256) const;
  std::string Parts() const { return Path("parts"); }
  std::string Roots() const { return Path("roots"); }
  std::string Leases() const { return Path("leases"); }
  std::string Trash() const { return Path("trash"); }
  std::string Locks() const { return Path("lock"); }

  // Makes the store, or checks that it is one that this program knows.
  absl::Status Prepare(base::FileSystem& fs) const;

 private:
  std::string Path(absl::string_view name) const { return base::JoinPath(root_, name); }

  std::string root_;
};

// "<process>-<random>": for names that nobody else makes.
std::string UniqueSuffix();

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_LAYOUT_H_
