// The data of one large entry, piece by piece.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_ENTRY_STREAM_H_
#define RULES_INFERENCE_PLUGINS_LAYER_ENTRY_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/plan.h"

namespace rules_inference::layer {

class EntryStream {
 public:
  static absl::StatusOr<std::unique_ptr<EntryStream>> Open(const LayerPlan& plan,
                                                           const LayerEntry& entry,
                                                           base::FileSystem& fs);

  // Writes the next `size` bytes to `out`. There must be Inflater::kWindow bytes of room before
  // `out` but for the first piece, and kInflateSlack after its end; what is there is overwritten.
  // The piece that completes the entry checks its end and its CRC-32. The packed bytes read on the
  // way are appended to `*packed` unless it is null.
  absl::Status Next(uint8_t* out, size_t size, std::string* packed);

 private:
  EntryStream(const LayerPlan& plan, const LayerEntry& entry, std::shared_ptr<base::InputFile> file)
      : plan_(plan), entry_(entry), file_(std::move(file)) {}

  absl::Status NextInflated(uint8_t* out, size_t size, bool final, std::string* packed);
  absl::Status FillInput(const uint8_t* left, size_t left_size, std::string* packed);

  const LayerPlan& plan_;
  const LayerEntry& entry_;
  std::shared_ptr<base::InputFile> file_;
  uint64_t done_ = 0;  // Bytes of data handed out.
  uint32_t crc_ = 0;

  // For deflated entries.
  std::unique_ptr<base::Inflater> inflater_;
  uint64_t packed_done_ = 0;  // Packed bytes read.
  std::vector<char> input_;   // Those not yet inflated are [input_begin_, input_.size()).
  size_t input_begin_ = 0;
  std::vector<uint8_t> window_;  // The last bytes handed out.
};

// Reads all of the file at entry.source, which must have entry.size bytes still, to `out`; there
// must be room for one more.
absl::Status ReadWholeFile(const LayerEntry& entry, base::FileSystem& fs, uint8_t* out);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_ENTRY_STREAM_H_
