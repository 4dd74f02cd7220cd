#include "plugins/infer/decode/voice_activity.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "plugins/infer/decode/made_sound.h"

namespace rules_inference::infer {
namespace {

void ExpectSpans(const std::vector<SpeechSpan>& actual, const std::vector<SpeechSpan>& expected,
                 double tolerance = 0.1) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i].start, expected[i].start, tolerance) << i;
    EXPECT_NEAR(actual[i].end, expected[i].end, tolerance) << i;
  }
}

TEST(VoiceActivityTest, NothingIsSilent) { EXPECT_TRUE(FindSpeech({}, {}).empty()); }

TEST(VoiceActivityTest, DigitalSilenceIsSilent) {
  EXPECT_TRUE(FindSpeech(std::vector<float>(80000), {}).empty());
}

TEST(VoiceActivityTest, SteadySoundIsSilent) {
  EXPECT_TRUE(FindSpeech(MadeSound().Noise(20, -20).samples, {}).empty());
  EXPECT_TRUE(FindSpeech(MadeSound().Tone(20, -20, 440).samples, {}).empty());
}

TEST(VoiceActivityTest, SpeechIsPadded) {
  MadeSound sound;
  sound.Noise(3, -50).Voice(2, -20, -50).Noise(4, -50);
  ExpectSpans(FindSpeech(sound.samples, {}), {{2.6, 5.4}});
}

TEST(VoiceActivityTest, PaddingEndsWithTheSound) {
  MadeSound sound;
  sound.Noise(0.1, -50).Voice(2, -20, -50).Noise(0.3, -50);
  ExpectSpans(FindSpeech(sound.samples, {}), {{0, 2.4}}, 0);
}

TEST(VoiceActivityTest, ShortSilenceJoins) {
  MadeSound sound;
  sound.Noise(2, -50).Voice(1, -20, -50).Noise(1, -50).Voice(1, -20, -50).Noise(3, -50);
  sound.Voice(1, -20, -50);
  ExpectSpans(FindSpeech(sound.samples, {}), {{1.6, 5.4}, {7.6, 9}});
}

TEST(VoiceActivityTest, NeighboursShareTheSilenceBetweenThem) {
  MadeSound sound;
  sound.Voice(1, -20, -50).Noise(0.6, -50).Voice(1, -20, -50).Noise(1, -50);
  ExpectSpans(FindSpeech(sound.samples, {.min_silence = 0.4, .padding = 0.4}),
              {{0, 1.3}, {1.3, 3}});
}

TEST(VoiceActivityTest, ClicksAreNoSpeech) {
  MadeSound sound;
  sound.Noise(2, -50).Noise(0.05, -10).Noise(3, -50).Noise(0.05, -10).Noise(2, -50);
  EXPECT_TRUE(FindSpeech(sound.samples, {}).empty());
}

TEST(VoiceActivityTest, SpeechAsLoudAsNoiseUnlessMoreIsAskedFor) {
  MadeSound sound;
  sound.Noise(5, -50).Voice(3, -50, -50).Noise(5, -50);
  ExpectSpans(FindSpeech(sound.samples, {}), {{4.6, 8.4}}, 0.3);
  EXPECT_TRUE(FindSpeech(sound.samples, {.begin_decibels = 30, .end_decibels = 20}).empty());
}

TEST(VoiceActivityTest, NoiseThatRisesIsNoSpeech) {
  MadeSound sound;
  sound.Noise(30, -60).Noise(40, -25).Noise(10, -45);
  EXPECT_TRUE(FindSpeech(sound.samples, {}).empty());
}

TEST(VoiceActivityTest, SpeechBesideNoiseThatRises) {
  MadeSound sound;
  sound.Noise(10, -60).Voice(2, -20, -60).Noise(5, -60);
  sound.Noise(5, -35).Voice(2, -20, -35).Noise(5, -35);
  ExpectSpans(FindSpeech(sound.samples, {}), {{9.6, 12.4}, {21.6, 24.4}});
}

TEST(VoiceActivityTest, WhatIsSofterThanAskedForIsSilence) {
  MadeSound sound;
  sound.Noise(3, -90).Voice(2, -65, -90).Noise(3, -90);
  EXPECT_TRUE(FindSpeech(sound.samples, {}).empty());
  ExpectSpans(FindSpeech(sound.samples, {.softest_decibels = -80}), {{2.6, 5.4}});
}

TEST(VoiceActivityTest, LongSpeechIsCutWhereItIsSoftest) {
  MadeSound sound;
  sound.Noise(2, -50).Voice(3, -20, -50).Noise(0.2, -50).Voice(1.8, -20, -50).Noise(2, -50);
  const std::vector<SpeechSpan> spans = FindSpeech(sound.samples, {.padding = 0, .max_speech = 4});
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].end, spans[1].start);
  ExpectSpans(spans, {{2, 5.1}, {5.1, 7}}, 0.15);
}

TEST(VoiceActivityTest, ShortSoundsAreSpeechUnlessTheyAreSoft) {
  MadeSound sound;
  sound.Noise(1, -30);
  EXPECT_EQ(FindSpeech(sound.samples, {}), (std::vector<SpeechSpan>{{0, 1}}));
  EXPECT_TRUE(FindSpeech(MadeSound().Noise(1, -70).samples, {}).empty());
}

TEST(VoiceActivityTest, ClipsOfNoSpeechAreNotTheWholeSound) {
  const std::vector<TranscribeOptions::Clip> clips = ClipsOf({});
  ASSERT_EQ(clips.size(), 1U);
  EXPECT_EQ(clips[0].end, 0);
}

TEST(CutAtSoftestTest, LosesNothing) {
  std::vector<float> samples;
  for (int i = 0; i < 50 * 16000; ++i) {
    // Softest at 20 s.
    const float away = std::abs(static_cast<float>(i) / 16000 - 20.01F);
    samples.push_back(std::min(0.5F, 0.01F + away) * std::sin(0.1F * static_cast<float>(i)));
  }
  const std::vector<SpeechSpan> spans = CutAtSoftest(samples, 30);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[0].start, 0);
  EXPECT_NEAR(spans[0].end, 20, 0.05);
  EXPECT_EQ(spans[1].start, spans[0].end);
  EXPECT_EQ(spans[1].end, 50);
  EXPECT_TRUE(CutAtSoftest({}, 30).empty());
  EXPECT_EQ(CutAtSoftest({0.5F}, 30).size(), 1U);
}

}  // namespace
}  // namespace rules_inference::infer
