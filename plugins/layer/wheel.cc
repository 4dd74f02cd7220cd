#include "plugins/layer/wheel.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/record.h"

namespace rules_inference::layer {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr uint64_t kMaxRecordBytes = uint64_t{24} << 20;
constexpr uint64_t kMaxMetadataBytes = uint64_t{1} << 20;

// The name of a project as package indexes compare it: lower case, runs of "-", "_" and "." are one
// "_".
std::string NormalizedName(absl::string_view name) {
  std::string normalized;
  for (const char c : name) {
    const bool separator = c == '-' || c == '_' || c == '.';
    if (!separator) {
      normalized.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    } else if (!absl::EndsWith(normalized, "_")) {
      normalized.push_back('_');
    }
  }
  return normalized;
}

class Opener {
 public:
  Opener(base::ZipFile& zip, const base::RelPath& prefix) : zip_(zip), prefix_(prefix) {}

  absl::StatusOr<std::vector<WheelMember>> Members();

 private:
  const std::string& file() const { return zip_.file().path(); }

  absl::Status FindDistInfo();
  absl::StatusOr<const base::ZipEntry*> Metadata(absl::string_view name);
  absl::Status CheckVersion();
  absl::Status CheckRecord(const base::ZipEntry& entry, Record& record, WheelMember& member);
  // The path below the prefix; empty for directories that have no place in the layer.
  absl::StatusOr<std::string> Place(const base::ZipEntry& entry, bool& is_script);

