// `inferctl models list`, `path` and `why`: they change nothing.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/prune.h"
#include "plugins/store/store.h"

namespace rules_inference::inferctl {
namespace {

sdk::ModelStatus StatusOf(const StoredModel& model) {
  sdk::ModelStatus status;
  status.set_name(model.name);
  status.set_variant(model.variant);
  status.set_files(static_cast<uint64_t>(model.files));
  status.set_files_stored(static_cast<uint64_t>(model.files_there));
  status.set_size(model.size);
  status.set_size_stored(model.there);
  if (model.files_there > 0) status.set_last_use(absl::ToUnixSeconds(model.used));
  for (const std::string& name : model.kept_by) status.add_kept_by(name);
  return status;
}

std::string State(const StoredModel& model) {
  if (model.stored()) return "stored";
  return model.files_there == 0 ? "missing" : absl::StrCat(model.files_there, " of ", model.files);
}

std::vector<std::string> Row(const StoredModel& model, absl::Time now) {
  return {model.name,
          model.variant,
          absl::StrCat(model.files),
          base::HumanSize(model.size),
          State(model),
          model.files_there == 0 ? "" : Ago(model.used, now),
          model.files_there == 0  ? ""
          : model.kept_by.empty() ? "nobody"
                                  : absl::StrJoin(model.kept_by, ", ")};
}

void Print(Console& console, const Overview& overview, const std::string& root, bool workspace) {
  const absl::Time now = absl::Now();
  std::vector<std::vector<std::string>> rows = {
      {"model", "variant", "files", "size", "state", "last use", "kept by"}};
  uint64_t there = 0;
  uint64_t size = 0;
  uint64_t stored = 0;
  for (const StoredModel& model : overview.active) {
    rows.push_back(Row(model, now));
    there += model.there;
    size += model.size;
    if (model.stored()) ++stored;
  }
  const size_t active = rows.size();
  for (const StoredModel& model : overview.others) rows.push_back(Row(model, now));
  // One table, so that both parts have the same columns.
  const std::string table = Table(rows, {2, 3});
  size_t at = 0;
  for (size_t i = 0; i < active; ++i) at = table.find('\n', at) + 1;
  if (workspace || !overview.others.empty()) console.out << table.substr(0, at);
  if (workspace) {
    console.out << "  " << stored << " of " << Count(overview.active.size(), "model") << ", "
                << base::HumanSize(there) << " of " << base::HumanSize(size) << "\n";
  }
  if (!overview.others.empty() || overview.other_blobs > 0 || overview.parts > 0) {
    console.out << (workspace ? "\n  also in the store\n" : "") << table.substr(at);
  }
  if (overview.other_blobs > 0) {
    const uint64_t free = overview.other_blobs - overview.other_kept;
    console.out << "  " << Count(overview.other_blobs, "blob") << " of no model, "
                << base::HumanSize(overview.other_size) << ": " << overview.other_kept
                << " kept by a workspace, " << free << " by nobody\n";
  }
  if (overview.parts > 0) {
    console.out << "  " << Count(overview.parts, "unfinished file") << ", "
                << base::HumanSize(overview.parts_size) << "\n";
  }
  console.out << "\n  store  " << Tilde(console, root) << ": " << Count(overview.blobs, "blob")
              << ", " << base::HumanSize(overview.size);
  if (overview.free.has_value()) console.out << "; " << base::HumanSize(*overview.free) << " free";
  console.out << "\n";
}

// The digest that `text` is: 64 digits, "sha256:..." or a path that ends in 64 digits.
absl::StatusOr<base::Digest> DigestIn(absl::string_view text) {
  absl::ConsumePrefix(&text, "sha256:");
  return base::Digest::FromHex(text.substr(text.rfind('/') + 1));
}

struct Question {
  base::Digest sha256;
  uint64_t size = 0;
  std::string file;
};

}  // namespace

absl::StatusOr<int> RunModelsList(Console& console, const ModelsOptions& options) {
  absl::StatusOr<Workspace> workspace = OpenWorkspace(console, options.lock);
  // Outside of a workspace there is still a store to look at.
  const bool none = options.lock.empty() && absl::IsNotFound(workspace.status());
  if (!none) RETURN_IF_ERROR(workspace.status());
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  ASSIGN_OR_RETURN(const Overview overview, Look(console, *store, none ? nullptr : &*workspace));
  const std::string& root = store->layout().root();
  if (!options.json) {
    Print(console, overview, root, !none);
    return sdk::kExitOk;
  }
  sdk::ModelsReport report;
  for (const StoredModel& model : overview.active) *report.add_active() = StatusOf(model);
  for (const StoredModel& model : overview.others) *report.add_others() = StatusOf(model);
  sdk::StoreStatus& status = *report.mutable_store();
  status.set_root(root);
  status.set_blobs(overview.blobs);
  status.set_size(overview.size);
  status.set_free(overview.free.value_or(0));
  status.set_other_blobs(overview.other_blobs);
  status.set_other_size(overview.other_size);
  status.set_parts(overview.parts);
  status.set_parts_size(overview.parts_size);
  console.out << sdk::ToReadableJson(report);
  return sdk::kExitOk;
}

absl::StatusOr<int> RunModelsPath(Console& console, const ModelsOptions& options) {
  ASSIGN_OR_RETURN(const Workspace workspace, OpenWorkspace(console, options.lock));
  ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> wanted, Named(workspace, options.names));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  std::vector<std::string> lines;
  for (const sdk::Model* model : wanted) {
    for (const sdk::ModelFile& file : model->files()) {
      ASSIGN_OR_RETURN(const std::string path, store->Find(models::BlobOf(file)));
      if (path.empty()) {
        return base::WithHint(absl::NotFoundError(absl::StrCat(
                                  "model: ", models::NameOf(*model), ": ", file.path(),
                                  ": got nothing in the store, expected ", file.size(), " bytes")),
                              absl::StrCat("inferctl models fetch ", models::NameOf(*model)));
      }
      lines.push_back(wanted.size() == 1 && model->files_size() == 1
                          ? path
                          : absl::StrCat(file.path(), "\t", path));
    }
  }
  for (const std::string& line : lines) console.out << line << "\n";
  return sdk::kExitOk;
}

