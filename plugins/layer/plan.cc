// Every input claims paths. A claim is strong when the user asked for exactly this node (a file, a
// symlink, a directory with a mode), and weak when the directory is only there to hold something.
// Two claims to one path are fine when both are weak, when a weak one meets a strong directory, or
// when both are files of wheels with the same bytes, as several nvidia wheels bring one empty
// `nvidia/__init__.py`; anything else has two owners, and both are named in the error. With all
// claims in one list, sorting it by path and looking at neighbours is enough.

#include "plugins/layer/plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/utf8.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/layer/tar.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr size_t kMaxLinkTarget = 4096;
constexpr int kMaxStagingHops = 8;
constexpr size_t kMaxTreeDepth = 256;

struct Claim {
  LayerEntry entry;
  bool weak = false;
  uint32_t owner = 0;
};

class Planner {
 public:
  explicit Planner(base::FileSystem& fs) : fs_(fs) {}

  absl::Status AddWheel(const sdk::WheelInput& input, base::ZipLimits& limits);
  absl::Status AddFile(const sdk::FileInput& input);
  absl::StatusOr<LayerPlan> Finish();

 private:
  // A node found on disk: where its content is, and what it is.
  struct Node {
    std::string source;
    base::NodeInfo info;
    std::string link_target;
  };
  // On the way through a directory.
  struct Walk {
    bool fixed_mode = false;
    bool keep_links = false;
    // Devices and inodes of the directories from the root down.
    std::vector<std::pair<uint64_t, uint64_t>> inside;
  };

  void Add(LayerEntry entry, bool weak);
  absl::StatusOr<Node> Look(const std::string& source, absl::string_view exec_path);
  absl::Status AddTree(const Node& root, absl::string_view exec_path, const LayerEntry& pattern,
                       Walk& walk);
  absl::Status AddFollowed(Node link, absl::string_view exec_path, LayerEntry entry, Walk& walk);
  absl::Status AddRegular(const std::string& source, LayerEntry entry, bool fixed_mode);
  absl::Status Conflict(const Claim& first, const Claim& second) const;

  base::FileSystem& fs_;
  std::vector<Claim> claims_;
  absl::flat_hash_set<std::string> parents_;
  std::vector<std::string> owners_;  // For messages, by Claim::owner.
  LayerPlan plan_;
};

absl::StatusOr<uint32_t> ParseMode(absl::string_view where, absl::string_view text) {
  uint32_t mode = 0;
  bool ok = text.size() >= 3 && text.size() <= 5;
  for (const char c : text) {
    ok = ok && c >= '0' && c <= '7';
    mode = mode * 8 + static_cast<uint32_t>(c - '0');
  }
  if (!ok || mode > 07777) {
    return Mismatch("file mode", where, Quoted(text),
                    "octal digits such as '0644', at most '7777'");
  }
  return mode;
}

absl::Status CheckLinkTarget(absl::string_view where, absl::string_view target) {
  if (target.empty() || target.size() > kMaxLinkTarget || !base::IsValidUtf8(target) ||
      absl::StrContains(target, '\0')) {
    return Mismatch("symlink target", where, Quoted(target),
                    absl::StrCat("1 to ", kMaxLinkTarget, " bytes of UTF-8 without NUL"));
  }
  return absl::OkStatus();
}

// Bazel stages the inputs of an action as absolute symlinks to the same path below another root.
// Such a link is not part of the input; any other is.
bool IsStagingLink(absl::string_view target, absl::string_view exec_path) {
  if (!absl::StartsWith(target, "/")) return false;
  return absl::EndsWith(target, absl::StrCat("/", exec_path)) ||
         absl::StrContains(target, "/execroot/");
}

