// Problem. Put thousands of files of many wheels into one directory tree with as few links as
// possible, such that Python and the dynamic loader find what they would find had the wheels been
// installed there.
//
// Idea. A directory can be one link to that of a wheel when
//   - all files below it are of that wheel, and none of the wheel's files there is left out, so
//   that
//     both directories have the same content;
//   - it is not among the directories that the loader leaves with "..": for a library with k times
//     ".." behind $ORIGIN these are its k nearest ones (layout.cc). glibc takes $ORIGIN from the
//     path it was given, and the kernel then walks "..", which leads out of the target of a link
//     and not out of the link.
// Otherwise it is a real directory, and the same is asked for each entry. Going down from the top
// and linking the first directory that can be linked gives the coarsest tree. What lies below a
// linked directory needs no look: ".." that stays below it finds the files of the same wheel, as it
// has no others.
//
// Example: torch/lib/libtorch.so with $ORIGIN/../../nvidia/cu13/lib makes torch and torch/lib real;
// torch/include is one link. nvidia/cu13/lib is real when a second wheel has files there.
//
// Invariant. Files are sorted by the components of their paths, so a directory is a range of them.
//
// Cost: files x depth; 25,000 files take 0.1 s.

#include "plugins/wheel/venv/plan.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/glob.h"
#include "plugins/wheel/venv/wheel_files.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr char kWhat[] = "virtual environment";
// Owner of what every environment has.
constexpr int kEnvironment = -1;

struct Item {
  const WheelFile* file;
  int owner;
};

absl::string_view Parent(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : path.substr(0, slash);
}

// Whether `path` is `top` or lies below it.
bool IsBelow(absl::string_view path, absl::string_view top) {
  return absl::ConsumePrefix(&path, top) && (path.empty() || path[0] == '/');
}

// The order of paths in which what a directory holds is together.
bool Before(absl::string_view a, absl::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const int left = x == '/' ? -1 : static_cast<unsigned char>(x);
    const int right = y == '/' ? -1 : static_cast<unsigned char>(y);
    return left < right;
  });
}

// What a file in site-packages is imported as, as a path: "pynvml" for pynvml/__init__.py,
// pynvml.py and pynvml.abi3.so. Empty for other files.
absl::string_view ImportPath(absl::string_view path) {
  const absl::string_view directory = Parent(path);
  const absl::string_view name = path.substr(directory.empty() ? 0 : directory.size() + 1);
  absl::string_view suffix = name;
  suffix.remove_prefix(std::min(suffix.find('.'), suffix.size()));
  if (suffix != ".py" && suffix != ".so" && suffix != ".abi3.so" &&
      !(absl::StartsWith(suffix, ".cpython-") && absl::EndsWith(suffix, ".so"))) {
    return "";
  }
  if (absl::StartsWith(name, "__init__.")) return directory;
  return path.substr(0, path.size() - suffix.size());
}

class Planner {
 public:
  Planner(const std::vector<WheelFiles>& wheels, const sdk::WheelVenvRequest& request)
      : wheels_(wheels),
        request_(request),
        site_(SitePackages(request.python_version())),
        fixed_({"bin", "lib", std::string(Parent(site_)), site_}) {}

  absl::StatusOr<VenvPlan> Plan();

 private:
  struct Collision {
    std::string path;
    int first;
    int second;
    std::string got;
  };
  struct Place {
    absl::string_view path;
    int owner;
    bool is_directory;
  };

  absl::Status CheckVersions() const;
  absl::Status CheckChoices() const;
  absl::Status Choose();
  void LeaveOut(size_t item);
  absl::Status CheckUnmixed(const sdk::VenvChoice& choice) const;
  absl::Status CheckCollisions() const;
  void CheckPlaces(std::vector<Collision>& collisions) const;
  void CheckImports(std::vector<Collision>& collisions) const;
  absl::Status Report(const std::vector<Collision>& collisions) const;
  void Emit(size_t begin, size_t end, size_t depth);
  std::string Source(absl::string_view directory, size_t begin, size_t end) const;

  bool IsChosen(absl::string_view path, absl::string_view choice) const {
    return IsBelow(Shown(path), choice) || ImportPath(Shown(path)) == choice;
  }
  // A path as users name it.
  absl::string_view Shown(absl::string_view path) const {
    absl::ConsumePrefix(&path, absl::StrCat(site_, "/"));
    return path;
  }
  const std::string& Name(int owner) const { return wheels_[static_cast<size_t>(owner)].name; }
  std::string Title(int owner) const {
    if (owner == kEnvironment) return "every environment";
    return wheels_[static_cast<size_t>(owner)].Title();
  }

