// Each kernel by itself, on sizes that do not fit its tiles, in memory that ends where it ends.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/attention.h"
#include "plugins/infer/cuda/choose.h"
#include "plugins/infer/cuda/flash.h"
#include "plugins/infer/cuda/gemm.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/launch.h"
#include "plugins/infer/cuda/simt.h"
#include "plugins/infer/cuda/simt_accelerator.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer::cuda {
namespace {

// Runs a kernel that a test names, in all orders, and wants the same each time.
struct Launcher {
  simt::Options options;

  template <typename K>
  int Run(int x, int y, int z, size_t shared, const typename K::Args& args) {
    simt::RunGrid(options, {x, y, z}, K::kThreads, shared,
                  [&args](char* memory) { K::Run(args, memory); });
    return 0;
  }
};

// Numbers from -1 to 1 that look random.
float Number(size_t i) {
  uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<float>(static_cast<int>(z >> 40 & 0xffff) - 0x8000) / 32768.0F;
}

// Memory of the device for a test: exact sizes, and as long as the test.
class Memory {
 public:
  template <typename T>
  T* Make(size_t count) {
    fences_.push_back(std::make_unique<simt::Fence>(count * sizeof(T)));
    return reinterpret_cast<T*>(fences_.back()->data());
  }
  template <typename T>
  T* Put(absl::Span<const T> values) {
    T* const to = Make<T>(values.size());
    std::memcpy(to, values.data(), values.size() * sizeof(T));
    return to;
  }
  float* Floats(size_t count, size_t seed) {
    float* const to = Make<float>(count);
    for (size_t i = 0; i < count; ++i) to[i] = Number(i + seed * 1000003);
    return to;
  }
  Half* Halves(size_t count, size_t seed) {
    Half* const to = Make<Half>(count);
    for (size_t i = 0; i < count; ++i) to[i] = {FloatToHalf(Number(i + seed * 1000003))};
    return to;
  }

