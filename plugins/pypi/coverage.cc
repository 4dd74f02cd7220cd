#include "plugins/pypi/coverage.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/digest.h"
#include "plugins/base/hash_text.h"
#include "plugins/base/status_macros.h"
#include "plugins/pypi/marker.h"
#include "plugins/pypi/requirement.h"
#include "plugins/pypi/tag.h"
#include "plugins/pypi/version.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {
namespace {

using Cell = sdk::CoverageCell;
using Row = sdk::CoverageRow;

struct Asked {
  const Requirement* requirement = nullptr;
  std::string where;
};

bool IsGap(Cell::State state) {
  return state == Cell::MISSING || state == Cell::SDIST_ONLY || state == Cell::WRONG_VERSION ||
         state == Cell::NO_WHEEL_HERE;
}

// How good a state is, for the best of several pins: less is better.
int Order(Cell::State state) {
  switch (state) {
    case Cell::WHEEL:
      return 0;
    case Cell::PINNED:
      return 1;
    case Cell::SDIST_ONLY:
      return 2;
    case Cell::NO_WHEEL_HERE:
      return 3;
    case Cell::WRONG_VERSION:
      return 4;
    default:
      return 5;
  }
}

// The file of a pin that an installer takes for a configuration.
const PinnedFile* FileFor(const Pin& pin, const Configuration& configuration) {
  const PinnedFile* best = nullptr;
  int best_rank = 0;
  for (const PinnedFile& file : pin.files) {
    const std::optional<WheelName> wheel = ParseWheelName(file.name);
    if (!wheel.has_value()) continue;
    const std::optional<int> rank = WheelRank(*wheel, configuration.python, configuration.platform);
    if (!rank.has_value() || (best != nullptr && *rank >= best_rank)) continue;
    best = &file;
    best_rank = *rank;
  }
  return best;
}

// What one pin gives to a configuration.
Cell CellOf(const Pin& pin, const Configuration& configuration) {
  Cell cell;
  if (const PinnedFile* const file = FileFor(pin, configuration)) {
    cell.set_state(Cell::WHEEL);
    cell.set_file(file->name);
    cell.set_size(file->size);
    if (!file->refused.empty()) cell.set_note(absl::StrCat("refused: ", file->refused));
    return cell;
  }
  const bool any_wheel = absl::c_any_of(
      pin.files, [](const PinnedFile& file) { return ParseWheelName(file.name).has_value(); });
  // A digest alone may be that of the wheel.
  cell.set_state(!pin.hashes.empty() || pin.files.empty() ? Cell::PINNED
                 : any_wheel                              ? Cell::NO_WHEEL_HERE
                                                          : Cell::SDIST_ONLY);
  return cell;
}

absl::StatusOr<bool> CountsIn(const Pin& pin, const Configuration& configuration,
                              const MarkerEnvironment& environment) {
  if (pin.used_in.has_value()) return pin.used_in->count(configuration.Name()) > 0;
  return EvaluateMarker(pin.marker, environment, {});
}

std::string LicenseOf(const Pin& pin) {
  if (!pin.license.empty()) return pin.license;
  for (const PinnedFile& file : pin.files) {
    if (!file.license.empty()) return file.license;
  }
  return "";
}

class Coverage {
 public:
  Coverage(const Locked& locked, const std::vector<Configuration>& configurations)
      : configurations_(configurations) {
    for (const Pin& pin : locked.pins) pins_[pin.name].push_back(&pin);
    for (const Absent& absent : locked.absent) {
      absent_[{absent.name, absent.configuration}] = &absent;
    }
  }

  absl::StatusOr<Row> RowOf(const std::string& name, const std::vector<Asked>& asked);
  const std::map<std::string, std::vector<const Pin*>>& pins() const { return pins_; }

 private:
  absl::StatusOr<Cell> CellFor(const std::string& name, const std::vector<Asked>& asked,
                               const Configuration& configuration);

