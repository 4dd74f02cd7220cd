#include "plugins/layer/oci/layout.h"

#include <cstddef>
#include <deque>
#include <filesystem>  // For the working directory only.
#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::JoinPath;
using base::Mismatch;

// The limit of Linux itself.
constexpr int kMaxLinks = 40;

// The index names the manifest that is given, or the layout would be that of another image.
absl::Status CheckIndex(absl::string_view text, const std::string& path,
                        const Descriptor& manifest) {
  ASSIGN_OR_RETURN(const Json index, ParseJson(text, path));
  RETURN_IF_ERROR(CheckDocument(index, kIndexType, path));
  ASSIGN_OR_RETURN(const Json* list, Require(index, "manifests", Json::Kind::kArray, path));
  ASSIGN_OR_RETURN(const std::vector<Descriptor> entries,
                   ParseDescriptors(*list, absl::StrCat(path, ": manifests")));
  if (entries.empty()) return Mismatch(path, "manifests", "no entry", manifest.digest.ToString());
  for (const Descriptor& entry : entries) {
    if (entry.digest != manifest.digest) {
      return Mismatch(path, "manifests", entry.digest.ToString(), manifest.digest.ToString());
    }
  }
  return absl::OkStatus();
}

absl::Status Fill(const std::string& root, const ImageBlobs& blobs, absl::string_view index,
                  bool copy, base::FileSystem& fs) {
  RETURN_IF_ERROR(fs.CreateDirectories(JoinPath(root, "blobs/sha256")));
  RETURN_IF_ERROR(base::WriteFile(fs, JoinPath(root, "oci-layout"), kLayoutFile));
  RETURN_IF_ERROR(
      base::WriteFile(fs, JoinPath(root, BlobPath(blobs.config.digest)), blobs.config_text));
  RETURN_IF_ERROR(
      base::WriteFile(fs, JoinPath(root, BlobPath(blobs.manifest.digest)), blobs.manifest_text));
  std::set<base::Digest> done;
  for (const Blob& layer : blobs.layers) {
    if (!done.insert(layer.descriptor.digest).second) continue;
    const std::string path = JoinPath(root, BlobPath(layer.descriptor.digest));
    if (copy) {
      RETURN_IF_ERROR(base::CopyFile(fs, layer.path, path));
    } else {
      ASSIGN_OR_RETURN(const std::string target, RealPath(layer.path, fs));
      RETURN_IF_ERROR(fs.Symlink(target, path));
    }
  }
  // Last, because readers start there.
  return base::WriteFile(fs, JoinPath(root, "index.json"), index);
}

}  // namespace

absl::StatusOr<std::string> RealPath(const std::string& path, base::FileSystem& fs) {
  std::string start = path;
  if (!absl::StartsWith(path, "/")) {
    std::error_code error;
    const std::filesystem::path directory = std::filesystem::current_path(error);
    if (error) return base::SystemError(error.value(), "working directory", path);
    start = JoinPath(directory.string(), path);
  }
  std::deque<std::string> todo = absl::StrSplit(start, '/', absl::SkipEmpty());
  std::string done;
  int links = 0;
  while (!todo.empty()) {
    const std::string name = todo.front();
    todo.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      done.resize(done.empty() ? 0 : done.rfind('/'));
      continue;
    }
    const std::string next = absl::StrCat(done, "/", name);
    ASSIGN_OR_RETURN(const base::NodeInfo info, fs.Stat(next, base::Follow::kNo));
    if (info.type != base::NodeType::kSymlink) {
      done = next;
      continue;
    }
    if (++links > kMaxLinks) return Mismatch("symbolic links", path, "a loop", "a file");
    ASSIGN_OR_RETURN(const std::string target, fs.ReadLink(next));
    if (absl::StartsWith(target, "/")) done.clear();
    const std::vector<std::string> names = absl::StrSplit(target, '/', absl::SkipEmpty());
    todo.insert(todo.begin(), names.begin(), names.end());
  }
  return done.empty() ? "/" : done;
}

absl::Status InEmptyDirectory(const std::string& root, base::FileSystem& fs,
                              const std::function<absl::Status()>& fill) {
  // Bazel makes the directory of a tree artifact; anything in it is not ours to remove.
  if (const absl::StatusOr<base::NodeInfo> info = fs.Stat(root, base::Follow::kNo); info.ok()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(root));
    if (!names.empty())
      return Mismatch("layout", root, base::Quoted(names[0]), "an empty directory");
  } else if (!absl::IsNotFound(info.status())) {
    return info.status();
  }
  const absl::Status status = fill();
  if (!status.ok()) fs.RemoveTree(root).IgnoreError();
  return status;
}

absl::Status WriteLayout(const std::string& root, const ImageBlobs& blobs, absl::string_view index,
                         bool copy, base::FileSystem& fs) {
  return InEmptyDirectory(root, fs, [&] { return Fill(root, blobs, index, copy, fs); });
}

absl::Status BuildLayout(const sdk::LayoutRequest& request, base::FileSystem& fs) {
  if (request.output().empty()) return Mismatch("layout", "output", "nothing", "a path");
  ASSIGN_OR_RETURN(const ImageBlobs blobs, FindBlobs(request.manifest(), request.config(),
                                                     request.layers(), request.base_layout(), fs));
  ASSIGN_OR_RETURN(const std::string index, ReadDocument(request.index(), fs));
  RETURN_IF_ERROR(CheckIndex(index, request.index(), blobs.manifest));

  return WriteLayout(request.output(), blobs, index, request.copy(), fs);
}

}  // namespace rules_inference::layer::oci
