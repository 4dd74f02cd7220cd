// `inferctl models fetch`, and what else gets models: `export` and `materialise`.

#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/models.h"
#include "plugins/inferctl/models_store.h"
#include "plugins/models/lock.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/materialise.h"
#include "plugins/store/store.h"

namespace rules_inference::inferctl {
namespace {

using base::Mismatch;
using base::Quoted;

// The models that a line such as "1 3-5 tiny" or "all" stands for.
absl::StatusOr<std::vector<const sdk::Model*>> Chosen(const Workspace& workspace,
                                                      absl::string_view line) {
  const auto count = static_cast<size_t>(workspace.lock.models_size());
  std::vector<std::string> names;
  for (const absl::string_view word :
       absl::StrSplit(line, absl::ByAnyChar(" ,\t"), absl::SkipEmpty())) {
    if (word == "all") return Named(workspace, {});
    const std::vector<absl::string_view> ends = absl::StrSplit(word, absl::MaxSplits('-', 1));
    size_t first = 0;
    size_t last = 0;
    if (!absl::SimpleAtoi(ends[0], &first) || !absl::SimpleAtoi(ends.back(), &last)) {
      names.emplace_back(word);
      continue;
    }
    if (first < 1 || last < first || last > count) {
      return Mismatch("choice", "list", Quoted(word), absl::StrCat("numbers from 1 to ", count));
    }
    for (size_t i = first; i <= last; ++i) {
      names.push_back(models::NameOf(workspace.lock.models(static_cast<int>(i - 1))));
    }
  }
  if (names.empty()) return std::vector<const sdk::Model*>();
  return Named(workspace, names);
}

absl::StatusOr<std::vector<const sdk::Model*>> Pick(Console& console, store::Store& store,
                                                    const Workspace& workspace) {
  ASSIGN_OR_RETURN(const Overview overview, Look(console, store, &workspace));
  std::vector<std::vector<std::string>> rows;
  for (const StoredModel& model : overview.active) {
    rows.push_back({absl::StrCat(rows.size() + 1), model.name, model.variant,
                    base::HumanSize(model.size), model.stored() ? "stored" : ""});
  }
  console.err << Table(rows, {0, 3}) << "Which models? Numbers, names, or all: " << std::flush;
  std::string line;
  if (!std::getline(*console.in, line)) line.clear();
  return Chosen(workspace, line);
}

// The name of a repository in a hub cache, and the revision there.
std::string HubDirectory(const sdk::Model& model) {
  if (model.source().empty()) {
    return absl::StrCat(
        "models--rules_inference--",
        model.variant().empty() ? model.name() : absl::StrCat(model.name(), "-", model.variant()));
  }
  const std::vector<std::string> parts = absl::StrSplit(model.source(), '/');
  return absl::StrCat("models--", parts[parts.size() - 2], "--", parts.back());
}

// Of what is from no hub: the digest of all digests, cut to the length of a commit.
std::string Revision(const sdk::Model& model) {
  if (!model.revision().empty()) return model.revision();
  std::string text;
  for (const sdk::ModelFile& file : model.files()) {
    absl::StrAppend(&text, file.sha256(), "  ", file.path(), "\n");
  }
  return base::Sha256::Of(text).Hex().substr(0, 40);
}

// A symlink to `target`, whatever is there.
absl::Status Link(base::FileSystem& fs, const std::string& target, const std::string& path) {
  const absl::StatusOr<std::string> old = fs.ReadLink(path);
  if (old.ok() && *old == target) return absl::OkStatus();
  RETURN_IF_ERROR(fs.CreateDirectories(path.substr(0, path.rfind('/'))));
  RETURN_IF_ERROR(fs.RemoveTree(path));
  return fs.Symlink(target, path);
}

store::MaterialiseOptions Ways(bool copy) { return {.reflink = true, .hard_link = !copy}; }

std::string Ways(const std::set<store::How>& how) {
  return absl::StrJoin(how, ", ", [](std::string* out, store::How item) {
    absl::StrAppend(out, store::NameOf(item));
  });
}

absl::Status Export(base::FileSystem& fs, const FetchedModel& fetched, const std::string& to,
                    bool copy, std::set<store::How>* how) {
  const sdk::Model& model = *fetched.model;
  const std::string root = base::JoinPath(to, HubDirectory(model));
  const std::string revision = Revision(model);
  for (int i = 0; i < model.files_size(); ++i) {
    const sdk::ModelFile& file = model.files(i);
    const std::string blob = absl::StrCat(root, "/blobs/", file.sha256());
    const auto there = fs.Stat(blob, base::Follow::kNo);
    if (!there.ok() || there->size != file.size()) {
      ASSIGN_OR_RETURN(const store::How one,
                       store::Materialise(fs, fetched.blobs[static_cast<size_t>(i)].path,
                                          models::BlobOf(file).sha256, blob, Ways(copy)));
      how->insert(one);
    }
    std::string up = "../..";
    for (const char c : file.path()) {
      if (c == '/') up += "/..";
    }
    RETURN_IF_ERROR(Link(fs, absl::StrCat(up, "/blobs/", file.sha256()),
                         absl::StrCat(root, "/snapshots/", revision, "/", file.path())));
  }
  // Last: before, no reader finds the snapshot.
  RETURN_IF_ERROR(fs.CreateDirectories(base::JoinPath(root, "refs")));
  return base::WriteFile(fs, base::JoinPath(root, "refs/main"), revision);
}

}  // namespace

absl::StatusOr<std::vector<FetchedModel>> FetchModels(Console& console, store::Store& store,
                                                      const std::vector<const sdk::Model*>& wanted,
                                                      int jobs) {
  std::vector<store::BlobRequest> requests;
  std::vector<std::string> names;
  std::vector<FetchedModel> fetched;
  std::set<base::Digest> seen;
  for (const sdk::Model* model : wanted) {
    FetchedModel& item = fetched.emplace_back();
    item.model = model;
    for (const sdk::ModelFile& file : model->files()) {
      requests.push_back(models::BlobOf(file));
      names.push_back(absl::StrCat(models::NameOf(*model), ": ", file.path()));
      ASSIGN_OR_RETURN(const std::string path, store.Find(requests.back()));
      if (path.empty() && seen.insert(requests.back().sha256).second) item.fetched += file.size();
    }
  }
  sdk::Progress progress(console.err, console.terminal);
  progress.Begin(wanted.size() == 1 ? models::NameOf(*wanted[0]) : Count(wanted.size(), "model"));
  store::FetchOptions options = FetchOptionsOf(console);
  options.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
  std::vector<absl::StatusOr<store::LeasedBlob>> blobs = store.GetAll(requests, options, jobs);
  progress.Clear();
  absl::Status first;
  size_t next = 0;
  for (FetchedModel& item : fetched) {
    for (int i = 0; i < item.model->files_size(); ++i, ++next) {
      if (blobs[next].ok()) {
        item.blobs.push_back(*std::move(blobs[next]));
        continue;
      }
      // A full disk is one reason for all.
      const absl::Status status = absl::IsResourceExhausted(blobs[next].status())
                                      ? blobs[next].status()
                                      : sdk::AddContext(blobs[next].status(), names[next]);
      if (first.ok()) {
        first = status;
      } else if (status != first) {
        console.err << sdk::FormatError(status);
      }
    }
  }
  RETURN_IF_ERROR(first);
  return fetched;
}

absl::StatusOr<int> RunModelsFetch(Console& console, const ModelsOptions& options) {
  ASSIGN_OR_RETURN(const Workspace workspace, OpenWorkspace(console, options.lock));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  std::vector<const sdk::Model*> wanted;
  if (!options.names.empty() || options.all) {
    ASSIGN_OR_RETURN(wanted, Named(workspace, options.names));
  } else if (console.in != nullptr && console.terminal) {
    ASSIGN_OR_RETURN(wanted, Pick(console, *store, workspace));
  } else {
    std::vector<std::string> names;
    for (const sdk::Model& model : workspace.lock.models()) {
      names.push_back(models::NameOf(model));
    }
    return Mismatch("models fetch", workspace.file, "no name",
                    absl::StrCat("--all, or some of ", absl::StrJoin(names, ", ")));
  }
  if (wanted.empty()) {
    console.out << "nothing to fetch\n";
    return sdk::kExitOk;
  }
  const absl::StatusOr<std::vector<FetchedModel>> fetched =
      FetchModels(console, *store, wanted, options.jobs);
  if (!fetched.ok()) {
    // What is there is needed by the next try; that this one has failed is the news.
    Register(*store, workspace).IgnoreError();
    return fetched.status();
  }
  RETURN_IF_ERROR(Register(*store, workspace));
  if (!store->LocksWork()) {
    console.err << "note: locks do not work in " << store->layout().root()
                << ": two fetches of the same file fetch it twice\n";
  }
  for (const FetchedModel& item : *fetched) {
    console.out << models::NameOf(*item.model) << ": "
                << Count(static_cast<uint64_t>(item.model->files_size()), "file") << ", "
                << base::HumanSize(models::SizeOf(*item.model));
    if (item.fetched == 0) {
      console.out << ", was there\n";
    } else {
      console.out << ", " << base::HumanSize(item.fetched) << " fetched\n";
    }
  }
  return sdk::kExitOk;
}

absl::StatusOr<int> RunModelsExport(Console& console, const ModelsOptions& options) {
  ASSIGN_OR_RETURN(const Workspace workspace, OpenWorkspace(console, options.lock));
  ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> wanted, Named(workspace, options.names));
  std::map<std::string, const sdk::Model*> directories;
  for (const sdk::Model* model : wanted) {
    const auto [other, fresh] = directories.insert({HubDirectory(*model), model});
    if (fresh || Revision(*other->second) == Revision(*model)) continue;
    return Mismatch("models export", HubDirectory(*model),
                    absl::StrCat(models::NameOf(*other->second), " and ", models::NameOf(*model),
                                 ", which are of two revisions"),
                    "one of them: a hub cache has one main");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  ASSIGN_OR_RETURN(const std::vector<FetchedModel> fetched,
                   FetchModels(console, *store, wanted, options.jobs));
  for (const FetchedModel& item : fetched) {
    std::set<store::How> how;
    RETURN_IF_ERROR(Export(console.files, item, options.to, options.copy, &how));
    console.out << base::JoinPath(options.to, HubDirectory(*item.model)) << "/snapshots/"
                << Revision(*item.model) << ": "
                << Count(static_cast<uint64_t>(item.model->files_size()), "file") << ", "
                << (how.empty() ? "was there" : Ways(how)) << "\n";
  }
  return sdk::kExitOk;
}

absl::StatusOr<int> RunModelsMaterialise(Console& console, const ModelsOptions& options) {
  Workspace manifest;
  manifest.file = options.lock;
  ASSIGN_OR_RETURN(manifest.lock, models::ReadLock(console.files, options.lock));
  ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> wanted, Named(manifest, options.names));
  if (wanted.empty()) {
    return Mismatch("models materialise", options.lock, "no models", "one at least");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  ASSIGN_OR_RETURN(const std::vector<FetchedModel> fetched,
                   FetchModels(console, *store, wanted, options.jobs));
  for (const FetchedModel& item : fetched) {
    const sdk::Model& model = *item.model;
    std::string directory = options.to;
    if (wanted.size() > 1) {
      directory = base::JoinPath(directory, model.variant().empty()
                                                ? model.name()
                                                : absl::StrCat(model.name(), "-", model.variant()));
    }
    std::set<store::How> how;
    for (int i = 0; i < model.files_size(); ++i) {
      const sdk::ModelFile& file = model.files(i);
      ASSIGN_OR_RETURN(
          const store::How one,
          store::Materialise(console.files, item.blobs[static_cast<size_t>(i)].path,
                             models::BlobOf(file).sha256, base::JoinPath(directory, file.path()),
                             Ways(options.copy)));
      how.insert(one);
    }
    console.out << directory << ": " << models::NameOf(model) << ", "
                << Count(static_cast<uint64_t>(model.files_size()), "file") << ", "
                << base::HumanSize(models::SizeOf(model)) << ", " << Ways(how) << "\n";
  }
  return sdk::kExitOk;
}

}  // namespace rules_inference::inferctl
