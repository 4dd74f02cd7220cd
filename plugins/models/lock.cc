#include "plugins/models/lock.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/hash_text.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/url.h"

namespace rules_inference::models {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr char kWhat[] = "models lock";
constexpr uint64_t kMaxLock = uint64_t{256} << 20;
// An index of millions of shards is an attack, not a model.
constexpr int kMaxShards = 100000;
constexpr std::array<absl::string_view, 9> kFormats = {
    "ggml", "gguf", "json", "onnx", "other", "pickle", "safetensors", "text", "tflite"};
// Words of a path that stand for whatever is newest.
constexpr std::array<absl::string_view, 7> kMutable = {"latest", "main",    "master",  "HEAD",
                                                       "heads",  "nightly", "snapshot"};
// Targets of a hub, see rules/private/models/hub_files.bzl.
constexpr std::array<absl::string_view, 2> kReserved = {"memory", "variant"};

bool IsHex(absl::string_view text, size_t size) {
  return text.size() == size && absl::c_all_of(text, [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

// "model-00002-of-00003.safetensors": 2 of 3, with "model-" before and ".safetensors" behind.
struct Shard {
  std::string before;
  std::string behind;
  size_t digits = 0;
  int number = 0;
  int count = 0;

  std::string Path(int i) const {
    return absl::StrCat(before, absl::StrFormat("%0*d-of-%0*d", digits, i, digits, count), behind);
  }
};

bool ParseShard(absl::string_view path, Shard* shard) {
  const size_t of = path.rfind("-of-");
  if (of == absl::string_view::npos) return false;
  const auto digit = [&](size_t i) {
    return absl::ascii_isdigit(static_cast<unsigned char>(path[i]));
  };
  size_t begin = of;
  while (begin > 0 && digit(begin - 1)) --begin;
  size_t end = of + 4;
  while (end < path.size() && digit(end)) ++end;
  shard->digits = of - begin;
  if (shard->digits < 2 || shard->digits != end - of - 4 || begin == 0 || path[begin - 1] != '-') {
    return false;
  }
  shard->before = std::string(path.substr(0, begin));
  shard->behind = std::string(path.substr(end));
  return absl::SimpleAtoi(path.substr(begin, shard->digits), &shard->number) &&
         absl::SimpleAtoi(path.substr(of + 4, shard->digits), &shard->count);
}

class Checker {
 public:
  Checker(const sdk::ModelsLock& lock, absl::string_view where, std::vector<std::string>* warnings)
      : lock_(lock), where_(where), warnings_(warnings) {}

  absl::Status Run();

 private:
  absl::Status CheckModel(const sdk::Model& model);
  absl::Status CheckFile(const sdk::ModelFile& file, const std::string& where);

  void Warn(absl::string_view where, absl::string_view text) {
    if (warnings_ != nullptr) warnings_->push_back(absl::StrCat(where, ": ", text));
  }

  const sdk::ModelsLock& lock_;
  const absl::string_view where_;
  std::vector<std::string>* const warnings_;
  std::map<std::pair<std::string, std::string>, bool> seen_;
};

absl::Status Checker::Run() {
  if (lock_.lock_version() != 1) {
    return Mismatch(kWhat, where_, absl::StrCat("lock_version ", lock_.lock_version()), "1");
  }
  for (const sdk::Model& model : lock_.models()) RETURN_IF_ERROR(CheckModel(model));
  return absl::OkStatus();
}

absl::Status Checker::CheckModel(const sdk::Model& model) {
  if (!IsName(model.name())) {
    return Mismatch(kWhat, where_, absl::StrCat("model ", Quoted(model.name())),
                    "a name of lower-case letters, digits, '-', '_' and '.', a letter first");
  }
  const std::string where = absl::StrCat(where_, ": ", NameOf(model));
  if (!model.variant().empty() && (!IsName(absl::StrCat("a", model.variant())) ||
                                   absl::c_linear_search(kReserved, model.variant()))) {
    return Mismatch(kWhat, where, absl::StrCat("variant ", Quoted(model.variant())),
                    "lower-case letters, digits, '-', '_' and '.'");
  }
  if (!seen_.insert({{model.name(), model.variant()}, true}).second) {
    return Mismatch(kWhat, where, "it a second time", "one row per model and variant");
  }
  if (model.source().empty() != model.revision().empty()) {
    return Mismatch(kWhat, where,
                    model.source().empty()
                        ? "a revision without a source"
                        : absl::StrCat("source ", Quoted(model.source()), " without a revision"),
                    "both or neither");
  }
  if (!model.revision().empty() && !IsHex(model.revision(), 40) && !IsHex(model.revision(), 64)) {
    return Mismatch(kWhat, where, absl::StrCat("revision ", Quoted(model.revision())),
                    "a commit, 40 or 64 lower-case hex digits");
  }
  if (model.files().empty()) return Mismatch(kWhat, where, "no files", "one at least");
  std::vector<std::string> paths;
  for (const sdk::ModelFile& file : model.files()) {
    paths.push_back(file.path());
    RETURN_IF_ERROR(CheckPaths({file.path()}, where));
    RETURN_IF_ERROR(CheckFile(file, absl::StrCat(where, ": ", file.path())));
  }
  RETURN_IF_ERROR(CheckPaths(paths, where));
  return CheckShards(model, where);
}

absl::Status Checker::CheckFile(const sdk::ModelFile& file, const std::string& where) {
  const absl::StatusOr<base::Digest> digest = base::Digest::FromHex(file.sha256());
  if (!digest.ok()) {
    return Mismatch(kWhat, where, absl::StrCat("sha256 ", Quoted(file.sha256())),
                    "64 lower-case hex digits");
  }
  if (*digest == base::Digest()) {
    return Mismatch(kWhat, where, "a sha256 of zeros", "the digest of the file");
  }
  if (file.size() == 0 && *digest != base::Sha256::Of("")) {
    return Mismatch(kWhat, where, "size 0", "its size in bytes");
  }
  if (!IsFormat(file.format())) {
    return Mismatch(kWhat, where, absl::StrCat("format ", Quoted(file.format())),
                    absl::StrCat("one of ", absl::StrJoin(kFormats, ", ")));
  }
  if (file.urls().empty()) return Mismatch(kWhat, where, "no urls", "one at least");
  for (const std::string& url : file.urls()) RETURN_IF_ERROR(CheckUrl(url, where));
  if (absl::c_all_of(file.urls(),
                     [](const std::string& url) { return absl::StartsWith(url, "file:"); })) {
    Warn(where, "is on this machine only");
  }
  if (file.format() == "pickle") Warn(where, "is a pickle, which runs code when it is loaded");
  return absl::OkStatus();
}

}  // namespace

bool IsFormat(absl::string_view format) { return absl::c_linear_search(kFormats, format); }

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= 100 &&
         absl::ascii_isalnum(static_cast<unsigned char>(name[0])) && name.back() != '.' &&
         absl::c_all_of(name, [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                  c == '.';
         });
}

std::string NameOf(const sdk::Model& model) {
  return model.variant().empty() ? model.name() : absl::StrCat(model.name(), ":", model.variant());
}

absl::Status CheckLock(const sdk::ModelsLock& lock, absl::string_view where,
                       std::vector<std::string>* warnings) {
  return Checker(lock, where, warnings).Run();
}

absl::Status CheckPaths(const std::vector<std::string>& paths, absl::string_view where) {
  std::map<std::string, std::string> seen;
  for (const std::string& path : paths) {
    const absl::StatusOr<base::EntryName> name = base::EntryName::Parse(path);
    if (!name.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(kWhat, ": ", where, ": ", name.status().message()));
    }
    if (name->is_directory()) {
      return Mismatch(kWhat, where, absl::StrCat("path ", Quoted(path)), "one of a file");
    }
    const auto [other, fresh] = seen.insert({base::CollisionKey(path), path});
    if (!fresh) {
      return Mismatch(kWhat, where,
                      other->second == path
                          ? absl::StrCat("path ", Quoted(path), " twice")
                          : absl::StrCat("paths ", Quoted(other->second), " and ", Quoted(path)),
                      "paths that differ on every file system");
    }
  }
  for (const auto& [key, path] : seen) {
    const auto below = seen.lower_bound(key + "/");
    if (below != seen.end() && absl::StartsWith(below->first, key + "/")) {
      return Mismatch(kWhat, where,
                      absl::StrCat("files ", Quoted(path), " and ", Quoted(below->second)),
                      "no file below a file");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckShards(const sdk::Model& model, absl::string_view where) {
  std::set<std::string> paths;
  for (const sdk::ModelFile& file : model.files()) paths.insert(file.path());
  for (const std::string& path : paths) {
    Shard shard;
    if (!ParseShard(path, &shard)) continue;
    if (shard.count < 1 || shard.count > kMaxShards || shard.number > shard.count) {
      return Mismatch(kWhat, where,
                      absl::StrCat("shard ", shard.number, " of ", shard.count, ", ", Quoted(path)),
                      absl::StrCat("a number up to the count, which is at most ", kMaxShards));
    }
    // Some count from 0.
    const int first = paths.contains(shard.Path(0)) ? 0 : 1;
    for (int i = first; i < first + shard.count; ++i) {
      if (paths.contains(shard.Path(i))) continue;
      return Mismatch(kWhat, where, absl::StrCat("no shard ", Quoted(shard.Path(i))),
                      absl::StrCat("all ", shard.count, " of ", Quoted(path)));
    }
  }
  for (const sdk::ShardSet& set : model.shard_sets()) {
    if (!paths.contains(set.index())) {
      return Mismatch(kWhat, where, absl::StrCat("no index ", Quoted(set.index())),
                      "the index of the shard set");
    }
    for (const std::string& path : set.files()) {
      if (paths.contains(path)) continue;
      return Mismatch(kWhat, where, absl::StrCat("no shard ", Quoted(path)),
                      absl::StrCat("all that ", Quoted(set.index()), " names"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckUrl(absl::string_view url, absl::string_view where) {
  const auto bad = [&](absl::string_view got, absl::string_view expected) {
    return Mismatch(kWhat, where, got, expected);
  };
  const std::string shown = Quoted(store::PrintableUrl(url));
  const absl::StatusOr<store::Url> parsed = store::Url::Parse(url);
  if (!parsed.ok()) return bad(absl::StrCat("url ", shown), "https://, http:// or file:///");
  if (parsed->scheme() == store::Scheme::kFile) return absl::OkStatus();
  const absl::string_view rest = url.substr(url.find("://") + 3);
  if (absl::StrContains(rest.substr(0, rest.find_first_of("/?#")), '@')) {
    return bad(absl::StrCat("url ", shown, " with a user"), "credentials in netrc, not in a lock");
  }
  // A commit or a digest in the path says which bytes: `main` beside it is the name of a folder.
  const absl::string_view path = rest.substr(0, rest.find_first_of("?#"));
  const std::vector<absl::string_view> folders = absl::StrSplit(path, '/');
  const bool pinned = absl::c_any_of(
      folders, [](absl::string_view part) { return IsHex(part, 40) || IsHex(part, 64); });
  const absl::string_view suspect = pinned ? rest.substr(path.size()) : rest;
  for (const absl::string_view part : absl::StrSplit(suspect, absl::ByAnyChar("/?&="))) {
    if (absl::c_linear_search(kMutable, part)) {
      return bad(absl::StrCat("url ", shown, ", in which '", part, "' moves"),
                 "an address whose bytes stay");
    }
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(url, '/');
  for (size_t i = 4; i + 2 < parts.size(); ++i) {
    if (parts[i] == "resolve" && !IsHex(parts[i + 1], 40) && !IsHex(parts[i + 1], 64)) {
      return bad(absl::StrCat("url ", shown, ", in which '", parts[i + 1], "' moves"),
                 "the commit, 40 or 64 hex digits");
    }
  }
  return absl::OkStatus();
}

absl::Status Normalize(sdk::ModelsLock& lock, absl::string_view where) {
  for (sdk::Model& model : *lock.mutable_models()) {
    for (sdk::ModelFile& file : *model.mutable_files()) {
      const absl::StatusOr<base::Digest> digest = base::ParseSha256(file.sha256());
      if (!digest.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(kWhat, ": ", where, ": ", NameOf(model),
                                                       ": ", Quoted(file.path()), ": ",
                                                       digest.status().message()));
      }
      file.set_sha256(digest->Hex());
    }
    std::sort(model.mutable_files()->begin(), model.mutable_files()->end(),
              [](const sdk::ModelFile& a, const sdk::ModelFile& b) { return a.path() < b.path(); });
    for (sdk::ShardSet& set : *model.mutable_shard_sets()) {
      std::sort(set.mutable_files()->begin(), set.mutable_files()->end());
    }
  }
  std::stable_sort(lock.mutable_models()->begin(), lock.mutable_models()->end(),
                   [](const sdk::Model& a, const sdk::Model& b) { return a.name() < b.name(); });
  return absl::OkStatus();
}

std::string FormatLock(const sdk::ModelsLock& lock) {
  return sdk::LayOutJson(sdk::ToCanonicalJson(lock),
                         {.open_objects = true, .open_lists = {"files", "models", "shard_sets"}});
}

absl::StatusOr<sdk::ModelsLock> ParseLock(absl::string_view where, absl::string_view text,
                                          std::vector<std::string>* warnings) {
  ASSIGN_OR_RETURN(sdk::ModelsLock lock, sdk::ParseJson<sdk::ModelsLock>(where, text));
  RETURN_IF_ERROR(Normalize(lock, where));
  RETURN_IF_ERROR(CheckLock(lock, where, warnings));
  return lock;
}

absl::StatusOr<sdk::ModelsLock> ReadLock(base::FileSystem& fs, const std::string& path,
                                         std::vector<std::string>* warnings) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, path, kMaxLock));
  return ParseLock(path, text, warnings);
}

absl::Status WriteLock(base::FileSystem& fs, const std::string& path, const sdk::ModelsLock& lock) {
  sdk::ModelsLock normal = lock;
  RETURN_IF_ERROR(Normalize(normal, path));
  RETURN_IF_ERROR(CheckLock(normal, path, nullptr));
  const std::string text = FormatLock(normal);
  if (const auto old = base::ReadFile(fs, path, kMaxLock); old.ok() && *old == text) {
    return absl::OkStatus();
  }
  return base::WriteFile(fs, path, text);
}

store::BlobRequest BlobOf(const sdk::ModelFile& file) {
  const absl::StatusOr<base::Digest> digest = base::Digest::FromHex(file.sha256());
  return {.urls = {file.urls().begin(), file.urls().end()},
          .size = file.size(),
          .sha256 = digest.ok() ? *digest : base::Digest()};
}

uint64_t SizeOf(const sdk::Model& model) {
  uint64_t size = 0;
  for (const sdk::ModelFile& file : model.files()) size += file.size();
  return size;
}

}  // namespace rules_inference::models
