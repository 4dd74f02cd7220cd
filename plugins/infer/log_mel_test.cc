#include "plugins/infer/log_mel.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

// The definition, in double precision.
std::vector<double> Reference(const std::vector<float>& samples,
                              const std::vector<float>& filters) {
  const int mels = static_cast<int>(filters.size()) / 201;
  std::vector<float> padded(200, 0);
  std::vector<float> sound = samples;
  sound.resize(samples.size() + 480000);
  for (int i = 0; i < 200; ++i)
    padded[static_cast<size_t>(i)] = sound[static_cast<size_t>(200 - i)];
  padded.insert(padded.end(), sound.begin(), sound.end());
  for (size_t i = 0; i < 200; ++i) padded.push_back(sound[sound.size() - 2 - i]);
  const int frames = static_cast<int>(sound.size()) / 160;
  std::vector<double> values;
  double largest = -1e9;
  // Silence is tested in its first frames only.
  const int looked_at = std::min(frames, static_cast<int>(samples.size()) / 160 + 8);
  for (int frame = 0; frame < looked_at; ++frame) {
    std::vector<double> powers;
    for (int bin = 0; bin <= 200; ++bin) {
      double re = 0;
      double im = 0;
      for (int j = 0; j < 400; ++j) {
        const double window = 0.5 * (1 - std::cos(2 * std::numbers::pi * j / 400));
        const double x = window * padded[static_cast<size_t>(frame * 160 + j)];
        re += x * std::cos(2 * std::numbers::pi * bin * j / 400);
        im -= x * std::sin(2 * std::numbers::pi * bin * j / 400);
      }
      powers.push_back(re * re + im * im);
    }
    for (int mel = 0; mel < mels; ++mel) {
      double sum = 0;
      for (size_t bin = 0; bin <= 200; ++bin) {
        sum += filters[static_cast<size_t>(mel) * 201 + bin] * powers[bin];
      }
      values.push_back(std::log10(std::max(sum, 1e-10)));
      largest = std::max(largest, values.back());
    }
  }
  for (double& value : values) value = (std::max(value, largest - 8) + 4) / 4;
  return values;
}

std::vector<float> Noise(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> samples;
  for (size_t i = 0; i < size; ++i) {
    const double tone = std::sin(static_cast<double>(i) * 0.05 * static_cast<double>(seed));
    samples.push_back(
        static_cast<float>(0.3 * tone + 0.2 * (static_cast<double>(random() % 2001) / 1000 - 1)));
  }
  return samples;
}

TEST(LogMelTest, EqualsTheDefinition) {
  // Lengths around those of frames and of vectors of frames.
  for (const size_t size : {1U, 159U, 160U, 161U, 400U, 1279U, 1280U, 1600U, 4321U}) {
    for (const int mels : {80, 128}) {
      const std::vector<float> filters = MelFilters(mels);
      const std::vector<float> samples = Noise(size, size + 1);
      const std::vector<double> expected = Reference(samples, filters);
      const LogMel got = ComputeLogMel(samples, filters, 1);
      EXPECT_EQ(got.content_frames, static_cast<int>(size) / 160);
      ASSERT_EQ(got.values.size(), static_cast<size_t>(got.frames() * mels));
      double worst = 0;
      for (size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(expected[i] - static_cast<double>(got.values[i])));
      }
      EXPECT_LT(worst, 1e-4) << size << " samples, " << mels << " mels";
    }
  }
}

TEST(LogMelTest, TheSameBitsForAnyNumberOfThreads) {
  const std::vector<float> filters = MelFilters(80);
  const std::vector<float> samples = Noise(200000, 3);
  const LogMel one = ComputeLogMel(samples, filters, 1);
  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(ComputeLogMel(samples, filters, threads).values, one.values) << threads;
  }
}

TEST(LogMelTest, NothingIsSilence) {
  const LogMel mel = ComputeLogMel({}, MelFilters(80), 1);
  EXPECT_EQ(mel.content_frames, 0);
  EXPECT_EQ(mel.frames(), 3000);
  EXPECT_EQ(*std::max_element(mel.values.begin(), mel.values.end()), -1.5F);
}

// Speech, with values that another implementation has computed in double precision.
TEST(LogMelTest, GoldenOfSpeech) {
  const char* shared = std::getenv("RULES_INFERENCE_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "RULES_INFERENCE_SHARED does not say where jfk.wav is";
  std::ifstream file(std::string(shared) + "/testdata/whisper/jfk.wav", std::ios::binary);
  ASSERT_TRUE(file);
  const std::string wav(std::istreambuf_iterator<char>(file), {});
  std::vector<float> samples;
  for (size_t at = 78; at + 1 < wav.size(); at += 2) {
    int16_t sample = 0;
    std::memcpy(&sample, &wav[at], 2);
    samples.push_back(static_cast<float>(sample) / 32768);
  }
  const LogMel mel = ComputeLogMel(samples, MelFilters(80), 2);
  EXPECT_EQ(mel.frames(), 4100);
  const auto near = [&](int m, int frame, double value) {
    EXPECT_NEAR(mel.at(frame, m), value, 1e-4) << m << " " << frame;
  };
  near(0, 50, 0.1781132);
  near(10, 100, 0.4284381);
  near(20, 200, 0.6740283);
  near(40, 300, -0.1815411);
  near(5, 1000, 0.6787562);
  near(30, 1099, 0.6927049);
  near(30, 1100, 0.2745590);
  near(30, 1101, -0.3482142);
  near(30, 1102, -0.5387420);
}

}  // namespace
}  // namespace rules_inference::infer
