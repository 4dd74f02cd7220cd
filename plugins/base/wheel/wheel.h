// A wheel whose RECORD is right: which member goes where, and what its bytes must hash to.
//
// Where members go:
//   <name>-<version>.data/{purelib,platlib}/X   <lib>/X
//   <name>-<version>.data/scripts/X             <scripts>/X, always executable
//   <name>-<version>.data/headers/X             <headers>/<name>/X
//   <name>-<version>.data/data/X                <data>/X
//   everything else, RECORD too                 <lib>/ as it is named
// What an installer generates is not here: entry point scripts, rewritten first lines of scripts,
// INSTALLER, another RECORD.

#ifndef RULES_INFERENCE_PLUGINS_BASE_WHEEL_WHEEL_H_
#define RULES_INFERENCE_PLUGINS_BASE_WHEEL_WHEEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"

namespace rules_inference::base {

// Directories that receive the members; empty: the root.
struct WheelPlaces {
  std::string lib;
  std::string scripts;
  std::string headers;
  std::string data;

  // As `pip install --target`: libraries and data at `prefix`, scripts and headers below it.
  static WheelPlaces Target(const RelPath& prefix);
};

enum class WheelScheme : uint8_t { kLib, kScripts, kHeaders, kData };

struct WheelMember {
  // Index in ZipFile::entries().
  uint32_t entry = 0;
  // Path below the root.
  std::string path;
  WheelScheme scheme = WheelScheme::kLib;
  bool executable = false;
  // From RECORD; none for RECORD itself and for its signatures.
  std::optional<Digest> digest;
};

struct Wheel {
  ZipFile zip;
  // Files and directories of the wheel but for the directories of `.data`.
  std::vector<WheelMember> members;
  // "numpy-1.26.4.dist-info"; its name and version are as the directory spells them.
  std::string dist_info;
  std::string name;
};

// The name of a project as package indexes compare it, with "_" where they write "-": lower case,
// runs of "-", "_" and "." are one.
std::string NormalizedProjectName(absl::string_view name);

// Opens the wheel at `source`. Refuses one whose RECORD does not name every file with a sha256 and
// the right size, or names others; whose format is newer than version 1; or that has other than one
// `.dist-info` directory.
absl::StatusOr<Wheel> OpenWheel(FileSystem& fs, const std::string& source,
                                const WheelPlaces& places, const ZipLimits& limits);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_WHEEL_WHEEL_H_
