// `inferctl models prune`, `verify`, `repair` and `import`: what changes a store besides fetching.

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

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/models.h"
#include "plugins/inferctl/models_store.h"
#include "plugins/models/lock.h"
#include "plugins/models/source.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/prune.h"
#include "plugins/store/roots.h"
#include "plugins/store/store.h"
#include "plugins/store/verify.h"

namespace rules_inference::inferctl {
namespace {

using base::Mismatch;

constexpr size_t kPiece = size_t{1} << 20;
constexpr int kMaxDepth = 32;

using Files = std::map<base::Digest, std::pair<std::string, const sdk::ModelFile*>>;

// NAME:VARIANT/PATH of every file of a lock.
Files FilesOf(const std::vector<const sdk::Model*>& models) {
  Files files;
  for (const sdk::Model* model : models) {
    for (const sdk::ModelFile& file : model->files()) {
      files.insert({models::BlobOf(file).sha256,
                    {absl::StrCat(models::NameOf(*model), "/", file.path()), &file}});
    }
  }
  return files;
}

// No workspace at all is fine where no lock is asked for.
absl::StatusOr<Workspace> OptionalWorkspace(Console& console, const ModelsOptions& options) {
  absl::StatusOr<Workspace> workspace = OpenWorkspace(console, options.lock);
  if (options.lock.empty() && absl::IsNotFound(workspace.status())) return Workspace();
  return workspace;
}

// Whether the store knows the workspace with other blobs than those of its lock.
absl::StatusOr<bool> HasMoved(store::Store& store, const Workspace& workspace) {
  ASSIGN_OR_RETURN(const std::vector<store::Root> roots,
                   store::ReadRoots(store.fs(), store.layout()));
  const std::vector<const sdk::Model*> all = [&] {
    std::vector<const sdk::Model*> models;
    for (const sdk::Model& model : workspace.lock.models()) models.push_back(&model);
    return models;
  }();
  std::set<base::Digest> blobs;
  for (const auto& [digest, file] : FilesOf(all)) blobs.insert(digest);
  for (const store::Root& root : roots) {
    if (root.workspace == workspace.file) {
      return std::set<base::Digest>(root.blobs.begin(), root.blobs.end()) != blobs;
    }
  }
  return !blobs.empty();
}

void PrintPlan(Console& console, const sdk::PruneReport& report, const store::PrunePlan& plan) {
  const absl::Time now = absl::Now();
  console.out << (report.dry_run() ? "would remove  " : "removed  ")
              << Count(static_cast<uint64_t>(report.removed().size()), "blob") << ", "
              << base::HumanSize(report.removed_bytes()) << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const store::Blob& blob : plan.remove) {
    rows.push_back({absl::StrCat("sha256:", blob.sha256.Hex().substr(0, 16)),
                    base::HumanSize(blob.size), Ago(absl::FromUnixNanos(blob.used), now)});
  }
  console.out << Table(rows, {1});
  for (const sdk::KeptReport& kept : report.kept()) {
    console.out << "kept  " << Count(kept.blobs(), "blob") << ", " << base::HumanSize(kept.size())
                << ", " << kept.why() << "\n";
  }
  if (plan.over > 0) {
    console.out << "over --max-size by " << base::HumanSize(plan.over) << ", all of it held\n";
  }
  for (const std::string& name : report.gone()) {
    console.err << "note: " << name << " is gone, and what it kept stays; --drop-gone lets it go\n";
  }
}

absl::StatusOr<base::Digest> DigestOf(base::InputFile& file) {
  base::Sha256 hasher;
  std::string piece(kPiece, '\0');
  for (uint64_t at = 0; at < file.size();) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(kPiece, file.size() - at));
    RETURN_IF_ERROR(base::ReadExactly(file, at, absl::MakeSpan(piece.data(), count)));
    hasher.Update(absl::string_view(piece).substr(0, count));
    at += count;
  }
  return hasher.Finish();
}

// Takes files into the store that are those of a lock.
class Importer {
 public:
  Importer(Console& console, store::Store& store, const Files& files)
      : console_(console), store_(store), files_(files) {
    for (const auto& [digest, file] : files) sizes_.insert(file.second->size());
  }

  // `named`: by the user, who has to hear when it is not of the lock.
  absl::Status Take(const std::string& path, bool named, int depth);
  int taken() const { return taken_; }
  uint64_t size() const { return size_; }

 private:
  absl::Status TakeFile(const std::string& path, bool named);

  Console& console_;
  store::Store& store_;
  const Files& files_;
  std::set<uint64_t> sizes_;
  std::set<base::Digest> done_;
  int taken_ = 0;
  uint64_t size_ = 0;
};

