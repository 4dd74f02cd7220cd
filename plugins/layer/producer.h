// Makes the bytes of one segment: its part of the tar stream, and its part of the blob.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_PRODUCER_H_
#define RULES_INFERENCE_PLUGINS_LAYER_PRODUCER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/inflate.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/encoder.h"
#include "plugins/layer/entry_stream.h"
#include "plugins/layer/plan.h"
#include "plugins/layer/segment.h"
#include "plugins/layer/tar.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

// The bytes of a segment. Used again and again, so that memory stays the same.
class SegmentBuffer {
 public:
  SegmentBuffer();

  // Data of a file with a known digest, as a range of tar().
  struct FilePart {
    size_t begin = 0;
    size_t end = 0;
    uint32_t entry = 0;
    bool ends = false;  // The last part of the file.
  };

  void Clear();
  absl::string_view tar() const {
    return {reinterpret_cast<const char*>(raw_.get()) + base::Inflater::kWindow, size_};
  }

  // Where the next tar bytes go. There is room for a segment, and kInflateSlack bytes more.
  uint8_t* end() { return raw_.get() + base::Inflater::kWindow + size_; }
  void Advance(size_t count) { size_ += count; }
  void Append(absl::string_view data);
  void AppendZeros(size_t count);
  size_t size() const { return size_; }

  // Bytes of the blob; unused when the blob is the tar stream itself.
  std::string blob;
  std::vector<FilePart> files;

 private:
  // A segment may be larger than kSegmentSize by its last padding and the end of the archive.
  static constexpr size_t kRoom =
      base::Inflater::kWindow + kSegmentSize + kTarBlock + kTarEndSize + base::kInflateSlack;

  std::unique_ptr<uint8_t[]> raw_;
  size_t size_ = 0;
};

class Producer {
 public:
  // With `inflate` false, deflated entries get no tar bytes: only the blob is made. Needs mode
  // SPLICE.
  Producer(const LayerPlan& plan, sdk::LayerMode mode, int level, bool inflate,
           base::FileSystem& fs);

  // `stream` is that of the entry that the segment before has left open and this one continues, and
  // afterwards that of the entry that this one leaves open; else null. It is not used when inflate
  // is false.
  absl::Status Produce(const Segment& segment, std::unique_ptr<EntryStream>& stream,
                       SegmentBuffer& buffer);

 private:
  absl::Status AppendData(const Slice& slice, std::unique_ptr<EntryStream>& stream,
                          SegmentBuffer& buffer);
  absl::Status AppendWhole(const LayerEntry& entry, SegmentBuffer& buffer);
  absl::Status AppendSpliced(const Slice& slice, std::unique_ptr<EntryStream>& stream,
                             SegmentBuffer& buffer);
  absl::Status FlushGap(SegmentBuffer& buffer);

  const LayerPlan& plan_;
  const sdk::LayerMode mode_;
  const bool inflate_;
  base::FileSystem& fs_;
  Encoder encoder_;
  base::Inflater inflater_;
  std::string packed_;
  // In mode SPLICE: tar bytes from here on are not in the blob yet.
  size_t gap_ = 0;
  // Those bytes hold data of files, and not only headers and padding.
  bool gap_has_data_ = false;
};

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_PRODUCER_H_
