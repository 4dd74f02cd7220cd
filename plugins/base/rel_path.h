// Paths that cannot leave the directory they are used in.

#ifndef RULES_INFERENCE_PLUGINS_BASE_REL_PATH_H_
#define RULES_INFERENCE_PLUGINS_BASE_REL_PATH_H_

#include <compare>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::base {

// A relative path of one or more components with '/' between them: valid UTF-8 without control
// characters, no component that is empty, "." or "..", no backslash, no component over 255 and no
// path over 4096 bytes.
class RelPath {
 public:
  static constexpr size_t kMaxSize = 4096;
  static constexpr size_t kMaxComponentSize = 255;

  static absl::StatusOr<RelPath> Parse(absl::string_view text);

  const std::string& str() const { return text_; }
  // The last component.
  absl::string_view Basename() const;
  // Everything before the last '/'; empty when there is one component only.
  absl::string_view Dirname() const;
  // `this`/`below`; fails when the result is over kMaxSize.
  absl::StatusOr<RelPath> Join(const RelPath& below) const;

  friend bool operator==(const RelPath&, const RelPath&) = default;
  friend auto operator<=>(const RelPath&, const RelPath&) = default;

 private:
  explicit RelPath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The name of an entry of an archive that must mean the same on every operating system: a RelPath
// that has no ':' after a drive letter, no component that ends in a dot or a space, and no
// component that is a reserved device name of Windows
// ("nul", "com1.txt"). A trailing '/' says that the entry is a directory.
class EntryName {
 public:
  static absl::StatusOr<EntryName> Parse(absl::string_view text);

  const RelPath& path() const { return path_; }
  bool is_directory() const { return is_directory_; }

 private:
  EntryName(RelPath path, bool is_directory)
      : path_(std::move(path)), is_directory_(is_directory) {}
  RelPath path_;
  bool is_directory_;
};

// Two paths with the same key are one path on some file system: letters differ in case only, or
// characters in Unicode normal form only. The key folds ASCII and the Latin, Greek and Cyrillic
// letters, decomposes their accents, and opens the Latin ligatures; it is a text to compare, not
// one to show.
std::string CollisionKey(absl::string_view path);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_REL_PATH_H_
