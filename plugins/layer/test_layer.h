// Reads layers back, for tests, with the libraries that everyone uses: zlib and zstd.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_TEST_LAYER_H_
#define RULES_INFERENCE_PLUGINS_LAYER_TEST_LAYER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rules_inference::layer {

struct ListedEntry {
  std::string path;
  std::string type;  // "file", "directory" or "symlink".
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string link_target;
  std::string data;
};

// The tar stream in a blob: all gzip members, all zstd frames, or the blob itself. Adds a test
// failure and returns what it has when the blob is damaged.
std::string Unpack(absl::string_view blob);

// The number of gzip members or zstd frames.
int CountMembers(absl::string_view blob);

// The entries of a tar stream; PAX headers are applied. Adds a test failure for anything that a
// layer must not have: a wrong checksum, a time, a name of a user, a path twice, an entry before
// its parent, data after the end.
std::vector<ListedEntry> List(absl::string_view tar);

// One line of JSON per entry.
std::string Listing(const std::vector<ListedEntry>& entries);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_TEST_LAYER_H_
