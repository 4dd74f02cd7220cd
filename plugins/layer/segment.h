// Cutting a layer into segments: the units of work, of compression, and of memory.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_SEGMENT_H_
#define RULES_INFERENCE_PLUGINS_LAYER_SEGMENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "plugins/layer/plan.h"

namespace rules_inference::layer {

// Tar bytes of a segment at most: the block size of the modes that compress.
inline constexpr size_t kSegmentSize = size_t{1} << 20;

// A part of an entry. Its header belongs to the part that starts at 0, its padding to the part that
// ends with the data.
struct Slice {
  uint32_t entry = 0;
  uint64_t begin = 0;
  uint64_t end = 0;

  friend bool operator==(const Slice&, const Slice&) = default;
};

struct Segment {
  std::vector<Slice> slices;
  // Tar bytes of all slices, and of the end of the archive in the last segment.
  size_t size = 0;
  bool last = false;

  bool continues() const { return !slices.empty() && slices.front().begin > 0; }
};

// Hands out the segments of a plan one after the other. They follow from the plan alone:
//  - an entry that fits in a segment is not cut: a segment takes as many as fit;
//  - a larger one starts a segment, is cut every kSegmentSize tar bytes, and its rest begins a
//    segment that others may join.
class SegmentCutter {
 public:
  explicit SegmentCutter(const LayerPlan& plan) : plan_(plan) {}

  bool done() const { return done_; }
  // Must not be called when done().
  Segment Next();

 private:
  const LayerPlan& plan_;
  uint32_t entry_ = 0;
  uint64_t offset_ = 0;  // Into the data of entry_.
  bool done_ = false;
};

// The header blocks of an entry.
std::string HeaderOf(const LayerEntry& entry);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_SEGMENT_H_
