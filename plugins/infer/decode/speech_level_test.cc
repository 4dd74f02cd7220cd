#include "plugins/infer/decode/speech_level.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "plugins/infer/decode/made_sound.h"

namespace rules_inference::infer {
namespace {

double Largest(const std::vector<double>& values, double from, double to) {
  return *std::max_element(values.begin() + static_cast<ptrdiff_t>(from * 50),
                           values.begin() + static_cast<ptrdiff_t>(to * 50));
}

TEST(DecibelsAboveNoiseTest, OneForEachStep) {
  EXPECT_TRUE(DecibelsAboveNoise({}, 1).empty());
  EXPECT_EQ(DecibelsAboveNoise(std::vector<float>(1), 1).size(), 1U);
  EXPECT_EQ(DecibelsAboveNoise(std::vector<float>(64000), 1).size(), 200U);
  EXPECT_EQ(DecibelsAboveNoise(std::vector<float>(64001), 1).size(), 201U);
}

TEST(DecibelsAboveNoiseTest, NothingStandsOutOfDigitalSilence) {
  EXPECT_EQ(DecibelsAboveNoise(std::vector<float>(64000), 1), std::vector<double>(200));
}

TEST(DecibelsAboveNoiseTest, SteadyNoiseOfAnyLoudness) {
  for (const double decibels : {-60, -20, -5}) {
    MadeSound sound;
    sound.Noise(20, decibels);
    EXPECT_LT(Largest(DecibelsAboveNoise(sound.samples, 1), 0, 20), 4.8) << decibels;
  }
}

TEST(DecibelsAboveNoiseTest, NoiseThatRisesAndFallsIsKnownAtOnce) {
  MadeSound sound;
  sound.Noise(4, -60).Noise(4, -30).Noise(4, -60);
  const std::vector<double> above = DecibelsAboveNoise(sound.samples, 1);
  EXPECT_LT(Largest(above, 0, 12), 6);
}

TEST(DecibelsAboveNoiseTest, SpeechStandsOutOfNoiseOfTheSameLoudness) {
  MadeSound sound;
  sound.Noise(3, -30).Voice(2, -30, -30).Noise(3, -30);
  const std::vector<double> above = DecibelsAboveNoise(sound.samples, 1);
  EXPECT_LT(Largest(above, 0, 2.9), 4.8);
  EXPECT_GT(Largest(above, 3, 3.5), 8);
  EXPECT_LT(Largest(above, 5.1, 8), 4.8);
}

TEST(DecibelsAboveNoiseTest, ShortSoundsCannotTell) {
  MadeSound sound;
  sound.Noise(1.5, -40);
  for (const double above : DecibelsAboveNoise(sound.samples, 1)) EXPECT_TRUE(std::isinf(above));
}

TEST(DecibelsAboveNoiseTest, TheSameForAnyNumberOfThreads) {
  MadeSound sound;
  sound.Noise(3, -40).Voice(2, -20, -40).Noise(2, -35);
  EXPECT_EQ(DecibelsAboveNoise(sound.samples, 1), DecibelsAboveNoise(sound.samples, 3));
}

}  // namespace
}  // namespace rules_inference::infer
