#include "plugins/inferctl/install/generations.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_lock.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/install.pb.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/json_layout.h"

namespace rules_inference::install {
namespace {

constexpr uint64_t kMaxDocument = uint64_t{16} << 20;
// Names that nothing but this file gives, for what is not whole.
constexpr absl::string_view kUnfinished = ".unfinished-";

// Everything that can stand in the name of a folder on any system.
std::string Safe(absl::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (!absl::ascii_isalnum(byte) && c != '.' && c != '_' && c != '+') c = '-';
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> ListIfThere(base::FileSystem& fs,
                                                     const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(path);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  return names;
}

// A generation's number by its file name: no sign, no leading zero.
std::optional<int> ParseNumber(absl::string_view name) {
  int number = 0;
  if (!absl::SimpleAtoi(name, &number) || number < 1 || name != absl::StrCat(number)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::string BuildId(const sdk::InstalledBuild& build) {
  return absl::StrCat(Safe(build.version()), "-", Safe(build.variant().name()), "-",
                      build.variant().sha256().substr(0, 16));
}

absl::StatusOr<std::optional<int>> Generations::Active() {
  const absl::StatusOr<std::string> target = fs_.ReadLink(current());
  if (absl::IsNotFound(target.status())) return std::nullopt;
  RETURN_IF_ERROR(target.status());
  absl::string_view name = *target;
  const std::optional<int> number =
      absl::ConsumePrefix(&name, "generations/") ? ParseNumber(name) : std::nullopt;
  if (!number.has_value()) {
    return base::Mismatch("installed variants", current(),
                          absl::StrCat("a symlink to ", base::Quoted(*target)),
                          "one to generations/<number>");
  }
  return number;
}

absl::StatusOr<std::vector<Generation>> Generations::List() {
  ASSIGN_OR_RETURN(const std::optional<int> active, Active());
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListIfThere(fs_, Path("generations")));
  std::vector<Generation> generations;
  for (const std::string& name : names) {
    const std::optional<int> number = ParseNumber(name);
    if (!number.has_value()) continue;
    Generation generation;
    generation.number = *number;
    generation.active = number == active;
    const std::string link = Path(absl::StrCat("generations/", name));
    ASSIGN_OR_RETURN(const std::string target, fs_.ReadLink(link));
    absl::string_view id = target;
    if (!absl::ConsumePrefix(&id, "../builds/") || !absl::ConsumeSuffix(&id, "/root") ||
        absl::StrContains(id, "/")) {
      return base::Mismatch("installed variants", link,
                            absl::StrCat("a symlink to ", base::Quoted(target)),
                            "one to ../builds/<build>/root");
    }
    generation.id = std::string(id);
    const std::string file = Path(absl::StrCat("builds/", id, "/build.json"));
    ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs_, file, kMaxDocument));
    ASSIGN_OR_RETURN(generation.build, sdk::ParseJson<sdk::InstalledBuild>(file, text));
    generations.push_back(std::move(generation));
  }
  absl::c_sort(generations,
               [](const Generation& a, const Generation& b) { return a.number < b.number; });
  if (active.has_value() &&
      absl::c_none_of(generations, [](const Generation& item) { return item.active; })) {
    return base::WithHint(base::Mismatch("installed variants", current(),
                                         absl::StrCat("generation ", *active), "one that is there"),
                          "install the artifact again");
  }
  return generations;
}

absl::StatusOr<std::unique_ptr<base::FileLock>> Generations::Lock() {
  RETURN_IF_ERROR(fs_.CreateDirectories(Path("builds")));
  RETURN_IF_ERROR(fs_.CreateDirectories(Path("generations")));
  auto lock = std::make_unique<base::FileLock>(Path("lock"));
  // Without a lock somebody may be at work on what looks left behind.
  if (!lock->held()) return lock;
  for (const std::string& folder : {dir_, Path("builds")}) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, ListIfThere(fs_, folder));
    for (const std::string& name : names) {
      if (!absl::StartsWith(name, kUnfinished)) continue;
      RETURN_IF_ERROR(fs_.RemoveTree(base::JoinPath(folder, name)));
    }
  }
  // Whoever had the lock may have removed everything.
  RETURN_IF_ERROR(fs_.CreateDirectories(Path("builds")));
  RETURN_IF_ERROR(fs_.CreateDirectories(Path("generations")));
  return lock;
}

