// The data of one large entry, piece by piece.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_ENTRY_STREAM_H_
#define RULES_INFERENCE_PLUGINS_LAYER_ENTRY_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/archive/zip_stream.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/plan.h"

namespace rules_inference::layer {

class EntryStream {
 public:
  static absl::StatusOr<std::unique_ptr<EntryStream>> Open(const LayerPlan& plan,
                                                           const LayerEntry& entry,
                                                           base::FileSystem& fs);

  // Writes the next `size` bytes to `out`, with the room around it that ZipStream::Next wants. The
  // piece that completes the entry checks its end. The packed bytes of a member of a wheel are
  // appended to `*packed` unless it is null.
  absl::Status Next(uint8_t* out, size_t size, std::string* packed);

 private:
  explicit EntryStream(const LayerEntry& entry) : entry_(entry) {}

  const LayerEntry& entry_;
  // One of both: a file, or a member of a wheel.
  std::unique_ptr<base::InputFile> file_;
  std::unique_ptr<base::ZipStream> member_;
  uint64_t done_ = 0;  // Bytes of the file handed out.
};

// Reads all of the file at entry.source, which must have entry.size bytes still, to `out`; there
// must be room for one more.
absl::Status ReadWholeFile(const LayerEntry& entry, base::FileSystem& fs, uint8_t* out);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_ENTRY_STREAM_H_
