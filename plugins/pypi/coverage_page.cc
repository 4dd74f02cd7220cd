// The two texts of a coverage report: a table for a terminal, and a page of its own.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "plugins/base/human_size.h"
#include "plugins/pypi/coverage.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {
namespace {

using Cell = sdk::CoverageCell;
using Row = sdk::CoverageRow;

absl::string_view Word(Cell::State state) {
  switch (state) {
    case Cell::WHEEL:
      return "wheel";
    case Cell::PINNED:
      return "pinned";
    case Cell::SDIST_ONLY:
      return "sdist only";
    case Cell::WRONG_VERSION:
      return "other version";
    case Cell::NO_WHEEL_HERE:
      return "no wheel here";
    case Cell::MISSING:
      return "missing";
    default:
      return "not needed";
  }
}

std::string CellText(const Row& row, const Cell& cell) {
  // What comes by url or from a repository is listed as such; an index does not lack it.
  if (row.source() == Row::URL && cell.state() == Cell::MISSING) return "by url";
  if (row.source() == Row::VCS && cell.state() == Cell::MISSING) return "repository";
  if (cell.state() != Cell::WHEEL || cell.size() == 0) return std::string(Word(cell.state()));
  return absl::StrCat("wheel ", base::HumanSize(cell.size()));
}

bool IsGap(const Row& row, const Cell& cell) {
  return row.source() == Row::INDEX && cell.state() != Cell::NOT_NEEDED &&
         cell.state() != Cell::WHEEL && cell.state() != Cell::PINNED;
}

// Why there is no wheel, once for all configurations that say the same.
std::string Notes(const Row& row) {
  std::vector<std::string> notes;
  for (const Cell& cell : row.cells()) {
    if (!cell.note().empty() && !absl::c_linear_search(notes, cell.note())) {
      notes.push_back(cell.note());
    }
  }
  return absl::StrJoin(notes, "; ");
}

std::string Remarks(const Row& row) {
  std::vector<std::string> remarks;
  if (row.source() == Row::URL) remarks.emplace_back("by url");
  if (row.source() == Row::VCS) remarks.emplace_back("from a repository");
  if (!row.written().empty()) {
    remarks.push_back(absl::StrCat("written as ", absl::StrJoin(row.written(), ", ")));
  }
  if (!row.collides_with().empty()) {
    remarks.push_back(absl::StrCat("collides with ", absl::StrJoin(row.collides_with(), ", ")));
  }
  if (const std::string notes = Notes(row); !notes.empty()) remarks.push_back(notes);
  return absl::StrJoin(remarks, "; ");
}

// "6 sdist only, 1 missing": the names with gaps, by the first gap of each.
std::string GapKinds(const sdk::CoverageReport& report) {
  std::map<Cell::State, int> counts;
  for (const Row& row : report.rows()) {
    for (const Cell& cell : row.cells()) {
      if (!IsGap(row, cell)) continue;
      ++counts[cell.state()];
      break;
    }
  }
  return absl::StrJoin(counts, ", ", [](std::string* out, const auto& item) {
    absl::StrAppend(out, item.second, " ", Word(item.first));
  });
}

std::string CollisionText(const sdk::CoverageCollision& collision) {
  return absl::StrCat(absl::StrJoin(collision.names(), ", "), ": ",
                      absl::StrJoin(collision.imports(), ", "));
}

std::vector<std::string> TotalLines(const sdk::CoverageReport& report) {
  const sdk::CoverageTotals& totals = report.totals();
  std::vector<std::string> lines = {
      absl::StrCat(totals.names(), " names: ", totals.from_index(), " from an index, ",
                   totals.from_url(), " by url, ", totals.from_vcs(), " from repositories"),
      absl::StrCat(totals.covered(), " of ", totals.from_index(), " covered, ", totals.gaps(),
                   " with gaps", totals.gaps() > 0 ? absl::StrCat(": ", GapKinds(report)) : ""),
  };
  if (totals.from_url() + totals.from_vcs() > 0) {
    lines.push_back(absl::StrCat(totals.others_locked(), " of ",
                                 totals.from_url() + totals.from_vcs(), " others locked by name"));
  }
  if (totals.wheels() > 0) {
    std::string sizes =
        totals.unsized() == totals.wheels() ? "sizes not known" : base::HumanSize(totals.bytes());
    if (totals.unsized() > 0 && totals.unsized() < totals.wheels()) {
      absl::StrAppend(&sizes, " without ", totals.unsized(), " whose size is not known");
    }
    lines.push_back(absl::StrCat(totals.wheels(), " wheels in the lock, ", sizes));
  }
  return lines;
}

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

absl::string_view Class(const Row& row, const Cell& cell) {
  if (cell.state() == Cell::WHEEL || cell.state() == Cell::PINNED) return "ok";
  if (cell.state() == Cell::NOT_NEEDED) return "none";
  return row.source() == Row::INDEX ? "gap" : "other";
}

// Licenses by the number of distributions, the most first; those without one at the end.
std::vector<const sdk::LicenseTotal*> Licenses(const sdk::CoverageReport& report) {
  std::vector<const sdk::LicenseTotal*> sorted;
  for (const sdk::LicenseTotal& license : report.totals().licenses()) sorted.push_back(&license);
  absl::c_stable_sort(sorted, [](const sdk::LicenseTotal* a, const sdk::LicenseTotal* b) {
    const auto key = [](const sdk::LicenseTotal& license) {
      return std::pair(license.license() == "unknown", -license.names_size());
    };
    return key(*a) < key(*b);
  });
  return sorted;
}

// Rows of texts in columns that are as wide as they have to be.
std::string Table(const std::vector<std::vector<std::string>>& table) {
  std::vector<size_t> widths;
  for (const auto& line : table) {
    widths.resize(std::max(widths.size(), line.size()), 0);
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : table) {
    std::string out;
    for (size_t i = 0; i < line.size(); ++i) {
      absl::StrAppend(&out, line[i], std::string(widths[i] + 2 - line[i].size(), ' '));
    }
    while (absl::EndsWith(out, " ")) out.pop_back();
    absl::StrAppend(&text, out, "\n");
  }
  return text;
}

constexpr absl::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wheel coverage</title>
<style>
:root { --ink: #1d2126; --soft: #667; --line: #e3e5e8; --ground: #fff; --card: #f6f7f8;
  --ok: #17703f; --gap: #b3261e; --other: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --ink: #dde1e6; --soft: #98a0aa; --line: #30353b;
  --ground: #15181b; --card: #1e2226; --ok: #6fce97; --gap: #ff8a80; --other: #e0b84c; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  margin: 2.5rem auto; max-width: 72rem; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; } h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p, .soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; }
.tile { background: var(--card); border-radius: .5rem; padding: .75rem 1rem; color: var(--soft); }
.tile b { display: block; font-size: 1.7rem; line-height: 1.2; }
.ink { color: var(--ink); }
.bar { display: flex; height: .6rem; margin: 1rem 0; border-radius: .3rem; overflow: hidden;
  background: var(--line); }
.bar i { background: currentColor; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .9rem .35rem .35rem; vertical-align: top;
  border-bottom: 1px solid var(--line); }
thead th { position: sticky; top: 0; background: var(--ground); font-weight: 600; }
tbody th { font-weight: 500; white-space: nowrap; } td.n { text-align: right; white-space: nowrap; }
small { display: block; color: var(--soft); font: 12px/1.4 ui-monospace, monospace;
  min-width: 17rem; overflow-wrap: anywhere; }
.ok { color: var(--ok); } .gap { color: var(--gap); font-weight: 600; }
.other { color: var(--other); } .none { color: var(--soft); }
</style>
<h1>Wheel coverage</h1>
)";

std::string Tile(absl::string_view kind, absl::string_view number, absl::string_view words) {
  return absl::StrCat("<div class=\"tile\"><b class=\"", kind, "\">", Escaped(number), "</b>",
                      Escaped(words), "</div>\n");
}

std::string Tiles(const sdk::CoverageReport& report) {
  const sdk::CoverageTotals& totals = report.totals();
  const uint32_t others = totals.from_url() + totals.from_vcs();
  std::string text = "<div class=\"tiles\">\n";
  absl::StrAppend(
      &text, Tile("ink", absl::StrCat(totals.names()), "names asked for"),
      Tile("ok", absl::StrCat(totals.covered(), " of ", totals.from_index()),
           "from an index are covered"),
      Tile(totals.gaps() > 0 ? "gap" : "ok", absl::StrCat(totals.gaps()),
           totals.gaps() > 0 ? absl::StrCat("with gaps: ", GapKinds(report)) : "with gaps"));
  if (others > 0) {
    absl::StrAppend(&text, Tile("other", absl::StrCat(others),
                                absl::StrCat("by url or from repositories, ",
                                             totals.others_locked(), " of them locked by name")));
  }
  if (report.collisions_size() > 0) {
    absl::StrAppend(&text, Tile("gap", absl::StrCat(report.collisions_size()), "collisions"));
  }
  if (totals.wheels() > 0) {
    absl::StrAppend(
        &text, Tile("ink", totals.bytes() > 0 ? base::HumanSize(totals.bytes()) : "size not known",
                    absl::StrCat("in ", totals.wheels(), " wheels",
                                 totals.unsized() > 0 && totals.bytes() > 0
                                     ? absl::StrCat(", ", totals.unsized(), " not counted")
                                     : "")));
  }
  absl::StrAppend(&text, "</div>\n<div class=\"bar\">");
  for (const auto& [kind, count] :
       {std::pair("ok", totals.covered()), {"gap", totals.gaps()}, {"other", others}}) {
    if (count > 0) {
      absl::StrAppend(&text, "<i class=\"", kind, "\" style=\"flex:", count, "\"></i>");
    }
  }
  return text + "</div>\n";
}

std::string Gaps(const sdk::CoverageReport& report) {
  std::string rows;
  for (const Row& row : report.rows()) {
    std::vector<std::string> where;
    std::string words;
    for (int i = 0; i < row.cells_size(); ++i) {
      if (!IsGap(row, row.cells(i))) continue;
      if (words.empty()) words = Word(row.cells(i).state());
      where.push_back(report.configurations(i));
    }
    if (where.empty()) continue;
    absl::StrAppend(&rows, "<tr><th scope=\"row\">", Escaped(row.name()), "<td class=\"gap\">",
                    words, "<td>", Escaped(Notes(row)), "<td class=\"soft\">",
                    Escaped(absl::StrJoin(where, ", ")), "<td class=\"soft\">",
                    Escaped(absl::StrJoin(row.asked_by(), ", ")), "</tr>\n");
  }
  if (rows.empty()) return "";
  return absl::StrCat(
      "<h2>What is missing</h2>\n<table>\n<thead><tr><th>Name<th>State<th>Why<th>Where"
      "<th>Asked for by</tr></thead>\n<tbody>\n",
      rows, "</tbody>\n</table>\n");
}

std::string CollisionTable(const sdk::CoverageReport& report) {
  if (report.collisions_size() == 0) return "";
  std::string text =
      "<h2>Collisions</h2>\n<p>Locked distributions that bring the same import path: the files of "
      "one would lie over those of the other.</p>\n<table>\n<thead><tr><th>Import "
      "path<th>Distributions<th>Where"
      "</tr></thead>\n<tbody>\n";
  for (const sdk::CoverageCollision& collision : report.collisions()) {
    absl::StrAppend(&text, "<tr><th scope=\"row\" class=\"gap\">",
                    Escaped(absl::StrJoin(collision.imports(), ", ")), "<td>",
                    Escaped(absl::StrJoin(collision.names(), ", ")), "<td class=\"soft\">",
                    Escaped(absl::StrJoin(collision.configurations(), ", ")), "</tr>\n");
  }
  return text + "</tbody>\n</table>\n";
}

std::string LicenseTable(const sdk::CoverageReport& report) {
  if (report.totals().licenses_size() == 0) return "";
  std::string text =
      "<h2>Licenses</h2>\n<table>\n<thead><tr><th>License<th>Distributions<th>Size<th>"
      "</tr></thead>\n<tbody>\n";
  for (const sdk::LicenseTotal* license : Licenses(report)) {
    absl::StrAppend(
        &text, "<tr><th scope=\"row\"", license->license() == "unknown" ? " class=\"other\"" : "",
        " style=\"white-space:normal\">", Escaped(license->license()), "<td class=\"n\">",
        license->names_size(), "<td class=\"n\">",
        license->bytes() > 0 ? base::HumanSize(license->bytes()) : "", "<td class=\"soft\">",
        Escaped(absl::StrJoin(license->names(), ", ")), "</tr>\n");
  }
  return text + "</tbody>\n</table>\n";
}

}  // namespace

