#include "plugins/infer/decode/in_parts.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/cpu/cpu_engine.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/decode/voice_activity.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kSecond = 16000;

const Model& TheModel() {
  static const Model* const model =
      Model::Parse(MadeModel({*SizeOf("test"), TensorType::kQ5_1, 3}), "m.bin").value().release();
  return *model;
}

std::unique_ptr<Engine> TheEngine() {
  CpuOptions options;
  options.threads = 1;
  auto engine = NewCpuEngine(TheModel().file(), options);
  return std::make_unique<BatchingEngine>(*std::move(engine), BatchingOptions());
}

// Bursts of noise of `seconds` each, which comes and goes like syllables, with three seconds of
// silence in front of each.
std::vector<float> Bursts(absl::Span<const int> seconds) {
  std::mt19937_64 random(5);
  std::vector<float> samples;
  for (const int length : seconds) {
    samples.insert(samples.end(), 3 * kSecond, 0.0F);
    for (size_t i = 0; i < static_cast<size_t>(length) * kSecond; ++i) {
      const float sound = 0.3F * std::sin(0.01F * static_cast<float>(i % 7000)) +
                          static_cast<float>(random() % 1000) * 1e-4F;
      samples.push_back(i % (kSecond / 4) < kSecond / 8 ? sound : 0);
    }
  }
  return samples;
}

std::vector<SpeechSpan> Parts(absl::Span<const float> samples) {
  return PartsOf(FindSpeech(samples, {}), 30);
}

TranscribeOptions Fast() {
  TranscribeOptions options;
  options.beam_size = 1;
  options.temperatures = {0.0F};
  options.no_speech_threshold.reset();
  return options;
}

class Note final : public TranscribeObserver {
 public:
  void OnLanguage(int language, float /*probability*/) override { languages.push_back(language); }
  void OnSegment(const Segment& segment) override { ids.push_back(segment.id); }
  void OnProgress(double done, double total) override {
    EXPECT_LE(done, total + 1e-6);
    last = done / total;
  }
  bool Cancelled() override { return cancel; }

  std::vector<int> languages;
  std::vector<int> ids;
  double last = 0;
  bool cancel = false;
};

TEST(PartsTest, AsLongAsAWindow) {
  const std::vector<SpeechSpan> spans = {{1, 5}, {8, 20}, {22, 32}, {40, 75}, {76, 80}};
  const std::vector<SpeechSpan> parts = {{1, 20}, {22, 32}, {40, 75}, {76, 80}};
  EXPECT_EQ(PartsOf(spans, 30), parts);
  EXPECT_EQ(PartsOf({}, 30), std::vector<SpeechSpan>());
}

TEST(InPartsTest, EachAsASoundOfItsOwnWhateverIsParallel) {
  const std::vector<float> samples = Bursts({20, 21, 14});
  const auto engine = TheEngine();
  Note note;
  const auto all =
      TranscribeInParts(*engine, TheModel(), samples, Parts(samples), Fast(), 3, &note);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->duration, 64.0);
  ASSERT_FALSE(all->segments.empty());
  EXPECT_EQ(note.ids.size(), all->segments.size());
  EXPECT_EQ(note.languages, std::vector<int>{all->language});
  EXPECT_NEAR(note.last, 1, 1e-6);
  for (size_t i = 0; i < all->segments.size(); ++i) {
    EXPECT_EQ(all->segments[i].id, static_cast<int>(i));
    EXPECT_EQ(note.ids[i], static_cast<int>(i));
  }
  EXPECT_GT(all->segments.back().start, 40.0);

  const auto one =
      TranscribeInParts(*engine, TheModel(), samples, Parts(samples), Fast(), 1, nullptr);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->text, all->text);
  ASSERT_EQ(one->segments.size(), all->segments.size());
  for (size_t i = 0; i < one->segments.size(); ++i) {
    EXPECT_EQ(one->segments[i].tokens, all->segments[i].tokens) << i;
    EXPECT_EQ(one->segments[i].start, all->segments[i].start) << i;
    EXPECT_EQ(one->segments[i].seek, all->segments[i].seek) << i;
  }

  // The last part by itself.
  const std::vector<SpeechSpan> parts = Parts(samples);
  const auto begin = static_cast<size_t>(std::round(parts.back().start * 100)) * 160;
  TranscribeOptions alone = Fast();
  alone.language = all->language;
  const auto last =
      Transcribe(*engine, TheModel(), absl::MakeSpan(samples).subspan(begin), alone, nullptr);
  ASSERT_TRUE(last.ok()) << last.status();
  ASSERT_FALSE(last->segments.empty());
  EXPECT_EQ(last->segments.back().tokens, all->segments.back().tokens);
  EXPECT_NEAR(last->segments.back().end + static_cast<double>(begin) / 16000,
              all->segments.back().end, 1e-9);
}

TEST(InPartsTest, Silence) {
  const auto engine = TheEngine();
  const std::vector<float> samples(5 * kSecond);
  const auto result = TranscribeInParts(*engine, TheModel(), samples, {}, Fast(), 4, nullptr);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->segments.empty());
  EXPECT_EQ(result->duration, 5.0);
}

TEST(InPartsTest, Cancelled) {
  const auto engine = TheEngine();
  Note note;
  note.cancel = true;
  const std::vector<float> samples = Bursts({20, 20});
  const auto result =
      TranscribeInParts(*engine, TheModel(), samples, Parts(samples), Fast(), 2, &note);
  EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
  EXPECT_TRUE(note.ids.empty());
}

TEST(InPartsTest, ErrorOfAPart) {
  const auto engine = TheEngine();
  TranscribeOptions options = Fast();
  options.temperatures.clear();
  const std::vector<float> samples = Bursts({20, 20});
  const auto result =
      TranscribeInParts(*engine, TheModel(), samples, Parts(samples), options, 2, nullptr);
  const auto plain = Transcribe(*engine, TheModel(), Bursts({20}), options, nullptr);
  EXPECT_EQ(result.status(), plain.status());
  EXPECT_TRUE(absl::IsInvalidArgument(result.status())) << result.status();
}

TEST(InPartsTest, NoClips) {
  const auto engine = TheEngine();
  TranscribeOptions options = Fast();
  options.clips = {{1.0, 2.0}};
  EXPECT_EQ(TranscribeInParts(*engine, TheModel(), Bursts({5}), {}, options, 2, nullptr)
                .status()
                .message(),
            "options: clips: got clips of a sound that is cut into parts, expected none");
}

}  // namespace
}  // namespace rules_inference::infer
