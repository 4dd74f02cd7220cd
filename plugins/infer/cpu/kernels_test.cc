// Each kernel, in each set of instructions that this CPU has, against the plain loop that it means.

#include "plugins/infer/cpu/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/cpu/product.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<TensorType, 7> kTypes = {
    TensorType::kF32,  TensorType::kF16,  TensorType::kQ4_0, TensorType::kQ4_1,
    TensorType::kQ5_0, TensorType::kQ5_1, TensorType::kQ8_0};

// The same numbers on every machine, -1 to 1.
std::vector<float> Numbers(size_t count, uint64_t seed) {
  std::vector<float> numbers(count);
  uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (float& number : numbers) {
    state = state * 6364136223846793005 + 1442695040888963407;
    number = static_cast<float>(static_cast<int64_t>(state) >> 40) / static_cast<float>(1 << 23);
  }
  return numbers;
}

struct Matrix {
  PackedMatrix packed;
  std::vector<char> bytes;
  // [output][input], as the type has them.
  std::vector<float> values;
};

Matrix MakeMatrix(TensorType type, size_t outputs, size_t inputs, uint64_t seed) {
  Matrix matrix;
  const std::vector<float> numbers = Numbers(outputs * inputs, seed);
  std::vector<char> file(BytesOf(type, numbers.size()));
  Quantize(type, numbers, absl::MakeSpan(file));
  matrix.values.resize(numbers.size());
  Dequantize(type, file, absl::MakeSpan(matrix.values));
  matrix.packed = {.type = type, .inputs = inputs, .outputs = outputs, .data = nullptr};
  matrix.bytes.resize(matrix.packed.bytes());
  Pack(file, matrix.packed, 1, 0, matrix.packed.panels(), matrix.bytes.data());
  matrix.packed.data = matrix.bytes.data();
  return matrix;
}

