// Unpacking of prebuilt archives: only what is safe, and only the bytes that were pinned.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_UNPACK_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_UNPACK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

struct UnpackOptions {
  // The archive, or its parts in order.
  std::vector<std::string> sources;
  // Of the whole archive; a size of 0 is not checked.
  uint64_t size = 0;
  Digest sha256;
  // "tar", "tar.gz", "tar.xz", "tar.zst", "zip", or "file": the bytes become one file, `file_name`,
  // which is executable when they begin as a program does (ELF, "#!").
  std::string format;
  std::string file_name;
  // Directory of the archive that becomes the root; everything has to lie below it. Empty: all.
  std::string strip_prefix;
  // Where to; made when it is not there, and empty before.
  std::string output_dir;
  // Sum of the sizes of all files.
  uint64_t max_unpacked_bytes = uint64_t{64} << 30;
};

// Directories get mode 0755, files 0644 or, when their owner may execute them, 0755. Relative
// symlinks stay when they point into the archive, hard links become second names. Refused: names
// that leave the directory or mean different things on different systems, entries below a file or a
// symlink, two entries of one name, and everything that is not a file, a directory or a link. What
// was written before an error is removed.
absl::Status Unpack(const UnpackOptions& options, FileSystem& fs);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_UNPACK_H_
