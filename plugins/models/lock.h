// The rules and the text of models.lock.json.

#ifndef RULES_INFERENCE_PLUGINS_MODELS_LOCK_H_
#define RULES_INFERENCE_PLUGINS_MODELS_LOCK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/store.h"

namespace rules_inference::models {

inline constexpr char kLockName[] = "models.lock.json";

// What a file of a model can be.
bool IsFormat(absl::string_view format);
// Whether a name of a model or a variant can be one.
bool IsName(absl::string_view name);

// "whisper_base_en" or "whisper_base_en:q5_1".
std::string NameOf(const sdk::Model& model);

// InvalidArgument "models lock: <where>: <model>: got X, expected Y" for the first thing that is
// wrong. `*warnings`, unless null, gets a line for everything that is allowed and not good.
absl::Status CheckLock(const sdk::ModelsLock& lock, absl::string_view where,
                       std::vector<std::string>* warnings);

// Whether every file of a shard set is there; for CheckLock, and before anything is fetched for a
// new lock. `where` names the lock and the model.
absl::Status CheckShards(const sdk::Model& model, absl::string_view where);
// The same for paths, shard clashes left out.
absl::Status CheckPaths(const std::vector<std::string>& paths, absl::string_view where);
// Refuses what is no url for a pinned file, or one whose bytes may change.
absl::Status CheckUrl(absl::string_view url, absl::string_view where);

// Digests in any form of base::ParseSha256 as hex; models and files in their order. What is wrong
// with a digest is an error like those of CheckLock.
absl::Status Normalize(sdk::ModelsLock& lock, absl::string_view where);

// Two spaces a level, keys sorted, every field on a line of its own. Formatting what was read from
// it gives it again.
std::string FormatLock(const sdk::ModelsLock& lock);

// Strict JSON, normalized and checked.
absl::StatusOr<sdk::ModelsLock> ParseLock(absl::string_view where, absl::string_view text,
                                          std::vector<std::string>* warnings = nullptr);
absl::StatusOr<sdk::ModelsLock> ReadLock(base::FileSystem& fs, const std::string& path,
                                         std::vector<std::string>* warnings = nullptr);
// Checks before it writes; nothing is written when the file has that text already.
absl::Status WriteLock(base::FileSystem& fs, const std::string& path, const sdk::ModelsLock& lock);

// What changed, a line for each model, file and field; empty when nothing did:
//
//   ~ whisper_base_en:q5_1
//     ~ revision: 5359... -> 6c1f...
//     ~ ggml-base.en-q5_1.bin: 59.7 MB -> 59.8 MB, sha256 4baf... -> 92fe...
//   + whisper_tiny: 1 file, 77.7 MB
//   - whisper_small: 1 file, 190.1 MB
std::string Diff(const sdk::ModelsLock& before, const sdk::ModelsLock& after);

// For the store. The lock has passed CheckLock.
store::BlobRequest BlobOf(const sdk::ModelFile& file);
uint64_t SizeOf(const sdk::Model& model);

}  // namespace rules_inference::models

#endif  // RULES_INFERENCE_PLUGINS_MODELS_LOCK_H_