std::string CoverageText(const sdk::CoverageReport& report) {
  const bool licenses = report.totals().licenses_size() > 0;
  std::vector<std::vector<std::string>> table;
  std::vector<std::string> head = {"name", "version"};
  head.insert(head.end(), report.configurations().begin(), report.configurations().end());
  if (licenses) head.emplace_back("license");
  table.push_back(head);
  for (const Row& row : report.rows()) {
    std::vector<std::string> line = {row.name(), absl::StrJoin(row.versions(), " ")};
    for (const Cell& cell : row.cells()) line.push_back(CellText(row, cell));
    if (licenses) {
      line.push_back(!row.license().empty()   ? row.license()
                     : row.versions().empty() ? ""
                                              : "unknown");
    }
    line.push_back(Remarks(row));
    table.push_back(line);
  }
  std::string text =
      absl::StrCat(Table(table), "\n", absl::StrJoin(TotalLines(report), "\n"), "\n");
  for (const sdk::CoverageCollision& collision : report.collisions()) {
    absl::StrAppend(&text, "collision: ", CollisionText(collision), "\n");
  }
  if (!report.not_asked_for().empty()) {
    absl::StrAppend(&text, report.not_asked_for_size(),
                    " locked that no list asks for: ", absl::StrJoin(report.not_asked_for(), ", "),
                    "\n");
  }
  if (licenses) {
    std::vector<std::vector<std::string>> rows = {{"license", "distributions", "size"}};
    for (const sdk::LicenseTotal* license : Licenses(report)) {
      rows.push_back({license->license(), absl::StrCat(license->names_size()),
                      license->bytes() > 0 ? base::HumanSize(license->bytes()) : ""});
    }
    absl::StrAppend(&text, "\n", Table(rows));
  }
  return text;
}