  const std::vector<WheelFiles>& wheels_;
  const sdk::WheelVenvRequest& request_;
  const std::string site_;
  const std::set<std::string, std::less<>> fixed_;
  // Sorted by path, then by owner.
  std::vector<Item> items_;
  // Owner and directory that lacks a file of it.
  absl::flat_hash_set<std::pair<int, std::string>> incomplete_;
  VenvPlan plan_;
};

absl::Status Planner::CheckVersions() const {
  for (size_t i = 1; i < wheels_.size(); ++i) {
    if (wheels_[i - 1].normalized_name != wheels_[i].normalized_name) continue;
    return Mismatch(kWhat, wheels_[i].name,
                    absl::StrCat(wheels_[i - 1].Title(), " and ", wheels_[i].Title()),
                    "a distribution once");
  }
  return absl::OkStatus();
}

absl::Status Planner::CheckChoices() const {
  for (const sdk::VenvChoice& choice : request_.choices()) {
    if (!base::RelPath::Parse(choice.path()).ok()) {
      return Mismatch(kWhat, "choose", Quoted(choice.path()),
                      "a path in site-packages, or of a file beside it");
    }
    for (const sdk::VenvChoice& other : request_.choices()) {
      if (&other == &choice || !IsBelow(choice.path(), other.path())) continue;
      return Mismatch(kWhat, "choose",
                      absl::StrCat(Quoted(choice.path()), " below ", Quoted(other.path())),
                      "choices that do not overlap");
    }
  }
  return absl::OkStatus();
}

void Planner::LeaveOut(size_t item) {
  const auto& [file, owner] = items_[item];
  for (absl::string_view dir = Parent(file->path); !dir.empty(); dir = Parent(dir)) {
    if (!incomplete_.emplace(owner, std::string(dir)).second) break;
  }
  items_[item].file = nullptr;
}

// A package of which one half is of each of two wheels works with neither.
absl::Status Planner::CheckUnmixed(const sdk::VenvChoice& choice) const {
  const std::string owner = base::NormalizedProjectName(choice.owner());
  absl::string_view directory;
  std::set<int> losers;
  for (const WheelFiles& wheel : wheels_) {
    for (const WheelFile& file : wheel.files) {
      if (Shown(file.path) != choice.path()) continue;
      directory = Parent(file.path);
      if (wheel.normalized_name != owner) losers.insert(static_cast<int>(&wheel - &wheels_[0]));
    }
  }
  if (losers.empty() || fixed_.contains(directory)) return absl::OkStatus();
  for (const Item& item : items_) {
    if (item.file == nullptr || !losers.contains(item.owner)) continue;
    if (Parent(item.file->path) != directory) continue;
    return base::WithHint(
        Mismatch(
            kWhat, "choose",
            absl::StrCat(Quoted(choice.path()), " of ", choice.owner(), ", and ",
                         Quoted(Shown(item.file->path)), " of ", Name(item.owner), " beside it"),
            "a directory of one of both"),
        absl::StrCat("choose = {\"", Shown(directory), "\": \"", choice.owner(), "\"}"));
  }
  return absl::OkStatus();
}

absl::Status Planner::Choose() {
  RETURN_IF_ERROR(CheckChoices());
  for (const sdk::VenvChoice& choice : request_.choices()) {
    const std::string owner = base::NormalizedProjectName(choice.owner());
    const std::string where = absl::StrCat("choose ", Quoted(choice.path()));
    if (absl::c_none_of(wheels_,
                        [&](const WheelFiles& wheel) { return wheel.normalized_name == owner; })) {
      return Mismatch(kWhat, where, absl::StrCat(Quoted(choice.owner()), ", which is not in it"),
                      "one of its distributions");
    }
    std::set<std::string> owners;
    std::set<std::string> names;
    for (size_t i = 0; i < items_.size(); ++i) {
      const auto [file, item_owner] = items_[i];
      if (file == nullptr || !IsChosen(file->path, choice.path())) continue;
      const WheelFiles& wheel = wheels_[static_cast<size_t>(item_owner)];
      owners.insert(wheel.normalized_name);
      names.insert(wheel.name);
      if (wheel.normalized_name != owner) LeaveOut(i);
    }
    const bool has_it = owners.erase(owner) > 0;
    if (!has_it || owners.empty()) {
      return Mismatch(kWhat, where,
                      has_it           ? absl::StrCat("files of ", choice.owner(), " only")
                      : owners.empty() ? "no file there"
                                       : absl::StrCat("files of ", absl::StrJoin(names, ", ")),
                      absl::StrCat("files of ", choice.owner(), " and of others"));
    }
  }
  for (const sdk::VenvChoice& choice : request_.choices()) RETURN_IF_ERROR(CheckUnmixed(choice));
  return absl::OkStatus();
}