class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(All, KernelsTest, testing::ValuesIn(AllKernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST_P(KernelsTest, UnpackEveryType) {
  for (const TensorType type : kTypes) {
    const Matrix matrix = MakeMatrix(type, 37, 96, 1);
    for (size_t panel = 0; panel < 3; ++panel) {
      std::vector<float> out(64 * kPanel);
      kernels().unpack(matrix.packed, panel, 32, 96, out.data());
      for (size_t k = 0; k < 64; ++k) {
        for (size_t lane = 0; lane < kPanel; ++lane) {
          const size_t output = panel * kPanel + lane;
          const float expected = output < 37 ? matrix.values[output * 96 + 32 + k] : 0.0F;
          // One rounding, where the type has a minimum.
          ASSERT_NEAR(out[k * kPanel + lane], expected, 1e-7)
              << InfoOf(type).name << " " << output << " " << k;
        }
      }
    }
  }
}

TEST_P(KernelsTest, MultiplyAnyNumberOfRowsAndPanels) {
  constexpr size_t kInputs = 67;
  for (const size_t rows : {1U, 2U, 3U, 5U, 6U, 7U, 11U, 12U, 13U, 25U}) {
    for (const size_t panels : {1U, 2U, 3U}) {
      const size_t width = panels * kPanel;
      const std::vector<float> a = Numbers(rows * 70, rows);
      const std::vector<float> b = Numbers(width * kInputs, panels);
      std::vector<float> c(rows * width, 1.0F);
      kernels().multiply(a.data(), 70, rows, b.data(), panels, kInputs, /*fresh=*/true, c.data(),
                         width);
      kernels().multiply(a.data(), 70, rows, b.data(), panels, kInputs, /*fresh=*/false, c.data(),
                         width);
      for (size_t r = 0; r < rows; ++r) {
        for (size_t i = 0; i < width; ++i) {
          double sum = 0;
          for (size_t k = 0; k < kInputs; ++k) {
            sum +=
                double{a[r * 70 + k]} * b[i / kPanel * kPanel * kInputs + k * kPanel + i % kPanel];
          }
          ASSERT_NEAR(c[r * width + i], 2 * sum, 1e-5) << rows << " " << r << " " << i;
        }
      }
    }
  }
}

TEST_P(KernelsTest, DotEveryTypeAndNumberOfRows) {
  constexpr size_t kInputs = 96;
  constexpr size_t kOutputs = 101;
  for (const TensorType type : kTypes) {
    const Matrix matrix = MakeMatrix(type, kOutputs, kInputs, 2);
    for (const size_t rows : {1U, 2U, 3U, 4U, 5U, 9U}) {
      const std::vector<float> x = Numbers(rows * kInputs, rows);
      std::vector<float> out(rows * kOutputs, -1.0F);
      if (IsQuantized(type)) {
        std::vector<DigitBlock> digits(rows * kInputs / kBlock);
        kernels().to_digits(x.data(), x.size(), type, digits.data());
        kernels().dot_digits(matrix.packed, 0, matrix.packed.panels(), digits.data(),
                             kInputs / kBlock, rows, out.data(), kOutputs);
      } else {
        kernels().dot(matrix.packed, 0, matrix.packed.panels(), x.data(), kInputs, rows, out.data(),
                      kOutputs);
      }
      for (size_t r = 0; r < rows; ++r) {
        for (size_t i = 0; i < kOutputs; ++i) {
          double sum = 0;
          for (size_t k = 0; k < kInputs; ++k) {
            sum += double{x[r * kInputs + k]} * matrix.values[i * kInputs + k];
          }
          ASSERT_NEAR(out[r * kOutputs + i], sum, 1e-5)
              << InfoOf(type).name << " " << rows << " " << r << " " << i;
        }
      }
    }
  }
}

// Digits are as large as they can be, and so are numbers: nothing overflows.
TEST_P(KernelsTest, DotTheLargestNumbers) {
  for (const TensorType type : kTypes) {
    if (!IsQuantized(type)) continue;
    for (const float sign : {1.0F, -1.0F}) {
      std::vector<float> values(kPanel * kBlock);
      for (size_t i = 0; i < values.size(); ++i) values[i] = i % kBlock == 0 ? -1.0F : 1.0F;
      std::vector<char> file(BytesOf(type, values.size()));
      Quantize(type, values, absl::MakeSpan(file));
      Dequantize(type, file, absl::MakeSpan(values));
      PackedMatrix packed = {.type = type, .inputs = kBlock, .outputs = kPanel, .data = nullptr};
      std::vector<char> bytes(packed.bytes());
      Pack(file, packed, 1, 0, 1, bytes.data());
      packed.data = bytes.data();
      // 0x0fdf7f of the range, so that the lower digits are large as well.
      std::vector<float> x(kBlock, sign);
      for (size_t i = 1; i < kBlock; ++i)
        x[i] = sign * (1.0F - 0.0039F * static_cast<float>(i % 3));
      DigitBlock digits;
      kernels().to_digits(x.data(), kBlock, type, &digits);
      std::array<float, kPanel> out;
      kernels().dot_digits(packed, 0, 1, &digits, 1, 1, out.data(), kPanel);
      double sum = 0;
      for (size_t k = 0; k < kBlock; ++k) sum += double{x[k]} * values[k];
      for (const float value : out) EXPECT_NEAR(value, sum, 1e-4) << InfoOf(type).name;
    }
  }
}

TEST_P(KernelsTest, DigitsOfNothingAreNothing) {
  for (const float tiny : {0.0F, 1e-40F}) {
    const std::vector<float> x(kBlock, tiny);
    DigitBlock digits;
    kernels().to_digits(x.data(), kBlock, TensorType::kQ8_0, &digits);
    EXPECT_EQ(digits.scale, 0);
    EXPECT_EQ(digits.sum, 0);
    for (const auto& digit : digits.digits)
      EXPECT_EQ(std::count(digit.begin(), digit.end(), 0), 32);
  }
}

// Wide and narrow products of the same rows, in batches of all sizes.
TEST_P(KernelsTest, ProductsHaveTheSameBitsInEveryWay) {
  constexpr size_t kRows = 40;
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kQ5_1}) {
    const Matrix matrix = MakeMatrix(type, 96, 320, 3);
    const std::vector<float> x = Numbers(kRows * 320, 4);
    std::vector<float> expected;
    for (const int threads : {1, 3}) {
      ThreadPool pool(threads);
      Multiplier multiplier(kernels(), pool);
      for (const size_t batch : {1U, 2U, 3U, 4U, 5U, 8U, 11U, 12U, 40U}) {
        std::vector<float> out(kRows * 96);
        for (size_t row = 0; row < kRows; row += batch) {
          const Product product = {.matrix = &matrix.packed,
                                   .bias = x.data(),
                                   .out = out.data() + row * 96,
                                   .out_stride = 96,
                                   .finish = Finish::kGelu};
          multiplier.Narrow(
              {.data = x.data() + row * 320, .count = std::min(batch, kRows - row), .stride = 320},
              {&product, 1});
        }
        if (expected.empty()) expected = out;
        EXPECT_EQ(out, expected) << InfoOf(type).name << " " << batch << " " << threads;
      }
    }
  }
}