absl::Status Importer::Take(const std::string& path, bool named, int depth) {
  ASSIGN_OR_RETURN(const base::NodeInfo info, console_.files.Stat(path, base::Follow::kYes));
  if (info.type == base::NodeType::kFile) return TakeFile(path, named);
  if (info.type != base::NodeType::kDirectory || depth > kMaxDepth) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, console_.files.List(path));
  for (const std::string& name : names) {
    const std::string below = base::JoinPath(path, name);
    const absl::StatusOr<base::NodeInfo> own = console_.files.Stat(below, base::Follow::kNo);
    if (!own.ok()) continue;
    // Snapshots of a hub cache are links to its blobs, which come by themselves; a link to a
    // directory may lead in a circle.
    if (own->type == base::NodeType::kSymlink) {
      const absl::StatusOr<base::NodeInfo> target = console_.files.Stat(below, base::Follow::kYes);
      if (!target.ok() || target->type != base::NodeType::kFile) continue;
    }
    RETURN_IF_ERROR(Take(below, false, depth + 1));
  }
  return absl::OkStatus();
}

absl::Status Importer::TakeFile(const std::string& path, bool named) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file,
                   console_.files.Open(path, base::Follow::kYes));
  const bool may_be = sizes_.contains(file->size());
  if (!may_be && !named) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Digest digest, DigestOf(*file));
  const auto found = files_.find(digest);
  if (found == files_.end()) {
    if (!named) return absl::OkStatus();
    return base::WithHint(Mismatch("models import", path, digest.ToString(), "a file of the lock"),
                          absl::StrCat("inferctl models lock NAME=", path));
  }
  if (!done_.insert(digest).second) return absl::OkStatus();
  const store::BlobRequest pinned = models::BlobOf(*found->second.second);
  ASSIGN_OR_RETURN(const std::string there, store_.Find(pinned));
  if (!there.empty()) {
    console_.out << found->second.first << ": was there\n";
    return absl::OkStatus();
  }
  // Hashed once more on the way in: the file is somebody else's, and may change.
  store::BlobRequest request = pinned;
  request.urls = {models::FileUrl(path)};
  RETURN_IF_ERROR(store_.Get(request, {}).status());
  console_.out << found->second.first << ": " << base::HumanSize(pinned.size) << " from " << path
               << "\n";
  ++taken_;
  size_ += pinned.size;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> RunModelsPrune(Console& console, const ModelsOptions& options) {
  store::PruneOptions prune;
  if (!options.max_size.empty()) {
    ASSIGN_OR_RETURN(prune.max_size, ParseSize(options.max_size));
  }
  if (!options.older_than.empty()) {
    ASSIGN_OR_RETURN(prune.older_than, ParseAge(options.older_than));
  }
  ASSIGN_OR_RETURN(prune.grace, ParseAge(options.grace));
  prune.drop_stale_roots = options.drop_gone;
  ASSIGN_OR_RETURN(const Workspace workspace, OptionalWorkspace(console, options));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  const bool exists = console.files.Stat(store->layout().root(), base::Follow::kYes).ok();
  if (exists && !workspace.file.empty()) {
    // A model that has left the lock is not needed here any more; others say so themselves.
    ASSIGN_OR_RETURN(const bool moved, HasMoved(*store, workspace));
    if (moved && options.dry_run) {
      console.err << "note: the store knows an older lock of this workspace; a prune without "
                     "--dry-run tells it\n";
    } else if (moved) {
      RETURN_IF_ERROR(Register(*store, workspace));
    }
  }
  const absl::Time now = absl::Now();
  ASSIGN_OR_RETURN(const store::PrunePlan plan, store::PlanPrune(*store, prune, now));
  sdk::PruneReport report;
  report.set_dry_run(options.dry_run);
  report.set_removed_bytes(plan.remove_size);
  for (const store::Blob& blob : plan.remove) {
    sdk::BlobReport& item = *report.add_removed();
    item.set_sha256(blob.sha256.Hex());
    item.set_size(blob.size);
    item.set_path(store->PathOf(blob.sha256));
  }
  std::map<std::string, std::pair<uint64_t, uint64_t>> kept;
  for (const store::KeptBlob& item : plan.kept) {
    auto& [blobs, size] = kept[std::string(store::Describe(item.why))];
    ++blobs;
    size += item.blob.size;
  }
  for (const auto& [why, sum] : kept) {
    sdk::KeptReport& item = *report.add_kept();
    item.set_why(why);
    item.set_blobs(sum.first);
    item.set_size(sum.second);
  }
  report.set_kept_bytes(plan.kept_size);
  if (!options.drop_gone) {
    for (const store::Root& root : plan.stale) report.add_gone(root.workspace);
  }
  if (!options.dry_run && exists) {
    ASSIGN_OR_RETURN(const store::PruneResult result, store::ExecutePrune(*store, plan, now));
    report.set_removed_bytes(result.removed_size);
    if (result.kept > 0) {
      console.err << "note: " << Count(result.kept, "blob") << " came into use meanwhile, and "
                  << (result.kept == 1 ? "stays\n" : "stay\n");
    }
  }
  if (options.json) {
    console.out << sdk::ToReadableJson(report);
  } else {
    PrintPlan(console, report, plan);
  }
  return sdk::kExitOk;
}