void Planner::Add(LayerEntry entry, bool weak) {
  const auto owner = static_cast<uint32_t>(owners_.size() - 1);
  // Up to the first parent that is there already: its parents are there too.
  for (size_t slash = entry.path.rfind('/'); slash != std::string::npos;
       slash = slash == 0 ? std::string::npos : entry.path.rfind('/', slash - 1)) {
    std::string parent = entry.path.substr(0, slash);
    if (!parents_.insert(parent).second) break;
    LayerEntry directory;
    directory.path = std::move(parent);
    directory.type = TarType::kDirectory;
    directory.mode = 0755;
    claims_.push_back({std::move(directory), /*weak=*/true, owner});
  }
  claims_.push_back({std::move(entry), weak, owner});
}

absl::Status Planner::AddWheel(const sdk::WheelInput& input, base::ZipLimits& limits) {
  owners_.push_back(Quoted(input.source()));
  ASSIGN_OR_RETURN(const base::RelPath prefix, base::RelPath::Parse(input.prefix()));
  ASSIGN_OR_RETURN(base::Wheel wheel,
                   base::OpenWheel(fs_, input.source(), base::WheelPlaces::Target(prefix), limits));
  const int index = static_cast<int>(plan_.wheels.size());
  for (base::WheelMember& member : wheel.members) {
    const base::ZipEntry& zip_entry = wheel.zip.entries()[member.entry];
    LayerEntry entry;
    entry.path = std::move(member.path);
    if (zip_entry.is_directory) {
      entry.type = TarType::kDirectory;
      entry.mode = 0755;
    } else {
      entry.mode = member.executable ? 0755 : 0644;
      entry.size = zip_entry.size;
      entry.wheel = index;
      entry.zip_entry = member.entry;
      entry.digest = member.digest;
      // The limit is for all wheels together.
      limits.max_unpacked_bytes -= zip_entry.size;
    }
    Add(std::move(entry), /*weak=*/zip_entry.is_directory);
  }
  wheel.members = {};
  plan_.wheels.push_back(std::move(wheel));
  return absl::OkStatus();
}

absl::StatusOr<Planner::Node> Planner::Look(const std::string& source,
                                            absl::string_view exec_path) {
  Node node = {source, {}, {}};
  for (int hop = 0; hop < kMaxStagingHops; ++hop) {
    ASSIGN_OR_RETURN(node.info, fs_.Stat(node.source, base::Follow::kNo));
    if (node.info.type != base::NodeType::kSymlink) return node;
    ASSIGN_OR_RETURN(node.link_target, fs_.ReadLink(node.source));
    if (!IsStagingLink(node.link_target, exec_path)) return node;
    node.source = std::move(node.link_target);
  }
  return Mismatch("symlink", source, "a chain of symlinks", "a file, a directory or one symlink");
}

absl::Status Planner::AddRegular(const std::string& source, LayerEntry entry, bool fixed_mode) {
  ASSIGN_OR_RETURN(const base::NodeInfo info, fs_.Stat(source, base::Follow::kYes));
  if (info.type != base::NodeType::kFile) {
    return Mismatch("layer input", source,
                    info.type == base::NodeType::kDirectory ? "a directory" : "a special file",
                    "a regular file");
  }
  entry.type = TarType::kFile;
  if (!fixed_mode) entry.mode = info.owner_executable ? 0755 : 0644;
  entry.size = info.size;
  entry.source = source;
  Add(std::move(entry), /*weak=*/false);
  return absl::OkStatus();
}

