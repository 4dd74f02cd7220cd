// A file that is being fetched in more than one go: its bytes, and the map that vouches for them.
//
//   <directory>/<hex>.data    the bytes so far
//   <directory>/<hex>.jsonl   their range map (range_map.h)
//
// Invariant: what Open counts as done has been read again and has the checksums of the map, so it
// is what a server sent, whatever happened to the machine since. Nothing but Finish gives the bytes
// another name, and whoever calls it has compared the digest of the whole file.
//
// The data file is held by flock as long as the object lives: one process at a time. Where locks do
// not work, each process has files of its own, which go when it ends; only a fetch that was killed
// is then begun again.

#ifndef RULES_INFERENCE_PLUGINS_STORE_PART_H_
#define RULES_INFERENCE_PLUGINS_STORE_PART_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/range_hasher.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {

class Part {
 public:
  // `keep`: locks work, so that the files may stay for the next process. Aborted when another one
  // has them now.
  static absl::StatusOr<std::unique_ptr<Part>> Open(base::FileSystem& fs,
                                                    const std::string& directory,
                                                    const base::Digest& sha256, uint64_t size,
                                                    bool keep);
  // Writes down what has come, or removes the files if they are not to be kept.
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  uint64_t done() const { return done_; }
  const Source& source() const { return source_; }
  // The digest of all bytes.
  absl::StatusOr<base::Digest> Digest();

  // Forgets all bytes; those that follow come from `source`.
  absl::Status Begin(const Source& source);
  absl::Status Append(absl::string_view data);
  // Waits until the bytes are on the disk and renames them to `destination`; the map goes to
  // `ranges` if that is not empty.
  absl::Status Finish(const std::string& destination, base::FileMode mode,
                      const std::string& ranges);

 private:
  Part(base::FileSystem& fs, std::string stem, const base::Digest& sha256, uint64_t size, bool keep)
      : fs_(fs), stem_(std::move(stem)), sha256_(sha256), size_(size), keep_(keep) {}
  absl::Status Load();
  // Writes what waits in `buffer_`, and has it hashed.
  absl::Status Flush();
  // Writes down the ranges whose checksums are there; with `wait`, all that have ended.
  absl::Status WriteRanges(bool wait);
  // Ends the range that has begun.
  absl::Status EndRange();
  void Remove();

  base::FileSystem& fs_;
  const std::string stem_;
  const base::Digest sha256_;
  const uint64_t size_;
  const bool keep_;
  std::unique_ptr<base::UpdatableFile> data_;
  std::unique_ptr<base::UpdatableFile> map_;
  Source source_;
  // Bytes that came; the last of them wait in `buffer_`: libcurl brings 16 KiB at a time, and
  // writing so little costs more than the copy.
  uint64_t done_ = 0;
  std::string buffer_;
  uint64_t range_begin_ = 0;
  uint64_t map_size_ = 0;
  RangeHasher hasher_;
  absl::Time synced_;
  // The files are not this object's affair any more.
  bool released_ = false;
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_PART_H_
