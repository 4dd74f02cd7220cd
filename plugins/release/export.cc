#include "plugins/release/export.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/runfiles.h"
#include "plugins/base/status_macros.h"
#include "plugins/lock/lock_file.h"
#include "plugins/release/release_lock.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/lock.h"

namespace rules_inference::release {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{16} << 20;
constexpr size_t kPiece = size_t{1} << 20;

absl::StatusOr<std::string> Sha256Of(base::FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs.Open(path));
  base::Sha256 sha;
  std::string piece(kPiece, '\0');
  for (uint64_t at = 0;;) {
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(at, absl::MakeSpan(piece)));
    if (count == 0) return sha.Finish().Hex();
    sha.Update(absl::string_view(piece).substr(0, count));
    at += count;
  }
}

// Whether `path` has that content already; other content is an error.
absl::StatusOr<bool> IsThere(base::FileSystem& fs, const std::string& path,
                             const std::string& sha256) {
  const absl::StatusOr<std::string> found = Sha256Of(fs, path);
  if (absl::IsNotFound(found.status())) return false;
  RETURN_IF_ERROR(found.status());
  if (*found == sha256) return true;
  return base::WithHint(base::Mismatch("release", path, absl::StrCat("sha256 ", *found),
                                       absl::StrCat(sha256, ", or no such file")),
                        "a release does not change: another version, or another directory");
}

absl::StatusOr<std::string> LockText(const ExportOptions& options, const std::string& path,
                                     base::FileSystem& fs) {
  if (options.url_template.empty()) return base::ReadFile(fs, path, kMaxDocument);
  ASSIGN_OR_RETURN(sdk::VariantsLock lock, lock::ReadLock(fs, path));
  lock.set_url_template(ExpandArchive(options.url_template, lock));
  RETURN_IF_ERROR(select::CheckLock(lock, "--url-template", nullptr));
  return lock::FormatLock(lock);
}

}  // namespace

absl::StatusOr<ExportOptions> ParseExportOptions(absl::Span<const std::string> arguments) {
  ExportOptions options;
  if (arguments.empty()) return base::Mismatch("release", "arguments", "no program name", "one");
  options.manifest = absl::StrCat(arguments[0], ".release.json");
  options.runfiles = base::RunfilesOf(arguments[0]);
  constexpr absl::string_view kUsage = "[--url-template URL] DIRECTORY";
  for (size_t i = 1; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (argument == "--url-template" && i + 1 < arguments.size()) {
      options.url_template = arguments[++i];
    } else if (absl::ConsumePrefix(&argument, "--url-template=")) {
      options.url_template = std::string(argument);
    } else if (argument.empty() || absl::StartsWith(argument, "-") || !options.directory.empty()) {
      return base::Mismatch("release", "arguments", base::Quoted(argument), kUsage);
    } else {
      options.directory = std::string(argument);
    }
  }
  if (options.directory.empty()) {
    return base::Mismatch("release", "arguments", "no directory", kUsage);
  }
  const char* const from = std::getenv("BUILD_WORKING_DIRECTORY");
  if (from != nullptr && !absl::StartsWith(options.directory, "/")) {
    options.directory = base::JoinPath(from, options.directory);
  }
  return options;
}

absl::Status Export(const ExportOptions& options, base::FileSystem& fs, std::string* report) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, options.manifest, kMaxDocument));
  ASSIGN_OR_RETURN(const sdk::ReleaseManifest manifest,
                   sdk::ParseJson<sdk::ReleaseManifest>(options.manifest, text));
  const auto source = [&](const std::string& path) {
    return base::JoinPath(options.runfiles, path);
  };
  ASSIGN_OR_RETURN(const std::string lock, LockText(options, source(manifest.lock()), fs));
  ASSIGN_OR_RETURN(const std::string sums,
                   base::ReadFile(fs, source(manifest.sums()), kMaxDocument));
  const std::string sums_path = base::JoinPath(options.directory, "SHA256SUMS");
  const std::string lock_path = base::JoinPath(options.directory, manifest.lock_name());

  std::vector<std::pair<std::string, std::string>> copies;
  for (const sdk::ReleaseFile& file : manifest.files()) {
    const std::string to = base::JoinPath(options.directory, file.name());
    ASSIGN_OR_RETURN(const bool there, IsThere(fs, to, file.sha256()));
    if (!there) copies.emplace_back(source(file.path()), to);
  }
  ASSIGN_OR_RETURN(const bool sums_there, IsThere(fs, sums_path, base::Sha256::Of(sums).Hex()));
  ASSIGN_OR_RETURN(const bool lock_there, IsThere(fs, lock_path, base::Sha256::Of(lock).Hex()));

  RETURN_IF_ERROR(fs.CreateDirectories(options.directory));
  for (const auto& [from, to] : copies) RETURN_IF_ERROR(base::CopyFile(fs, from, to));
  if (!sums_there) RETURN_IF_ERROR(base::WriteFile(fs, sums_path, sums));
  if (!lock_there) RETURN_IF_ERROR(base::WriteFile(fs, lock_path, lock));
  for (const sdk::ReleaseFile& file : manifest.files()) {
    absl::StrAppend(report, base::JoinPath(options.directory, file.name()), "\n");
  }
  absl::StrAppend(report, sums_path, "\n", lock_path, "\n");
  return absl::OkStatus();
}

}  // namespace rules_inference::release
