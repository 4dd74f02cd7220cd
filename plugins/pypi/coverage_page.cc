// The two texts of a coverage report.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
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
  return absl::StrFormat("wheel %.1f MB", static_cast<double>(cell.size()) / 1e6);
}

std::string Remarks(const Row& row) {
  std::vector<std::string> remarks;
  if (row.source() == Row::URL) remarks.emplace_back("by url");
  if (row.source() == Row::VCS) remarks.emplace_back("from a repository");
  if (!row.written().empty()) {
    remarks.push_back(absl::StrCat("written as ", absl::StrJoin(row.written(), ", ")));
  }
  if (!row.collides_with().empty()) {
    remarks.push_back(absl::StrCat("owns files of ", absl::StrJoin(row.collides_with(), ", ")));
  }
  if (!row.license().empty()) remarks.push_back(row.license());
  return absl::StrJoin(remarks, "; ");
}

std::vector<std::string> TotalLines(const sdk::CoverageReport& report) {
  const sdk::CoverageTotals& totals = report.totals();
  std::vector<std::string> lines = {
      absl::StrCat(totals.names(), " names: ", totals.from_index(), " from an index, ",
                   totals.from_url(), " by url, ", totals.from_vcs(), " from repositories"),
      absl::StrCat(totals.covered(), " of ", totals.from_index(), " covered, ", totals.gaps(),
                   " with gaps"),
  };
  if (totals.from_url() + totals.from_vcs() > 0) {
    lines.push_back(absl::StrCat(totals.others_locked(), " of ",
                                 totals.from_url() + totals.from_vcs(), " others locked by name"));
  }
  if (totals.bytes() > 0) {
    lines.push_back(
        absl::StrFormat("%.1f MB of wheels", static_cast<double>(totals.bytes()) / 1e6));
  }
  if (!report.not_asked_for().empty()) {
    lines.push_back(absl::StrCat(report.not_asked_for_size(), " locked that no list asks for: ",
                                 absl::StrJoin(report.not_asked_for(), ", ")));
  }
  return lines;
}

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

absl::string_view Class(const Row& row, Cell::State state) {
  if (state == Cell::WHEEL || state == Cell::PINNED) return "ok";
  if (state == Cell::NOT_NEEDED) return "none";
  return row.source() == Row::INDEX ? "gap" : "other";
}

}  // namespace

std::string CoverageText(const sdk::CoverageReport& report) {
  std::vector<std::vector<std::string>> table;
  std::vector<std::string> head = {"name", "version"};
  head.insert(head.end(), report.configurations().begin(), report.configurations().end());
  table.push_back(head);
  for (const Row& row : report.rows()) {
    std::vector<std::string> line = {row.name(), absl::StrJoin(row.versions(), " ")};
    for (const Cell& cell : row.cells()) line.push_back(CellText(row, cell));
    line.push_back(Remarks(row));
    table.push_back(line);
  }
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
  return absl::StrCat(text, "\n", absl::StrJoin(TotalLines(report), "\n"), "\n");
}

std::string CoverageHtml(const sdk::CoverageReport& report) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Wheel coverage</title>\n"
      "<style>\n"
      "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: "
      "0 "
      "1rem; color: #222; background: #fff; }\n"
      "table { border-collapse: collapse; width: 100%; }\n"
      "th, td { text-align: left; padding: .25rem .75rem .25rem .4rem; border-bottom: 1px solid "
      "#ddd; vertical-align: top; }\n"
      "th { position: sticky; top: 0; background: #fff; }\n"
      ".ok { color: #17643a; } .gap { color: #a61b1b; font-weight: 600; } .other { color: "
      "#7a5a00; } .none { color: #777; }\n"
      "@media (prefers-color-scheme: dark) { body, th { background: #16181b; color: #ddd; } "
      "th, td { border-color: #333; } .ok { color: #6fce97; } .gap { color: #ff8a80; } .other { "
      "color: #e0b84c; } }\n"
      "</style>\n<h1>Wheel coverage</h1>\n<ul>\n";
  for (const std::string& line : TotalLines(report)) {
    absl::StrAppend(&page, "<li>", Escaped(line), "\n");
  }
  page += "</ul>\n<table>\n<thead><tr><th scope=\"col\">Name<th scope=\"col\">Version";
  for (const std::string& configuration : report.configurations()) {
    absl::StrAppend(&page, "<th scope=\"col\">", Escaped(configuration));
  }
  page += "<th scope=\"col\">Remarks<th scope=\"col\">Asked for by</tr></thead>\n<tbody>\n";
  for (const Row& row : report.rows()) {
    absl::StrAppend(&page, "<tr><th scope=\"row\">", Escaped(row.name()), "<td>",
                    Escaped(absl::StrJoin(row.versions(), " ")));
    for (const Cell& cell : row.cells()) {
      absl::StrAppend(
          &page, "<td class=\"", Class(row, cell.state()), "\"",
          cell.file().empty() ? "" : absl::StrCat(" title=\"", Escaped(cell.file()), "\""), ">",
          Escaped(CellText(row, cell)));
    }
    absl::StrAppend(&page, "<td>", Escaped(Remarks(row)), "<td>",
                    Escaped(absl::StrJoin(row.asked_by(), ", ")), "</tr>\n");
  }
  return page + "</tbody>\n</table>\n</html>\n";
}

}  // namespace rules_inference::pypi
