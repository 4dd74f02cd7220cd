#include "plugins/store/inventory.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/layout.h"

namespace rules_inference::store {
namespace {

using base::JoinPath;
using base::NodeInfo;
using base::NodeType;
using Kind = Leftover::Kind;

// Empty when there is no such directory.
absl::StatusOr<std::vector<std::string>> NamesIn(base::FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(path);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  return names;
}

bool IsUnfinished(absl::string_view name) {
  return absl::StartsWith(name, ".") && absl::EndsWith(name, ".partial");
}

absl::Status AddLeftover(base::FileSystem& fs, const std::string& path, Kind kind,
                         Inventory& inventory) {
  const absl::StatusOr<NodeInfo> info = fs.Stat(path, base::Follow::kNo);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  RETURN_IF_ERROR(info.status());
  inventory.leftovers.push_back({kind, path, info->size, info->modified});
  return absl::OkStatus();
}

absl::Status AddBlob(base::FileSystem& fs, const std::string& directory, const std::string& name,
                     Inventory& inventory) {
  const std::string path = JoinPath(directory, name);
  const absl::StatusOr<base::Digest> digest = base::Digest::FromHex(name);
  if (!digest.ok() || !absl::EndsWith(directory, name.substr(0, 2))) {
    return AddLeftover(fs, path, IsUnfinished(name) ? Kind::kUnfinished : Kind::kOther, inventory);
  }
  const absl::StatusOr<NodeInfo> info = fs.Stat(path, base::Follow::kNo);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  RETURN_IF_ERROR(info.status());
  if (info->type != NodeType::kFile) {
    inventory.leftovers.push_back({Kind::kOther, path, info->size, info->modified});
    return absl::OkStatus();
  }
  inventory.blobs.push_back({.sha256 = *digest,
                             .size = info->size,
                             .came = info->modified,
                             .used = info->used,
                             .other_names = info->links - 1});
  inventory.size += info->size;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Inventory> ListStore(base::FileSystem& fs, const Layout& layout) {
  Inventory inventory;
  ASSIGN_OR_RETURN(const std::vector<std::string> shards, NamesIn(fs, layout.Blobs()));
  for (const std::string& shard : shards) {
    const std::string directory = JoinPath(layout.Blobs(), shard);
    const absl::StatusOr<std::vector<std::string>> names = NamesIn(fs, directory);
    if (!names.ok()) {  // A file, for example.
      RETURN_IF_ERROR(AddLeftover(fs, directory, Kind::kOther, inventory));
      continue;
    }
    for (const std::string& name : *names) {
      RETURN_IF_ERROR(AddBlob(fs, directory, name, inventory));
    }
  }
  for (const auto& [directory, kind] :
       {std::pair(layout.Parts(), Kind::kPart), std::pair(layout.Trash(), Kind::kTrash)}) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs, directory));
    for (const std::string& name : names) {
      RETURN_IF_ERROR(AddLeftover(fs, JoinPath(directory, name), kind, inventory));
    }
  }
  // Leases, roots and range maps are no leftovers, but what a process was killed over is.
  for (const std::string& directory : {layout.Leases(), layout.Roots()}) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(fs, directory));
    for (const std::string& name : names) {
      if (!IsUnfinished(name)) continue;
      RETURN_IF_ERROR(AddLeftover(fs, JoinPath(directory, name), Kind::kUnfinished, inventory));
    }
  }
  return inventory;
}

}  // namespace rules_inference::store
