#include "plugins/launcher/manifest.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"

namespace rules_inference::launcher {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr uint64_t kMaxManifest = uint64_t{16} << 20;
constexpr uint64_t kMaxRunfilesManifest = uint64_t{256} << 20;
constexpr int kMaxLinks = 40;

bool Exists(base::FileSystem& files, const std::string& path) {
  return files.Stat(path, base::Follow::kYes).ok();
}

std::string Dirname(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
}

std::string Absolute(const std::string& path) {
  if (absl::StartsWith(path, "/")) return path;
  char* here = getcwd(nullptr, 0);
  std::string absolute = absl::StrCat(here == nullptr ? "" : here, "/", path);
  std::free(here);
  return absolute;
}

// The paths by which the launcher may be known, the one that the user typed first.
std::vector<std::string> PathsOf(const std::string& argv0, const Environment& environment,
                                 base::FileSystem& files) {
  std::vector<std::string> starts;
  if (absl::StrContains(argv0, '/')) {
    starts.push_back(Absolute(argv0));
  } else {
    for (const absl::string_view directory :
         absl::StrSplit(environment("PATH"), ':', absl::SkipEmpty())) {
      const std::string path = base::JoinPath(directory, argv0);
      if (access(path.c_str(), X_OK) != 0) continue;
      starts.push_back(Absolute(path));
      break;
    }
  }
  // Whoever starts a program may give it any name.
  if (const absl::StatusOr<std::string> self = files.ReadLink("/proc/self/exe"); self.ok()) {
    starts.push_back(*self);
  }
  std::vector<std::string> paths;
  for (std::string path : starts) {
    for (int links = 0; links < kMaxLinks; ++links) {
      paths.push_back(path);
      const absl::StatusOr<std::string> target = files.ReadLink(path);
      if (!target.ok()) break;
      path = absl::StartsWith(*target, "/") ? *target : absl::StrCat(Dirname(path), "/", *target);
    }
  }
  return paths;
}

// Directories that may be the runfiles tree, and files that may list its content.
struct RunfilesPlaces {
  std::vector<std::string> trees;
  std::vector<std::string> lists;
};

RunfilesPlaces PlacesOf(const std::vector<std::string>& paths, const Environment& environment) {
  RunfilesPlaces places;
  for (const std::string& path : paths) {
    places.trees.push_back(absl::StrCat(path, ".runfiles"));
    places.lists.push_back(absl::StrCat(path, ".runfiles_manifest"));
    places.lists.push_back(absl::StrCat(path, ".runfiles/MANIFEST"));
    constexpr absl::string_view kMark = ".runfiles/";
    if (const size_t mark = path.rfind(kMark); mark != std::string::npos) {
      places.trees.push_back(path.substr(0, mark + kMark.size() - 1));
    }
  }
  // Last, as it may be that of whoever started the launcher.
  if (const std::string tree = environment("RUNFILES_DIR"); !tree.empty()) {
    places.trees.push_back(Absolute(tree));
  }
  if (const std::string list = environment("RUNFILES_MANIFEST_FILE"); !list.empty()) {
    places.lists.push_back(Absolute(list));
  }
  return places;
}

// Lines "<runfiles path> <real path>". The forms for paths with spaces begin with a space; no path
// of a manifest of ours has one.
absl::flat_hash_map<std::string, std::string> ReadRunfilesList(absl::string_view text) {
  absl::flat_hash_map<std::string, std::string> entries;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t space = line.find(' ');
    if (space == 0 || space == absl::string_view::npos) continue;
    entries.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return entries;
}

absl::Status FindRunfiles(const std::vector<std::string>& paths, const Environment& environment,
                          base::FileSystem& files, Installation& installation) {
  const std::string& first = installation.manifest.directories(0);
  const RunfilesPlaces places = PlacesOf(paths, environment);
  for (const std::string& tree : places.trees) {
    if (!Exists(files, base::JoinPath(tree, first))) continue;
    installation.locate = [tree](const std::string& path) -> absl::StatusOr<std::string> {
      return base::JoinPath(tree, path);
    };
    return absl::OkStatus();
  }
  for (const std::string& list : places.lists) {
    const absl::StatusOr<std::string> text = base::ReadFile(files, list, kMaxRunfilesManifest);
    if (!text.ok()) continue;
    absl::flat_hash_map<std::string, std::string> entries = ReadRunfilesList(*text);
    if (!entries.contains(first)) continue;
    installation.locate = [list, entries = std::move(entries)](
                              const std::string& path) -> absl::StatusOr<std::string> {
      const auto found = entries.find(path);
      if (found != entries.end()) return found->second;
      return Mismatch("launcher", list, absl::StrCat("no line of ", Quoted(path)),
                      "one for every file of the manifest");
    };
    return absl::OkStatus();
  }
  return base::WithHint(
      absl::NotFoundError(absl::StrCat(
          "launcher: ", installation.manifest_path, ": got no runfiles tree with ", Quoted(first),
          ", expected ", paths.front(), ".runfiles, or a directory in $RUNFILES_DIR")),
      "copy the launcher together with its .variants.json and its .runfiles; file_layer does with "
      "include_runfiles = True");
}

}  // namespace

absl::Status CheckManifest(const sdk::LauncherManifest& manifest, absl::string_view where) {
  const auto bad = [&](absl::string_view got, absl::string_view expected) {
    return Mismatch("launcher", where, got, expected);
  };
  if (manifest.manifest_version() != 1) {
    return bad(absl::StrCat("manifest_version ", manifest.manifest_version()), "1");
  }
  if (manifest.lock().variants().empty()) return bad("no variant", "one or more");
  if (manifest.directories_size() != manifest.lock().variants_size()) {
    return bad(absl::StrCat(manifest.directories_size(), " directories"),
               absl::StrCat("one for each of ", manifest.lock().variants_size(), " variants"));
  }
  std::vector<std::string> paths(manifest.directories().begin(), manifest.directories().end());
  if (!manifest.program().empty()) paths.push_back(manifest.program());
  if (!manifest.detector().empty()) paths.push_back(manifest.detector());
  for (const std::string& path : paths) {
    if (!base::RelPath::Parse(path).ok()) {
      return bad(absl::StrCat("path ", Quoted(path)), "a relative path without '..'");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Installation> FindInstallation(const std::string& argv0,
                                              const Environment& environment,
                                              base::FileSystem& files) {
  const std::vector<std::string> paths = PathsOf(argv0, environment, files);
  for (const std::string& path : paths) {
    Installation installation;
    installation.manifest_path = absl::StrCat(path, ".variants.json");
    if (!Exists(files, installation.manifest_path)) continue;
    ASSIGN_OR_RETURN(const std::string text,
                     base::ReadFile(files, installation.manifest_path, kMaxManifest));
    RETURN_IF_ERROR(sdk::MergeJson(installation.manifest_path, text, &installation.manifest));
    RETURN_IF_ERROR(CheckManifest(installation.manifest, installation.manifest_path));
    RETURN_IF_ERROR(FindRunfiles(paths, environment, files, installation));
    return installation;
  }
  return absl::NotFoundError(
      absl::StrCat("launcher: ", paths.empty() ? argv0 : paths.front(),
                   ": got no .variants.json beside it, expected the one that was built with it"));
}

}  // namespace rules_inference::launcher
