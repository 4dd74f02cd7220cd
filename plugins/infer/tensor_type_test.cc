#include "plugins/infer/tensor_type.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace rules_inference::infer {
namespace {

TEST(HalfTest, EveryHalfIsAFloatAndComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      EXPECT_EQ(half & 0x7c00, 0x7c00);
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
      continue;
    }
    ASSERT_EQ(FloatToHalf(value), half) << bits;
  }
}

TEST(HalfTest, KnownValues) {
  EXPECT_EQ(HalfToFloat(0x3c00), 1.0F);
  EXPECT_EQ(HalfToFloat(0xc000), -2.0F);
  EXPECT_EQ(HalfToFloat(0x7bff), 65504.0F);
  EXPECT_EQ(HalfToFloat(0x0001), std::ldexp(1.0F, -24));
  EXPECT_EQ(HalfToFloat(0x7c00), std::numeric_limits<float>::infinity());
}

TEST(HalfTest, RoundsToTheNearestAndTiesToEven) {
  for (uint16_t half = 0; half < 0x7bff; ++half) {
    const float low = HalfToFloat(half);
    const float high = HalfToFloat(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(FloatToHalf(middle), half % 2 == 0 ? half : half + 1) << half;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, low)), half);
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, high)), half + 1);
  }
  EXPECT_EQ(FloatToHalf(65519.996F), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520.0F), 0x7c00);
  EXPECT_EQ(FloatToHalf(-1e30F), 0xfc00);
  EXPECT_EQ(FloatToHalf(1e-30F), 0);
}

// Blocks written by hand, after the layouts of the format.
TEST(DequantizeTest, OneBlockOfEach) {
  const std::string one("\x00\x3c", 2);   // 1.0
  const std::string half("\x00\x38", 2);  // 0.5
  std::string nibbles;
  for (int j = 0; j < 16; ++j) nibbles += static_cast<char>(j | (15 - j) << 4);
  const std::string fifth("\x01\x00\x00\x80", 4);  // Elements 0 and 31.
  const auto values = [](TensorType type, const std::string& data) {
    EXPECT_EQ(data.size(), InfoOf(type).bytes);
    std::vector<float> out(32);
    Dequantize(type, data, absl::MakeSpan(out));
    return out;
  };
  for (size_t j = 0; j < 16; ++j) {
    const auto low = static_cast<float>(j);
    const float high = 15 - low;
    const float more_low = low + (j == 0 ? 16.0F : 0.0F);
    const float more_high = high + (j == 15 ? 16.0F : 0.0F);
    EXPECT_EQ(values(TensorType::kQ4_0, one + nibbles)[j], low - 8);
    EXPECT_EQ(values(TensorType::kQ4_0, one + nibbles)[j + 16], high - 8);
    EXPECT_EQ(values(TensorType::kQ4_1, half + one + nibbles)[j], low / 2 + 1);
    EXPECT_EQ(values(TensorType::kQ4_1, half + one + nibbles)[j + 16], high / 2 + 1);
    EXPECT_EQ(values(TensorType::kQ5_0, one + fifth + nibbles)[j], more_low - 16);
    EXPECT_EQ(values(TensorType::kQ5_0, one + fifth + nibbles)[j + 16], more_high - 16);
    EXPECT_EQ(values(TensorType::kQ5_1, half + one + fifth + nibbles)[j], more_low / 2 + 1);
    EXPECT_EQ(values(TensorType::kQ5_1, half + one + fifth + nibbles)[j + 16], more_high / 2 + 1);
  }
  std::string bytes;
  for (int j = 0; j < 32; ++j) bytes += static_cast<char>(j * 8 - 128);
  EXPECT_EQ(values(TensorType::kQ8_0, half + bytes)[0], -64);
  EXPECT_EQ(values(TensorType::kQ8_0, half + bytes)[31], 60);
}

TEST(QuantizeTest, IsAsNearAsTheStepsAllow) {
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> in(32 * 64);
  for (float& value : in) value = normal(random);
  for (const TensorTypeInfo& info : TensorTypes()) {
    std::vector<char> data(BytesOf(info.type, in.size()));
    Quantize(info.type, in, absl::MakeSpan(data));
    EXPECT_TRUE(IsFinite(info.type, data)) << info.name;
    std::vector<float> out(in.size());
    Dequantize(info.type, data, absl::MakeSpan(out));
    double error = 0;
    double power = 0;
    for (size_t i = 0; i < in.size(); ++i) {
      error += (out[i] - in[i]) * (out[i] - in[i]);
      power += in[i] * in[i];
    }
    const double relative = std::sqrt(error / power);
    const double most = info.type == TensorType::kF32          ? 0
                        : info.type == TensorType::kF16        ? 3e-4
                        : info.type == TensorType::kQ8_0       ? 8e-3
                        : info.block == 32 && info.bytes >= 22 ? 0.05
                                                               : 0.1;
    EXPECT_LE(relative, most) << info.name;
  }
}

TEST(QuantizeTest, BlocksOfOneValue) {
  for (const TensorTypeInfo& info : TensorTypes()) {
    for (const float value : {0.0F, 1.0F, -0.25F}) {
      const std::vector<float> in(32, value);
      std::vector<char> data(BytesOf(info.type, in.size()));
      Quantize(info.type, in, absl::MakeSpan(data));
      std::vector<float> out(in.size());
      Dequantize(info.type, data, absl::MakeSpan(out));
      for (const float got : out) EXPECT_NEAR(got, value, 1e-3) << info.name;
    }
  }
}

TEST(TensorTypeTest, NumbersAndNames) {
  EXPECT_EQ(TensorTypeOf(6), TensorType::kQ5_0);
  EXPECT_EQ(TensorTypeOf("q5_0"), TensorType::kQ5_0);
  EXPECT_EQ(InfoOf(TensorType::kQ5_0).file_type, 8U);
  EXPECT_EQ(TensorTypeOf(4), std::nullopt);
  EXPECT_EQ(TensorTypeOf("q2_k"), std::nullopt);
  for (const TensorTypeInfo& info : TensorTypes()) EXPECT_EQ(&InfoOf(info.type), &info);
}

TEST(IsFiniteTest, FindsABadScale) {
  for (const TensorTypeInfo& info : TensorTypes()) {
    std::vector<char> data(BytesOf(info.type, 64));
    EXPECT_TRUE(IsFinite(info.type, data)) << info.name;
    const size_t last = data.size() - info.bytes;
    const bool wide = info.type == TensorType::kF32;
    data[last + (wide ? 3 : 1)] = 0x7f;
    data[last + (wide ? 2 : 0)] = static_cast<char>(0x80);
    EXPECT_FALSE(IsFinite(info.type, data)) << info.name;
  }
  std::vector<char> data(InfoOf(TensorType::kQ5_1).bytes);
  data[3] = 0x7c;
  EXPECT_FALSE(IsFinite(TensorType::kQ5_1, data));
}

}  // namespace
}  // namespace rules_inference::infer