absl::Status Planner::AddTree(const Node& root, absl::string_view exec_path,
                              const LayerEntry& pattern, Walk& walk) {
  if (walk.inside.size() > kMaxTreeDepth) {
    return Mismatch("layer input", root.source,
                    absl::StrCat("more than ", kMaxTreeDepth, " levels"), "fewer");
  }
  LayerEntry directory = pattern;
  directory.type = TarType::kDirectory;
  directory.mode = 0755;
  // An owner other than root is a wish of the user; a plain directory is only there to hold
  // something.
  const bool weak = pattern.uid == 0 && pattern.gid == 0;
  Add(std::move(directory), weak);
  walk.inside.emplace_back(root.info.device, root.info.inode);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(root.source));
  for (const std::string& name : names) {
    const std::string child_exec_path = base::JoinPath(exec_path, name);
    LayerEntry entry = pattern;
    entry.path = absl::StrCat(pattern.path, "/", name);
    RETURN_IF_ERROR(base::RelPath::Parse(entry.path).status());
    ASSIGN_OR_RETURN(Node child, Look(base::JoinPath(root.source, name), child_exec_path));
    switch (child.info.type) {
      case base::NodeType::kFile:
        RETURN_IF_ERROR(AddRegular(child.source, std::move(entry), walk.fixed_mode));
        break;
      case base::NodeType::kDirectory:
        RETURN_IF_ERROR(AddTree(child, child_exec_path, entry, walk));
        break;
      case base::NodeType::kSymlink:
        if (!walk.keep_links) {
          RETURN_IF_ERROR(AddFollowed(std::move(child), child_exec_path, std::move(entry), walk));
          break;
        }
        RETURN_IF_ERROR(CheckLinkTarget(child_exec_path, child.link_target));
        entry.type = TarType::kSymlink;
        entry.mode = 0777;
        entry.link_target = std::move(child.link_target);
        Add(std::move(entry), /*weak=*/false);
        break;
      case base::NodeType::kOther:
        return Mismatch("layer input", child_exec_path, "a special file",
                        "a file, a directory or a symlink");
    }
  }
  walk.inside.pop_back();
  return absl::OkStatus();
}

absl::Status Planner::AddFollowed(Node link, absl::string_view exec_path, LayerEntry entry,
                                  Walk& walk) {
  const auto refuse = [&](absl::string_view got, absl::string_view expected) {
    return base::WithHint(
        Mismatch("symlink", exec_path, absl::StrCat("target ", Quoted(link.link_target), got),
                 expected),
        "links in directories are followed; directory_links = \"keep\" leaves them as they are");
  };
  if (absl::StartsWith(link.link_target, "/")) return refuse("", "a relative target");
  const absl::StatusOr<base::NodeInfo> end = fs_.Stat(link.source, base::Follow::kYes);
  if (absl::IsNotFound(end.status())) {
    return refuse(", which does not exist", "a file or a directory");
  }
  RETURN_IF_ERROR(end.status());
  link.info = *end;
  if (link.info.type != base::NodeType::kDirectory) {
    return AddRegular(link.source, std::move(entry), walk.fixed_mode);
  }
  if (std::find(walk.inside.begin(), walk.inside.end(),
                std::pair(link.info.device, link.info.inode)) != walk.inside.end()) {
    return refuse(", a directory that it is in", "no circle");
  }
  return AddTree(link, exec_path, entry, walk);
}

