#include "plugins/inferctl/install/install.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/archive/unpack.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_lock.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/install/generations.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/install.pb.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/lock.h"
#include "plugins/store/fetch.h"
#include "plugins/store/store.h"

namespace rules_inference::install {
namespace {

// Every server says that the file is not there; and it is the file that is meant, not a folder of
// the store.
bool IsAbsent(const absl::Status& status) {
  return absl::IsNotFound(status) && absl::StartsWith(status.message(), "absent: ");
}

absl::Status Unpack(const sdk::Variant& variant, const std::vector<std::string>& sources,
                    absl::string_view file_name, const std::string& output_dir,
                    base::FileSystem& fs) {
  base::UnpackOptions options;
  ASSIGN_OR_RETURN(options.sha256, base::Digest::FromHex(variant.sha256()));
  options.sources = sources;
  options.size = variant.size();
  options.format = variant.format();
  options.file_name = std::string(file_name);
  options.strip_prefix = variant.strip_prefix();
  options.output_dir = output_dir;
  return base::Unpack(options, fs);
}

// Last part of the first url, without a query: the name of a file that is not an archive.
std::string FileName(const store::BlobRequest& blob) {
  if (blob.urls.empty()) return "file";
  const absl::string_view url = absl::string_view(blob.urls[0]).substr(0, blob.urls[0].find('?'));
  const std::string name(url.substr(url.rfind('/') + 1));
  return name.empty() ? "file" : name;
}

// Makes the build of the row unless it is there.
absl::Status MakeBuild(const sdk::VariantsLock& lock, const sdk::InstalledBuild& build,
                       const InstallOptions& options, Generations& generations, store::Store& store,
                       base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const bool there, generations.HasBuild(BuildId(build)));
  if (there) return absl::OkStatus();
  const sdk::Variant& variant = build.variant();
  const std::vector<store::BlobRequest> blobs = BlobsOf(lock, variant);
  if (options.begin) options.begin(variant);
  std::vector<std::string> sources;
  for (const store::BlobRequest& blob : blobs) {
    ASSIGN_OR_RETURN(sources.emplace_back(), store.Get(blob, options.fetch));
  }
  ASSIGN_OR_RETURN(const std::string folder, generations.BeginBuild());
  absl::Cleanup drop = [&] { generations.DropBuild(folder); };
  RETURN_IF_ERROR(Unpack(variant, sources, FileName(blobs[0]), base::JoinPath(folder, "root"), fs));
  const absl::Status finished = generations.FinishBuild(folder, build);
  if (finished.ok()) {
    std::move(drop).Cancel();
    return absl::OkStatus();
  }
  // Where locks do not work, somebody else may have made the same build in the meantime: it has its
  // name, so it is whole.
  const absl::StatusOr<bool> made = generations.HasBuild(BuildId(build));
  return made.ok() && *made ? absl::OkStatus() : finished;
}

}  // namespace

std::vector<store::BlobRequest> BlobsOf(const sdk::VariantsLock& lock,
                                        const sdk::Variant& variant) {
  std::vector<store::BlobRequest> blobs;
  const auto add = [&](std::vector<std::string> urls, uint64_t size, const std::string& sha256) {
    store::BlobRequest blob;
    blob.urls = std::move(urls);
    blob.size = size;
    // The lock was checked: this is a digest.
    blob.sha256 = base::Digest::FromHex(sha256).value_or(base::Digest());
    blobs.push_back(std::move(blob));
  };
  for (const sdk::ArchivePart& part : variant.parts()) {
    add({part.urls().begin(), part.urls().end()}, part.size(), part.sha256());
  }
  if (blobs.empty()) add(select::UrlsOf(lock, variant), variant.size(), variant.sha256());
  return blobs;
}

namespace {

// With the lock in hand.
absl::StatusOr<Installed> InstallLocked(sdk::SelectRequest request, const InstallOptions& options,
                                        Generations& generations, store::Store& store,
                                        base::FileSystem& fs) {
  while (true) {
    const sdk::SelectAnswer answer = select::Select(request);
    if (!answer.error().empty()) return absl::FailedPreconditionError(answer.error());
    sdk::InstalledBuild build;
    build.set_build_version(1);
    build.set_artifact(request.lock().artifact());
    build.set_version(request.lock().version());
    *build.mutable_variant() = request.lock().variants(answer.row());
    build.set_installed(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()));
    const std::string id = BuildId(build);

    ASSIGN_OR_RETURN(const std::vector<Generation> before, generations.List());
    for (const Generation& generation : before) {
      if (generation.active && generation.id == id) return Installed{generation, true};
    }
    const absl::Status made = MakeBuild(request.lock(), build, options, generations, store, fs);
    if (IsAbsent(made)) {
      // The next round chooses without it; its reason is in the error when nothing is left.
      if (options.note) {
        options.note(absl::StrCat(answer.chosen(), ": ", made.message(), "; trying the next one"));
      }
      request.mutable_lock()
          ->mutable_variants(answer.row())
          ->set_not_available("no server has it any more");
      continue;
    }
    RETURN_IF_ERROR(sdk::AddContext(made, answer.chosen()));
    ASSIGN_OR_RETURN(const int number, generations.Add(id));
    RETURN_IF_ERROR(generations.Activate(number));
    return Installed{{number, true, id, build}, false};
  }
}

}  // namespace

absl::StatusOr<Installed> Install(sdk::SelectRequest request, const InstallOptions& options,
                                  Generations& generations, store::Store& store,
                                  base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::FileLock> lock, generations.Lock());
  absl::StatusOr<Installed> installed =
      InstallLocked(std::move(request), options, generations, store, fs);
  if (!installed.ok() && lock->held()) {
    // The folders of a first installation are no trace to leave. Without a lock somebody else may
    // be at work in them.
    const absl::StatusOr<std::vector<Generation>> all = generations.List();
    if (all.ok() && all->empty()) generations.RemoveAll().IgnoreError();
  }
  return installed;
}

std::string WhyNot(const sdk::InstalledBuild& build, const sdk::HostDescriptor& host) {
  sdk::SelectRequest request;
  request.mutable_lock()->set_artifact(build.artifact());
  *request.mutable_lock()->add_variants() = build.variant();
  *request.mutable_host() = host;
  request.set_platform(host.platform());
  request.set_request(absl::StrCat("require:", build.variant().name()));
  const sdk::SelectAnswer answer = select::Select(request);
  if (answer.error().empty()) return "";
  for (const sdk::Candidate& candidate : answer.candidates()) {
    if (candidate.has_reason()) return candidate.reason().text();
  }
  return absl::StrCat("it is for ", build.variant().platform());
}

}  // namespace rules_inference::install
