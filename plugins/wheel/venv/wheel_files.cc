#include "plugins/wheel/venv/wheel_files.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/wheel/record.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr uint64_t kMaxText = uint64_t{1} << 30;

// In a tree that is a site-packages directory itself, what an installation keeps beside
// site-packages lies among the packages.
class Places {
 public:
  Places(const sdk::WheelLayout& layout, absl::string_view python_version)
      : python_(python_version),
        site_(SitePackages(python_version)),
        tree_site_(layout.site_packages()) {
    if (!tree_site_.empty()) return;
    for (const sdk::TopLevel& top_level : layout.top_levels()) {
      // Directories that `.data` alone fills are not modules; a directory of libraries beside a
      // package ("numpy.libs") has a name that cannot be imported.
      if (top_level.kind() == sdk::TopLevel::DATA && IsWord(top_level.name())) {
        beside_.insert(top_level.name());
      }
    }
  }

  // `path` is below the tree.
  std::string InEnvironment(absl::string_view path) const {
    if (!tree_site_.empty()) {
      absl::string_view rest = path;
      if (absl::ConsumePrefix(&rest, absl::StrCat(tree_site_, "/"))) {
        return absl::StrCat(site_, "/", rest);
      }
      return std::string(path);
    }
    const absl::string_view top = path.substr(0, path.find('/'));
    if (top.size() == path.size() || !beside_.contains(top)) {
      return absl::StrCat(site_, "/", path);
    }
    if (top != "include") return std::string(path);
    return absl::StrCat("include/site/python", python_, path.substr(top.size()));
  }

 private:
  static bool IsWord(absl::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
    });
  }

  const std::string python_;
  const std::string site_;
  const std::string tree_site_;
  std::set<std::string, std::less<>> beside_;
};

absl::StatusOr<std::string> Inside(absl::string_view what, const std::string& where,
                                   absl::string_view path) {
  const absl::StatusOr<base::RelPath> parsed = base::RelPath::Parse(path);
  if (!parsed.ok()) return Mismatch(what, where, Quoted(path), "a path in the tree");
  return parsed->str();
}

// A path of RECORD, which begins at site-packages, as one that begins at the tree.
absl::StatusOr<std::string> InTree(const std::string& where, absl::string_view site,
                                   absl::string_view path) {
  absl::string_view rest = path;
  while (absl::ConsumePrefix(&rest, "../")) {
    if (site.empty()) return Mismatch("wheel RECORD", where, Quoted(path), "a path in the tree");
    const size_t slash = site.rfind('/');
    site = slash == absl::string_view::npos ? "" : site.substr(0, slash);
  }
  return Inside("wheel RECORD", where,
                site.empty() ? std::string(rest) : absl::StrCat(site, "/", rest));
}

}  // namespace

std::string WheelFiles::Title() const { return absl::StrCat(name, " ", version); }

std::string SitePackages(absl::string_view python_version) {
  return absl::StrCat("lib/python", python_version, "/site-packages");
}

absl::StatusOr<WheelFiles> ReadWheelFiles(const sdk::WheelTree& tree,
                                          absl::string_view python_version, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, tree.layout(), kMaxText));
  ASSIGN_OR_RETURN(const sdk::WheelLayout layout,
                   sdk::ParseJson<sdk::WheelLayout>(tree.layout(), text));
  const std::string& site = layout.site_packages();
  if (!site.empty() && site != SitePackages(python_version)) {
    return Mismatch("wheel tree", tree.path(), absl::StrCat("packages in ", Quoted(site)),
                    Quoted(SitePackages(python_version)));
  }
  ASSIGN_OR_RETURN(const std::string dist_info,
                   Inside("wheel layout", tree.layout(), layout.dist_info()));
  const std::string record_source = absl::StrCat(dist_info, "/RECORD");
  const std::string record_path = base::JoinPath(tree.path(), record_source);
  ASSIGN_OR_RETURN(const std::string record_text, base::ReadFile(fs, record_path, kMaxText));
  const base::Digest record_digest = base::Sha256::Of(record_text);
  if (record_digest.Hex() != layout.record_sha256()) {
    return Mismatch("wheel tree", record_path, absl::StrCat("sha256 ", record_digest.Hex()),
                    absl::StrCat("that of its layout, ", Quoted(layout.record_sha256())));
  }
  ASSIGN_OR_RETURN(const base::Record record, base::ParseRecord(record_path, record_text));

  WheelFiles wheel;
  wheel.name = layout.name();
  wheel.normalized_name = base::NormalizedProjectName(layout.name());
  wheel.version = layout.version();
  wheel.tree = tree.path();
  const Places places(layout, python_version);
  wheel.files.reserve(record.size());
  for (const auto& [row_path, row] : record) {
    ASSIGN_OR_RETURN(std::string source, InTree(record_path, site, row_path));
    if (!row.digest.has_value() && source != record_source) {
      return Mismatch("wheel RECORD", record_path, absl::StrCat("no digest for ", Quoted(row_path)),
                      "a sha256");
    }
    wheel.files.push_back({.path = places.InEnvironment(source),
                           .source = source,
                           .digest = row.digest.value_or(record_digest)});
  }
  std::sort(wheel.files.begin(), wheel.files.end(),
            [](const WheelFile& a, const WheelFile& b) { return a.path < b.path; });
  for (const std::string& directory : layout.real_directories()) {
    ASSIGN_OR_RETURN(const std::string path, Inside("wheel layout", tree.layout(), directory));
    // The place of a directory is that of a file in it.
    std::string inside = places.InEnvironment(absl::StrCat(path, "/x"));
    inside.resize(inside.size() - 2);
    wheel.real_directories.insert(std::move(inside));
  }
  return wheel;
}

}  // namespace rules_inference::wheel
