// The end of every download: counts, hashes, and gives a file its name when it is the right one.

#ifndef RULES_INFERENCE_PLUGINS_STORE_SINK_H_
#define RULES_INFERENCE_PLUGINS_STORE_SINK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/part.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {

// What a download has to be.
struct Expected {
  uint64_t size = 0;  // 0: not known.
  std::optional<base::Digest> sha256;
  uint64_t max_size = 0;  // Where the size is not known.
};

// How the failure of a download is to be taken.
enum class FailureKind {
  kAbsent,     // The server says that there is no such file.
  kTransient,  // May pass by itself.
  kRestart,    // What was kept of the file is thrown away now: try again, at once.
  kWrong,      // Will be the same next time.
  kLocal,      // This machine's fault: no other url will do better.
};

struct Failure {
  FailureKind kind = FailureKind::kWrong;
  absl::Status status;
  // Seconds that the server asks to wait; 0 when it says nothing.
  int64_t retry_after = 0;
};

// nullopt is success.
using Outcome = std::optional<Failure>;

Failure Wrong(absl::Status status);
Failure Transient(absl::Status status);
// Of the file system. NotFound becomes another code: it would be taken for an absent artifact.
Failure Local(const absl::Status& status);

// With a part (FetchRequest::resume), bytes outlive the attempt, and the process too. They are only
// good as long as they may be a prefix of the right file: what is known to be wrong goes, and when
// it was made of more than one answer, the file is begun once more.
class Sink {
 public:
  using Progress = std::function<void(uint64_t done, uint64_t total)>;
  Sink(base::FileSystem& fs, const std::string& destination, base::FileMode mode,
       const Expected& expected, const Progress& progress, const Resume& resume, const Slice& slice)
      : fs_(fs),
        destination_(destination),
        mode_(mode),
        expected_(expected),
        progress_(progress),
        resume_(resume),
        slice_(slice) {}

  // Begins (again): with an empty file, or with the bytes of the part.
  Outcome Begin();
  // Whether all bytes were there already: only Finish is left.
  bool IsComplete() const { return part_ != nullptr && expected_.size == done_; }
  // Where the bytes that are there came from.
  const Source& source() const { return part_->source(); }
  // A server sends the file from its beginning: forgets what is there.
  Outcome BeginAgain(const Source& source);
  // An answer that does not continue what is there. The first time, all is forgotten and kRestart
  // returned.
  Outcome Refuse(absl::Status status);
  // `where` is for messages, here and below. Fails before a byte over the expected size is written.
  Outcome Write(absl::string_view where, absl::string_view data);
  // When a server announces the size. `content_type` may be empty.
  Outcome CheckAnnounced(absl::string_view where, uint64_t size,
                         absl::string_view content_type) const;
  // The only place where a download gets its name.
  Outcome Finish(absl::string_view where, absl::string_view content_type);

  const Slice& slice() const { return slice_; }
  uint64_t done() const { return done_; }
  const Expected& expected() const { return expected_; }
  // The digest of all bytes; after Finish.
  const base::Digest& digest() const { return digest_; }

 private:
  bool LooksLikeWebPage(absl::string_view content_type) const;

  Outcome BeginPart();
  // Forgets the bytes of an answer that was wrong.
  Failure Discard(absl::Status status);

  base::FileSystem& fs_;
  const std::string& destination_;
  const base::FileMode mode_;
  const Expected expected_;
  const Progress& progress_;
  const Resume& resume_;
  const Slice& slice_;
  std::unique_ptr<Part> part_;
  // Whether there are bytes of more than one answer, and whether that has led to a new beginning.
  bool mixed_ = false;
  bool restarted_ = false;
  std::unique_ptr<base::OutputFile> file_;
  base::Sha256 hasher_;
  uint32_t crc32_ = 0;  // Of a slice.
  base::Digest digest_;
  uint64_t done_ = 0;
  std::string head_;  // The first bytes, to recognise a web page.
};

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_SINK_H_
