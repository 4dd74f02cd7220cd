#include "plugins/pypi/lock_text.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/hash_text.h"
#include "plugins/base/status_macros.h"
#include "plugins/pypi/coverage.h"
#include "plugins/pypi/marker.h"
#include "plugins/pypi/requirement.h"
#include "plugins/pypi/version.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {
namespace {

constexpr absl::string_view kNotLocked = "# Not locked for ";

// In the words of the comments; none begins with another one.
constexpr std::pair<sdk::CoverageCell::State, absl::string_view> kStates[] = {
    {sdk::CoverageCell::MISSING, "not on the index"},
    {sdk::CoverageCell::SDIST_ONLY, "source archive only"},
    {sdk::CoverageCell::NO_WHEEL_HERE, "no wheel for it"},
    {sdk::CoverageCell::NOT_NEEDED, "not of an index"},
};

struct Entry {
  std::set<std::string> hashes;
  // Indices of the configurations that have it.
  std::set<size_t> configurations;
};

// By name, then by version as versions are ordered.
struct Key {
  std::string name;
  std::string version;
  bool operator<(const Key& other) const {
    if (name != other.name) return name < other.name;
    const auto mine = Version::Parse(version);
    const auto theirs = Version::Parse(other.version);
    if (mine.has_value() && theirs.has_value() && *mine != *theirs) return *mine < *theirs;
    return version < other.version;
  }
};

absl::StatusOr<std::string> PinnedVersion(const Requirement& requirement) {
  absl::string_view version = requirement.specifier;
  if (requirement.kind != Requirement::Kind::kIndex || !absl::ConsumePrefix(&version, "==") ||
      absl::StrContains(version, "*") || absl::StrContains(version, ",")) {
    return base::Mismatch(
        "wheels lock", requirement.normalized,
        base::Quoted(requirement.url.empty() ? requirement.specifier : requirement.url),
        "one version, ==X");
  }
  return std::string(absl::StripAsciiWhitespace(absl::StripPrefix(version, "=")));
}

// "python_version == '3.11'" and the like, over the values of some configurations.
class Markers {
 public:
  static absl::StatusOr<Markers> Of(const std::vector<Resolution>& resolutions) {
    Markers markers;
    for (const Resolution& resolution : resolutions) {
      const Configuration& configuration = resolution.configuration;
      ASSIGN_OR_RETURN(const MarkerEnvironment environment,
                       EnvironmentOf(configuration.python, configuration.platform));
      markers.pythons_.push_back(environment.at("python_version"));
      markers.platforms_.push_back(
          {environment.at("sys_platform"), environment.at("platform_machine")});
    }
    return markers;
  }

  // Holds for these configurations and for no other one; empty when it is all of them.
  std::string For(const std::set<size_t>& configurations) const {
    if (configurations.size() == pythons_.size()) return "";
    // Platforms by Python, then Pythons that have the same platforms together.
    std::map<std::string, std::set<Platform>> by_python;
    for (const size_t i : configurations) by_python[pythons_[i]].insert(platforms_[i]);
    std::map<std::set<Platform>, std::set<std::string>> groups;
    for (const auto& [python, platforms] : by_python) groups[platforms].insert(python);
    std::vector<std::string> terms;
    for (const auto& [platforms, pythons] : groups) {
      std::vector<std::string> parts;
      if (pythons != All(pythons_)) parts.push_back(Pythons(pythons));
      if (platforms != All(platforms_)) parts.push_back(Platforms(platforms));
      terms.push_back(parts.size() == 2 ? absl::StrCat("(", absl::StrJoin(parts, " and "), ")")
                                        : absl::StrJoin(parts, ""));
    }
    std::sort(terms.begin(), terms.end());
    std::string text = absl::StrJoin(terms, " or ");
    // Parentheses around the whole say nothing.
    if (terms.size() == 1 && absl::StartsWith(text, "((")) return text;
    if (terms.size() == 1 && absl::StartsWith(text, "(") && absl::StrContains(text, " and ")) {
      return text.substr(1, text.size() - 2);
    }
    return text;
  }

 private:
  using Platform = std::pair<std::string, std::string>;

  template <typename T>
  static std::set<T> All(const std::vector<T>& values) {
    return {values.begin(), values.end()};
  }

  static std::string AnyOf(std::vector<std::string> texts) {
    if (texts.size() == 1) return texts[0];
    return absl::StrCat("(", absl::StrJoin(texts, " or "), ")");
  }

  static std::string Pythons(const std::set<std::string>& pythons) {
    std::vector<std::string> texts;
    for (const std::string& python : pythons) {
      texts.push_back(absl::StrCat("python_version == '", python, "'"));
    }
    return AnyOf(std::move(texts));
  }

  std::string Platforms(const std::set<Platform>& platforms) const {
    std::set<std::string> systems;
    for (const auto& [system, machine] : platforms_) systems.insert(system);
    std::vector<std::string> texts;
    for (const auto& [system, machine] : platforms) {
      const std::string on_machine = absl::StrCat("platform_machine == '", machine, "'");
      texts.push_back(systems.size() == 1
                          ? on_machine
                          : absl::StrCat("sys_platform == '", system, "' and ", on_machine));
    }
    return AnyOf(std::move(texts));
  }

  std::vector<std::string> pythons_;
  std::vector<Platform> platforms_;
};

std::string PinText(const Key& key, const Entry& entry, const std::string& marker) {
  std::string text = absl::StrCat(key.name, "==", key.version);
  if (!marker.empty()) absl::StrAppend(&text, " ; ", marker);
  for (const std::string& hash : entry.hashes) absl::StrAppend(&text, " \\\n    --hash=", hash);
  return text + "\n";
}

}  // namespace

