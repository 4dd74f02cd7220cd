// Unified diffs, as `diff -u` and git write them, applied without any tolerance.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_PATCH_UNIFIED_DIFF_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_PATCH_UNIFIED_DIFF_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::wheel {

// A line of a hunk, with its '\n' where it has one: only the last line of a file may have none.
struct DiffLine {
  // ' ' in both files, '-' in the old one, '+' in the new one.
  char kind = ' ';
  std::string text;
};

struct Hunk {
  // Line of the patch that its "@@" is on, from 1.
  uint64_t line = 0;
  // First line of the old file that it is about, from 1; with no old line the one that it goes
  // behind.
  uint64_t old_start = 0;
  uint64_t old_count = 0;
  uint64_t new_start = 0;
  uint64_t new_count = 0;
  std::vector<DiffLine> lines;
};

// What a patch does to one file.
struct FilePatch {
  enum class Action {
    kChange,
    kCreate,
    kDelete,
    // Without "/dev/null" and other signs: a change, or a new file where there is none.
    kChangeOrCreate,
  };

  // Line of the patch where it begins.
  uint64_t line = 0;
  // Without the leading components.
  std::string path;
  Action action = Action::kChange;
  // Set where the patch says so.
  std::optional<bool> executable;
  std::vector<Hunk> hunks;
};

// Parses a patch. `name` is for messages, `strip` is how many leading components paths lose. Text
// around the diffs is let be; binary diffs, renames, copies, symlinks, and a patch without any diff
// are refused.
absl::StatusOr<std::vector<FilePatch>> ParsePatch(absl::string_view name, absl::string_view text,
                                                  int strip);

// `text` with the hunks applied. Every line that the patch names must be where the patch says, to
// the byte; the error says which is not, and where the hunk would fit.
absl::StatusOr<std::string> ApplyPatch(absl::string_view name, const FilePatch& patch,
                                       absl::string_view text);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_PATCH_UNIFIED_DIFF_H_
