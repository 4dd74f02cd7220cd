// The only writer of variants.lock.json: fetches every archive, reads it, and writes down what it
// needs.

#ifndef RULES_INFERENCE_PLUGINS_LOCK_UPDATE_H_
#define RULES_INFERENCE_PLUGINS_LOCK_UPDATE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {

// A row by name and platform, and where its archive is.
struct RowText {
  std::string name;
  std::string platform;
  // Empty: the url_template of the lock.
  std::string url;
};

// "NAME@PLATFORM" or "NAME@PLATFORM=URL".
absl::StatusOr<RowText> ParseRow(absl::string_view text);

struct UpdateOptions {
  // The lock file, for messages.
  std::string where;
  // The new version of the artifact; empty: the one it has.
  std::string version;
  // New rows, and rows that become available.
  std::vector<RowText> added;
  // Rows that go, by name and platform.
  std::vector<RowText> removed;
  // Rows name the code that their archives were built to have. An archive without CUDA code is then
  // an error too, and a row keeps what it names: a library in the archive that has code for more
  // devices does not make the program run there.
  bool code_is_declared = false;
  // A row keeps the sonames that no file tells: of libraries that a program opens by name.
  bool keep_sonames = false;
  // Archives are unpacked in its directory `unpacked`, which is removed before and after.
  // Mandatory.
  std::string temporary_dir;
};

// The path of a file with the bytes of the first of `urls` that has them. It stays the caller's.
using FetchFunction =
    std::function<absl::StatusOr<std::string>(const std::vector<std::string>& urls)>;

struct Updated {
  sdk::VariantsLock lock;
  // "<name> for <platform>: <what a person should know>".
  std::vector<std::string> notes;
};

// `lock` with size, sha256, format and properties of every available row as its archive has them.
// What was read replaces sonames (see keep_sonames) and libc, and cubins and PTX where the archive
// has any; it fills an empty accelerator, CUDA and cuDNN version, and CPU level. An archive that is
// not what its row says is an error that names both: other bytes behind the same url, another
// machine, another accelerator, code that is not there, another CUDA. Digests may be in any form of
// base::ParseSha256 before; the result has passed select::CheckLock.
absl::StatusOr<Updated> Update(const sdk::VariantsLock& lock, const UpdateOptions& options,
                               const FetchFunction& fetch, base::FileSystem& fs);

// What changed, a line for each row and field; empty when nothing did:
//
//   ~ version: 0.1.0 -> 0.2.0
//   ~ cpu for linux-x86_64
//     ~ size: 10 -> 12
//     + sonames: libssl.so.3
//   - cuda-sm75 for linux-x86_64
//   + cuda-sm90 for linux-x86_64
//     + sha256: ...
std::string Diff(const sdk::VariantsLock& before, const sdk::VariantsLock& after);

}  // namespace rules_inference::lock

#endif  // RULES_INFERENCE_PLUGINS_LOCK_UPDATE_H_