 private:
  std::deque<std::unique_ptr<simt::Fence>> fences_;
};

double Value(Half half) { return static_cast<double>(HalfToFloat(half.bits)); }

constexpr TensorType kTypes[] = {TensorType::kF16,  TensorType::kQ4_0, TensorType::kQ4_1,
                                 TensorType::kQ5_0, TensorType::kQ5_1, TensorType::kQ8_0};

// A matrix of a type on the device, and its values.
struct Made {
  Weight weight;
  std::vector<float> values;
};

Made MakeWeight(Memory& memory, size_t type, int rows, int columns) {
  const TensorType tensor_type = kTypes[type];
  const auto count = static_cast<size_t>(rows * columns);
  std::vector<float> exact(count);
  for (size_t i = 0; i < count; ++i) exact[i] = Number(i + 77);
  std::vector<char> bytes(BytesOf(tensor_type, count));
  Quantize(tensor_type, exact, absl::MakeSpan(bytes));
  Made made;
  made.values.resize(count);
  Dequantize(tensor_type, bytes, absl::MakeSpan(made.values));
  made.weight.type = static_cast<WeightType>(type);
  made.weight.rows = rows;
  made.weight.columns = columns;
  if (tensor_type == TensorType::kF16) {
    made.weight.quants = memory.Put<char>(bytes);
    return made;
  }
  const bool minimum = tensor_type == TensorType::kQ4_1 || tensor_type == TensorType::kQ5_1;
  const bool fifth = tensor_type == TensorType::kQ5_0 || tensor_type == TensorType::kQ5_1;
  std::vector<char> scales;
  std::vector<char> fifths;
  std::vector<char> quants;
  const size_t size = InfoOf(tensor_type).bytes;
  for (size_t at = 0; at < bytes.size(); at += size) {
    const char* part = &bytes[at];
    const char* const end = part + size;
    scales.insert(scales.end(), part, part + (minimum ? 4 : 2));
    part += minimum ? 4 : 2;
    if (fifth) {
      fifths.insert(fifths.end(), part, part + 4);
      part += 4;
    }
    quants.insert(quants.end(), part, end);
  }
  made.weight.quants = memory.Put<char>(quants);
  made.weight.scales = reinterpret_cast<const Half*>(memory.Put<char>(scales));
  if (fifth) made.weight.fifth = reinterpret_cast<const uint32_t*>(memory.Put<char>(fifths));
  return made;
}

// Tensor cores take weights as f16; other kernels take them as they are.
constexpr double kRounded = 6e-3;
constexpr double kExact = 1e-4;

constexpr simt::Options kOrders[] = {{false, true}, {true, false}};

// Runs on each order and compares with the product in double precision.
template <typename Call>
void ExpectProduct(Memory& memory, const Made& made, const Half* in, int rows, double tolerance,
                   Call call) {
  const auto n = static_cast<size_t>(made.weight.rows);
  const auto k = static_cast<size_t>(made.weight.columns);
  const auto m = static_cast<size_t>(rows);
  for (const simt::Options& order : kOrders) {
    float* const out = memory.Make<float>(m * n);
    Launcher launcher = {order};
    call(launcher, Epilogue{.out = out});
    for (size_t row = 0; row < m; ++row) {
      for (size_t column = 0; column < n; ++column) {
        double sum = 0;
        for (size_t i = 0; i < k; ++i) {
          sum += Value(in[row * k + i]) * static_cast<double>(made.values[column * k + i]);
        }
        ASSERT_NEAR(out[row * n + column], sum, tolerance) << row << " " << column;
      }
    }
  }
}

TEST(GemmTest, MultipliesAllTypesInLargeTiles) {
  for (size_t type = 0; type < std::size(kTypes); ++type) {
    SCOPED_TRACE(InfoOf(kTypes[type]).name);
    Memory memory;
    const Made made = MakeWeight(memory, type, 131, 96);
    const Half* const in = memory.Halves(130 * 96, 1);
    ExpectProduct(memory, made, in, 130, kRounded,
                  [&](Launcher& launcher, const Epilogue& epilogue) {
                    const GemmArgs args = {
                        .weight = made.weight, .in = in, .rows = 130, .epilogue = epilogue};
                    WithType(made.weight.type, [&]<WeightType kType>() {
                      return LaunchGemm<LargeGemm<kType>>(launcher, args);
                    });
                  });
  }
}

TEST(GemmTest, MultipliesAllTypesInSmallTiles) {
  for (size_t type = 0; type < std::size(kTypes); ++type) {
    for (const int columns : {32, 64, 160}) {
      SCOPED_TRACE(InfoOf(kTypes[type]).name);
      Memory memory;
      const Made made = MakeWeight(memory, type, 65, columns);
      const Half* const in = memory.Halves(static_cast<size_t>(9 * columns), 1);
      ExpectProduct(memory, made, in, 9, kRounded,
                    [&](Launcher& launcher, const Epilogue& epilogue) {
                      const GemmArgs args = {
                          .weight = made.weight, .in = in, .rows = 9, .epilogue = epilogue};
                      WithType(made.weight.type, [&]<WeightType kType>() {
                        return LaunchGemm<SmallGemm<kType>>(launcher, args);
                      });
                    });
    }
  }
}

TEST(UnpackTest, GivesTheWeightsOfAllTypesAsHalves) {
  // f16 has nothing to unpack.
  for (size_t type = 1; type < std::size(kTypes); ++type) {
    SCOPED_TRACE(InfoOf(kTypes[type]).name);
    for (const simt::Options& order : kOrders) {
      Memory memory;
      const Made made = MakeWeight(memory, type, 37, 96);
      const UnpackArgs args = {.weight = made.weight, .out = memory.Make<Half>(37 * 96)};
      Launcher launcher = {order};
      Launch(launcher, Kernel::kUnpack, &args);
      for (size_t i = 0; i < made.values.size(); ++i) {
        ASSERT_EQ(args.out[i].bits, FloatToHalf(made.values[i])) << i;
      }
    }
  }
}

TEST(FinishTest, DoesGeluInPlaceOnHalves) {
  Memory memory;
  constexpr size_t kCount = size_t{3} * 1056;
  Half* const halves = memory.Halves(kCount, 1);
  const std::vector<Half> before(halves, halves + kCount);
  const FinishArgs args = {.halves = halves, .rows = 3, .columns = 1056, .gelu = 1};
  Launcher launcher = {kOrders[0]};
  Launch(launcher, Kernel::kFinish, &args);
  for (size_t i = 0; i < kCount; ++i) {
    const double x = Value(before[i]);
    ASSERT_NEAR(Value(halves[i]), 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))), 5e-4) << i;
  }
}