std::string CoverageHtml(const sdk::CoverageReport& report) {
  std::string page = absl::StrCat(kHead, Tiles(report), "<ul class=\"soft\">\n");
  for (const std::string& line : TotalLines(report)) {
    absl::StrAppend(&page, "<li>", Escaped(line), "\n");
  }
  absl::StrAppend(&page, "</ul>\n", Gaps(report), CollisionTable(report));
  page += "<h2>All names</h2>\n<table>\n<thead><tr><th scope=\"col\">Name<th scope=\"col\">Version";
  for (const std::string& configuration : report.configurations()) {
    absl::StrAppend(&page, "<th scope=\"col\">", Escaped(configuration));
  }
  const bool licenses = report.totals().licenses_size() > 0;
  absl::StrAppend(
      &page, licenses ? "<th scope=\"col\">License" : "",
      "<th scope=\"col\">Remarks<th scope=\"col\">Asked for by</tr></thead>\n<tbody>\n");
  for (const Row& row : report.rows()) {
    absl::StrAppend(&page, "<tr><th scope=\"row\">", Escaped(row.name()), "<td>",
                    Escaped(absl::StrJoin(row.versions(), " ")));
    for (const Cell& cell : row.cells()) {
      absl::StrAppend(&page, "<td class=\"", Class(row, cell), "\">", Escaped(CellText(row, cell)));
      if (!cell.file().empty()) absl::StrAppend(&page, "<small>", Escaped(cell.file()), "</small>");
    }
    if (licenses) {
      absl::StrAppend(
          &page, "<td>",
          Escaped(row.license().empty() && !row.versions().empty() ? "unknown" : row.license()));
    }
    absl::StrAppend(&page, "<td>", Escaped(Remarks(row)), "<td class=\"soft\">",
                    Escaped(absl::StrJoin(row.asked_by(), ", ")), "</tr>\n");
  }
  absl::StrAppend(&page, "</tbody>\n</table>\n", LicenseTable(report));
  if (!report.not_asked_for().empty()) {
    absl::StrAppend(&page, "<h2>Locked, and asked for by no list</h2>\n<p>",
                    report.not_asked_for_size(), ": ",
                    Escaped(absl::StrJoin(report.not_asked_for(), ", ")), "</p>\n");
  }
  return page + "</html>\n";
}

}  // namespace rules_inference::pypi