absl::StatusOr<int> RunModelsVerify(Console& console, const ModelsOptions& options) {
  ASSIGN_OR_RETURN(const Workspace workspace, OptionalWorkspace(console, options));
  if (!options.names.empty() && workspace.file.empty()) {
    return FindLock(console, options.lock).status();
  }
  ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> wanted, Named(workspace, options.names));
  const Files files = FilesOf(wanted);
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  sdk::Progress progress(console.err, console.terminal);
  progress.Begin("verify");
  store::VerifyOptions verify;
  verify.sample = options.sample;
  verify.seed = static_cast<uint64_t>(absl::ToUnixNanos(absl::Now()));
  verify.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
  std::vector<store::Damage> damaged;
  uint64_t right = 0;
  if (options.names.empty()) {
    ASSIGN_OR_RETURN(const store::Inventory inventory,
                     store::ListStore(store->fs(), store->layout()));
    ASSIGN_OR_RETURN(damaged, store::VerifyStore(store->fs(), store->layout(), verify));
    right = inventory.blobs.size() - std::min(inventory.blobs.size(), damaged.size());
  } else {
    for (const auto& [digest, file] : files) {
      absl::StatusOr<store::Damage> damage =
          store::VerifyBlob(store->fs(), store->layout(), digest, verify);
      if (damage.ok() && damage->status.ok()) {
        ++right;
        continue;
      }
      if (!damage.ok()) {
        damage = store::Damage{.sha256 = digest,
                               .path = store->PathOf(digest),
                               .status = damage.status(),
                               .ranges = {}};
      }
      damaged.push_back(*std::move(damage));
    }
  }
  progress.Clear();
  sdk::BlobsReport report;
  for (const store::Damage& damage : damaged) {
    sdk::BlobReport& item = *report.add_blobs();
    item.set_sha256(damage.sha256.Hex());
    item.set_path(damage.path);
    const auto found = files.find(damage.sha256);
    if (found != files.end()) item.set_file(found->second.first);
    const absl::string_view message = damage.status.message();
    item.set_damage(std::string(message.substr(0, message.find('\n'))));
  }
  if (options.json) {
    console.out << sdk::ToReadableJson(report);
    return damaged.empty() ? sdk::kExitOk : kExitNo;
  }
  for (const sdk::BlobReport& item : report.blobs()) {
    console.out << "damaged  " << (item.file().empty() ? "sha256:" + item.sha256() : item.file())
                << "\n  " << item.damage() << "\n";
  }
  console.out << right << " right, " << damaged.size() << " damaged or missing\n";
  return damaged.empty() ? sdk::kExitOk : kExitNo;
}

absl::StatusOr<int> RunModelsRepair(Console& console, const ModelsOptions& options) {
  ASSIGN_OR_RETURN(const Workspace workspace, OpenWorkspace(console, options.lock));
  ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> wanted, Named(workspace, options.names));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  sdk::Progress progress(console.err, console.terminal);
  store::FetchOptions fetch = FetchOptionsOf(console);
  fetch.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
  uint64_t repaired = 0;
  for (const auto& [digest, file] : FilesOf(wanted)) {
    const bool there = console.files.Stat(store->PathOf(digest), base::Follow::kNo).ok();
    if (!there && options.names.empty()) continue;
    progress.Begin(file.first);
    const absl::StatusOr<store::RepairResult> result =
        store::Repair(*store, models::BlobOf(*file.second), fetch);
    progress.Clear();
    if (!result.ok()) return sdk::AddContext(result.status(), file.first);
    if (result->fetched == 0) continue;
    ++repaired;
    console.out << file.first << ": " << base::HumanSize(result->fetched) << " fetched"
                << (result->by_ranges ? ", the damaged ranges only\n" : "\n");
  }
  console.out << (repaired == 0 ? "nothing to repair" : Count(repaired, "file") + " repaired")
              << "\n";
  RETURN_IF_ERROR(Register(*store, workspace));
  return sdk::kExitOk;
}

absl::StatusOr<int> RunModelsImport(Console& console, const ModelsOptions& options) {
  ASSIGN_OR_RETURN(const Workspace workspace, OpenWorkspace(console, options.lock));
  ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> all, Named(workspace, {}));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  const Files files = FilesOf(all);
  // First: what comes has an owner then, and no prune takes it.
  RETURN_IF_ERROR(Register(*store, workspace));
  Importer importer(console, *store, files);
  for (const std::string& path : options.names) {
    std::error_code error;
    const std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
    RETURN_IF_ERROR(importer.Take(absolute, /*named=*/true, 0));
  }
  console.out << Count(static_cast<uint64_t>(importer.taken()), "file") << ", "
              << base::HumanSize(importer.size()) << " imported\n";
  return sdk::kExitOk;
}

}  // namespace rules_inference::inferctl