TEST(FinishTest, AddsRowsInTurn) {
  Memory memory;
  constexpr size_t kColumns = 32;
  float* const values = memory.Floats(5 * kColumns, 1);
  const std::vector<float> before(values, values + 5 * kColumns);
  const float* const add = memory.Floats(2 * kColumns, 2);
  const FinishArgs args = {
      .values = values, .rows = 5, .columns = kColumns, .add = add, .add_period = 2};
  Launcher launcher = {kOrders[1]};
  Launch(launcher, Kernel::kFinish, &args);
  for (size_t i = 0; i < before.size(); ++i) {
    const float added = add[i / kColumns % 2 * kColumns + i % kColumns];
    ASSERT_EQ(values[i], before[i] + added) << i;
  }
}

TEST(GemvTest, MultipliesAllTypesAndNumbersOfRows) {
  for (size_t type = 0; type < std::size(kTypes); ++type) {
    for (int rows = 1; rows <= kFewRows; ++rows) {
      SCOPED_TRACE(InfoOf(kTypes[type]).name);
      Memory memory;
      const Made made = MakeWeight(memory, type, 13, 320);
      const Half* const in = memory.Halves(static_cast<size_t>(rows * 320), 1);
      ExpectProduct(memory, made, in, rows, kExact,
                    [&](Launcher& launcher, const Epilogue& epilogue) {
                      const GemvArgs args = {
                          .weight = made.weight, .in = in, .rows = rows, .epilogue = epilogue};
                      Launch(launcher, Kernel::kGemv, &args);
                    });
    }
  }
}

TEST(GemmTest, DoesWhatTheEpilogueSays) {
  Memory memory;
  const Made made = MakeWeight(memory, 0, 10, 32);
  const Half* const in = memory.Halves(11 * 32, 1);
  const float* const bias = memory.Floats(10, 2);
  const float* const add = memory.Floats(40, 3);
  Half* const halves = memory.Make<Half>(110);
  Half* parts[] = {memory.Make<Half>(60), memory.Make<Half>(50)};
  float* const out = memory.Make<float>(110);
  const GemmArgs args = {.weight = made.weight,
                         .in = in,
                         .rows = 11,
                         .epilogue = {.bias = bias,
                                      .gelu = 1,
                                      .add = add,
                                      .add_period = 4,
                                      .out = out,
                                      .out_half = halves,
                                      .out_table = memory.Put<Half*>(parts),
                                      .table_rows = 6}};
  Launcher launcher;
  Launch(launcher, Kernel::kGemm, &args);
  for (size_t row = 0; row < 11; ++row) {
    for (size_t column = 0; column < 10; ++column) {
      double sum = static_cast<double>(bias[column]);
      for (size_t i = 0; i < 32; ++i) {
        sum += Value(in[row * 32 + i]) * static_cast<double>(made.values[column * 32 + i]);
      }
      const double gelu = sum * 0.5 * (1 + std::erf(sum / std::sqrt(2.0)));
      const double expected = gelu + static_cast<double>(add[row % 4 * 10 + column]);
      EXPECT_NEAR(out[row * 10 + column], expected, 1e-4);
      EXPECT_NEAR(Value(halves[row * 10 + column]), expected, 3e-3);
      EXPECT_NEAR(Value(parts[row / 6][row % 6 * 10 + column]), expected, 3e-3);
    }
  }
}

// Attention of one query, in double precision. `at` gives key and value.
template <typename Key, typename ValueOf>
std::vector<double> Attention(const Half* query, size_t keys, Key key, ValueOf value) {
  std::vector<double> weights(keys);
  double largest = -1e300;
  for (size_t i = 0; i < keys; ++i) {
    weights[i] = 0;
    for (size_t d = 0; d < kHead; ++d) weights[i] += Value(query[d]) * Value(key(i)[d]) / 8;
    largest = std::max(largest, weights[i]);
  }
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  std::vector<double> out(kHead);
  for (size_t i = 0; i < keys; ++i) {
    for (size_t d = 0; d < kHead; ++d) out[d] += weights[i] / total * Value(value(i)[d]);
  }
  return out;
}

