#include "plugins/layer/segment.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/layer/plan.h"
#include "plugins/layer/tar.h"

namespace rules_inference::layer {
namespace {

std::vector<Segment> Cut(const std::vector<uint64_t>& sizes) {
  LayerPlan plan;
  for (size_t i = 0; i < sizes.size(); ++i) {
    LayerEntry entry;
    entry.path = absl::StrCat("f", i);
    entry.size = sizes[i];
    plan.entries.push_back(entry);
  }
  std::vector<Segment> segments;
  SegmentCutter cutter(plan);
  while (!cutter.done()) segments.push_back(cutter.Next());
  // Whatever the cuts are: all data once, in order, and whole blocks.
  uint32_t entry = 0;
  uint64_t offset = 0;
  for (const Segment& segment : segments) {
    EXPECT_EQ(segment.size % kTarBlock, 0U);
    EXPECT_LE(segment.size, kSegmentSize + kTarBlock + kTarEndSize);
    EXPECT_EQ(segment.last, &segment == &segments.back());
    for (const Slice& slice : segment.slices) {
      EXPECT_EQ(slice.entry, entry);
      EXPECT_EQ(slice.begin, offset);
      offset = slice.end;
      if (offset < sizes[entry]) continue;
      ++entry;
      offset = 0;
    }
  }
  EXPECT_EQ(entry, sizes.size());
  return segments;
}

using Slices = std::vector<Slice>;

TEST(SegmentTest, NothingIsOneSegmentWithTheEnd) {
  const auto segments = Cut({});
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].size, kTarEndSize);
}

TEST(SegmentTest, SmallFilesShareASegment) {
  const auto segments = Cut({0, 1, 1000});
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].slices, (Slices{{0, 0, 0}, {1, 0, 1}, {2, 0, 1000}}));
  EXPECT_EQ(segments[0].size, 512 + 1024 + 1536 + kTarEndSize);
}

TEST(SegmentTest, AFileThatFitsIsNotCut) {
  const uint64_t fits = kSegmentSize - kTarBlock;
  const auto segments = Cut({1, fits, 1});
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[1].slices, (Slices{{1, 0, fits}}));
  EXPECT_EQ(segments[1].size, kSegmentSize);
  EXPECT_FALSE(segments[1].continues());
}

TEST(SegmentTest, ALargeFileStartsASegmentAndItsRestIsShared) {
  const uint64_t first = kSegmentSize - kTarBlock;
  const uint64_t size = first + kSegmentSize + 10;
  const auto segments = Cut({1, size, 1});
  ASSERT_EQ(segments.size(), 4U);
  EXPECT_EQ(segments[1].slices, (Slices{{1, 0, first}}));
  EXPECT_EQ(segments[2].slices, (Slices{{1, first, first + kSegmentSize}}));
  EXPECT_TRUE(segments[2].continues());
  EXPECT_EQ(segments[3].slices, (Slices{{1, first + kSegmentSize, size}, {2, 0, 1}}));
  EXPECT_EQ(segments[3].size, kTarBlock + 2 * kTarBlock + kTarEndSize);
}

TEST(SegmentTest, SizesAroundTheLimit) {
  for (uint64_t size = kSegmentSize - 1100; size < kSegmentSize + 1100; size += 7) {
    Cut({size});
    Cut({size, size});
    Cut({size + kSegmentSize, 1, size});
  }
}

}  // namespace
}  // namespace rules_inference::layer