// Names that differ by case only, and a file where another wheel has a directory.
void Planner::CheckPlaces(std::vector<Collision>& collisions) const {
  absl::flat_hash_map<std::string, Place> places;
  for (const std::string& directory : fixed_) {
    places[base::CollisionKey(directory)] = {directory, kEnvironment, true};
  }
  const std::array<std::string, 5> own = {"pyvenv.cfg", "bin/python", "bin/python3",
                                          "bin/base_python",
                                          absl::StrCat("bin/python", request_.python_version())};
  for (const std::string& path : own) {
    places[base::CollisionKey(path)] = {path, kEnvironment, false};
  }
  for (const Item& item : items_) {
    const absl::string_view path = item.file->path;
    const std::string key = base::CollisionKey(path);
    size_t path_end = path.size();
    size_t key_end = key.size();
    while (path_end != absl::string_view::npos && key_end != absl::string_view::npos) {
      const Place place = {path.substr(0, path_end), item.owner, path_end != path.size()};
      const auto [found, is_new] = places.try_emplace(key.substr(0, key_end), place);
      const Place& other = found->second;
      if (!is_new) {
        if (other.owner != item.owner) {
          if (other.path != place.path) {
            collisions.push_back(
                {std::string(place.path), other.owner, item.owner,
                 absl::StrCat(Quoted(Shown(other.path)), " of ", Title(other.owner), " and ",
                              Quoted(Shown(place.path)), " of ", Title(item.owner))});
          } else if (other.is_directory != place.is_directory) {
            collisions.push_back({std::string(place.path), other.owner, item.owner,
                                  absl::StrCat("a ", other.is_directory ? "directory" : "file",
                                               " of ", Title(other.owner), " and a ",
                                               place.is_directory ? "directory" : "file", " of ",
                                               Title(item.owner))});
          } else if (other.owner == kEnvironment && !place.is_directory) {
            collisions.push_back(
                {std::string(place.path), other.owner, item.owner,
                 absl::StrCat("a file of ", Title(item.owner), " and of ", Title(other.owner))});
          }
        }
        break;
      }
      path_end = path_end == 0 ? absl::string_view::npos : path.rfind('/', path_end - 1);
      key_end = key_end == 0 ? absl::string_view::npos : key.rfind('/', key_end - 1);
    }
  }
}

// A module and a package of one name: Python takes the package, whatever wheel was meant.
void Planner::CheckImports(std::vector<Collision>& collisions) const {
  absl::flat_hash_map<absl::string_view, Item> imports;
  for (const Item& item : items_) {
    absl::string_view path = item.file->path;
    if (!IsBelow(path, site_)) continue;
    path = ImportPath(path);
    if (path.empty() || path == site_) continue;
    const auto [found, is_new] = imports.try_emplace(path, item);
    const Item& other = found->second;
    if (is_new || other.owner == item.owner || other.file->path == item.file->path) continue;
    collisions.push_back({std::string(path), other.owner, item.owner,
                          absl::StrCat(Quoted(Shown(other.file->path)), " of ", Title(other.owner),
                                       " and ", Quoted(Shown(item.file->path)), " of ",
                                       Title(item.owner), ", which are imported by one name")});
  }
}

absl::Status Planner::CheckCollisions() const {
  std::vector<Collision> collisions;
  CheckPlaces(collisions);
  CheckImports(collisions);
  for (size_t i = 1; i < items_.size(); ++i) {
    const Item& a = items_[i - 1];
    const Item& b = items_[i];
    if (a.file->path != b.file->path || a.file->digest == b.file->digest) continue;
    collisions.push_back(
        {b.file->path, a.owner, b.owner,
         absl::StrCat("different files of ", Title(a.owner), " and ", Title(b.owner))});
  }
  return Report(collisions);
}

absl::Status Planner::Report(const std::vector<Collision>& collisions) const {
  if (collisions.empty()) return absl::OkStatus();
  const Collision& first = *std::min_element(
      collisions.begin(), collisions.end(),
      [](const Collision& a, const Collision& b) { return Before(a.path, b.path); });
  std::string where(Shown(first.path));
  std::set<absl::string_view> others;
  // What the paths that these two both have lie in.
  std::string common(first.path);
  for (const Collision& other : collisions) {
    if (other.path == first.path) continue;
    others.insert(other.path);
    if (other.first != first.first || other.second != first.second) continue;
    while (!IsBelow(other.path, common)) common = std::string(Parent(common));
  }
  if (!others.empty()) {
    absl::StrAppend(&where, " (and ", others.size(), " more path", others.size() > 1 ? "s" : "",
                    ")");
  }
  const absl::Status status = Mismatch(kWhat, where, first.got, "one owner");
  if (first.first == kEnvironment) return status;
  if (common.empty() || fixed_.contains(common)) common = first.path;
  return base::WithHint(status,
                        absl::StrCat("choose = {\"", Shown(common), "\": \"", Name(first.first),
                                     "\"} takes that of ", Name(first.first)));
}

