// `inferctl lock`: the tools around variants.lock.json. Only `update` writes one.

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/byte_source.h"
#include "plugins/base/archive/concatenation.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/inferctl/install/install.h"
#include "plugins/inferctl/user_folders.h"
#include "plugins/lock/lock_file.h"
#include "plugins/lock/update.h"
#include "plugins/sdk/command_line/progress.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/store/fetch.h"

namespace rules_inference::inferctl {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string file;
  std::string store;
  std::string artifact;
  std::string url_template;
  std::string version;
  std::vector<std::string> added;
  std::vector<std::string> removed;
  bool keep_sonames = false;
  bool dry_run = false;
};

// Checks every file, so that one run shows what is wrong with each.
absl::StatusOr<int> RunCheck(Console& console, const Options& options) {
  int code = sdk::kExitOk;
  for (const std::string& file : options.files) {
    std::vector<std::string> warnings;
    const absl::StatusOr<sdk::VariantsLock> lock = ReadLock(console, file, &warnings);
    for (const std::string& warning : warnings) console.err << "warning: " << warning << "\n";
    if (lock.ok()) {
      console.out << file << ": " << lock->variants_size()
                  << (lock->variants_size() == 1 ? " row, right\n" : " rows, right\n");
    } else {
      console.err << sdk::FormatError(lock.status());
      code = sdk::kExitFailed;
    }
  }
  return code;
}

// Downloads of one run, in a folder beside the store's blobs that goes with this object: they are
// as big as what is in the store, so they belong on its disk.
class Downloads {
 public:
  Downloads(Console& console, std::string dir)
      : console_(console), dir_(std::move(dir)), progress_(console.err, console.terminal) {
    options_.progress = [this](uint64_t done, uint64_t total) { progress_.Update(done, total); };
  }
  ~Downloads() { console_.files.RemoveTree(dir_).IgnoreError(); }
  Downloads(const Downloads&) = delete;
  Downloads& operator=(const Downloads&) = delete;

  const std::string& dir() const { return dir_; }
  sdk::Progress& progress() { return progress_; }

  // Whatever is there.
  absl::StatusOr<std::string> Get(const std::vector<std::string>& urls) {
    store::FetchRequest request = Next(urls);
    progress_.Begin(urls.empty() ? "" : urls[0].substr(urls[0].rfind('/') + 1));
    const absl::Status status = store::FetchUnpinned(console_.files, request, options_).status();
    progress_.Clear();
    RETURN_IF_ERROR(status);
    return request.destination;
  }

  // The pinned bytes and nothing else.
  absl::StatusOr<std::string> Get(const store::BlobRequest& blob) {
    store::FetchRequest request = Next(blob.urls);
    request.size = blob.size;
    request.sha256 = blob.sha256;
    const absl::Status status = store::Fetch(console_.files, request, options_).status();
    progress_.Clear();
    RETURN_IF_ERROR(status);
    return request.destination;
  }

 private:
  store::FetchRequest Next(const std::vector<std::string>& urls) {
    store::FetchRequest request;
    request.urls = urls;
    request.destination = base::JoinPath(dir_, absl::StrCat(count_++));
    return request;
  }

  Console& console_;
  const std::string dir_;
  sdk::Progress progress_;
  store::FetchOptions options_;
  int count_ = 0;
};

absl::StatusOr<std::string> DownloadFolder(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const std::string root, StoreRoot(console, options.store));
  return base::JoinPath(root, absl::StrCat("download-", getpid()));
}

// Downloads the archive of a row anew, and compares.
absl::Status VerifyRow(Console& console, const sdk::VariantsLock& lock, const sdk::Variant& variant,
                       Downloads& downloads, uint64_t* size) {
  std::vector<std::string> files;
  absl::Cleanup remove = [&] {
    for (const std::string& file : files) console.files.RemoveTree(file).IgnoreError();
  };
  downloads.progress().Begin(variant.name());
  for (const store::BlobRequest& blob : install::BlobsOf(lock, variant)) {
    ASSIGN_OR_RETURN(files.emplace_back(), downloads.Get(blob));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<base::InputFile> whole,
                   base::OpenConcatenation(files, console.files));
  *size = whole->size();
  if (files.size() == 1) return absl::OkStatus();
  // The parts are right; whether the archive is, they do not say.
  ASSIGN_OR_RETURN(const base::Digest digest, base::Digest::FromHex(variant.sha256()));
  return base::HashingSource(whole).Finish(variant.size(), digest);
}

absl::StatusOr<int> RunVerify(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const sdk::VariantsLock lock, ReadLock(console, options.file));
  ASSIGN_OR_RETURN(const std::string folder, DownloadFolder(console, options));
  Downloads downloads(console, folder);
  int right = 0;
  int wrong = 0;
  for (const sdk::Variant& variant : lock.variants()) {
    if (!variant.not_available().empty()) continue;
    const std::string name = absl::StrCat(variant.name(), " for ", variant.platform());
    uint64_t size = 0;
    const absl::Status status = VerifyRow(console, lock, variant, downloads, &size);
    downloads.progress().Clear();
    if (status.ok()) {
      ++right;
      console.out << "right  " << name << ", " << base::HumanSize(size) << "\n";
    } else {
      ++wrong;
      console.out << "wrong  " << name << "\n";
      console.err << sdk::FormatError(sdk::AddContext(status, name));
    }
    console.out.flush();
  }
  console.out << options.file << ": " << right << " right, " << wrong << " wrong\n";
  return wrong == 0 ? sdk::kExitOk : sdk::kExitFailed;
}

