// `inferctl models lock`: the only writer of models.lock.json.

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/models.h"
#include "plugins/inferctl/models_store.h"
#include "plugins/models/lock.h"
#include "plugins/models/source.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/model.pb.h"

namespace rules_inference::inferctl {
namespace {

absl::StatusOr<int> Check(Console& console, const std::string& file) {
  std::vector<std::string> warnings;
  const absl::StatusOr<sdk::ModelsLock> lock = models::ReadLock(console.files, file, &warnings);
  for (const std::string& warning : warnings) console.err << "warning: " << warning << "\n";
  RETURN_IF_ERROR(lock.status());
  console.out << file << ": " << Count(static_cast<uint64_t>(lock->models_size()), "model")
              << ", right\n";
  return sdk::kExitOk;
}

absl::Status Remove(sdk::ModelsLock& lock, const std::string& file, const std::string& name) {
  const int before = lock.models_size();
  for (int i = before - 1; i >= 0; --i) {
    const sdk::Model& model = lock.models(i);
    if (name == model.name() || name == models::NameOf(model)) {
      lock.mutable_models()->DeleteSubrange(i, 1);
    }
  }
  if (lock.models_size() < before) return absl::OkStatus();
  return base::Mismatch("models lock", file, absl::StrCat("no model ", base::Quoted(name)),
                        "one to remove");
}

}  // namespace

absl::StatusOr<int> RunModelsLock(Console& console, const ModelsOptions& options) {
  absl::StatusOr<std::string> file = FindLock(console, options.lock);
  if (options.check) {
    RETURN_IF_ERROR(file.status());
    return Check(console, *file);
  }
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  // The first one of a workspace.
  if (!file.ok()) file = base::JoinPath(here, models::kLockName);
  if (options.names.empty() && options.removed.empty()) {
    return base::WithHint(
        base::Mismatch("models lock", *file, "no source", "sources, --remove NAME, or --check"),
        "inferctl models lock --help");
  }
  models::LockOptions update;
  update.where = *file;
  update.variant = options.variant;
  update.licence = options.licence;
  if (!options.min_memory.empty()) {
    ASSIGN_OR_RETURN(update.min_memory_bytes, ParseSize(options.min_memory));
  }
  update.include = options.include;
  update.exclude = options.exclude;
  update.allow = options.allow;
  update.url_base = options.url_base;
  std::vector<models::Source> sources;
  for (const std::string& text : options.names) {
    ASSIGN_OR_RETURN(sources.emplace_back(), models::ParseSource(text, here));
  }
  sdk::ModelsLock before;
  absl::StatusOr<sdk::ModelsLock> on_disk = models::ReadLock(console.files, *file);
  if (on_disk.ok()) {
    before = *on_disk;
  } else if (!absl::IsNotFound(on_disk.status())) {
    return on_disk.status();
  }
  sdk::ModelsLock wanted = before;
  for (const std::string& name : options.removed) {
    RETURN_IF_ERROR(Remove(wanted, *file, name));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(console, options.store));
  // As big as what is in the store, so it belongs on its disk.
  update.temporary_dir =
      base::JoinPath(store->layout().root(), absl::StrCat("download-", getpid()));
  const absl::Cleanup clean = [&] { console.files.RemoveTree(update.temporary_dir).IgnoreError(); };
  sdk::Progress progress(console.err, console.terminal);
  update.fetch = FetchOptionsOf(console);
  update.fetch.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
  update.begin = [&](absl::string_view name) { progress.Begin(name); };
  const absl::StatusOr<models::Locked> locked =
      models::AddSources(wanted, sources, update, console.files);
  progress.Clear();
  RETURN_IF_ERROR(locked.status());
  for (const std::string& note : locked->notes) console.err << "note: " << note << "\n";
  const std::string diff = models::Diff(before, locked->lock);
  console.out << (diff.empty() ? absl::StrCat(*file, ": nothing has changed\n") : diff);
  if (options.dry_run) return diff.empty() ? sdk::kExitOk : kExitNo;
  RETURN_IF_ERROR(models::WriteLock(console.files, *file, locked->lock));
  return sdk::kExitOk;
}

}  // namespace rules_inference::inferctl