// The directory that `directory` can be a link to; empty when it cannot be one.
std::string Planner::Source(absl::string_view directory, size_t begin, size_t end) const {
  if (fixed_.contains(directory)) return "";
  const int owner = items_[begin].owner;
  const WheelFiles& wheel = wheels_[static_cast<size_t>(owner)];
  if (wheel.real_directories.contains(directory) ||
      incomplete_.contains(std::make_pair(owner, std::string(directory)))) {
    return "";
  }
  absl::string_view source;
  for (size_t i = begin; i < end; ++i) {
    if (items_[i].owner != owner) return "";
    const absl::string_view below =
        absl::string_view(items_[i].file->path).substr(directory.size());
    absl::string_view place = items_[i].file->source;
    if (!absl::ConsumeSuffix(&place, below) || place.empty()) return "";
    if (i == begin) source = place;
    if (place != source) return "";
  }
  return base::JoinPath(wheel.tree, source);
}

// items_[begin, end) share the first `depth` bytes of their paths: "" or a directory and a slash.
void Planner::Emit(size_t begin, size_t end, size_t depth) {
  while (begin < end) {
    const std::string& path = items_[begin].file->path;
    const WheelFile& file = *items_[begin].file;
    const std::string& tree = wheels_[static_cast<size_t>(items_[begin].owner)].tree;
    const size_t slash = path.find('/', depth);
    if (slash == std::string::npos) {
      VenvLink link = {path, base::JoinPath(tree, file.source), false};
      const bool is_program = Parent(path) == "bin";
      (is_program ? plan_.programs : plan_.links).push_back(std::move(link));
      ++begin;
      continue;
    }
    const absl::string_view directory = absl::string_view(path).substr(0, slash);
    const absl::string_view prefix = absl::string_view(path).substr(0, slash + 1);
    size_t next = begin + 1;
    while (next < end && absl::StartsWith(items_[next].file->path, prefix)) ++next;
    const std::string source = Source(directory, begin, next);
    if (!source.empty()) {
      plan_.links.push_back({std::string(directory), source, true});
    } else {
      plan_.directories.emplace_back(directory);
      Emit(begin, next, slash + 1);
    }
    begin = next;
  }
}

absl::StatusOr<VenvPlan> Planner::Plan() {
  RETURN_IF_ERROR(CheckVersions());
  for (size_t owner = 0; owner < wheels_.size(); ++owner) {
    for (const WheelFile& file : wheels_[owner].files) {
      items_.push_back({&file, static_cast<int>(owner)});
    }
  }
  for (size_t i = 0; i < items_.size(); ++i) {
    const absl::string_view path = Shown(items_[i].file->path);
    if (absl::c_any_of(request_.exclude(),
                       [&](const std::string& pattern) { return GlobMatches(pattern, path); })) {
      LeaveOut(i);
    }
  }
  RETURN_IF_ERROR(Choose());
  items_.erase(std::remove_if(items_.begin(), items_.end(),
                              [](const Item& item) { return item.file == nullptr; }),
               items_.end());
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    if (a.file->path != b.file->path) return Before(a.file->path, b.file->path);
    return a.owner < b.owner;
  });
  RETURN_IF_ERROR(CheckCollisions());
  // The same bytes twice are one file, that of the first; the directory of the second is still
  // complete, but has another owner now.
  items_.erase(
      std::unique(items_.begin(), items_.end(),
                  [](const Item& a, const Item& b) { return a.file->path == b.file->path; }),
      items_.end());
  plan_.files = items_.size();
  Emit(0, items_.size(), 0);
  for (const std::string& directory : fixed_) {
    if (!absl::c_linear_search(plan_.directories, directory))
      plan_.directories.push_back(directory);
  }
  // A directory before what is in it.
  std::sort(plan_.directories.begin(), plan_.directories.end());
  return std::move(plan_);
}

}  // namespace

absl::StatusOr<VenvPlan> PlanVenv(const std::vector<WheelFiles>& wheels,
                                  const sdk::WheelVenvRequest& request) {
  return Planner(wheels, request).Plan();
}

}  // namespace rules_inference::wheel