TEST_P(KernelsTest, GeluIsExact) {
  std::vector<float> x;
  for (int i = -1600; i <= 1599; ++i) x.push_back(static_cast<float>(i) * 0.005F);
  std::vector<float> out(x.size());
  kernels().finish(x.data(), nullptr, x.size(), Finish::kGelu, out.data());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(out[i], 0.5 * x[i] * (1 + std::erf(double{x[i]} / std::sqrt(2.0))), 1e-6) << x[i];
  }
}

TEST_P(KernelsTest, FinishesProducts) {
  const std::vector<float> x = Numbers(48, 1);
  const std::vector<float> bias = Numbers(48, 2);
  std::vector<float> out = Numbers(48, 3);
  const std::vector<float> before = out;
  kernels().finish(x.data(), bias.data(), 48, Finish::kAdd, out.data());
  for (size_t i = 0; i < 48; ++i) EXPECT_EQ(out[i], x[i] + bias[i] + before[i]);
  kernels().finish(x.data(), nullptr, 48, Finish::kStore, out.data());
  EXPECT_EQ(out, x);
}

TEST_P(KernelsTest, Normalize) {
  std::vector<float> x = Numbers(192, 5);
  for (float& value : x) value = 3 * value + 10;
  const std::vector<float> weight = Numbers(192, 6);
  const std::vector<float> bias = Numbers(192, 7);
  std::vector<float> out(192);
  kernels().normalize(x.data(), weight.data(), bias.data(), 192, out.data());
  double mean = 0;
  for (const float value : x) mean += value / 192.0;
  double variance = 0;
  for (const float value : x) variance += (value - mean) * (value - mean) / 192.0;
  for (size_t i = 0; i < 192; ++i) {
    EXPECT_NEAR(out[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i], 1e-5);
  }
}

TEST_P(KernelsTest, ExponentialsOfAnyCount) {
  for (const size_t count : {1U, 2U, 3U, 4U, 7U, 8U, 15U, 16U, 17U, 100U, 1500U}) {
    std::vector<float> x = Numbers(count + 1, count);
    for (float& value : x) value *= 400;
    const std::vector<float> before = x;
    const float part = kernels().exponentials(x.data(), count, 0.125F);
    const double largest = *std::max_element(before.begin(), before.end() - 1);
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      const double power = 0.125 * (before[i] - largest);
      const double expected = std::exp(power);
      // The difference of two floats is rounded as well.
      EXPECT_NEAR(x[i], expected, (3e-7 - 1e-7 * power) * expected + 1e-37) << i << " of " << count;
      sum += expected;
    }
    EXPECT_NEAR(part, 1 / sum, 1e-6 / sum);
    EXPECT_EQ(x[count], before[count]);
  }
}

TEST_P(KernelsTest, TransposeAndSplit) {
  const std::vector<float> x = Numbers(19 * 80, 8);
  std::vector<float> keys(2 * kPanel * 64, -1.0F);
  std::vector<float> values(19 * 64, -1.0F);
  kernels().transpose(x.data(), 80, 19, keys.data());
  kernels().split(x.data(), 80, 19, values.data());
  for (size_t i = 0; i < 32; ++i) {
    for (size_t k = 0; k < 64; ++k) {
      EXPECT_EQ(keys[(i / kPanel * 64 + k) * kPanel + i % kPanel], i < 19 ? x[i * 80 + k] : 0.0F);
      if (i >= 19) continue;
      EXPECT_EQ(values[(k / kPanel * 19 + i) * kPanel + k % kPanel], x[i * 80 + k]);
    }
  }
}

