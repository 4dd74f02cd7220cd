// Problem. A wheel of gigabytes, of which a text of some lines changes, and everything after it
// (trees, layers, venvs, other machines) has to see one changed wheel.
//
// Idea. The members are a sorted map from name to where the bytes are: in the wheel that was, or in
// memory. Leaving out, replacing and patching change the map. Then the map is written: what is
// still in the old wheel goes over as it is packed, with the CRC-32 and the row of RECORD that it
// has.
//
// Invariants. Only what a patch reads is inflated, and compared with RECORD before the patch sees
// it; everything else is compared by whoever uses the new wheel, whose RECORD has the rows of the
// old one. The new wheel is judged as a tree is before its name is kept. With `recompress` every
// member is inflated and compared.
//
// Cost. Reading and writing the file once; memory for the changed members, and one member of the
// wheel with `recompress`.

#include "plugins/wheel/patch/rewrite.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/archive/zip_writer.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/wheel/record.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/glob.h"
#include "plugins/wheel/patch/unified_diff.h"
#include "plugins/wheel/plan.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr uint64_t kMaxPatch = uint64_t{256} << 20;
constexpr uint64_t kMaxPatched = uint64_t{256} << 20;
// A member that is compressed anew, or replaced, is in memory.
constexpr uint64_t kMaxWhole = uint64_t{2} << 30;

struct Member {
  // Index of the entry of the wheel, or none: then `text`.
  std::optional<uint32_t> entry;
  std::string text;
  base::Digest digest;
  uint64_t size = 0;
  bool executable = false;
};

class Rewriter {
 public:
  Rewriter(const sdk::WheelRewriteRequest& request, base::FileSystem& fs,
           const std::atomic<bool>* cancelled, const base::Wheel& wheel)
      : request_(request), fs_(fs), cancelled_(cancelled), wheel_(wheel) {}

  absl::Status Plan();
  absl::Status Write() const;

 private:
  std::string InDistInfo(absl::string_view name) const {
    return absl::StrCat(wheel_.dist_info, "/", name);
  }
  // RECORD and its signatures, which no request can name.
  bool IsRecord(absl::string_view name) const {
    return name == InDistInfo("RECORD") || name == InDistInfo("RECORD.jws") ||
           name == InDistInfo("RECORD.p7s");
  }
  absl::StatusOr<std::string> Text(const Member& member, uint64_t max_size) const;
  absl::Status Exclude();
  absl::Status Replace();
  absl::Status Patch(const std::string& name, const FilePatch& patch);

  const sdk::WheelRewriteRequest& request_;
  base::FileSystem& fs_;
  const std::atomic<bool>* cancelled_;
  const base::Wheel& wheel_;
  // By name in the wheel.
  std::map<std::string, Member> members_;
};

// The data of a member, compared with RECORD.
absl::StatusOr<std::string> Rewriter::Text(const Member& member, uint64_t max_size) const {
  if (!member.entry.has_value()) return member.text;
  const base::ZipEntry& entry = wheel_.zip.entries()[*member.entry];
  ASSIGN_OR_RETURN(std::string text, base::ReadEntry(wheel_.zip, entry, max_size));
  const base::Digest digest = base::Sha256::Of(text);
  if (digest != member.digest) {
    return Mismatch("wheel RECORD", wheel_.zip.Where(entry), digest.ToString(),
                    absl::StrCat(member.digest.ToString(), ", as RECORD says"));
  }
  return text;
}

absl::Status Rewriter::Exclude() {
  for (const std::string& pattern : request_.exclude()) {
    for (const char* name : {"METADATA", "RECORD", "WHEEL"}) {
      if (!GlobMatches(pattern, InDistInfo(name))) continue;
      return Mismatch("wheel request", "exclude",
                      absl::StrCat(Quoted(pattern), ", which takes ", Quoted(InDistInfo(name))),
                      "a pattern that leaves METADATA, RECORD and WHEEL");
    }
    std::erase_if(members_, [&](const auto& member) { return GlobMatches(pattern, member.first); });
  }
  return absl::OkStatus();
}

absl::Status Rewriter::Replace() {
  for (const sdk::WheelReplacement& replacement : request_.replacements()) {
    const std::string& path = replacement.path();
    const auto name = base::EntryName::Parse(path);
    if (!name.ok() || name->is_directory() || IsRecord(path)) {
      return Mismatch("wheel request", "replacements", Quoted(path),
                      "the path of a file in the wheel, and not RECORD");
    }
    // What is there already keeps its mode.
    Member& member = members_[path];
    member.entry.reset();
    ASSIGN_OR_RETURN(member.text, base::ReadFile(fs_, replacement.file(), kMaxWhole));
  }
  return absl::OkStatus();
}

