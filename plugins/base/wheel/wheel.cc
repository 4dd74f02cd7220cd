#include "plugins/base/wheel/wheel.h"

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
#include "plugins/base/wheel/record.h"

namespace rules_inference::base {
namespace {

constexpr uint64_t kMaxRecordBytes = uint64_t{24} << 20;
constexpr uint64_t kMaxMetadataBytes = uint64_t{1} << 20;

class Opener {
 public:
  Opener(ZipFile& zip, const WheelPlaces& places) : zip_(zip), places_(places) {}

  absl::StatusOr<std::vector<WheelMember>> Members();
  const std::string& dist_info() const { return dist_info_; }
  const std::string& name() const { return name_; }

 private:
  const std::string& file() const { return zip_.file().path(); }

  absl::Status FindDistInfo();
  absl::StatusOr<const ZipEntry*> Metadata(absl::string_view name);
  absl::Status CheckVersion();
  absl::Status CheckRecord(const ZipEntry& entry, Record& record, WheelMember& member);
  // The path below the root; empty for directories that have no place.
  absl::StatusOr<std::string> Place(const ZipEntry& entry, WheelScheme& scheme);

  ZipFile& zip_;
  const WheelPlaces& places_;
  std::string dist_info_;  // "numpy-1.26.4.dist-info"
  std::string data_;       // "numpy-1.26.4.data"
  std::string name_;       // "numpy"
};

absl::Status Opener::FindDistInfo() {
  for (const ZipEntry& entry : zip_.entries()) {
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
    if (parts.size() >= 5 && NormalizedProjectName(parts[0]) != NormalizedProjectName(name_)) {
      return Mismatch("wheel", file(), Quoted(dist_info_),
                      absl::StrCat("the '.dist-info' directory of ", Quoted(parts[0])));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<const ZipEntry*> Opener::Metadata(absl::string_view name) {
  const std::string path = absl::StrCat(dist_info_, "/", name);
  for (const ZipEntry& entry : zip_.entries()) {
    if (entry.name == path && !entry.is_directory) return &entry;
  }
  return Mismatch("wheel", file(), absl::StrCat("no ", Quoted(path)), "one");
}

absl::Status Opener::CheckVersion() {
  ASSIGN_OR_RETURN(const ZipEntry* entry, Metadata("WHEEL"));
  ASSIGN_OR_RETURN(const std::string text, ReadEntry(zip_, *entry, kMaxMetadataBytes));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "Wheel-Version:")) continue;
    const absl::string_view version = absl::StripAsciiWhitespace(line);
    if (version.substr(0, version.find('.')) == "1") return absl::OkStatus();
    return Mismatch("wheel version", zip_.Where(*entry), Quoted(version), "'1.0' or a later 1.x");
  }
  return Mismatch("wheel version", zip_.Where(*entry), "no line 'Wheel-Version:'", "one");
}

// Takes the row of `entry` out of the record.
absl::Status Opener::CheckRecord(const ZipEntry& entry, Record& record, WheelMember& member) {
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

absl::StatusOr<std::string> Opener::Place(const ZipEntry& entry, WheelScheme& scheme) {
  absl::string_view name = entry.name;
  scheme = WheelScheme::kLib;
  if (!absl::ConsumePrefix(&name, data_) || (!name.empty() && name[0] != '/')) {
    return JoinPath(places_.lib, entry.name);
  }
  if (entry.is_directory && name.find('/', 1) == absl::string_view::npos) return std::string();
  absl::ConsumePrefix(&name, "/");
  const size_t slash = name.find('/');
  const absl::string_view key = name.substr(0, slash);
  const absl::string_view rest = slash == absl::string_view::npos ? "" : name.substr(slash + 1);
  if (!rest.empty()) {
    if (key == "purelib" || key == "platlib") return JoinPath(places_.lib, rest);
    if (key == "data") {
      scheme = WheelScheme::kData;
      return JoinPath(places_.data, rest);
    }
    if (key == "scripts") {
      scheme = WheelScheme::kScripts;
      return JoinPath(places_.scripts, rest);
    }
    if (key == "headers") {
      scheme = WheelScheme::kHeaders;
      return JoinPath(JoinPath(places_.headers, name_), rest);
    }
  }
  return Mismatch("wheel data scheme", zip_.Where(entry), Quoted(key),
                  "purelib, platlib, scripts, headers or data");
}

absl::StatusOr<std::vector<WheelMember>> Opener::Members() {
  RETURN_IF_ERROR(FindDistInfo());
  RETURN_IF_ERROR(CheckVersion());
  ASSIGN_OR_RETURN(const ZipEntry* record_entry, Metadata("RECORD"));
  ASSIGN_OR_RETURN(const std::string text, ReadEntry(zip_, *record_entry, kMaxRecordBytes));
  ASSIGN_OR_RETURN(Record record, ParseRecord(absl::StrCat(file(), ": RECORD"), text));

  std::vector<WheelMember> members;
  members.reserve(zip_.entries().size());
  for (const ZipEntry& entry : zip_.entries()) {
    WheelMember member;
    member.entry = entry.index;
    ASSIGN_OR_RETURN(member.path, Place(entry, member.scheme));
    if (member.path.empty()) continue;
    if (member.path.size() > RelPath::kMaxSize) {
      return Mismatch("path in the output", zip_.Where(entry),
                      absl::StrCat(member.path.size(), " bytes"),
                      absl::StrCat("at most ", RelPath::kMaxSize));
    }
    member.executable = entry.executable || member.scheme == WheelScheme::kScripts;
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

WheelPlaces WheelPlaces::Target(const RelPath& prefix) {
  return {prefix.str(), JoinPath(prefix.str(), "bin"), JoinPath(prefix.str(), "include"),
          prefix.str()};
}

std::string NormalizedProjectName(absl::string_view name) {
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

absl::StatusOr<Wheel> OpenWheel(FileSystem& fs, const std::string& source,
                                const WheelPlaces& places, const ZipLimits& limits) {
  ASSIGN_OR_RETURN(std::shared_ptr<InputFile> file, fs.Open(source));
  ASSIGN_OR_RETURN(ZipFile zip, ZipFile::Read(std::move(file), limits));
  Opener opener(zip, places);
  ASSIGN_OR_RETURN(std::vector<WheelMember> members, opener.Members());
  return Wheel{std::move(zip), std::move(members), opener.dist_info(), opener.name()};
}

}  // namespace rules_inference::base
