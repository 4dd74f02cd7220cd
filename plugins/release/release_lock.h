// The last step of a release, and the only one that knows its version.

#ifndef RULES_INFERENCE_PLUGINS_RELEASE_RELEASE_LOCK_H_
#define RULES_INFERENCE_PLUGINS_RELEASE_RELEASE_LOCK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::release {

// "infer-0.1.0-linux-x86_64-cuda-sm86.tar.gz"; without a version there is none in it.
std::string ArchiveName(const sdk::VariantsLock& lock, const sdk::Variant& row);

// With the fields of a url_template in the place of "{archive}", so that the lock of another
// version finds its archives too. All rows of a release have one format.
std::string ExpandArchive(absl::string_view url_template, const sdk::VariantsLock& lock);

// Writes lock, sums and manifest, in this order; all of them are checked before the first is
// written. What is allowed and not good goes to `*notes`, a line each.
absl::Status WriteReleaseLock(const sdk::ReleaseLockRequest& request, base::FileSystem& fs,
                              std::string* notes);

}  // namespace rules_inference::release

#endif  // RULES_INFERENCE_PLUGINS_RELEASE_RELEASE_LOCK_H_
