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
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
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

// What one pin gives to a configuration.
Cell CellOf(const Pin& pin, const Configuration& configuration) {
  Cell cell;
  if (pin.files.empty()) {
    cell.set_state(Cell::PINNED);
    return cell;
  }
  bool any_wheel = false;
  for (const PinnedFile& file : pin.files) {
    const std::optional<WheelName> wheel = ParseWheelName(file.name);
    if (!wheel.has_value()) continue;
    any_wheel = true;
    if (!WheelFits(*wheel, configuration.python, configuration.platform)) continue;
    cell.set_state(Cell::WHEEL);
    cell.set_file(file.name);
    cell.set_size(file.size);
    return cell;
  }
  cell.set_state(any_wheel ? Cell::NO_WHEEL_HERE : Cell::SDIST_ONLY);
  return cell;
}

class Coverage {
 public:
  Coverage(const std::vector<Pin>& pins, const std::vector<Configuration>& configurations)
      : configurations_(configurations) {
    for (const Pin& pin : pins) pins_[pin.name].push_back(&pin);
  }

  absl::StatusOr<Row> RowOf(const std::string& name, const std::vector<Asked>& asked);
  const std::map<std::string, std::vector<const Pin*>>& pins() const { return pins_; }

 private:
  absl::StatusOr<Cell> CellFor(const std::string& name, const std::vector<Asked>& asked,
                               const Configuration& configuration);

  const std::vector<Configuration>& configurations_;
  std::map<std::string, std::vector<const Pin*>> pins_;
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
  const auto found = pins_.find(name);
  if (found == pins_.end()) return best;
  for (const Pin* pin : found->second) {
    ASSIGN_OR_RETURN(const bool counts, EvaluateMarker(pin->marker, environment, {}));
    if (!counts) continue;
    Cell cell = CellOf(*pin, configuration);
    const std::optional<Version> version = Version::Parse(pin->version);
    for (const Requirement* requirement : needed) {
      // A set of names says nothing about versions.
      if (requirement->specifier.empty() || !version.has_value()) continue;
      ASSIGN_OR_RETURN(const bool allowed, Satisfies(*version, requirement->specifier));
      if (!allowed) cell.set_state(Cell::WRONG_VERSION);
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
      if (row.license().empty()) row.set_license(pin->license);
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
  std::map<std::string, uint64_t> files;
  for (const Row& row : report->rows()) {
    totals.set_names(totals.names() + 1);
    for (const Cell& cell : row.cells()) {
      if (!cell.file().empty()) files[cell.file()] = cell.size();
    }
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
  for (const auto& [file, size] : files) totals.set_bytes(totals.bytes() + size);
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
    pins.push_back(pin);
  }
  return pins;
}

bool HasGaps(const sdk::CoverageReport& report) {
  return report.totals().gaps() > 0 ||
         absl::c_any_of(report.rows(), [](const Row& row) { return row.collides_with_size() > 0; });
}

absl::StatusOr<sdk::CoverageReport> Cover(const std::vector<RequirementList>& lists,
                                          const std::vector<Pin>& pins,
                                          const std::vector<Configuration>& configurations,
                                          const Collisions& collisions) {
  std::map<std::string, std::vector<Asked>> asked;
  for (const RequirementList& list : lists) {
    for (const Requirement& requirement : list.requirements) {
      asked[requirement.normalized].push_back(
          {&requirement, absl::StrCat(list.name, ":", requirement.line)});
    }
  }
  Coverage coverage(pins, configurations);
  sdk::CoverageReport report;
  for (const Configuration& configuration : configurations) {
    report.add_configurations(absl::StrCat(configuration.python, " ", configuration.platform));
  }
  for (const auto& [name, items] : asked) {
    ASSIGN_OR_RETURN(Row row, coverage.RowOf(name, items));
    for (const auto& [a, b] : collisions) {
      if (a == name) row.add_collides_with(b);
      if (b == name) row.add_collides_with(a);
    }
    *report.add_rows() = std::move(row);
  }
  for (const auto& [name, all] : coverage.pins()) {
    if (asked.count(name) == 0) report.add_not_asked_for(name);
  }
  AddTotals(coverage.pins(), &report);
  return report;
}

}  // namespace rules_inference::pypi
