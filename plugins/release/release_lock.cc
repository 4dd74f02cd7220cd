#include "plugins/release/release_lock.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/lock/lock_file.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/lock.h"

namespace rules_inference::release {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{16} << 20;

// The value of a line "KEY value"; empty without one.
std::string StatusValue(absl::string_view status, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (absl::ConsumePrefix(&line, key) && absl::ConsumePrefix(&line, " ")) {
      return std::string(absl::StripAsciiWhitespace(line));
    }
  }
  return "";
}

// It becomes a part of file names and urls.
bool IsVersion(absl::string_view text) {
  return absl::c_all_of(text, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("._+-", c);
  });
}

absl::Status Stamp(const sdk::ReleaseLockRequest& request, base::FileSystem& fs,
                   sdk::VariantsLock& lock) {
  if (!request.status_file().empty()) {
    ASSIGN_OR_RETURN(const std::string status,
                     base::ReadFile(fs, request.status_file(), kMaxDocument));
    const std::string version = StatusValue(status, request.status_key());
    if (!version.empty()) lock.set_version(version);
    if (lock.version().empty()) {
      return base::WithHint(
          base::Mismatch("release", request.where(),
                         absl::StrCat("no ", request.status_key(), " in the workspace status"),
                         "the version of the release"),
          request.status_key() == "BUILD_EMBED_LABEL"
              ? "--embed_label=1.2.3, or the attribute version for builds without it"
              : "--workspace_status_command, or the attribute version for builds without it");
    }
  }
  if (!IsVersion(lock.version())) {
    return base::Mismatch("release", request.where(),
                          absl::StrCat("version ", base::Quoted(lock.version())),
                          "letters, digits, '.', '_', '+' and '-'");
  }
  return absl::OkStatus();
}

// A row that is not available says what a request for it asks for. Its toolkit is that of the rows
// that were built; without one the row could not be understood, and says nothing.
void DescribeAbsent(sdk::VariantsLock& lock) {
  std::string toolkit;
  for (const sdk::Variant& row : lock.variants()) {
    if (toolkit.empty() && row.not_available().empty()) toolkit = row.properties().cuda();
  }
  for (sdk::Variant& row : *lock.mutable_variants()) {
    if (row.not_available().empty() || row.properties().accelerator() != "cuda" ||
        !row.properties().cuda().empty()) {
      continue;
    }
    if (toolkit.empty()) {
      row.clear_properties();
      continue;
    }
    sdk::VariantProperties& wants = *row.mutable_properties();
    wants.set_cuda(toolkit);
    for (sdk::PtxCode& ptx : *wants.mutable_ptx()) ptx.set_toolkit(toolkit);
  }
}

}  // namespace

std::string ArchiveName(const sdk::VariantsLock& lock, const sdk::Variant& row) {
  return absl::StrCat(lock.artifact(), "-", lock.version(), lock.version().empty() ? "" : "-",
                      row.platform(), "-", row.name(), ".", row.format());
}

std::string ExpandArchive(absl::string_view url_template, const sdk::VariantsLock& lock) {
  sdk::VariantsLock names;
  names.set_artifact("{artifact}");
  if (!lock.version().empty()) names.set_version("{version}");
  sdk::Variant row;
  row.set_name("{variant}");
  row.set_platform("{platform}");
  for (const sdk::Variant& built : lock.variants()) {
    if (!built.format().empty()) row.set_format(built.format());
  }
  return absl::StrReplaceAll(url_template, {{"{archive}", ArchiveName(names, row)}});
}

absl::Status WriteReleaseLock(const sdk::ReleaseLockRequest& request, base::FileSystem& fs,
                              std::string* notes) {
  sdk::VariantsLock lock = request.lock();
  RETURN_IF_ERROR(Stamp(request, fs, lock));
  sdk::ReleaseManifest manifest;
  manifest.set_lock(request.lock_path());
  manifest.set_lock_name(request.lock_name());
  manifest.set_sums(request.sums_path());
  std::string sums;
  for (const sdk::ReleaseRow& item : request.rows()) {
    if (item.has_absent()) {
      *lock.add_variants() = item.absent();
      continue;
    }
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, item.row(), kMaxDocument));
    ASSIGN_OR_RETURN(const sdk::Variant row, sdk::ParseJson<sdk::Variant>(item.row(), text));
    sdk::ReleaseFile& file = *manifest.add_files();
    file.set_name(ArchiveName(lock, row));
    file.set_path(item.archive());
    file.set_sha256(row.sha256());
    absl::StrAppend(&sums, row.sha256(), "  ", file.name(), "\n");
    *lock.add_variants() = row;
  }
  lock.set_url_template(ExpandArchive(lock.url_template(), lock));
  DescribeAbsent(lock);

  std::vector<std::string> warnings;
  RETURN_IF_ERROR(select::CheckLock(lock, request.where(), &warnings));
  for (const std::string& warning : warnings) absl::StrAppend(notes, "warning: ", warning, "\n");
  RETURN_IF_ERROR(base::WriteFile(fs, request.lock_output(), lock::FormatLock(lock)));
  RETURN_IF_ERROR(base::WriteFile(fs, request.sums_output(), sums));
  return base::WriteFile(fs, request.manifest_output(),
                         absl::StrCat(sdk::ToCanonicalJson(manifest), "\n"));
}

}  // namespace rules_inference::release
