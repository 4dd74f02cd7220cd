#include "plugins/infer/cuda/simt.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer::cuda::simt {
namespace {

constexpr std::array<Options, 4> kOrders = {
    {{false, false}, {false, true}, {true, false}, {true, true}}};

TEST(SimtTest, RunsEachThreadOfEachBlockOnce) {
  std::vector<int> seen(2 * 3 * 4 * 64);
  RunGrid({}, {2, 3, 4}, 64, 0, [&](char*) {
    const int block = (BlockIndex(2) * 3 + BlockIndex(1)) * 2 + BlockIndex(0);
    ++seen[static_cast<size_t>(block * 64 + ThreadIndex())];
  });
  for (const int count : seen) EXPECT_EQ(count, 1);
}

TEST(SimtTest, BarriersOrderSharedMemory) {
  for (const Options& order : kOrders) {
    std::vector<int> out(96);
    RunGrid(order, {}, 96, 96 * sizeof(int), [&](char* shared) {
      auto* const numbers = reinterpret_cast<int*>(shared);
      for (int round = 0; round < 3; ++round) {
        numbers[ThreadIndex()] = ThreadIndex() + round;
        SyncBlock();
        const int other = numbers[95 - ThreadIndex()];
        SyncBlock();
        out[static_cast<size_t>(ThreadIndex())] = other;
      }
    });
    for (size_t i = 0; i < 96; ++i) EXPECT_EQ(out[i], static_cast<int>(97 - i));
  }
}

TEST(SimtTest, LanesExchangeRegisters) {
  for (const Options& order : kOrders) {
    std::vector<uint32_t> shuffled(64);
    std::vector<float> sums(64);
    std::vector<float> largest(64);
    RunGrid(order, {}, 64, 0, [&](char*) {
      const auto i = static_cast<size_t>(ThreadIndex());
      shuffled[i] = ShuffleXor(static_cast<uint32_t>(i), 5);
      shuffled[i] = ShuffleXor(shuffled[i], 16);
      sums[i] = WarpSum(static_cast<float>(i));
      largest[i] = WarpMax(-static_cast<float>(i));
    });
    for (size_t i = 0; i < 64; ++i) {
      EXPECT_EQ(shuffled[i], i ^ 21);
      EXPECT_EQ(sums[i], i < 32 ? 496.0F : 1520.0F);
      EXPECT_EQ(largest[i], i < 32 ? 0.0F : -32.0F);
    }
  }
}

TEST(SimtTest, LateCopiesComeWithTheWaitOnly) {
  for (const Options& order : kOrders) {
    std::array<std::vector<float>, 2> seen;
    alignas(16) std::array<float, 4> from = {1, 2, 3, 4};
    RunGrid(order, {}, 32, 16 * 32, [&](char* shared) {
      char* const to = shared + 16 * ThreadIndex();
      std::memset(to, 0, 16);
      CopyAsync(to, from.data(), true);
      CopyCommit();
      float value;
      std::memcpy(&value, to, sizeof(value));
      seen[0].push_back(value);
      CopyWait(0);
      std::memcpy(&value, to, sizeof(value));
      seen[1].push_back(value);
    });
    EXPECT_EQ(seen[0], std::vector<float>(32, order.late_copies ? 0.0F : 1.0F));
    EXPECT_EQ(seen[1], std::vector<float>(32, 1.0F));
  }
}

// Whole matrices through LoadMatrices and Mma, as portable.h says that lanes hold them.
TEST(SimtTest, MultipliesMatrices) {
  alignas(16) std::array<uint16_t, 256> a;        // [row][k]
  alignas(16) std::array<uint16_t, 256> columns;  // [column][k], 16 columns.
  alignas(16) std::array<uint16_t, 256> rows;     // [k][column], the same.
  for (size_t i = 0; i < 16; ++i) {
    for (size_t k = 0; k < 16; ++k) {
      a[i * 16 + k] = FloatToHalf(static_cast<float>(i * 3 + k));
      columns[i * 16 + k] = rows[k * 16 + i] =
          FloatToHalf(static_cast<float>(k * k) - static_cast<float>(i));
    }
  }
  for (const bool transposed : {false, true}) {
    std::array<float, 256> out;
    RunGrid({}, {}, 32, 0, [&](char*) {
      const auto lane = static_cast<size_t>(ThreadIndex());
      uint32_t fragment_a[4];
      uint32_t b[4];
      LoadMatrices(&a[lane % 16 * 16 + lane / 16 * 8], false, fragment_a);
      // Matrices: columns 0 to 7 with k 0 to 7, with k from 8; then columns from 8.
      if (transposed) {
        LoadMatrices(&rows[(lane / 8 % 2 * 8 + lane % 8) * 16 + lane / 16 * 8], true, b);
      } else {
        LoadMatrices(&columns[(lane / 16 * 8 + lane % 8) * 16 + lane / 8 % 2 * 8], false, b);
      }
      for (size_t n = 0; n < 2; ++n) {
        float c[4] = {1, 1, 1, 1};
        Mma(c, fragment_a, b[n * 2], b[n * 2 + 1]);
        for (size_t i = 0; i < 4; ++i) {
          out[(lane / 4 + i / 2 * 8) * 16 + n * 8 + lane % 4 * 2 + i % 2] = c[i];
        }
      }
    });
    for (size_t row = 0; row < 16; ++row) {
      for (size_t column = 0; column < 16; ++column) {
        float sum = 1;
        for (size_t k = 0; k < 16; ++k) {
          sum += HalfToFloat(a[row * 16 + k]) * HalfToFloat(columns[column * 16 + k]);
        }
        EXPECT_EQ(out[row * 16 + column], sum) << row << " " << column;
      }
    }
  }
}

TEST(SimtDeathTest, FindsReadsOutOfBounds) {
  const Fence fence(12, 4);
  EXPECT_DEATH(RunGrid({}, {}, 32, 0, [&](char*) { fence.data()[ThreadIndex()] = 0; }), "");
}

TEST(SimtDeathTest, FindsWritesBehindSharedMemory) {
  EXPECT_DEATH(RunGrid({}, {}, 32, 64, [](char* shared) { shared[4 * ThreadIndex()] = 0; }), "");
}

TEST(SimtDeathTest, FindsThreadsThatMissABarrier) {
  EXPECT_DEATH(RunGrid({}, {}, 64, 0,
                       [](char*) {
                         if (ThreadIndex() != 3) SyncBlock();
                       }),
               "simt: threads wait for others that do not come");
}

TEST(SimtDeathTest, FindsLanesInDifferentExchanges) {
  EXPECT_DEATH(RunGrid({}, {}, 32, 0,
                       [](char*) {
                         if (ThreadIndex() == 3) {
                           WarpMax(1);
                         } else {
                           WarpSum(1);
                         }
                       }),
               "simt: lanes of a warp are in different exchanges");
}

TEST(SimtDeathTest, FindsCopiesThatNobodyWaitsFor) {
  alignas(16) std::array<float, 4> from = {};
  EXPECT_DEATH(
      RunGrid({}, {}, 32, 16 * 32,
              [&](char* shared) { CopyAsync(shared + 16 * ThreadIndex(), from.data(), true); }),
      "simt: a thread ended before its copies");
}

TEST(SimtTest, SharedMemoryStartsAsNaNs) {
  std::vector<float> seen(32);
  RunGrid({}, {}, 32, 32 * sizeof(float), [&](char* shared) {
    std::memcpy(&seen[static_cast<size_t>(ThreadIndex())], shared + 4 * ThreadIndex(), 4);
  });
  for (const float value : seen) EXPECT_NE(value, value);
}

}  // namespace
}  // namespace rules_inference::infer::cuda::simt
