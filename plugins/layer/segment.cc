#include "plugins/layer/segment.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "plugins/layer/plan.h"
#include "plugins/layer/tar.h"

namespace rules_inference::layer {

std::string HeaderOf(const LayerEntry& entry) {
  TarHeader header;
  header.path = entry.path;
  header.type = entry.type;
  header.mode = entry.mode;
  header.uid = entry.uid;
  header.gid = entry.gid;
  header.size = entry.size;
  header.link_target = entry.link_target;
  std::string blocks;
  AppendTarHeader(header, blocks);
  return blocks;
}

Segment SegmentCutter::Next() {
  Segment segment;
  while (entry_ < plan_.entries.size()) {
    const LayerEntry& entry = plan_.entries[entry_];
    const size_t header = offset_ == 0 ? HeaderOf(entry).size() : 0;
    const uint64_t left = entry.size - offset_;
    const size_t padding = TarPadding(entry.size);
    if (left <= kSegmentSize && segment.size + header + left + padding <= kSegmentSize) {
      segment.slices.push_back({entry_, offset_, entry.size});
      segment.size += header + static_cast<size_t>(left) + padding;
      ++entry_;
      offset_ = 0;
      continue;
    }
    if (segment.size == 0) {
      const uint64_t taken = std::min<uint64_t>(left, kSegmentSize - header);
      segment.slices.push_back({entry_, offset_, offset_ + taken});
      segment.size = header + static_cast<size_t>(taken);
      offset_ += taken;
      // Only the padding did not fit.
      if (offset_ == entry.size) {
        segment.size += padding;
        ++entry_;
        offset_ = 0;
      }
    }
    return segment;
  }
  segment.size += kTarEndSize;
  segment.last = true;
  done_ = true;
  return segment;
}

}  // namespace rules_inference::layer
