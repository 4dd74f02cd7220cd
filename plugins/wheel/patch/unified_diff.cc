// Problem. Change files of a pinned wheel by a text that people review, and never otherwise than
// they have read: what `patch` does where a hunk does not fit (fuzz, offsets, a guess at the file)
// is what must not happen to pinned bytes.
//
// Idea. The counts in the head of a hunk say which lines are its own, so that a removed line that
// looks like a header ("--- a/x") is none. The old file is cut into lines once; a hunk is compared
// with the lines at its place and with nothing else. Only a message looks for another place.
//
// Invariant. Hunks of a file go upwards and do not overlap; what lies between them is copied.
//
// Cost. Linear in the patch and the files; a hunk that does not fit costs its length times that of
// the file, once, for the hint.

#include "plugins/wheel/patch/unified_diff.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::wheel {
namespace {

using base::Mismatch;
using base::Quoted;

// No file of a wheel has more lines.
constexpr uint64_t kMaxLine = uint64_t{1} << 40;

// Lines with their '\n'; the last one may have none.
std::vector<absl::string_view> Lines(absl::string_view text) {
  std::vector<absl::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

// A line of a header, which may come from a machine with other line ends.
absl::string_view Header(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\n");
  absl::ConsumeSuffix(&line, "\r");
  return line;
}

// A text of a line for a message.
std::string Shown(absl::string_view line) {
  if (line.empty()) return "the end of the file";
  const bool ended = absl::ConsumeSuffix(&line, "\n");
  return absl::StrCat(Quoted(line), ended ? "" : " without a newline");
}

class Parser {
 public:
  Parser(absl::string_view name, absl::string_view text, int strip)
      : name_(name), strip_(strip), lines_(Lines(text)) {}

  absl::StatusOr<std::vector<FilePatch>> Parse();

 private:
  std::string At(size_t index) const { return absl::StrCat(name_, ": line ", index + 1); }
  absl::string_view Line(size_t index) const {
    return index < lines_.size() ? Header(lines_[index]) : absl::string_view();
  }
  bool IsStart(size_t index) const {
    return absl::StartsWith(Line(index), "diff --git ") ||
           (absl::StartsWith(Line(index), "--- ") && absl::StartsWith(Line(index + 1), "+++ "));
  }

  absl::Status ParseGit(FilePatch& patch, std::string& git_path);
  absl::Status ParseNames(FilePatch& patch);
  absl::Status ParseHunks(FilePatch& patch);
  absl::StatusOr<Hunk> ParseHunk();
  absl::StatusOr<bool> ParseMode(absl::string_view mode);
  // The path in a header; none for /dev/null.
  absl::StatusOr<std::optional<std::string>> Path(absl::string_view text);

  const std::string name_;
  const int strip_;
  const std::vector<absl::string_view> lines_;
  size_t next_ = 0;
};

// Takes "3" or "3,4" from the front of a text.
bool ConsumeRange(absl::string_view& text, uint64_t& start, uint64_t& count) {
  const auto number = [&text](uint64_t& value) {
    const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const bool ok = absl::SimpleAtoi(text.substr(0, end), &value) && value < kMaxLine;
    text.remove_prefix(end);
    return ok;
  };
  count = 1;
  return number(start) && (!absl::ConsumePrefix(&text, ",") || number(count));
}

// A name in double quotes, as git writes one with unusual bytes; empty when it is not well formed.
std::string Unquoted(absl::string_view text) {
  constexpr absl::string_view kCodes = "abtnvfr\"\\";
  constexpr absl::string_view kBytes = "\a\b\t\n\v\f\r\"\\";
  std::string name;
  text.remove_prefix(1);
  while (!text.empty() && text[0] != '"') {
    if (text[0] != '\\') {
      name.push_back(text[0]);
      text.remove_prefix(1);
      continue;
    }
    text.remove_prefix(1);
    if (text.empty()) return "";
    if (const size_t code = kCodes.find(text[0]); code != absl::string_view::npos) {
      name.push_back(kBytes[code]);
      text.remove_prefix(1);
      continue;
    }
    int value = 0;
    for (int i = 0; i < 3; ++i) {
      if (text.empty() || text[0] < '0' || text[0] > '7') return "";
      value = value * 8 + (text[0] - '0');
      text.remove_prefix(1);
    }
    name.push_back(static_cast<char>(value));
  }
  return text == "\"" ? name : "";
}

absl::StatusOr<std::optional<std::string>> Parser::Path(absl::string_view text) {
  std::string path;
  if (absl::StartsWith(text, "\"")) {
    path = Unquoted(text);
  } else {
    // diff writes a tab and the time behind the name.
    path = std::string(text.substr(0, text.find('\t')));
  }
  if (path == "/dev/null") return std::nullopt;
  absl::string_view rest = path;
  for (int i = 0; i < strip_; ++i) {
    const size_t slash = rest.find('/');
    if (slash == absl::string_view::npos) {
      return Mismatch("patch", At(next_), Quoted(text),
                      absl::StrCat("a path with more than ", strip_,
                                   " components, since so many are stripped"));
    }
    rest.remove_prefix(slash + 1);
  }
  const auto parsed = base::EntryName::Parse(rest);
  if (!parsed.ok() || parsed->is_directory()) {
    return Mismatch("patch", At(next_), Quoted(rest), "the path of a file in the wheel");
  }
  return std::string(rest);
}

absl::StatusOr<bool> Parser::ParseMode(absl::string_view mode) {
  if (mode == "100644" || mode == "100755") return mode == "100755";
  return Mismatch("patch", At(next_), absl::StrCat("mode ", Quoted(mode)),
                  "100644 or 100755: no symlinks");
}

// "diff --git a/x b/x" and the lines that only git writes.
absl::Status Parser::ParseGit(FilePatch& patch, std::string& git_path) {
  patch.line = next_ + 1;
  // The names count only where there are no others. Without quotes they are equal but for the
  // first component, so that the middle parts them whatever spaces they have.
  absl::string_view names = Line(next_).substr(11);
  if (names.size() % 2 == 1 && !absl::StartsWith(names, "\"")) {
    const absl::string_view right = names.substr(names.size() / 2 + 1);
    const absl::StatusOr<std::optional<std::string>> path = Path(right);
    if (path.ok() && path->has_value()) git_path = **path;
  }
  for (++next_; next_ < lines_.size(); ++next_) {
    absl::string_view line = Line(next_);
    if (absl::ConsumePrefix(&line, "new file mode ")) {
      ASSIGN_OR_RETURN(patch.executable, ParseMode(line));
      patch.action = FilePatch::Action::kCreate;
    } else if (absl::ConsumePrefix(&line, "deleted file mode ")) {
      ASSIGN_OR_RETURN([[maybe_unused]] const bool ignored, ParseMode(line));
      patch.action = FilePatch::Action::kDelete;
    } else if (absl::ConsumePrefix(&line, "new mode ")) {
      ASSIGN_OR_RETURN(patch.executable, ParseMode(line));
    } else if (absl::StartsWith(line, "rename ") || absl::StartsWith(line, "copy ")) {
      return Mismatch("patch", At(next_), Quoted(line),
                      "no renames and copies: write it with `git diff --no-renames`");
    } else if (absl::StartsWith(line, "GIT binary patch") ||
               absl::StartsWith(line, "Binary files ")) {
      return Mismatch("patch", At(next_), Quoted(line),
                      "lines of text: replace other files as a whole, with `files`");
    } else if (!absl::StartsWith(line, "index ") && !absl::StartsWith(line, "old mode ") &&
               !absl::StartsWith(line, "similarity index ") &&
               !absl::StartsWith(line, "dissimilarity index ")) {
      break;
    }
  }
  return absl::OkStatus();
}

// "--- a/x" and "+++ b/x".
absl::Status Parser::ParseNames(FilePatch& patch) {
  if (patch.line == 0) {
    patch.line = next_ + 1;
    patch.action = FilePatch::Action::kChangeOrCreate;
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> old_path, Path(Line(next_).substr(4)));
  ++next_;
  ASSIGN_OR_RETURN(const std::optional<std::string> new_path, Path(Line(next_).substr(4)));
  if ((!old_path.has_value() && !new_path.has_value()) ||
      (old_path.has_value() && new_path.has_value() && *old_path != *new_path)) {
    return Mismatch("patch", At(next_),
                    absl::StrCat(Quoted(old_path.value_or("/dev/null")), " and ",
                                 Quoted(new_path.value_or("/dev/null"))),
                    "one path, or /dev/null for one of them");
  }
  patch.path = old_path.has_value() ? *old_path : *new_path;
  if (!old_path.has_value()) patch.action = FilePatch::Action::kCreate;
  if (!new_path.has_value()) patch.action = FilePatch::Action::kDelete;
  ++next_;
  return absl::OkStatus();
}

absl::StatusOr<Hunk> Parser::ParseHunk() {
  Hunk hunk;
  hunk.line = next_ + 1;
  absl::string_view head = Line(next_);
  if (!absl::ConsumePrefix(&head, "@@ -") || !ConsumeRange(head, hunk.old_start, hunk.old_count) ||
      !absl::ConsumePrefix(&head, " +") || !ConsumeRange(head, hunk.new_start, hunk.new_count) ||
      !absl::StartsWith(head, " @@") || (hunk.old_count > 0 && hunk.old_start == 0) ||
      (hunk.old_count == 0 && hunk.new_count == 0)) {
    return Mismatch("patch", At(next_), Quoted(Line(next_)), "'@@ -LINE,COUNT +LINE,COUNT @@'");
  }
  uint64_t old_left = hunk.old_count;
  uint64_t new_left = hunk.new_count;
  for (++next_; next_ < lines_.size(); ++next_) {
    const absl::string_view line = lines_[next_];
    if (line[0] == '\\') {
      // "\ No newline at end of file", in the language of whoever made the patch.
      if (hunk.lines.empty() || !absl::EndsWith(hunk.lines.back().text, "\n")) {
        return Mismatch("patch", At(next_), Quoted(Header(line)), "it behind a line of the hunk");
      }
      hunk.lines.back().text.pop_back();
      continue;
    }
    if (old_left == 0 && new_left == 0) break;
    // Mail programs and editors take away the space of an empty line.
    const bool bare = Header(line).empty();
    const char kind = bare ? ' ' : line[0];
    if ((kind != ' ' && kind != '-' && kind != '+') || (kind != '+' && old_left == 0) ||
        (kind != '-' && new_left == 0)) {
      return Mismatch("patch", At(next_), Quoted(Header(line)),
                      absl::StrCat(old_left, " more old and ", new_left,
                                   " more new lines of the hunk of line ", hunk.line));
    }
    old_left -= kind != '+' ? 1 : 0;
    new_left -= kind != '-' ? 1 : 0;
    hunk.lines.push_back({kind, std::string(bare ? line : line.substr(1))});
  }
  if (old_left > 0 || new_left > 0) {
    return Mismatch("patch", At(next_), "the end of the patch",
                    absl::StrCat(old_left, " more old and ", new_left,
                                 " more new lines of the hunk of line ", hunk.line));
  }
  return hunk;
}

absl::Status Parser::ParseHunks(FilePatch& patch) {
  uint64_t done = 0;
  while (absl::StartsWith(Line(next_), "@@ ")) {
    const size_t start = next_;
    ASSIGN_OR_RETURN(Hunk hunk, ParseHunk());
    const uint64_t first = hunk.old_count == 0 ? hunk.old_start + 1 : hunk.old_start;
    if (first <= done) {
      return Mismatch("patch", At(start), absl::StrCat("a hunk for line ", first),
                      absl::StrCat("one behind line ", done, ", where the last one ends"));
    }
    done = first + hunk.old_count - 1;
    patch.hunks.push_back(std::move(hunk));
  }
  // A count that is too small would leave a line out without a word. "-- " is the signature of
  // mail.
  const absl::string_view line = Line(next_);
  if (!patch.hunks.empty() && !IsStart(next_) && line != "-- " && line != "--" && !line.empty() &&
      (line[0] == '+' || line[0] == '-' || line[0] == ' ')) {
    return Mismatch("patch", At(next_), Quoted(line),
                    absl::StrCat("no more lines in the hunk of line ", patch.hunks.back().line));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FilePatch>> Parser::Parse() {
  std::vector<FilePatch> patches;
  while (next_ < lines_.size()) {
    if (!IsStart(next_)) {
      const absl::string_view line = Line(next_);
      if (absl::StartsWith(line, "@@ -")) {
        return Mismatch("patch", At(next_), Quoted(line), "'--- ' and '+++ ' before a hunk");
      }
      if (absl::StartsWith(line, "Binary files ")) {
        return Mismatch("patch", At(next_), Quoted(line),
                        "lines of text: replace other files as a whole, with `files`");
      }
      ++next_;
      continue;
    }
    FilePatch patch;
    std::string git_path;
    const bool git = absl::StartsWith(Line(next_), "diff --git ");
    if (git) RETURN_IF_ERROR(ParseGit(patch, git_path));
    if (!git || (absl::StartsWith(Line(next_), "--- ") && IsStart(next_))) {
      RETURN_IF_ERROR(ParseNames(patch));
      const size_t start = next_;
      RETURN_IF_ERROR(ParseHunks(patch));
      if (patch.hunks.empty()) {
        return Mismatch("patch", At(start), Quoted(Line(start)), "a hunk, '@@ '");
      }
    } else {
      // An empty file that comes or goes, or another mode.
      patch.path = git_path;
      if (git_path.empty()) {
        return Mismatch("patch", absl::StrCat(name_, ": line ", patch.line),
                        Quoted(Line(patch.line - 1)), "one path, with a component to strip");
      }
    }
    patches.push_back(std::move(patch));
  }
  if (patches.empty())
    return Mismatch("patch", name_, "no diff", "at least one, '--- ' and '+++ '");
  return patches;
}

// Lines of the old file in a hunk.
std::vector<absl::string_view> OldLines(const Hunk& hunk) {
  std::vector<absl::string_view> lines;
  for (const DiffLine& line : hunk.lines) {
    if (line.kind != '+') lines.push_back(line.text);
  }
  return lines;
}

// The place nearest to the one in the hunk where its old lines are, from 1; 0 when there is none.
uint64_t FindElsewhere(const Hunk& hunk, const std::vector<absl::string_view>& lines) {
  const std::vector<absl::string_view> old = OldLines(hunk);
  uint64_t best = 0;
  for (size_t i = 0; i + old.size() <= lines.size(); ++i) {
    if (!std::equal(old.begin(), old.end(), lines.begin() + static_cast<ptrdiff_t>(i))) continue;
    const auto distance = [&](uint64_t at) {
      return at > hunk.old_start ? at - hunk.old_start : hunk.old_start - at;
    };
    if (best == 0 || distance(i + 1) < distance(best)) best = i + 1;
  }
  return best;
}

}  // namespace

absl::StatusOr<std::vector<FilePatch>> ParsePatch(absl::string_view name, absl::string_view text,
                                                  int strip) {
  return Parser(name, text, strip).Parse();
}

absl::StatusOr<std::string> ApplyPatch(absl::string_view name, const FilePatch& patch,
                                       absl::string_view text) {
  const std::vector<absl::string_view> lines = Lines(text);
  std::string out;
  size_t at = 0;
  // Only the last line of a file has no newline, so nothing can follow one.
  const auto put = [&](absl::string_view line, const std::string& where) {
    if (!out.empty() && out.back() != '\n') {
      return Mismatch("patch", where, absl::StrCat(Shown(line), " behind a line without a newline"),
                      "nothing behind it");
    }
    out.append(line);
    return absl::OkStatus();
  };
  for (size_t number = 0; number < patch.hunks.size(); ++number) {
    const Hunk& hunk = patch.hunks[number];
    const auto where = [&](size_t index) {
      return absl::StrCat(name, ": line ", hunk.line, ": hunk ", number + 1, " of ",
                          Quoted(patch.path), ": line ", index + 1);
    };
    const auto start =
        static_cast<size_t>(hunk.old_count == 0 ? hunk.old_start : hunk.old_start - 1);
    if (start > lines.size()) {
      return Mismatch("patch", where(start), absl::StrCat("a file of ", lines.size(), " lines"),
                      "that line");
    }
    for (; at < start; ++at) RETURN_IF_ERROR(put(lines[at], where(at)));
    for (const DiffLine& line : hunk.lines) {
      if (line.kind == '+') {
        RETURN_IF_ERROR(put(line.text, where(at)));
        continue;
      }
      const absl::string_view got = at < lines.size() ? lines[at] : absl::string_view();
      if (got != line.text) {
        const absl::Status status = Mismatch("patch", where(at), Shown(got), Shown(line.text));
        const uint64_t elsewhere = FindElsewhere(hunk, lines);
        if (elsewhere == 0) return status;
        return base::WithHint(status, absl::StrCat("the lines of the hunk are at line ", elsewhere,
                                                   ": make the patch anew"));
      }
      if (line.kind == ' ') RETURN_IF_ERROR(put(got, where(at)));
      ++at;
    }
  }
  for (; at < lines.size(); ++at) {
    RETURN_IF_ERROR(
        put(lines[at], absl::StrCat(name, ": line ", patch.line, ": ", Quoted(patch.path))));
  }
  return out;
}

}  // namespace rules_inference::wheel