TEST(FlashTest, AttendsToNumbersOfKeysThatFitNoTile) {
  struct Case {
    int queries;
    int keys;
    int batch;
  };
  for (const Case& c :
       {Case{1, 1, 1}, Case{65, 63, 2}, Case{5, 64, 1}, Case{3, 65, 1}, Case{70, 200, 2}}) {
    for (const simt::Options& order : kOrders) {
      Memory memory;
      const auto batch = static_cast<size_t>(c.batch);
      const auto queries = static_cast<size_t>(c.queries);
      const auto keys = static_cast<size_t>(c.keys);
      constexpr size_t kHeads = 2;
      constexpr size_t kState = kHeads * kHead;
      const Half* const query = memory.Halves(batch * queries * kState, 1);
      const Half* const kv = memory.Halves(batch * keys * 2 * kState, 2);
      Half* const out = memory.Make<Half>(batch * queries * kState);
      const FlashArgs args = {.query = query,
                              .key = kv,
                              .value = kv + kState,
                              .out = out,
                              .query_stride = kState,
                              .key_stride = 2 * kState,
                              .out_stride = kState,
                              .heads = kHeads,
                              .queries = c.queries,
                              .keys = c.keys,
                              .batch = c.batch};
      Launcher launcher = {order};
      Launch(launcher, Kernel::kFlash, &args);
      for (size_t w = 0; w < batch; ++w) {
        for (size_t q = 0; q < queries; ++q) {
          for (size_t h = 0; h < kHeads; ++h) {
            const size_t at = (w * queries + q) * kState + h * kHead;
            const Half* const first = kv + w * keys * 2 * kState + h * kHead;
            const auto expected = Attention(
                query + at, keys, [&](size_t i) { return first + i * 2 * kState; },
                [&](size_t i) { return first + i * 2 * kState + kState; });
            for (size_t d = 0; d < kHead; ++d) {
              ASSERT_NEAR(Value(out[at + d]), expected[d], 2e-3) << w << " " << q << " " << h;
            }
          }
        }
      }
    }
  }
}

TEST(CrossAttentionTest, PiecesAreCombined) {
  for (const int splits : {1, 2, 3, 8}) {
    Memory memory;
    constexpr int kKeys = 41;
    constexpr size_t kState = 2 * kHead;
    // Two layers, of which the second is looked at.
    const Half* const cross = memory.Halves(2 * kKeys * 2 * kState, 1);
    const Half* const query = memory.Halves(2 * kState, 2);
    Half* const out = memory.Make<Half>(2 * kState);
    std::vector<Row> rows(2);
    for (Row& row : rows) {
      row.cross = cross;
      row.active = 1;
    }
    const CrossAttentionArgs args = {
        .row_info = memory.Put<Row>(rows),
        .query = query,
        .out = out,
        .partial = memory.Make<float>(static_cast<size_t>(4 * splits * (kHead + 2))),
        .rows = 2,
        .heads = 2,
        .layer = 1,
        .keys = kKeys,
        .splits = splits};
    Launcher launcher = {kOrders[1]};
    Launch(launcher, Kernel::kCrossAttention, &args);
    if (splits > 1) {
      const CombineArgs combine = {
          .partial = args.partial, .out = out, .rows = 2, .heads = 2, .splits = splits};
      Launch(launcher, Kernel::kCombine, &combine);
    }
    for (size_t i = 0; i < 4; ++i) {
      const Half* const first = cross + kKeys * 2 * kState + i % 2 * kHead;
      const auto expected = Attention(
          query + i * kHead, kKeys, [&](size_t k) { return first + k * 2 * kState; },
          [&](size_t k) { return first + k * 2 * kState + kState; });
      for (size_t d = 0; d < kHead; ++d) EXPECT_NEAR(Value(out[i * kHead + d]), expected[d], 1e-3);
    }
  }
}

TEST(ProbabilityTest, IsAmongTheIdsBelowTheLimit) {
  Memory memory;
  constexpr size_t kVocab = 1031;
  float* const logits = memory.Floats(2 * kVocab, 4);
  logits[kVocab + 900] = 50;  // Not below the limit.
  logits[3] = 100;            // exp() of it would be infinite.
  const int ids[] = {3, 7};
  float* const out = memory.Make<float>(2);
  const ProbabilityArgs args = {.logits = logits,
                                .ids = memory.Put<int>(ids),
                                .out = out,
                                .rows = 2,
                                .vocab = kVocab,
                                .limit = 900};
  Launcher launcher;
  Launch(launcher, Kernel::kProbability, &args);
  for (size_t row = 0; row < 2; ++row) {
    double sum = 0;
    for (size_t i = 0; i < 900; ++i) sum += std::exp(static_cast<double>(logits[row * kVocab + i]));
    const double expected =
        std::exp(static_cast<double>(logits[row * kVocab + static_cast<size_t>(ids[row])])) / sum;
    EXPECT_NEAR(out[row], expected, 1e-5 * expected);
  }
}

TEST(CheckKernelsTest, PassesOnTheExecutor) {
  EXPECT_EQ(CheckKernels(*NewSimtAccelerator({})), absl::OkStatus());
}

}  // namespace
}  // namespace rules_inference::infer::cuda
