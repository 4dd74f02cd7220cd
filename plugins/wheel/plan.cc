// The reader of wheels (base/wheel) has judged the zip file, its names and its RECORD. What is left
// to judge is what only an installer makes: places of `.data` members that meet other files, the
// programs of entry points, and files that are left out.
//
// Every file claims a path and the directories above it. Claims are compared by their collision
// key, so a tree is the same on a file system that folds case; a path has one owner, and a
// directory one spelling.

#include "plugins/wheel/plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
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
#include "plugins/base/utf8.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/glob.h"
#include "plugins/wheel/metadata.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr uint64_t kMaxMetadataBytes = uint64_t{16} << 20;
constexpr absl::string_view kInterpreter = "/usr/bin/env python3";
// Linux reads 256 bytes of the first line of a script.
constexpr size_t kMaxInterpreter = 250;

// The directories of a mode.
absl::StatusOr<base::WheelPlaces> Places(const sdk::WheelUnpackRequest& request) {
  const absl::string_view python = request.python_version();
  if (request.mode() == sdk::TARGET) {
    if (python.empty()) return base::WheelPlaces{"", "bin", "include", ""};
    return Mismatch("wheel request", "python_version", Quoted(python), "none in mode TARGET");
  }
  if (request.mode() != sdk::PREFIX) {
    return Mismatch("wheel request", "mode", absl::StrCat(static_cast<int>(request.mode())),
                    "TARGET or PREFIX");
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(python, '.');
  const bool is_version =
      parts.size() == 2 && std::all_of(parts.begin(), parts.end(), [](absl::string_view part) {
        return !part.empty() && part.size() <= 4 &&
               std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
      });
  if (!is_version) {
    return Mismatch("wheel request", "python_version", Quoted(python),
                    "major.minor in mode PREFIX, such as '3.12'");
  }
  return base::WheelPlaces{absl::StrCat("lib/python", python, "/site-packages"), "bin",
                           absl::StrCat("include/site/python", python), ""};
}

absl::StatusOr<std::string> Interpreter(absl::string_view text) {
  if (text.empty()) return std::string(kInterpreter);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  if (text.size() > kMaxInterpreter || !printable || !base::IsValidUtf8(text) ||
      absl::StartsWith(text, "#")) {
    return Mismatch("wheel request", "interpreter", Quoted(text),
                    absl::StrCat("a command of at most ", kMaxInterpreter, " bytes, without '#!'"));
  }
  return std::string(text);
}

class Planner {
 public:
  Planner(const sdk::WheelUnpackRequest& request, base::WheelPlaces places, std::string interpreter,
          base::Wheel wheel)
      : request_(request),
        places_(std::move(places)),
        plan_{.wheel = std::move(wheel),
              .metadata = {},
              .entry_points = {},
              .legacy_namespaces = "",
              .files = {},
              .site_packages = places_.lib,
              .dist_info = base::JoinPath(places_.lib, plan_.wheel.dist_info),
              .interpreter = std::move(interpreter)} {}

  absl::StatusOr<TreePlan> Plan();

 private:
  const std::string& file() const { return plan_.wheel.zip.file().path(); }
  std::string InDistInfo(absl::string_view name) const {
    return absl::StrCat(plan_.dist_info, "/", name);
  }
  // What a file comes from, for messages.
  std::string Origin(const TreeFile& file) const {
    if (file.entry.has_value()) return Quoted(plan_.wheel.zip.entries()[*file.entry].name);
    return file.scheme == base::WheelScheme::kScripts ? "an entry point" : "the installer";
  }

  absl::Status ReadTexts();
  absl::StatusOr<bool> Read(absl::string_view name, std::string& text, std::string& where);
  bool ReplacesScript(absl::string_view path) const;
  void AddMembers();
  void AddText(std::string path, std::string text, bool executable, base::WheelScheme scheme);
  void AddPrograms();
  absl::Status Exclude();
  absl::Status CheckConflicts() const;

  const sdk::WheelUnpackRequest& request_;
  const base::WheelPlaces places_;
  TreePlan plan_;
};

// The text of a file in `.dist-info`; false when there is none.
absl::StatusOr<bool> Planner::Read(absl::string_view name, std::string& text, std::string& where) {
  const base::ZipFile& zip = plan_.wheel.zip;
  const std::string path = absl::StrCat(plan_.wheel.dist_info, "/", name);
  for (const base::ZipEntry& entry : zip.entries()) {
    if (entry.name != path || entry.is_directory) continue;
    where = zip.Where(entry);
    ASSIGN_OR_RETURN(text, base::ReadEntry(zip, entry, kMaxMetadataBytes));
    return true;
  }
  return false;
}

absl::Status Planner::ReadTexts() {
  std::string text;
  std::string where;
  ASSIGN_OR_RETURN(const bool has_metadata, Read("METADATA", text, where));
  if (!has_metadata) {
    return Mismatch("wheel", file(),
                    absl::StrCat("no ", Quoted(plan_.wheel.dist_info + "/METADATA")), "one");
  }
  ASSIGN_OR_RETURN(plan_.metadata, ParseMetadata(where, text));
  if (base::NormalizedProjectName(plan_.metadata.name) !=
      base::NormalizedProjectName(plan_.wheel.name)) {
    return Mismatch("wheel METADATA", where, absl::StrCat("Name ", Quoted(plan_.metadata.name)),
                    absl::StrCat("that of ", Quoted(plan_.wheel.dist_info)));
  }
  ASSIGN_OR_RETURN(const bool has_entry_points, Read("entry_points.txt", text, where));
  if (has_entry_points) {
    ASSIGN_OR_RETURN(plan_.entry_points, ParseEntryPoints(where, text));
  }
  ASSIGN_OR_RETURN(const bool has_namespaces, Read("namespace_packages.txt", text, where));
  if (has_namespaces) plan_.legacy_namespaces = std::move(text);
  return absl::OkStatus();
}

// Some build tools put the program of an entry point also among the scripts; as with pip, the entry
// point wins.
bool Planner::ReplacesScript(absl::string_view path) const {
  for (const sdk::EntryPoint& entry_point : plan_.entry_points) {
    if (!IsProgram(entry_point)) continue;
    absl::string_view rest = path;
    if (!absl::ConsumePrefix(&rest, absl::StrCat(places_.scripts, "/", entry_point.name()))) {
      continue;
    }
    for (const char* suffix : {"", ".exe", "-script.py", ".pya"}) {
      if (rest == suffix) return true;
    }
  }
  return false;
}

void Planner::AddMembers() {
  for (const base::WheelMember& member : plan_.wheel.members) {
    const base::ZipEntry& entry = plan_.wheel.zip.entries()[member.entry];
    if (entry.is_directory) continue;
    if (member.scheme == base::WheelScheme::kScripts && ReplacesScript(member.path)) continue;
    // RECORD and INSTALLER are written anew; signatures are those of the RECORD that was.
    absl::string_view name = entry.name;
    if (absl::ConsumePrefix(&name, absl::StrCat(plan_.wheel.dist_info, "/")) &&
        (name == "RECORD" || name == "RECORD.jws" || name == "RECORD.p7s" || name == "INSTALLER")) {
      continue;
    }
    TreeFile file;
    file.path = member.path;
    file.scheme = member.scheme;
    file.executable = member.executable;
    file.entry = member.entry;
    file.digest = *member.digest;
    file.size = entry.size;
    plan_.files.push_back(std::move(file));
  }
}

void Planner::AddText(std::string path, std::string text, bool executable,
                      base::WheelScheme scheme) {
  TreeFile file;
  file.path = std::move(path);
  file.scheme = scheme;
  file.executable = executable;
  file.size = text.size();
  file.text = std::move(text);
  plan_.files.push_back(std::move(file));
}

void Planner::AddPrograms() {
  for (const sdk::EntryPoint& entry_point : plan_.entry_points) {
    if (!IsProgram(entry_point)) continue;
    AddText(absl::StrCat(places_.scripts, "/", entry_point.name()),
            LauncherText(entry_point, plan_.interpreter), true, base::WheelScheme::kScripts);
  }
}

absl::Status Planner::Exclude() {
  for (const std::string& pattern : request_.exclude()) {
    for (const char* name : {"METADATA", "RECORD", "WHEEL"}) {
      if (!GlobMatches(pattern, InDistInfo(name))) continue;
      return Mismatch("wheel request", "exclude",
                      absl::StrCat(Quoted(pattern), ", which takes ", Quoted(InDistInfo(name))),
                      "a pattern that leaves METADATA, RECORD and WHEEL");
    }
  }
  const auto excluded = [this](const TreeFile& file) {
    return std::any_of(request_.exclude().begin(), request_.exclude().end(),
                       [&](const std::string& pattern) { return GlobMatches(pattern, file.path); });
  };
  plan_.files.erase(std::remove_if(plan_.files.begin(), plan_.files.end(), excluded),
                    plan_.files.end());
  return absl::OkStatus();
}

absl::Status Planner::CheckConflicts() const {
  struct Node {
    absl::string_view path;  // As spelt by its first owner.
    const TreeFile* owner;
    bool is_directory;
  };
  absl::flat_hash_map<std::string, Node> nodes;
  nodes.reserve(plan_.files.size() * 2);
  const TreeFile record = {.path = InDistInfo("RECORD")};
  std::vector<const TreeFile*> files = {&record};
  for (const TreeFile& file : plan_.files) files.push_back(&file);
  for (const TreeFile* file : files) {
    const absl::string_view path = file->path;
    const std::string key =
        request_.allow_case_collisions() ? file->path : base::CollisionKey(path);
    // From the file up to the first directory that is known: what is above that is known too.
    size_t path_end = path.size();
    size_t key_end = key.size();
    while (path_end != absl::string_view::npos) {
      const Node node = {path.substr(0, path_end), file, path_end != path.size()};
      const auto [found, is_new] = nodes.try_emplace(key.substr(0, key_end), node);
      const Node& other = found->second;
      if (!is_new) {
        if (other.path != node.path) {
          return Mismatch("wheel tree", this->file(),
                          absl::StrCat(Quoted(other.path), " from ", Origin(*other.owner),
                                       " beside ", Quoted(node.path), " from ", Origin(*file)),
                          "names that differ by more than case or accents' encoding");
        }
        if (other.is_directory != node.is_directory) {
          return Mismatch(
              "wheel tree", this->file(),
              absl::StrCat(Quoted(node.path), " from ", Origin(*other.owner), " as a ",
                           other.is_directory ? "directory" : "file", " and from ", Origin(*file),
                           " as a ", node.is_directory ? "directory" : "file"),
              "one of both");
        }
        if (!node.is_directory) {
          return Mismatch("wheel tree", this->file(),
                          absl::StrCat(Quoted(node.path), " from ", Origin(*other.owner), " and ",
                                       Origin(*file)),
                          "one file at a path");
        }
        break;
      }
      path_end = path.rfind('/', path_end - 1);
      key_end = key.rfind('/', key_end - 1);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TreePlan> Planner::Plan() {
  RETURN_IF_ERROR(ReadTexts());
  AddMembers();
  AddText(InDistInfo("INSTALLER"), "rules_inference\n", false, base::WheelScheme::kLib);
  AddPrograms();
  RETURN_IF_ERROR(Exclude());
  RETURN_IF_ERROR(CheckConflicts());
  std::sort(plan_.files.begin(), plan_.files.end(),
            [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  return std::move(plan_);
}

}  // namespace

absl::StatusOr<TreePlan> PlanTree(const sdk::WheelUnpackRequest& request, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(base::WheelPlaces places, Places(request));
  ASSIGN_OR_RETURN(std::string interpreter, Interpreter(request.interpreter()));
  base::ZipLimits limits;
  if (request.max_unpacked_bytes() != 0) limits.max_unpacked_bytes = request.max_unpacked_bytes();
  limits.allow_case_collisions = request.allow_case_collisions();
  ASSIGN_OR_RETURN(base::Wheel wheel, base::OpenWheel(fs, request.wheel(), places, limits));
  return Planner(request, std::move(places), std::move(interpreter), std::move(wheel)).Plan();
}

}  // namespace rules_inference::wheel
