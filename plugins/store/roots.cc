#include "plugins/store/roots.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/store/layout.h"
#include "plugins/store/records.pb.h"

namespace rules_inference::store {
namespace {

using base::JoinPath;
using base::Mismatch;
using base::Quoted;

constexpr int kVersion = 1;
constexpr size_t kMaxName = 200;
// A million blobs.
constexpr uint64_t kMaxRoot = 100 << 20;
constexpr absl::string_view kHint =
    "nothing was removed; write the root again from its workspace, or remove the file if the "
    "workspace is gone";

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

absl::Status CheckName(absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxName && name[0] != '.' &&
      std::all_of(name.begin(), name.end(), IsNameByte)) {
    return absl::OkStatus();
  }
  return Mismatch("bad name of a root", "root", Quoted(name),
                  "letters, digits, '.', '_' and '-', not '.' first, at most 200");
}

absl::StatusOr<Root> ReadRoot(base::FileSystem& fs, const std::string& path,
                              const std::string& name) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, path, kMaxRoot));
  ASSIGN_OR_RETURN(const RootRecord record,
                   sdk::ParseJson<RootRecord>(absl::StrCat("bad root: ", path), text));
  if (record.version() != kVersion) {
    return Mismatch("unknown root", path, absl::StrCat("version ", record.version()), "1");
  }
  if (record.name() != name) {
    return Mismatch("renamed root", path, Quoted(record.name()), Quoted(name));
  }
  Root root{
      .name = name, .workspace = record.workspace(), .time = absl::FromUnixSeconds(record.time())};
  for (const std::string& blob : record.blobs()) {
    const auto digest = base::Digest::Parse(blob);
    if (!digest.ok()) {
      return Mismatch("bad root", path, Quoted(blob), "'sha256:' and 64 lower-case digits");
    }
    root.blobs.push_back(*digest);
  }
  return root;
}

}  // namespace

std::string RootNameOf(absl::string_view workspace) {
  constexpr size_t kMaxBase = 100;
  constexpr size_t kDigits = 12;
  std::string base(workspace.substr(workspace.rfind('/') + 1).substr(0, kMaxBase));
  std::replace_if(
      base.begin(), base.end(), [](char c) { return !IsNameByte(c); }, '_');
  const bool hidden = base.empty() || base[0] == '.';
  return absl::StrCat(hidden ? "_" : "", base, "-",
                      base::Sha256::Of(workspace).Hex().substr(0, kDigits));
}

absl::Status WriteRoot(base::FileSystem& fs, const Layout& layout, const Root& root) {
  RETURN_IF_ERROR(CheckName(root.name));
  if (!absl::StartsWith(root.workspace, "/")) {
    return Mismatch("bad root", root.name, absl::StrCat("workspace ", Quoted(root.workspace)),
                    "an absolute path");
  }
  RootRecord record;
  record.set_version(kVersion);
  record.set_name(root.name);
  record.set_workspace(root.workspace);
  record.set_time(absl::ToUnixSeconds(root.time));
  std::vector<base::Digest> blobs = root.blobs;
  std::sort(blobs.begin(), blobs.end());
  blobs.erase(std::unique(blobs.begin(), blobs.end()), blobs.end());
  for (const base::Digest& blob : blobs) record.add_blobs(blob.ToString());
  RETURN_IF_ERROR(layout.Prepare(fs));
  RETURN_IF_ERROR(fs.CreateDirectories(layout.Roots()));
  return base::WriteFile(fs, JoinPath(layout.Roots(), root.name),
                         absl::StrCat(sdk::ToCanonicalJson(record), "\n"));
}

absl::Status RemoveRoot(base::FileSystem& fs, const Layout& layout, const std::string& name) {
  RETURN_IF_ERROR(CheckName(name));
  const std::string path = JoinPath(layout.Roots(), name);
  RETURN_IF_ERROR(fs.Stat(path, base::Follow::kNo).status());
  return fs.RemoveTree(path);
}

absl::StatusOr<std::vector<Root>> ReadRoots(base::FileSystem& fs, const Layout& layout) {
  std::vector<Root> roots;
  const absl::StatusOr<std::vector<std::string>> names = fs.List(layout.Roots());
  if (absl::IsNotFound(names.status())) return roots;
  RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    // Being written: its writer holds leases until it is there.
    if (absl::StartsWith(name, ".") && absl::EndsWith(name, ".partial")) continue;
    const std::string path = JoinPath(layout.Roots(), name);
    absl::StatusOr<Root> root = ReadRoot(fs, path, name);
    if (absl::IsNotFound(root.status()) &&
        absl::IsNotFound(fs.Stat(path, base::Follow::kNo).status())) {
      continue;  // Removed since it was listed.
    }
    if (!root.ok()) return base::WithHint(root.status(), kHint);
    roots.push_back(*std::move(root));
  }
  return roots;
}

bool IsStale(base::FileSystem& fs, const Root& root) {
  return absl::IsNotFound(fs.Stat(root.workspace, base::Follow::kYes).status());
}

}  // namespace rules_inference::store