  base::ZipFile& zip_;
  const base::RelPath& prefix_;
  std::string dist_info_;  // "numpy-1.26.4.dist-info"
  std::string data_;       // "numpy-1.26.4.data"
  std::string name_;       // "numpy"
};

absl::Status Opener::FindDistInfo() {
  for (const base::ZipEntry& entry : zip_.entries()) {
    const absl::string_view top = absl::string_view(entry.name).substr(0, entry.name.find('/'));
    if (!absl::EndsWith(top, ".dist-info") || top == dist_info_) continue;
    if (!dist_info_.empty()) {
      return Mismatch("wheel", file(), absl::StrCat(Quoted(dist_info_), " and ", Quoted(top)),
                      "one '.dist-info' directory");
    }
    dist_info_ = std::string(top);
  }
  if (dist_info_.empty()) {
    return Mismatch("wheel", file(), "no '.dist-info' directory", "one");
  }
  const absl::string_view stem = absl::StripSuffix(dist_info_, ".dist-info");
  data_ = absl::StrCat(stem, ".data");
  name_ = std::string(stem.substr(0, stem.find('-')));
  // name-version(-build)?-python-abi-platform.whl: when the file is named as a wheel is, it is the
  // wheel of that name.
  absl::string_view base_name = absl::string_view(file()).substr(file().rfind('/') + 1);
  if (absl::ConsumeSuffix(&base_name, ".whl")) {
    const std::vector<absl::string_view> parts = absl::StrSplit(base_name, '-');
    if (parts.size() >= 5 && NormalizedName(parts[0]) != NormalizedName(name_)) {
      return Mismatch("wheel", file(), Quoted(dist_info_),
                      absl::StrCat("the '.dist-info' directory of ", Quoted(parts[0])));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<const base::ZipEntry*> Opener::Metadata(absl::string_view name) {
  const std::string path = absl::StrCat(dist_info_, "/", name);
  for (const base::ZipEntry& entry : zip_.entries()) {
    if (entry.name == path && !entry.is_directory) return &entry;
  }
  return Mismatch("wheel", file(), absl::StrCat("no ", Quoted(path)), "one");
}

absl::Status Opener::CheckVersion() {
  ASSIGN_OR_RETURN(const base::ZipEntry* entry, Metadata("WHEEL"));
  ASSIGN_OR_RETURN(const std::string text, base::ReadEntry(zip_, *entry, kMaxMetadataBytes));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "Wheel-Version:")) continue;
    const absl::string_view version = absl::StripAsciiWhitespace(line);
    if (version.substr(0, version.find('.')) == "1") return absl::OkStatus();
    return Mismatch("wheel version", zip_.Where(*entry), Quoted(version), "'1.0' or a later 1.x");
  }
  return Mismatch("wheel version", zip_.Where(*entry), "no line 'Wheel-Version:'", "one");
}

// Takes the row of `entry` out of the record.
absl::Status Opener::CheckRecord(const base::ZipEntry& entry, Record& record, WheelMember& member) {
  const auto found = record.find(entry.name);
  absl::string_view suffix = entry.name;
  const bool about_record =
      absl::ConsumePrefix(&suffix, dist_info_) && absl::ConsumePrefix(&suffix, "/RECORD");
  const bool is_record = about_record && suffix.empty();
  const bool is_signature = about_record && (suffix == ".jws" || suffix == ".p7s");
  if (found == record.end()) {
    if (is_signature) return absl::OkStatus();
    return Mismatch("wheel RECORD", zip_.Where(entry), "no row for it", "one row for every file");
  }
  const RecordRow row = found->second;
  record.erase(found);
  const auto where = [&] { return absl::StrCat(file(), ": RECORD line ", row.line); };
  if (is_record) {
    // It cannot hold its own digest: such a row is wrong whatever it says.
    if (!row.digest.has_value()) return absl::OkStatus();
    return Mismatch("wheel RECORD", where(), "a digest of RECORD itself", "none");
  }
  if (!row.digest.has_value() && is_signature) return absl::OkStatus();
  if (!row.digest.has_value()) {
    return Mismatch("wheel RECORD", where(), absl::StrCat("no digest for ", Quoted(entry.name)),
                    "a sha256");
  }
  if (row.size.has_value() && *row.size != entry.size) {
    return Mismatch("wheel RECORD", where(),
                    absl::StrCat("size ", *row.size, " for ", Quoted(entry.name)),
                    absl::StrCat(entry.size));
  }
  member.digest = row.digest;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Opener::Place(const base::ZipEntry& entry, bool& is_script) {
  absl::string_view name = entry.name;
  is_script = false;
  if (!absl::ConsumePrefix(&name, data_) || (!name.empty() && name[0] != '/')) return entry.name;
  if (entry.is_directory && name.find('/', 1) == absl::string_view::npos) return std::string();
  absl::ConsumePrefix(&name, "/");
  const size_t slash = name.find('/');
  const absl::string_view scheme = name.substr(0, slash);
  const absl::string_view rest = slash == absl::string_view::npos ? "" : name.substr(slash + 1);
  if (!rest.empty()) {
    if (scheme == "purelib" || scheme == "platlib" || scheme == "data") return std::string(rest);
    if (scheme == "scripts") {
      is_script = true;
      return absl::StrCat("bin/", rest);
    }
    if (scheme == "headers") return absl::StrCat("include/", name_, "/", rest);
  }
  return Mismatch("wheel data scheme", zip_.Where(entry), Quoted(scheme),
                  "purelib, platlib, scripts, headers or data");
}

absl::StatusOr<std::vector<WheelMember>> Opener::Members() {
  RETURN_IF_ERROR(FindDistInfo());
  RETURN_IF_ERROR(CheckVersion());
  ASSIGN_OR_RETURN(const base::ZipEntry* record_entry, Metadata("RECORD"));
  ASSIGN_OR_RETURN(const std::string text, base::ReadEntry(zip_, *record_entry, kMaxRecordBytes));
  ASSIGN_OR_RETURN(Record record, ParseRecord(absl::StrCat(file(), ": RECORD"), text));

  std::vector<WheelMember> members;
  members.reserve(zip_.entries().size());
  for (const base::ZipEntry& entry : zip_.entries()) {
    WheelMember member;
    member.entry = entry.index;
    bool is_script = false;
    ASSIGN_OR_RETURN(const std::string place, Place(entry, is_script));
    if (place.empty()) continue;
    member.path = absl::StrCat(prefix_.str(), "/", place);
    if (member.path.size() > base::RelPath::kMaxSize) {
      return Mismatch("path in the layer", zip_.Where(entry),
                      absl::StrCat(member.path.size(), " bytes"),
                      absl::StrCat("at most ", base::RelPath::kMaxSize));
    }
    member.executable = entry.executable || is_script;
    if (!entry.is_directory) RETURN_IF_ERROR(CheckRecord(entry, record, member));
    members.push_back(std::move(member));
  }
  if (!record.empty()) {
    // The first one in the file, so that the message does not depend on the order of a hash table.
    const auto* first = &*record.begin();
    for (const auto& row : record) {
      if (row.second.line < first->second.line) first = &row;
    }
    return Mismatch("wheel RECORD", absl::StrCat(file(), ": RECORD line ", first->second.line),
                    absl::StrCat(Quoted(first->first), ", which is not in the wheel"),
                    "only files of the wheel");
  }
  return members;
}

}  // namespace

absl::StatusOr<Wheel> OpenWheel(base::FileSystem& fs, const std::string& source,
                                const base::RelPath& prefix, const base::ZipLimits& limits) {
  ASSIGN_OR_RETURN(std::shared_ptr<base::InputFile> file, fs.Open(source));
  ASSIGN_OR_RETURN(base::ZipFile zip, base::ZipFile::Read(std::move(file), limits));
  ASSIGN_OR_RETURN(std::vector<WheelMember> members, Opener(zip, prefix).Members());
  return Wheel{std::move(zip), std::move(members)};
}

}  // namespace rules_inference::layer