absl::StatusOr<int> RunModelsWhy(Console& console, const ModelsOptions& options) {
  const absl::StatusOr<Workspace> workspace = OpenWorkspace(console, options.lock);
  if (!workspace.ok() && (!options.lock.empty() || !absl::IsNotFound(workspace.status()))) {
    return workspace.status();
  }
  std::map<base::Digest, std::string> files;
  if (workspace.ok()) {
    for (const sdk::Model& model : workspace->lock.models()) {
      for (const sdk::ModelFile& file : model.files()) {
        files.insert(
            {models::BlobOf(file).sha256, absl::StrCat(models::NameOf(model), "/", file.path())});
      }
    }
  }
  std::vector<Question> questions;
  for (const std::string& name : options.names) {
    if (const absl::StatusOr<base::Digest> digest = DigestIn(name); digest.ok()) {
      const auto found = files.find(*digest);
      questions.push_back({*digest, 0, found == files.end() ? "" : found->second});
      continue;
    }
    RETURN_IF_ERROR(workspace.status());
    ASSIGN_OR_RETURN(const std::vector<const sdk::Model*> wanted, Named(*workspace, {name}));
    for (const sdk::Model* model : wanted) {
      for (const sdk::ModelFile& file : model->files()) {
        questions.push_back({models::BlobOf(file).sha256, file.size(),
                             absl::StrCat(models::NameOf(*model), "/", file.path())});
      }
    }
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  sdk::BlobsReport report;
  bool kept = false;
  const absl::Time now = absl::Now();
  for (const Question& question : questions) {
    ASSIGN_OR_RETURN(const store::Holders holders, store::Why(*store, question.sha256, now));
    sdk::BlobReport& blob = *report.add_blobs();
    blob.set_sha256(question.sha256.Hex());
    blob.set_file(question.file);
    blob.set_size(question.size);
    if (holders.there) blob.set_path(store->PathOf(question.sha256));
    for (const store::Root& root : holders.roots) {
      const bool mine = workspace.ok() && root.workspace == workspace->file;
      blob.add_kept_by(
          absl::StrCat(Tilde(console, root.workspace), mine ? " (this workspace)" : "",
                       store::IsStale(store->fs(), root) ? " (gone)" : "", ", since ",
                       absl::FormatTime("%Y-%m-%d", root.time, absl::LocalTimeZone())));
    }
    for (const store::LeaseInfo& lease : holders.leases) blob.add_used_by(lease.pid);
    kept = kept || !holders.roots.empty() || !holders.leases.empty();
  }
  if (options.json) {
    console.out << sdk::ToReadableJson(report);
    return kept ? sdk::kExitOk : kExitNo;
  }
  for (const sdk::BlobReport& blob : report.blobs()) {
    console.out << (blob.file().empty() ? absl::StrCat("sha256:", blob.sha256()) : blob.file())
                << "\n  "
                << (blob.path().empty() ? "not in the store" : Tilde(console, blob.path())) << "\n";
    for (const std::string& name : blob.kept_by()) console.out << "  kept by  " << name << "\n";
    for (const int64_t pid : blob.used_by()) console.out << "  used by  process " << pid << "\n";
    if (blob.kept_by().empty() && blob.used_by().empty()) console.out << "  kept by  nobody\n";
  }
  return kept ? sdk::kExitOk : kExitNo;
}

}  // namespace rules_inference::inferctl