absl::StatusOr<sdk::VariantsLock> ReadOrBegin(Console& console, const Options& options) {
  absl::StatusOr<sdk::VariantsLock> lock = lock::ReadLock(console.files, options.file);
  if (absl::IsNotFound(lock.status()) && !options.artifact.empty()) {
    lock = sdk::VariantsLock();
    lock->set_lock_version(1);
  }
  if (!lock.ok()) {
    return absl::IsNotFound(lock.status())
               ? base::WithHint(lock.status(), "--artifact NAME begins a new lock")
               : lock.status();
  }
  if (!options.artifact.empty()) lock->set_artifact(options.artifact);
  if (!options.url_template.empty()) lock->set_url_template(options.url_template);
  return lock;
}

absl::StatusOr<int> RunUpdate(Console& console, const Options& options) {
  const absl::StatusOr<sdk::VariantsLock> on_disk = lock::ReadLock(console.files, options.file);
  ASSIGN_OR_RETURN(const sdk::VariantsLock before, ReadOrBegin(console, options));
  lock::UpdateOptions update;
  update.where = options.file;
  update.version = options.version;
  update.keep_sonames = options.keep_sonames;
  for (const std::string& text : options.added) {
    ASSIGN_OR_RETURN(update.added.emplace_back(), lock::ParseRow(text));
  }
  for (const std::string& text : options.removed) {
    ASSIGN_OR_RETURN(update.removed.emplace_back(), lock::ParseRow(text));
  }
  ASSIGN_OR_RETURN(const std::string folder, DownloadFolder(console, options));
  Downloads downloads(console, folder);
  update.temporary_dir = base::JoinPath(folder, "unpacked");
  ASSIGN_OR_RETURN(
      const lock::Updated updated,
      lock::Update(
          before, update, [&](const std::vector<std::string>& urls) { return downloads.Get(urls); },
          console.files));
  for (const std::string& note : updated.notes) console.err << "note: " << note << "\n";
  const std::string diff = lock::Diff(on_disk.ok() ? *on_disk : sdk::VariantsLock(), updated.lock);
  console.out << (diff.empty() ? absl::StrCat(options.file, ": nothing has changed\n") : diff);
  if (options.dry_run) return diff.empty() ? sdk::kExitOk : kExitNo;
  RETURN_IF_ERROR(lock::WriteLock(console.files, options.file, updated.lock));
  return sdk::kExitOk;
}

}  // namespace

void AddLock(CLI::App& app, Context& context) {
  CLI::App* lock = app.add_subcommand("lock", "Check and update locks of variants");
  lock->require_subcommand(1);
  const auto add = [&](const char* name, const char* description,
                       absl::StatusOr<int> (*run)(Console&, const Options&)) {
    auto options = std::make_shared<Options>();
    CLI::App* command = lock->add_subcommand(name, description);
    command->callback([&context, options, run] {
      context.run = [&context, options, run] { return run(context.console, *options); };
    });
    return std::make_pair(command, options);
  };
  {
    auto [command, options] =
        add("check", "Check the files themselves; needs no network", RunCheck);
    command->add_option("lock", options->files, "variants.lock.json")
        ->type_name(kFileType)
        ->required();
  }
  {
    auto [command, options] =
        add("verify", "Download every archive again, and compare it with its row", RunVerify);
    command->add_option("lock", options->file, "variants.lock.json")
        ->type_name(kFileType)
        ->required();
    AddStoreOption(*command, &options->store);
  }
  {
    auto [command, options] =
        add("update", "Download every archive, write down what it is and what it needs", RunUpdate);
    command->add_option("lock", options->file, "variants.lock.json")
        ->type_name(kFileType)
        ->required();
    command->add_option("--version", options->version, "New version of the artifact")
        ->type_name("VERSION");
    command
        ->add_option("--add", options->added,
                     "NAME@PLATFORM or NAME@PLATFORM=URL: a new row, or one that is available now")
        ->type_name("ROW")
        ->allow_extra_args(false);
    command->add_option("--remove", options->removed, "NAME@PLATFORM: a row that goes")
        ->type_name("ROW")
        ->allow_extra_args(false);
    command->add_option("--artifact", options->artifact, "Name of the artifact; begins a new lock")
        ->type_name("NAME");
    command
        ->add_option("--url-template", options->url_template,
                     "Where archives are; {artifact}, {version}, {variant}, {platform}, {os} and "
                     "{cpu} are replaced")
        ->type_name("URL");
    command->add_flag("--keep-sonames", options->keep_sonames,
                      "Keep sonames that no file tells, of libraries that are opened by name");
    command->add_flag("--dry-run", options->dry_run,
                      "Print the changes, write nothing; exit code 3 when there are some");
    AddStoreOption(*command, &options->store);
  }
}

}  // namespace rules_inference::inferctl
