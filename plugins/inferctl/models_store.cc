#include "plugins/inferctl/models_store.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/user_folders.h"
#include "plugins/models/lock.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/fetch.h"
#include "plugins/store/inventory.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"
#include "plugins/store/url.h"

namespace rules_inference::inferctl {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr char kThisWorkspace[] = "this workspace";
constexpr char kLowerVariable[] = "RULES_INFERENCE_LOWER_STORES";

std::string Directory(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "."
         : slash == 0                     ? "/"
                                          : std::string(path.substr(0, slash));
}

// The directory for a lock with the usual name, else the lock.
std::string NameOfLock(absl::string_view file) {
  absl::string_view rest = file;
  return absl::ConsumeSuffix(&rest, absl::StrCat("/", models::kLockName)) && !rest.empty()
             ? std::string(rest)
             : std::string(file);
}

std::string JoinNames(const Workspace& workspace) {
  return absl::StrJoin(workspace.lock.models(), ", ",
                       [](std::string* out, const sdk::Model& model) {
                         absl::StrAppend(out, models::NameOf(model));
                       });
}

using Blobs = std::map<base::Digest, const store::Blob*>;

StoredModel Summarize(const sdk::Model& model, const Blobs& blobs,
                      const std::map<base::Digest, std::set<std::string>>& keepers) {
  StoredModel stored;
  stored.name = model.name();
  stored.variant = model.variant();
  std::set<std::string> kept_by;
  for (const sdk::ModelFile& file : model.files()) {
    ++stored.files;
    stored.size += file.size();
    const base::Digest digest = models::BlobOf(file).sha256;
    const auto blob = blobs.find(digest);
    if (blob == blobs.end() || blob->second->size != file.size()) continue;
    ++stored.files_there;
    stored.there += file.size();
    stored.used = std::max(stored.used, absl::FromUnixNanos(blob->second->used));
    const auto found = keepers.find(digest);
    if (found != keepers.end()) kept_by.insert(found->second.begin(), found->second.end());
  }
  if (kept_by.erase(kThisWorkspace) > 0) stored.kept_by.emplace_back(kThisWorkspace);
  stored.kept_by.insert(stored.kept_by.end(), kept_by.begin(), kept_by.end());
  return stored;
}

}  // namespace

std::string Workspace::Name() const { return NameOfLock(file); }

absl::StatusOr<std::string> FindLock(Console& console, const std::string& chosen) {
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  if (error) return absl::UnavailableError("working directory: cannot be read");
  if (!chosen.empty()) {
    return std::filesystem::path(absl::StartsWith(chosen, "/") ? chosen
                                                               : base::JoinPath(here, chosen))
        .lexically_normal()
        .string();
  }
  for (std::string directory = here;; directory = Directory(directory)) {
    const std::string file =
        base::JoinPath(directory == "/" ? "" : directory,
                       directory == "/" ? absl::StrCat("/", models::kLockName) : models::kLockName);
    if (console.files.Stat(file, base::Follow::kYes).ok()) return file;
    if (directory == "/") break;
  }
  return base::WithHint(
      absl::NotFoundError(absl::StrCat("models lock: ", here, ": got no ", models::kLockName,
                                       " here or above, expected the lock of a workspace")),
      "`inferctl models lock SOURCE` begins one, --lock FILE names another one");
}

absl::StatusOr<Workspace> OpenWorkspace(Console& console, const std::string& chosen) {
  Workspace workspace;
  ASSIGN_OR_RETURN(workspace.file, FindLock(console, chosen));
  ASSIGN_OR_RETURN(workspace.lock, models::ReadLock(console.files, workspace.file));
  return workspace;
}

absl::StatusOr<std::vector<const sdk::Model*>> Named(const Workspace& workspace,
                                                     const std::vector<std::string>& names) {
  std::vector<const sdk::Model*> found;
  if (names.empty()) {
    for (const sdk::Model& model : workspace.lock.models()) found.push_back(&model);
  }
  for (const std::string& name : names) {
    bool any = false;
    for (const sdk::Model& model : workspace.lock.models()) {
      const bool all = name == absl::StrCat(model.name(), ":");
      if (!all && name != models::NameOf(model) && (any || name != model.name())) continue;
      any = true;
      if (!absl::c_linear_search(found, &model)) found.push_back(&model);
    }
    if (any) continue;
    return Mismatch("model", workspace.file, Quoted(name),
                    workspace.lock.models().empty()
                        ? "a lock with models"
                        : absl::StrCat("one of ", JoinNames(workspace)));
  }
  return found;
}

