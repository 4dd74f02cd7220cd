// The texts in a `.dist-info` directory that say what a wheel is and what it starts.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_METADATA_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_METADATA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

struct Metadata {
  std::string name;
  std::string version;
  // License-Expression, or else the first line of License.
  std::string license;
  std::string requires_python;
  std::vector<std::string> requires_dist;
  std::vector<std::string> license_files;
};

// Parses METADATA (PEP 566: headers of a mail, then a text that is not read). `where` is for
// messages. Refuses a text without Name or Version, or with two of them.
absl::StatusOr<Metadata> ParseMetadata(absl::string_view where, absl::string_view text);

// Parses entry_points.txt, in its order. Refuses a name twice in a group, and for the groups that
// become programs (console_scripts, gui_scripts) a name that is not one plain file name and an
// object that is not `module:attribute`; other groups are for the programs that read them.
absl::StatusOr<std::vector<sdk::EntryPoint>> ParseEntryPoints(absl::string_view where,
                                                              absl::string_view text);

// Whether an entry point is a program.
bool IsProgram(const sdk::EntryPoint& entry_point);

// The program of an entry point. The same text for the same arguments, everywhere.
std::string LauncherText(const sdk::EntryPoint& entry_point, absl::string_view interpreter);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_METADATA_H_