absl::Status Planner::AddFile(const sdk::FileInput& input) {
  owners_.push_back(input.source().empty() ? absl::StrCat("the input for ", Quoted(input.path()))
                                           : Quoted(input.source()));
  ASSIGN_OR_RETURN(const base::RelPath path, base::RelPath::Parse(input.path()));
  LayerEntry entry;
  entry.path = path.str();
  entry.uid = input.uid();
  entry.gid = input.gid();
  const bool fixed_mode = !input.mode().empty();
  if (fixed_mode) {
    ASSIGN_OR_RETURN(entry.mode, ParseMode(Quoted(entry.path), input.mode()));
  }
  switch (input.type()) {
    case sdk::FILE:
      return AddRegular(input.source(), std::move(entry), fixed_mode);
    case sdk::TREE: {
      ASSIGN_OR_RETURN(const base::NodeInfo info, fs_.Stat(input.source(), base::Follow::kYes));
      if (info.type != base::NodeType::kDirectory) {
        return Mismatch("layer input", input.source(), "not a directory", "a directory");
      }
      Walk walk = {.fixed_mode = fixed_mode, .keep_links = input.keep_links(), .inside = {}};
      return AddTree({input.source(), info, {}}, input.source(), entry, walk);
    }
    case sdk::SYMLINK:
      entry.link_target = input.link_target();
      break;
    case sdk::SYMLINK_FROM_SOURCE: {
      ASSIGN_OR_RETURN(const Node node, Look(input.source(), input.source()));
      if (node.info.type != base::NodeType::kSymlink) {
        return Mismatch("layer input", input.source(), "no symlink", "a symlink");
      }
      entry.link_target = node.link_target;
      break;
    }
    case sdk::EMPTY:
      Add(std::move(entry), /*weak=*/false);
      return absl::OkStatus();
    case sdk::DIRECTORY:
      entry.type = TarType::kDirectory;
      if (!fixed_mode) entry.mode = 0755;
      Add(std::move(entry), /*weak=*/false);
      return absl::OkStatus();
    default:
      return Mismatch("layer input", Quoted(entry.path),
                      absl::StrCat("type ", static_cast<int>(input.type())), "a FileType");
  }
  RETURN_IF_ERROR(CheckLinkTarget(Quoted(entry.path), entry.link_target));
  entry.type = TarType::kSymlink;
  entry.mode = 0777;
  Add(std::move(entry), /*weak=*/false);
  return absl::OkStatus();
}

absl::Status Planner::Conflict(const Claim& first, const Claim& second) const {
  const bool in_order = first.owner <= second.owner;
  const std::string& a = owners_[in_order ? first.owner : second.owner];
  const std::string& b = owners_[in_order ? second.owner : first.owner];
  if (first.entry.type != second.entry.type) {
    return Mismatch("path in the layer", Quoted(first.entry.path),
                    absl::StrCat(a, " and ", b, ", with different types"), "one owner");
  }
  return Mismatch("path in the layer", Quoted(first.entry.path), absl::StrCat(a, " and ", b),
                  "one owner");
}

absl::StatusOr<LayerPlan> Planner::Finish() {
  // Strong claims first, then in the order of the inputs, so that the one that is kept does not
  // depend on chance.
  std::sort(claims_.begin(), claims_.end(), [](const Claim& a, const Claim& b) {
    if (const int order = a.entry.path.compare(b.entry.path); order != 0) return order < 0;
    return std::pair(a.weak, a.owner) < std::pair(b.weak, b.owner);
  });
  plan_.entries.reserve(claims_.size());
  for (size_t i = 0; i < claims_.size();) {
    const size_t kept = i;
    for (++i; i < claims_.size() && claims_[i].entry.path == claims_[kept].entry.path; ++i) {
      const Claim& first = claims_[kept];
      const Claim& second = claims_[i];
      const bool both_directories =
          first.entry.type == TarType::kDirectory && second.entry.type == TarType::kDirectory;
      const bool same = first.entry.mode == second.entry.mode &&
                        first.entry.uid == second.entry.uid && first.entry.gid == second.entry.gid;
      const bool same_bytes = first.entry.digest.has_value() &&
                              first.entry.digest == second.entry.digest &&
                              first.entry.size == second.entry.size;
      if (same && same_bytes) continue;
      if (!both_directories || (!second.weak && !same)) return Conflict(first, second);
    }
    plan_.entries.push_back(std::move(claims_[kept].entry));
  }
  return std::move(plan_);
}

}  // namespace

absl::StatusOr<LayerPlan> PlanLayer(const sdk::LayerRequest& request, base::FileSystem& fs) {
  Planner planner(fs);
  base::ZipLimits limits;
  if (request.max_unpacked_bytes() != 0) limits.max_unpacked_bytes = request.max_unpacked_bytes();
  for (const sdk::WheelInput& wheel : request.wheels()) {
    RETURN_IF_ERROR(planner.AddWheel(wheel, limits));
  }
  for (const sdk::FileInput& file : request.files()) RETURN_IF_ERROR(planner.AddFile(file));
  return planner.Finish();
}

}  // namespace rules_inference::layer
