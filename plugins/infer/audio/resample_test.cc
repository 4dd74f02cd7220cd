#include "plugins/infer/audio/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/audio/test_wav.h"

namespace rules_inference::infer {
namespace {

std::vector<float> Resampled(const std::vector<float>& samples, int from, int to) {
  Resampler resampler(from, to);
  std::vector<float> out;
  resampler.Push(samples, &out);
  resampler.Finish(&out);
  return out;
}

// In dB, of the middle: at the ends the sound begins and stops.
double Level(const std::vector<float>& samples) {
  double sum = 0;
  const size_t begin = samples.size() / 4;
  const size_t end = samples.size() - begin;
  for (size_t i = begin; i < end; ++i) sum += static_cast<double>(samples[i]) * samples[i];
  return 10 * std::log10(std::max(1e-30, sum / static_cast<double>(end - begin)));
}

TEST(ResampleTest, ConstantsStayWhatTheyAre) {
  for (const int rate : {8000, 11025, 22050, 44100, 44101, 48000, 96000, 767999}) {
    const std::vector<float> out =
        Resampled(std::vector<float>(static_cast<size_t>(rate), 0.5F), rate, 16000);
    ASSERT_EQ(out.size(), 16000U) << rate;
    for (size_t i = 4000; i < 12000; ++i) ASSERT_NEAR(out[i], 0.5F, 2e-6) << rate;
  }
}

// Against the sine itself: amplitude and time.
TEST(ResampleTest, ThePassBandStays) {
  for (const int rate : {8000, 22050, 44100, 44101, 48000}) {
    const double top = 0.9 * std::min(rate, 16000) / 2;
    for (const double frequency : {50.0, 440.0, 0.5 * top, top}) {
      const std::vector<float> out = Resampled(Tone(rate, 1, {frequency}), rate, 16000);
      const std::vector<float> wanted = Tone(16000, 1, {frequency});
      ASSERT_EQ(out.size(), wanted.size());
      for (size_t i = 4000; i < 12000; ++i) {
        ASSERT_NEAR(out[i], wanted[i], 1e-4) << rate << " Hz, tone of " << frequency;
      }
    }
  }
}

TEST(ResampleTest, WhatTheResultCannotHoldIsGone) {
  for (const int rate : {22050, 44100, 44101, 48000, 192000}) {
    for (const double part : {8000.5, 9000.0, 10900.0, 0.49 * rate}) {
      if (part >= rate / 2.0) continue;
      const std::vector<float> out = Resampled(Tone(rate, 1, {part}), rate, 16000);
      // The tone itself has -3.9 dB.
      EXPECT_LT(Level(out), -94) << rate << " Hz, tone of " << part;
    }
  }
}

TEST(ResampleTest, NoMirrorAboveALowerRate) {
  const std::vector<float> out = Resampled(Tone(8000, 1, {3000}), 8000, 16000);
  std::vector<float> wanted = Tone(16000, 1, {3000});
  for (size_t i = 0; i < out.size(); ++i) wanted[i] -= out[i];
  EXPECT_LT(Level(wanted), -94);
}

TEST(ResampleTest, PiecesDoNotMatter) {
  const std::vector<float> samples = Tone(44100, 0.2, {440, 5000});
  const std::vector<float> whole = Resampled(samples, 44100, 16000);
  for (const size_t piece : {1UL, 7UL, 441UL, 4000UL}) {
    Resampler resampler(44100, 16000);
    std::vector<float> out;
    for (size_t at = 0; at < samples.size(); at += piece) {
      resampler.Push(absl::MakeConstSpan(samples).subspan(at, piece), &out);
    }
    resampler.Finish(&out);
    EXPECT_EQ(out, whole) << piece;
  }
}

TEST(ResampleTest, LengthIsRoundedUp) {
  EXPECT_EQ(Resampled(std::vector<float>(1), 48000, 16000).size(), 1U);
  EXPECT_EQ(Resampled(std::vector<float>(3), 48000, 16000).size(), 1U);
  EXPECT_EQ(Resampled(std::vector<float>(4), 48000, 16000).size(), 2U);
  EXPECT_EQ(Resampled(std::vector<float>(1), 1000, 16000).size(), 16U);
  EXPECT_EQ(Resampled({}, 44100, 16000).size(), 0U);
}

}  // namespace
}  // namespace rules_inference::infer