absl::StatusOr<std::string> LockText(const std::vector<Resolution>& resolutions,
                                     absl::string_view head) {
  std::map<Key, Entry> entries;
  for (size_t i = 0; i < resolutions.size(); ++i) {
    ASSIGN_OR_RETURN(
        const MarkerEnvironment environment,
        EnvironmentOf(resolutions[i].configuration.python, resolutions[i].configuration.platform));
    std::set<std::string> seen;
    for (const Requirement& requirement : resolutions[i].requirements) {
      ASSIGN_OR_RETURN(const bool counts, EvaluateMarker(requirement.marker, environment, {}));
      if (!counts) continue;
      ASSIGN_OR_RETURN(const std::string version, PinnedVersion(requirement));
      if (!seen.insert(requirement.normalized).second) {
        return base::Mismatch("wheels lock", requirement.normalized, "two versions for one Python",
                              "one");
      }
      Entry& entry = entries[{requirement.normalized, version}];
      entry.configurations.insert(i);
      for (const std::string& hash : requirement.hashes) {
        const auto digest = base::ParseSha256(hash);
        // Other algorithms beside a sha256 are no loss.
        if (digest.ok()) entry.hashes.insert(digest->ToString());
      }
      if (entry.hashes.empty()) {
        return base::Mismatch("wheels lock", absl::StrCat(requirement.normalized, " ", version),
                              "no sha256 digest", "one for each file");
      }
    }
  }
  ASSIGN_OR_RETURN(const Markers markers, Markers::Of(resolutions));
  std::string text(head);
  for (const auto& [key, entry] : entries) {
    absl::StrAppend(&text, PinText(key, entry, markers.For(entry.configurations)));
  }
  return text;
}

std::string AbsentLine(const Configuration& configuration, absl::string_view name,
                       sdk::CoverageCell::State state, absl::string_view reason) {
  absl::string_view what = kStates[0].second;
  for (const auto& [known, words] : kStates) {
    if (known == state) what = words;
  }
  return absl::StrCat(kNotLocked, configuration.python, " on ", configuration.platform, ": ", name,
                      ": ", what, reason.empty() ? "" : absl::StrCat(" (", reason, ")"), "\n");
}

std::vector<Absent> AbsentOf(absl::string_view lock) {
  std::vector<Absent> all;
  for (absl::string_view line : absl::StrSplit(lock, '\n')) {
    if (!absl::ConsumePrefix(&line, kNotLocked)) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(": ", 2));
    if (parts.size() != 3) continue;
    Absent absent;
    absent.configuration = absl::StrReplaceAll(parts[0], {{" on ", " "}});
    absent.name = std::string(parts[1]);
    for (const auto& [state, words] : kStates) {
      absl::string_view rest = parts[2];
      if (!absl::ConsumePrefix(&rest, words)) continue;
      absent.state = state;
      if (absl::ConsumePrefix(&rest, " (") && absl::ConsumeSuffix(&rest, ")")) {
        absent.reason = std::string(rest);
      }
    }
    all.push_back(std::move(absent));
  }
  return all;
}

absl::StatusOr<std::string> LockFor(const std::vector<Requirement>& lock,
                                    const Configuration& configuration) {
  ASSIGN_OR_RETURN(const MarkerEnvironment environment,
                   EnvironmentOf(configuration.python, configuration.platform));
  std::string text;
  for (const Requirement& requirement : lock) {
    ASSIGN_OR_RETURN(const bool counts, EvaluateMarker(requirement.marker, environment, {}));
    if (!counts) continue;
    ASSIGN_OR_RETURN(const std::string version, PinnedVersion(requirement));
    Entry entry;
    entry.hashes.insert(requirement.hashes.begin(), requirement.hashes.end());
    text += PinText({requirement.normalized, version}, entry, "");
  }
  return text;
}

std::string LockDiff(const std::vector<Requirement>& before,
                     const std::vector<Requirement>& after) {
  using Versions = std::map<std::string, std::set<std::string>>;
  std::map<std::string, Versions> names[2];
  const std::vector<Requirement>* const locks[2] = {&before, &after};
  for (int i = 0; i < 2; ++i) {
    for (const Requirement& requirement : *locks[i]) {
      std::set<std::string>& hashes = names[i][requirement.normalized][absl::StrCat(
          absl::StripPrefix(requirement.specifier, "=="), requirement.marker.empty() ? "" : " ; ",
          requirement.marker)];
      hashes.insert(requirement.hashes.begin(), requirement.hashes.end());
    }
  }
  std::map<std::string, std::string> lines;
  const auto versions = [](const Versions& all) {
    return absl::StrJoin(
        all, ", ", [](std::string* out, const auto& item) { absl::StrAppend(out, item.first); });
  };
  for (const auto& [name, old] : names[0]) {
    const auto found = names[1].find(name);
    if (found == names[1].end()) {
      lines[name] = absl::StrCat("- ", name, " ", versions(old));
    } else if (versions(old) != versions(found->second)) {
      lines[name] = absl::StrCat("~ ", name, " ", versions(old), " -> ", versions(found->second));
    } else if (old != found->second) {
      lines[name] = absl::StrCat("~ ", name, " ", versions(old), ": other digests");
    }
  }
  for (const auto& [name, now] : names[1]) {
    if (names[0].count(name) == 0) lines[name] = absl::StrCat("+ ", name, " ", versions(now));
  }
  std::string text;
  for (const auto& [name, line] : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

}  // namespace rules_inference::pypi