absl::StatusOr<std::string> Generations::BeginBuild() {
  std::string folder = Path(absl::StrCat("builds/", kUnfinished, getpid()));
  RETURN_IF_ERROR(fs_.RemoveTree(folder));
  RETURN_IF_ERROR(fs_.CreateDirectories(folder));
  return folder;
}

absl::Status Generations::FinishBuild(const std::string& folder, const sdk::InstalledBuild& build) {
  RETURN_IF_ERROR(
      base::WriteFile(fs_, base::JoinPath(folder, "build.json"), sdk::ToReadableJson(build)));
  return fs_.Rename(folder, Path(absl::StrCat("builds/", BuildId(build))));
}

void Generations::DropBuild(const std::string& folder) {
  // What stays is taken away by the next Lock().
  fs_.RemoveTree(folder).IgnoreError();
}

absl::StatusOr<bool> Generations::HasBuild(const std::string& id) {
  const absl::StatusOr<base::NodeInfo> info =
      fs_.Stat(Path(absl::StrCat("builds/", id, "/build.json")), base::Follow::kNo);
  if (absl::IsNotFound(info.status())) return false;
  RETURN_IF_ERROR(info.status());
  return true;
}

absl::StatusOr<int> Generations::Add(const std::string& id) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListIfThere(fs_, Path("generations")));
  int number = 1;
  for (const std::string& name : names) {
    number = std::max(number, ParseNumber(name).value_or(0) + 1);
  }
  while (true) {
    const absl::Status status = fs_.Symlink(absl::StrCat("../builds/", id, "/root"),
                                            Path(absl::StrCat("generations/", number)));
    // Somebody else took the number, where locks do not work.
    if (absl::IsAlreadyExists(status)) {
      ++number;
      continue;
    }
    RETURN_IF_ERROR(status);
    return number;
  }
}

absl::Status Generations::Activate(int number) {
  const std::string next = Path(absl::StrCat(kUnfinished, "current-", getpid()));
  RETURN_IF_ERROR(fs_.RemoveTree(next));
  RETURN_IF_ERROR(fs_.Symlink(absl::StrCat("generations/", number), next));
  const absl::Status status = fs_.Rename(next, current());
  if (!status.ok()) fs_.RemoveTree(next).IgnoreError();
  return status;
}

absl::Status Generations::RemoveBuild(const std::string& id) {
  const std::string gone = Path(absl::StrCat("builds/", kUnfinished, "removed-", id));
  RETURN_IF_ERROR(fs_.RemoveTree(gone));
  RETURN_IF_ERROR(fs_.Rename(Path(absl::StrCat("builds/", id)), gone));
  return fs_.RemoveTree(gone);
}

absl::Status Generations::Remove(const std::vector<int>& numbers) {
  ASSIGN_OR_RETURN(const std::vector<Generation> generations, List());
  std::set<std::string> kept;
  for (const Generation& generation : generations) {
    const bool goes = absl::c_linear_search(numbers, generation.number);
    if (goes && generation.active) {
      return base::WithHint(
          base::Mismatch("remove", dir_, absl::StrCat("generation ", generation.number),
                         "one that is not active"),
          "switch to another one first, or remove all with --all");
    }
    if (!goes) kept.insert(generation.id);
  }
  for (const int number : numbers) {
    RETURN_IF_ERROR(fs_.RemoveTree(Path(absl::StrCat("generations/", number))));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> builds, ListIfThere(fs_, Path("builds")));
  for (const std::string& id : builds) {
    if (kept.count(id) == 0 && !absl::StartsWith(id, kUnfinished)) RETURN_IF_ERROR(RemoveBuild(id));
  }
  return absl::OkStatus();
}

absl::Status Generations::RemoveAll() {
  RETURN_IF_ERROR(fs_.RemoveTree(current()));
  RETURN_IF_ERROR(fs_.RemoveTree(Path("generations")));
  ASSIGN_OR_RETURN(const std::vector<std::string> builds, ListIfThere(fs_, Path("builds")));
  for (const std::string& id : builds) {
    if (!absl::StartsWith(id, kUnfinished)) RETURN_IF_ERROR(RemoveBuild(id));
  }
  return fs_.RemoveTree(dir_);
}

}  // namespace rules_inference::install