  const std::vector<Configuration>& configurations_;
  std::map<std::string, std::vector<const Pin*>> pins_;
  std::map<std::pair<std::string, std::string>, const Absent*> absent_;
};

absl::StatusOr<Cell> Coverage::CellFor(const std::string& name, const std::vector<Asked>& asked,
                                       const Configuration& configuration) {
  ASSIGN_OR_RETURN(const MarkerEnvironment environment,
                   EnvironmentOf(configuration.python, configuration.platform));
  std::vector<const Requirement*> needed;
  for (const Asked& item : asked) {
    ASSIGN_OR_RETURN(const bool counts, EvaluateMarker(item.requirement->marker, environment, {}));
    if (counts) needed.push_back(item.requirement);
  }
  Cell best;
  if (needed.empty()) return best;
  best.set_state(Cell::MISSING);
  const auto absent = absent_.find({name, configuration.Name()});
  // What is of no index is listed as such, by its source.
  if (absent != absent_.end() && absent->second->state != Cell::NOT_NEEDED) {
    best.set_state(absent->second->state);
    best.set_note(absent->second->reason);
  }
  const auto found = pins_.find(name);
  if (found == pins_.end()) return best;
  for (const Pin* pin : found->second) {
    ASSIGN_OR_RETURN(const bool counts, CountsIn(*pin, configuration, environment));
    if (!counts) continue;
    Cell cell = CellOf(*pin, configuration);
    const std::optional<Version> version = Version::Parse(pin->version);
    for (const Requirement* requirement : needed) {
      // A set of names says nothing about versions.
      if (requirement->specifier.empty() || !version.has_value()) continue;
      ASSIGN_OR_RETURN(const bool allowed, Satisfies(*version, requirement->specifier));
      if (!allowed) {
        cell = Cell();
        cell.set_state(Cell::WRONG_VERSION);
        cell.set_note(
            absl::StrCat(pin->version, " is locked, ", requirement->specifier, " is asked for"));
      }
    }
    if (Order(cell.state()) < Order(best.state())) best = cell;
  }
  return best;
}

absl::StatusOr<Row> Coverage::RowOf(const std::string& name, const std::vector<Asked>& asked) {
  Row row;
  row.set_name(name);
  std::set<std::string> written;
  for (const Asked& item : asked) {
    row.add_asked_by(item.where);
    if (item.requirement->name != name) written.insert(item.requirement->name);
    // A name that some list takes from an index is the index's.
    const Row::Source source = item.requirement->kind == Requirement::Kind::kIndex ? Row::INDEX
                               : item.requirement->kind == Requirement::Kind::kUrl ? Row::URL
                                                                                   : Row::VCS;
    if (&item == &asked.front() || source < row.source()) row.set_source(source);
  }
  row.mutable_written()->Assign(written.begin(), written.end());
  std::set<std::string> versions;
  const auto found = pins_.find(name);
  if (found != pins_.end()) {
    for (const Pin* pin : found->second) {
      if (!pin->version.empty()) versions.insert(pin->version);
      if (row.license().empty()) row.set_license(LicenseOf(*pin));
    }
  }
  row.mutable_versions()->Assign(versions.begin(), versions.end());
  for (const Configuration& configuration : configurations_) {
    ASSIGN_OR_RETURN(*row.add_cells(), CellFor(name, asked, configuration));
  }
  return row;
}

void AddTotals(const std::map<std::string, std::vector<const Pin*>>& pins,
               sdk::CoverageReport* report) {
  sdk::CoverageTotals& totals = *report->mutable_totals();
  for (const Row& row : report->rows()) {
    totals.set_names(totals.names() + 1);
    if (row.source() == Row::INDEX) {
      totals.set_from_index(totals.from_index() + 1);
      const bool gap =
          absl::c_any_of(row.cells(), [](const Cell& cell) { return IsGap(cell.state()); });
      if (gap) {
        totals.set_gaps(totals.gaps() + 1);
      } else {
        totals.set_covered(totals.covered() + 1);
      }
      continue;
    }
    if (row.source() == Row::URL) {
      totals.set_from_url(totals.from_url() + 1);
    } else {
      totals.set_from_vcs(totals.from_vcs() + 1);
    }
    if (pins.count(row.name()) > 0) totals.set_others_locked(totals.others_locked() + 1);
  }
}

// What an installer would take of the lock, for all configurations.
absl::Status AddWheels(const Locked& locked, const std::vector<Configuration>& configurations,
                       sdk::CoverageReport* report) {
  sdk::CoverageTotals& totals = *report->mutable_totals();
  // (names, configurations) that bring an import path, and the paths of each such pair.
  std::map<std::string, std::map<std::string, std::set<std::string>>> owners;
  std::map<std::string, sdk::LicenseTotal> licenses;
  std::set<std::string> files;
  std::set<std::string> counted;
  for (const Configuration& configuration : configurations) {
    ASSIGN_OR_RETURN(const MarkerEnvironment environment,
                     EnvironmentOf(configuration.python, configuration.platform));
    for (const Pin& pin : locked.pins) {
      ASSIGN_OR_RETURN(const bool counts, CountsIn(pin, configuration, environment));
      if (!counts) continue;
      const PinnedFile* const file = FileFor(pin, configuration);
      const std::vector<std::string>& imports = file != nullptr ? file->imports : pin.imports;
      for (const std::string& path : imports.empty() ? pin.imports : imports) {
        owners[path][configuration.Name()].insert(pin.name);
      }
      const std::string license = LicenseOf(pin);
      sdk::LicenseTotal& total = licenses[license.empty() ? "unknown" : license];
      if (counted.insert(pin.name).second) total.add_names(pin.name);
      if (file == nullptr || !files.insert(file->name).second) continue;
      totals.set_wheels(totals.wheels() + 1);
      if (file->size == 0) totals.set_unsized(totals.unsized() + 1);
      totals.set_bytes(totals.bytes() + file->size);
      total.set_bytes(total.bytes() + file->size);
    }
  }
  if (licenses.size() > 1 || licenses.count("unknown") == 0) {
    for (auto& [license, total] : licenses) {
      total.set_license(license);
      absl::c_sort(*total.mutable_names());
      *totals.add_licenses() = std::move(total);
    }
  }
  // Those with the same names and configurations become one.
  std::map<std::set<std::string>, std::map<std::string, std::set<std::string>>> collisions;
  for (const auto& [path, by_configuration] : owners) {
    for (const auto& [configuration, names] : by_configuration) {
      if (names.size() > 1) collisions[names][path].insert(configuration);
    }
  }
  for (const auto& [names, paths] : collisions) {
    sdk::CoverageCollision& collision = *report->add_collisions();
    collision.mutable_names()->Assign(names.begin(), names.end());
    std::set<std::string> where;
    for (const auto& [path, in] : paths) {
      collision.add_imports(path);
      where.insert(in.begin(), in.end());
    }
    collision.mutable_configurations()->Assign(where.begin(), where.end());
  }
  return absl::OkStatus();
}

// The collisions, row by row.
void AddCollisions(sdk::CoverageReport* report) {
  for (Row& row : *report->mutable_rows()) {
    std::set<std::string> others;
    for (const sdk::CoverageCollision& collision : report->collisions()) {
      if (!absl::c_linear_search(collision.names(), row.name())) continue;
      others.insert(collision.names().begin(), collision.names().end());
    }
    others.erase(row.name());
    row.mutable_collides_with()->Assign(others.begin(), others.end());
  }
}

}  // namespace