absl::StatusOr<std::unique_ptr<store::Store>> OpenStore(Console& console,
                                                        const std::string& chosen) {
  ASSIGN_OR_RETURN(std::string root, StoreRoot(console, chosen));
  // Of --store; the variables are absolute.
  if (!absl::StartsWith(root, "/")) {
    std::error_code error;
    root = std::filesystem::absolute(root, error).lexically_normal().string();
  }
  store::StoreOptions options;
  for (const absl::string_view lower :
       absl::StrSplit(console.probe.environment(kLowerVariable), ':', absl::SkipEmpty())) {
    if (!absl::StartsWith(lower, "/")) {
      return Mismatch("folder", absl::StrCat("$", kLowerVariable), Quoted(lower),
                      "absolute paths with ':' between");
    }
    options.lower.emplace_back(lower);
  }
  return std::make_unique<store::Store>(console.files, root, options);
}

store::FetchOptions FetchOptionsOf(Console& console) {
  store::FetchOptions options;
  const std::string token = console.probe.environment("HF_TOKEN");
  const auto endpoint = store::Url::Parse(console.probe.environment("HF_ENDPOINT"));
  if (!token.empty() && endpoint.ok() && !endpoint->origin().empty()) {
    options.tokens[endpoint->origin()] = token;
  }
  return options;
}

absl::Status Register(store::Store& store, const Workspace& workspace) {
  store::Root root;
  root.name = store::RootNameOf(workspace.Name());
  root.workspace = workspace.file;
  std::set<base::Digest> blobs;
  for (const sdk::Model& model : workspace.lock.models()) {
    for (const sdk::ModelFile& file : model.files()) blobs.insert(models::BlobOf(file).sha256);
  }
  root.blobs.assign(blobs.begin(), blobs.end());
  root.time = absl::Now();
  RETURN_IF_ERROR(store.layout().Prepare(store.fs()));
  return store::WriteRoot(store.fs(), store.layout(), root);
}

absl::StatusOr<Overview> Look(Console& console, store::Store& store, const Workspace* workspace) {
  Overview overview;
  ASSIGN_OR_RETURN(const store::Inventory inventory, store::ListStore(store.fs(), store.layout()));
  ASSIGN_OR_RETURN(const std::vector<store::Root> roots,
                   store::ReadRoots(store.fs(), store.layout()));
  Blobs blobs;
  for (const store::Blob& blob : inventory.blobs) blobs.insert({blob.sha256, &blob});
  overview.blobs = inventory.blobs.size();
  overview.size = inventory.size;
  for (const store::Leftover& item : inventory.leftovers) {
    if (item.kind != store::Leftover::Kind::kPart) continue;
    ++overview.parts;
    overview.parts_size += item.size;
  }
  const auto free = store.fs().FreeSpace(store.layout().root());
  if (free.ok()) overview.free = *free;

  std::map<base::Digest, std::set<std::string>> keepers;
  for (const store::Root& root : roots) {
    const bool mine = workspace != nullptr && root.workspace == workspace->file;
    const std::string name = mine ? kThisWorkspace
                                  : absl::StrCat(Tilde(console, NameOfLock(root.workspace)),
                                                 store::IsStale(store.fs(), root) ? " (gone)" : "");
    for (const base::Digest& digest : root.blobs) keepers[digest].insert(name);
  }
  std::set<base::Digest> known;
  const auto know = [&](const sdk::Model& model) {
    for (const sdk::ModelFile& file : model.files()) known.insert(models::BlobOf(file).sha256);
  };
  if (workspace != nullptr) {
    for (const sdk::Model& model : workspace->lock.models()) {
      know(model);
      overview.active.push_back(Summarize(model, blobs, keepers));
    }
  }
  for (const store::Root& root : roots) {
    if (workspace != nullptr && root.workspace == workspace->file) continue;
    const absl::StatusOr<sdk::ModelsLock> lock = models::ReadLock(store.fs(), root.workspace);
    // Gone, or something else than a lock of models: its blobs have no names.
    if (!lock.ok()) continue;
    for (const sdk::Model& model : lock->models()) {
      // The same model in several workspaces is shown once.
      const bool fresh = absl::c_any_of(model.files(), [&](const sdk::ModelFile& file) {
        return !known.contains(models::BlobOf(file).sha256);
      });
      know(model);
      StoredModel stored = Summarize(model, blobs, keepers);
      if (fresh && stored.files_there > 0) overview.others.push_back(std::move(stored));
    }
  }
  for (const store::Blob& blob : inventory.blobs) {
    if (known.contains(blob.sha256)) continue;
    ++overview.other_blobs;
    overview.other_size += blob.size;
    if (keepers.contains(blob.sha256)) ++overview.other_kept;
  }
  return overview;
}

std::string Ago(absl::Time then, absl::Time now) {
  const int64_t days = (now - then) / absl::Hours(24);
  if (days <= 0) return "today";
  return days == 1 ? "yesterday" : absl::StrCat(days, " days ago");
}

std::string Tilde(Console& console, absl::string_view path) {
  const std::string home = console.probe.environment("HOME");
  if (home.size() > 1 && absl::StartsWith(path, absl::StrCat(home, "/"))) {
    return absl::StrCat("~", path.substr(home.size()));
  }
  return std::string(path);
}

}  // namespace rules_inference::inferctl