TEST_P(KernelsTest, SelfAttention) {
  const std::vector<float> query = Numbers(64, 9);
  const std::vector<float> memory = Numbers(9 * 200, 10);
  const std::vector<float> weights = Numbers(9, 11);
  std::vector<const float*> cells;
  for (size_t i = 0; i < 9; ++i) cells.push_back(memory.data() + i * 200);
  std::vector<float> scores(9);
  std::vector<float> mixed(64);
  kernels().self_scores(query.data(), cells.data(), 5, 9, scores.data());
  kernels().self_mix(weights.data(), cells.data(), 100, 9, mixed.data());
  for (size_t i = 0; i < 9; ++i) {
    double sum = 0;
    for (size_t k = 0; k < 64; ++k) sum += double{query[k]} * cells[i][5 + k];
    EXPECT_NEAR(scores[i], sum, 1e-5);
  }
  for (size_t k = 0; k < 64; ++k) {
    double sum = 0;
    for (size_t i = 0; i < 9; ++i) sum += double{weights[i]} * cells[i][100 + k];
    EXPECT_NEAR(mixed[k], sum, 1e-5);
  }
}

TEST_P(KernelsTest, CrossAttention) {
  for (const size_t positions : {1U, 16U, 37U}) {
    const size_t padded = (positions + kPanel - 1) / kPanel * kPanel;
    const std::vector<float> keys = Numbers(positions * 64, 12);
    const std::vector<float> values = Numbers(positions * 64, 13);
    std::vector<int16_t> fixed_keys(padded * 64);
    std::vector<int16_t> fixed_values(padded * 64);
    std::vector<float> key_scales(padded);
    std::vector<float> value_scales(padded);
    std::array<int16_t, 64> fixed;
    for (size_t i = 0; i < positions; ++i) {
      key_scales[i] = kernels().to_fixed(&keys[i * 64], fixed.data());
      for (size_t k = 0; k < 64; ++k) {
        EXPECT_NEAR(static_cast<float>(fixed[k]) * key_scales[i], keys[i * 64 + k], 1.6e-5);
        fixed_keys[(i / kPanel * 64 + k) * kPanel + i % kPanel] = fixed[k];
      }
      value_scales[i] = kernels().to_fixed(&values[i * 64], &fixed_values[i * 64]);
    }
    const CrossHead head = {.keys = fixed_keys.data(),
                            .values = fixed_values.data(),
                            .key_scales = key_scales.data(),
                            .value_scales = value_scales.data()};
    for (const size_t rows : {1U, 2U, 3U, 4U, 7U, 12U}) {
      const std::vector<float> queries = Numbers(rows * 70, rows);
      const std::vector<float> weights = Numbers(rows * padded, 14);
      std::vector<float> scores(rows * padded);
      std::vector<float> mixed(rows * 70);
      kernels().cross_scores(queries.data(), 70, rows, head, positions, scores.data(), padded);
      kernels().cross_mix(weights.data(), padded, rows, head, positions, mixed.data(), 70);
      for (size_t r = 0; r < rows; ++r) {
        for (size_t i = 0; i < positions; ++i) {
          double sum = 0;
          for (size_t k = 0; k < 64; ++k) sum += double{queries[r * 70 + k]} * keys[i * 64 + k];
          EXPECT_NEAR(scores[r * padded + i], sum, 3e-4);
        }
        for (size_t k = 0; k < 64; ++k) {
          double sum = 0;
          for (size_t i = 0; i < positions; ++i) {
            sum += double{weights[r * padded + i]} * values[i * 64 + k];
          }
          EXPECT_NEAR(mixed[r * 70 + k], sum, 3e-4);
        }
      }
    }
  }
}

TEST(PackTest, ConvolutionsHaveTapsOutside) {
  // Two outputs, three inputs, two taps.
  const std::vector<float> values = Numbers(12, 15);
  const PackedMatrix matrix = {
      .type = TensorType::kF32, .inputs = 6, .outputs = 2, .data = nullptr};
  std::vector<float> packed(6 * kPanel, -1.0F);
  Pack(absl::MakeConstSpan(reinterpret_cast<const char*>(values.data()), 12 * sizeof(float)),
       matrix, 2, 0, 1, reinterpret_cast<char*>(packed.data()));
  for (size_t tap = 0; tap < 2; ++tap) {
    for (size_t input = 0; input < 3; ++input) {
      for (size_t lane = 0; lane < kPanel; ++lane) {
        EXPECT_EQ(packed[(tap * 3 + input) * kPanel + lane],
                  lane < 2 ? values[(lane * 3 + input) * 2 + tap] : 0.0F);
      }
    }
  }
}

}  // namespace
}  // namespace rules_inference::infer