std::vector<Pin> PinsOf(const std::vector<Requirement>& requirements) {
  std::vector<Pin> pins;
  for (const Requirement& requirement : requirements) {
    Pin pin;
    pin.name = requirement.normalized;
    pin.marker = requirement.marker;
    absl::string_view version = requirement.specifier;
    if (absl::ConsumePrefix(&version, "==")) {
      pin.version = std::string(absl::StripAsciiWhitespace(absl::StripPrefix(version, "=")));
    }
    for (const std::string& hash : requirement.hashes) {
      const absl::StatusOr<base::Digest> digest = base::ParseSha256(hash);
      if (digest.ok()) pin.hashes.insert(digest->Hex());
    }
    pins.push_back(std::move(pin));
  }
  return pins;
}

void AddFacts(const sdk::WheelFacts& facts, std::vector<Pin>* pins) {
  std::map<std::string, const sdk::WheelFact*> by_digest;
  for (const sdk::WheelFact& fact : facts.wheels()) by_digest[fact.sha256()] = &fact;
  const auto tell = [](const sdk::WheelFact& fact, PinnedFile* file) {
    file->name = fact.file();
    file->size = fact.size();
    file->sha256 = fact.sha256();
    file->license = fact.license();
    file->refused = fact.refused();
    file->imports.assign(fact.imports().begin(), fact.imports().end());
  };
  for (Pin& pin : *pins) {
    for (PinnedFile& file : pin.files) {
      const auto found = by_digest.find(file.sha256);
      if (found != by_digest.end()) tell(*found->second, &file);
    }
    for (auto hash = pin.hashes.begin(); hash != pin.hashes.end();) {
      const auto found = by_digest.find(*hash);
      if (found == by_digest.end()) {
        ++hash;
        continue;
      }
      tell(*found->second, &pin.files.emplace_back());
      hash = pin.hashes.erase(hash);
    }
  }
}

std::string Configuration::Name() const { return absl::StrCat(python, " ", platform); }

bool HasGaps(const sdk::CoverageReport& report) {
  return report.totals().gaps() > 0 || report.collisions_size() > 0;
}

absl::StatusOr<sdk::CoverageReport> Cover(const std::vector<RequirementList>& lists,
                                          const Locked& locked,
                                          const std::vector<Configuration>& configurations) {
  std::map<std::string, std::vector<Asked>> asked;
  for (const RequirementList& list : lists) {
    for (const Requirement& requirement : list.requirements) {
      asked[requirement.normalized].push_back(
          {&requirement, absl::StrCat(list.name, ":", requirement.line)});
    }
  }
  Coverage coverage(locked, configurations);
  sdk::CoverageReport report;
  for (const Configuration& configuration : configurations) {
    report.add_configurations(configuration.Name());
  }
  for (const auto& [name, items] : asked) {
    ASSIGN_OR_RETURN(*report.add_rows(), coverage.RowOf(name, items));
  }
  for (const auto& [name, all] : coverage.pins()) {
    if (asked.count(name) == 0) report.add_not_asked_for(name);
  }
  AddTotals(coverage.pins(), &report);
  RETURN_IF_ERROR(AddWheels(locked, configurations, &report));
  AddCollisions(&report);
  return report;
}

}  // namespace rules_inference::pypi