absl::Status Rewriter::Patch(const std::string& name, const FilePatch& patch) {
  using Action = FilePatch::Action;
  const std::string where = absl::StrCat(name, ": line ", patch.line);
  const auto found = members_.find(patch.path);
  const bool exists = found != members_.end();
  if (IsRecord(patch.path)) {
    return Mismatch("patch", where, Quoted(patch.path),
                    "another file: RECORD follows from the others");
  }
  const bool creates =
      patch.action == Action::kCreate ||
      (patch.action == Action::kChangeOrCreate && !exists && patch.hunks.size() == 1 &&
       patch.hunks[0].old_count == 0 && patch.hunks[0].old_start == 0);
  if (creates && exists) {
    return Mismatch("patch", where,
                    absl::StrCat("a new file ", Quoted(patch.path), ", which is there"),
                    "a path that the wheel does not have");
  }
  if (!creates && !exists) {
    return Mismatch("patch", where, absl::StrCat("no ", Quoted(patch.path), " in the wheel"),
                    "a file of the wheel; `patch_strip` says how many components paths lose");
  }
  std::string old_text;
  if (exists) {
    ASSIGN_OR_RETURN(old_text, Text(found->second, kMaxPatched));
  }
  ASSIGN_OR_RETURN(std::string text, ApplyPatch(name, patch, old_text));
  if (patch.action == Action::kDelete) {
    if (!text.empty()) {
      return Mismatch("patch", where,
                      absl::StrCat(text.size(), " bytes left of ", Quoted(patch.path)),
                      "none, as the patch removes the file");
    }
    if (patch.path == InDistInfo("METADATA") || patch.path == InDistInfo("WHEEL")) {
      return Mismatch("patch", where, absl::StrCat("no more ", Quoted(patch.path)),
                      "METADATA and WHEEL, which every wheel has");
    }
    members_.erase(found);
    return absl::OkStatus();
  }
  if (text.empty() && !patch.hunks.empty() && patch.action == Action::kChangeOrCreate) {
    return Mismatch("patch", where, absl::StrCat("nothing left of ", Quoted(patch.path)),
                    "'+++ /dev/null', which removes the file");
  }
  Member& member = members_[patch.path];
  member.entry.reset();
  member.text = std::move(text);
  if (patch.executable.has_value()) member.executable = *patch.executable;
  return absl::OkStatus();
}

absl::Status Rewriter::Plan() {
  for (const base::WheelMember& member : wheel_.members) {
    const base::ZipEntry& entry = wheel_.zip.entries()[member.entry];
    if (entry.is_directory || IsRecord(entry.name)) continue;
    members_[entry.name] = {
        .entry = member.entry,
        .text = "",
        .digest = *member.digest,
        .size = entry.size,
        .executable = entry.executable,
    };
  }
  RETURN_IF_ERROR(Exclude());
  RETURN_IF_ERROR(Replace());
  for (const sdk::WheelPatch& patch : request_.patches()) {
    if (patch.strip() < 0) {
      return Mismatch("wheel request", "strip", absl::StrCat(patch.strip()), "0 or more");
    }
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs_, patch.file(), kMaxPatch));
    ASSIGN_OR_RETURN(const std::vector<FilePatch> files,
                     ParsePatch(patch.file(), text, patch.strip()));
    for (const FilePatch& file : files) RETURN_IF_ERROR(Patch(patch.file(), file));
  }
  for (auto& [name, member] : members_) {
    if (member.entry.has_value()) continue;
    member.digest = base::Sha256::Of(member.text);
    member.size = member.text.size();
  }
  return absl::OkStatus();
}

absl::Status Rewriter::Write() const {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> out, fs_.Create(request_.output()));
  base::ZipWriter zip(*out);
  std::string record;
  const std::string dist_info = InDistInfo("");
  for (const bool last : {false, true}) {
    for (const auto& [name, member] : members_) {
      if (absl::StartsWith(name, dist_info) != last) continue;
      if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
        return absl::CancelledError("writing a wheel was cancelled");
      }
      absl::StrAppend(&record, base::RecordRowText(name, member.digest, member.size));
      if (member.entry.has_value() && !request_.recompress()) {
        RETURN_IF_ERROR(zip.Copy(wheel_.zip, wheel_.zip.entries()[*member.entry]));
        continue;
      }
      ASSIGN_OR_RETURN(const std::string text, Text(member, kMaxWhole));
      RETURN_IF_ERROR(zip.Add(name, text, member.executable));
    }
  }
  const std::string own = InDistInfo("RECORD");
  absl::StrAppend(&record, base::OwnRecordRowText(own));
  RETURN_IF_ERROR(zip.Add(own, record, false));
  RETURN_IF_ERROR(zip.Finish());
  return out->Publish();
}

}  // namespace

absl::Status RewriteWheel(const sdk::WheelRewriteRequest& request, base::FileSystem& fs,
                          const std::atomic<bool>* cancelled) {
  if (request.output().empty() || request.output() == request.wheel()) {
    return Mismatch("wheel request", "output", Quoted(request.output()), "a path of its own");
  }
  base::ZipLimits limits;
  limits.allow_case_collisions = request.allow_case_collisions();
  ASSIGN_OR_RETURN(const base::Wheel wheel,
                   base::OpenWheel(fs, request.wheel(), base::WheelPlaces(), limits));
  Rewriter rewriter(request, fs, cancelled, wheel);
  RETURN_IF_ERROR(rewriter.Plan());
  RETURN_IF_ERROR(rewriter.Write());

  // What a tree would refuse must not be made.
  sdk::WheelUnpackRequest judge;
  judge.set_wheel(request.output());
  judge.set_allow_case_collisions(request.allow_case_collisions());
  const absl::Status status = PlanTree(judge, fs).status();
  if (!status.ok()) fs.RemoveTree(request.output()).IgnoreError();
  return status;
}

}  // namespace rules_inference::wheel
