// Where models come from, and the making of their rows.

#ifndef RULES_INFERENCE_PLUGINS_MODELS_SOURCE_H_
#define RULES_INFERENCE_PLUGINS_MODELS_SOURCE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/fetch.h"

namespace rules_inference::models {

struct Source {
  enum class Kind { kHub, kUrl, kFile };
  Kind kind = Kind::kFile;
  std::string name;
  std::string variant;
  // "https://HOST/owner/name"; the url; or the absolute path of a file or directory.
  std::string place;
  // Of a hub: a commit, branch or tag.
  std::string revision;
};

// "[NAME[:VARIANT]=]SOURCE", where SOURCE is "hf://HOST/owner/name[@REVISION]",
// "https://HOST/owner/name/tree/REVISION", a url of a file, or a path, which is taken from
// `directory`. Without a name it follows from the source.
absl::StatusOr<Source> ParseSource(absl::string_view text, absl::string_view directory);

struct LockOptions {
  // The lock file, for messages.
  std::string where;
  // For sources that do not say it.
  std::string variant;
  std::string licence;
  uint64_t min_memory_bytes = 0;
  // Globs of paths in a repository or a directory; none: all. A pattern without '/' is one of the
  // last component.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // Formats that are taken although they are not safe: "pickle", "other".
  std::vector<std::string> allow;
  // Where local files will be: this and their path. Empty: file:///...
  std::string url_base;
  store::FetchOptions fetch;
  // For what has to be looked at; its owner makes and removes it. Mandatory.
  std::string temporary_dir;
  // What is fetched now.
  std::function<void(absl::string_view)> begin;
};

struct Locked {
  sdk::ModelsLock lock;
  // What a person should know.
  std::vector<std::string> notes;
};

// `lock` with the models of `sources`. Sources with the same name and variant are files of one
// model; one that the lock has already is replaced as a whole, at its place. The result has passed
// CheckLock, and all files CheckPolicy.
absl::StatusOr<Locked> AddSources(const sdk::ModelsLock& lock, const std::vector<Source>& sources,
                                  const LockOptions& options, base::FileSystem& fs);

// "file:///a%20b" of "/a b".
std::string FileUrl(absl::string_view path);

// '*' is any text without '/', '**' any text, '?' one character.
bool Matches(absl::string_view pattern, absl::string_view path);

}  // namespace rules_inference::models

#endif  // RULES_INFERENCE_PLUGINS_MODELS_SOURCE_H_
