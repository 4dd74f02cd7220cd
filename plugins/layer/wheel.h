// A wheel as the content of a layer: which member goes where, and what its bytes must hash to.
//
// Where members go, under the prefix of the wheel (a site-packages directory):
//   <name>-<version>.data/{purelib,platlib}/X   X
//   <name>-<version>.data/scripts/X             bin/X, always executable
//   <name>-<version>.data/headers/X             include/<name>/X
//   <name>-<version>.data/data/X                X
//   everything else, RECORD too                 as it is named
// This is the tree that `pip install --target` makes, less what an installer generates: no entry
// point scripts, no rewritten first lines of scripts, no INSTALLER, and RECORD as the wheel has it.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_WHEEL_H_
#define RULES_INFERENCE_PLUGINS_LAYER_WHEEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"

namespace rules_inference::layer {

struct WheelMember {
  // Index in ZipFile::entries().
  uint32_t entry = 0;
  // Path in the layer.
  std::string path;
  bool executable = false;
  // From RECORD; none for RECORD itself and for its signatures.
  std::optional<base::Digest> digest;
};

struct Wheel {
  base::ZipFile zip;
  // Files and directories of the wheel but for the directories of `.data`.
  std::vector<WheelMember> members;
};

// Opens the wheel at `source`. Refuses one whose RECORD does not name every file with a sha256 and
// the right size, or names others; whose format is newer than version 1; or that has other than one
// `.dist-info` directory.
absl::StatusOr<Wheel> OpenWheel(base::FileSystem& fs, const std::string& source,
                                const base::RelPath& prefix, const base::ZipLimits& limits);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_WHEEL_H_
