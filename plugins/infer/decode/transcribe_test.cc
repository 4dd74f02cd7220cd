// What happens between windows, on an engine that says what a test wants.

#include "plugins/infer/decode/transcribe.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/decode/candidates.h"
#include "plugins/infer/decode/language.h"
#include "plugins/infer/decode/prompt.h"
#include "plugins/infer/decode/scripted_engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

using Tokens = std::vector<TokenId>;

constexpr TokenId kTime = 50364;

const Model& TheModel(bool english) {
  // Tests share them: to make one takes longer than a test.
  static const auto make = [](absl::string_view size) {
    return Model::Parse(MadeModel({*SizeOf(size), TensorType::kQ4_0, 1}), "m.bin")
        .value()
        .release();
  };
  static const Model* const multilingual = make("test");
  static const Model* const english_only = make("test.en");
  return english ? *english_only : *multilingual;
}

class Note : public TranscribeObserver {
 public:
  void OnLanguage(int language, float probability) override {
    this->language = language;
    this->probability = probability;
  }
  void OnSegment(const Segment& segment) override { ids.push_back(segment.id); }
  void OnProgress(double done, double /*total*/) override { progress.push_back(done); }
  bool Cancelled() override { return cancel_at >= 0 && cancel_at-- == 0; }

  int language = -1;
  float probability = 0;
  std::vector<int> ids;
  std::vector<double> progress;
  int cancel_at = -1;
};

class TranscribeTest : public testing::Test {
 protected:
  // `texts`: of each window, without the end of text.
  absl::StatusOr<Transcript> Run(double seconds, const std::vector<Tokens>& texts) {
    const SpecialTokens special = TheModel(english_).special();
    engine_ = std::make_unique<ScriptedEngine>(
        TheModel(english_).parameters(),
        [this, texts, special](int window, absl::Span<const TokenId> tokens,
                               absl::Span<float> logits) {
          LogitOf(logits, special.no_speech) = no_speech_;
          const auto start = std::find(tokens.begin(), tokens.end(), special.start_of_transcript);
          const auto behind = static_cast<size_t>(tokens.end() - start);
          const size_t first = StartSequence(special, 0, false).size() + (timestamps_ ? 0 : 1);
          if (behind < first) {
            if (behind == 1 && !options_.language.has_value())
              LogitOf(logits, special.first_language + 5) = 30;
            return;
          }
          const Tokens& text = texts[std::min(texts.size() - 1, static_cast<size_t>(window))];
          const size_t at = behind - first;
          LogitOf(logits, at < text.size() ? text[at] : special.end_of_text) = sure_;
        });
    options_.timestamps = timestamps_;
    return Transcribe(*engine_, TheModel(english_),
                      std::vector<float>(static_cast<size_t>(seconds * 16000), 0.1F), options_,
                      &note_);
  }

  std::string ErrorOf() { return std::string(Run(1, {{kTime, 1}}).status().message()); }

  static TranscribeOptions Greedy() {
    TranscribeOptions options;
    options.beam_size = 1;
    options.temperatures = {0};
    options.language = 0;
    return options;
  }

  bool english_ = false;
  bool timestamps_ = true;
  float sure_ = 40;
  float no_speech_ = 0;
  TranscribeOptions options_ = Greedy();
  Note note_;
  std::unique_ptr<ScriptedEngine> engine_;
};

TEST_F(TranscribeTest, NoSound) {
  const Transcript transcript = Run(0, {{}}).value();
  EXPECT_EQ(transcript.text, "");
  EXPECT_EQ(transcript.duration, 0);
  EXPECT_TRUE(engine_->windows.empty());
}

TEST_F(TranscribeTest, WindowsFollowTheTimes) {
  // The first is cut at 20 s; the second ends in silence.
  const Transcript transcript =
      Run(45, {{kTime, 65, kTime + 1000, kTime + 1000, 66}, {kTime, 67, kTime + 100}}).value();
  ASSERT_EQ(transcript.segments.size(), 2U);
  EXPECT_EQ(transcript.segments[0].end, 20.0);
  EXPECT_EQ(transcript.segments[1].seek, 2000);
  EXPECT_EQ(transcript.segments[1].start, 20.0);
  EXPECT_EQ(transcript.segments[1].end, 22.0);
  EXPECT_EQ(transcript.text, transcript.segments[0].text + transcript.segments[1].text);
  EXPECT_EQ(note_.ids, std::vector<int>({0, 1}));
  EXPECT_EQ(note_.progress, std::vector<double>({20, 45}));
}

TEST_F(TranscribeTest, TheLastWindowHasZerosBehindTheSound) {
  ASSERT_TRUE(Run(1, {{kTime, 65}}).ok());
  ASSERT_EQ(engine_->windows.size(), 1U);
  const std::vector<float>& window = engine_->windows[0];
  ASSERT_EQ(window.size(), 3000U * 80);
  EXPECT_NE(window[99 * 80], 0);
  EXPECT_TRUE(std::all_of(window.begin() + 100 * 80, window.end(), [](float v) { return v == 0; }));
}

TEST_F(TranscribeTest, LanguagesAreFoundOutWithSilenceBehindTheSound) {
  options_.language.reset();
  EXPECT_EQ(Run(1, {{kTime, 65}}).value().language, 5);
  EXPECT_EQ(note_.language, 5);
  EXPECT_NEAR(note_.probability, 1, 1e-6);
  EXPECT_NE(engine_->windows[0].back(), 0);
  // That language is part of the prompt.
  EXPECT_EQ(engine_->prompts.back(), Tokens({50258, 50259 + 5, 50359}));
}

TEST_F(TranscribeTest, ModelsForEnglishHaveEnglish) {
  english_ = true;
  options_.language.reset();
  EXPECT_EQ(Run(1, {{50363, 65}}).value().language, 0);
  EXPECT_EQ(engine_->prompts.back(), Tokens({50257}));
  EXPECT_EQ(
      LanguageProbabilities(*engine_, TheModel(true), std::vector<float>(), 1).status().message(),
      "language: of the sound: got a model for English only, expected a multilingual model to "
      "find it out");
}

TEST_F(TranscribeTest, EachWindowIsToldOfThoseBefore) {
  ASSERT_TRUE(Run(70, {{kTime, 65, kTime + 50}, {kTime, 66, kTime + 50}}).ok());
  ASSERT_EQ(engine_->prompts.size(), 3U);
  EXPECT_EQ(engine_->prompts[0], Tokens({50258, 50259, 50359}));
  EXPECT_EQ(engine_->prompts[1], Tokens({50361, kTime, 65, kTime + 50, 50258, 50259, 50359}));
  EXPECT_EQ(engine_->prompts[2].size(), 10U);
}

TEST_F(TranscribeTest, OrNotIfThatIsNotWanted) {
  options_.condition_on_previous_text = false;
  options_.initial_prompt = "a";
  ASSERT_TRUE(Run(70, {{kTime, 65, kTime + 50}}).ok());
  EXPECT_EQ(engine_->prompts[0].size(), 5U);
  EXPECT_EQ(engine_->prompts[1].size(), 3U);
}

TEST_F(TranscribeTest, ACarriedPromptStays) {
  options_.condition_on_previous_text = false;
  options_.initial_prompt = "a";
  options_.carry_initial_prompt = true;
  ASSERT_TRUE(Run(70, {{kTime, 65, kTime + 50}}).ok());
  EXPECT_EQ(engine_->prompts[0], engine_->prompts[2]);
}

TEST_F(TranscribeTest, WithoutTimesTheWindowIsTheSegment) {
  timestamps_ = false;
  const Transcript transcript = Run(40, {{65}}).value();
  ASSERT_EQ(transcript.segments.size(), 2U);
  EXPECT_EQ(transcript.segments[0].end, 30.0);
  EXPECT_EQ(transcript.segments[1].end, 40.0);
  EXPECT_EQ(engine_->prompts[0].back(), 50363);
}

TEST_F(TranscribeTest, SilenceIsPassedOver) {
  // Of 51865 tokens one is likelier than the others, but not by much.
  sure_ = 11;
  no_speech_ = 14;
  options_.log_probability_threshold = -0.1F;
  const Transcript transcript = Run(65, {{kTime, 65, kTime + 50}}).value();
  EXPECT_TRUE(transcript.segments.empty());
  EXPECT_EQ(engine_->windows.size(), 3U);
  // What is not kept is not told to the next window.
  EXPECT_EQ(engine_->prompts.back().size(), 3U);
}

TEST_F(TranscribeTest, SureTextIsNotSilence) {
  no_speech_ = 60;
  options_.suppressed = {50362};
  EXPECT_EQ(Run(10, {{kTime, 65, kTime + 50}}).value().segments.size(), 1U);
}

TEST_F(TranscribeTest, TextThatRepeatsItselfIsDecodedAgain) {
  options_.temperatures = {0, 0.2F, 0.6F};
  options_.best_of = 2;
  Tokens text(100, 65);
  text.insert(text.begin(), kTime);
  const Transcript transcript = Run(40, {text}).value();
  // All of them repeat themselves: the last one counts, and the next window is not told.
  EXPECT_EQ(transcript.segments[0].temperature, 0.6F);
  EXPECT_GT(transcript.segments[0].compression_ratio, 2.4F);
  ASSERT_EQ(engine_->prompts.size(), 6U);
  EXPECT_EQ(engine_->prompts[3].size(), 3U);
}

TEST_F(TranscribeTest, ClipsOnly) {
  options_.clips = {{1, 2.5}, {40, 41}, {49, 60}, {70, std::nullopt}};
  const Transcript transcript = Run(50, {{kTime, 65, kTime + 10}}).value();
  ASSERT_EQ(transcript.segments.size(), 3U);
  EXPECT_EQ(transcript.segments[0].seek, 100);
  EXPECT_EQ(transcript.segments[1].seek, 4000);
  EXPECT_EQ(transcript.segments[2].seek, 4900);
  // The window has nothing of what is behind the clip.
  EXPECT_EQ(engine_->windows[0][150 * 80], 0);
  EXPECT_NE(engine_->windows[0][149 * 80], 0);
}

TEST_F(TranscribeTest, WordsMoveTheNextWindow) {
  options_.word_timestamps = true;
  const Transcript transcript =
      Run(31, {{kTime, 65, kTime + 50, kTime + 50, 66}, {kTime, 67, kTime + 50}}).value();
  ASSERT_EQ(transcript.segments[0].words.size(), 1U);
  // Token 4 of the prompt and the text is looked for at 10 positions from 40 on.
  EXPECT_EQ(transcript.segments[0].end, transcript.segments[0].words[0].end);
  EXPECT_EQ(transcript.segments[1].seek, static_cast<int>(transcript.segments[0].end * 100 + 0.5));
}

TEST_F(TranscribeTest, AFrameIsTooShortForWords) {
  options_.word_timestamps = true;
  const Transcript transcript = Run(0.01, {{kTime, 65}}).value();
  ASSERT_EQ(transcript.segments.size(), 1U);
  EXPECT_EQ(transcript.segments[0].end, 0.01);
  EXPECT_TRUE(transcript.segments[0].words.empty());
}

TEST_F(TranscribeTest, WindowsAlwaysGoForward) {
  // Each is cut just behind its begin.
  const Transcript transcript = Run(1, {{kTime, 65, kTime + 1, kTime + 1, 66}}).value();
  EXPECT_EQ(transcript.segments.size(), 50U);
}

TEST_F(TranscribeTest, CanBeCancelled) {
  note_.cancel_at = 1;
  EXPECT_EQ(Run(90, {{kTime, 65, kTime + 50}}).status(),
            absl::CancelledError("transcribing was cancelled"));
  EXPECT_EQ(engine_->windows.size(), 1U);
}

TEST_F(TranscribeTest, ErrorsOfTheEngineAreTold) {
  ASSERT_TRUE(Run(1, {{kTime, 65}}).ok());
  engine_->fail_with = absl::InternalError("device lost");
  EXPECT_EQ(Transcribe(*engine_, TheModel(false), std::vector<float>(16000), options_, nullptr)
                .status()
                .message(),
            "device lost");
}

TEST_F(TranscribeTest, RefusesLanguagesOfNoModel) {
  options_.language = 100;
  EXPECT_EQ(ErrorOf(), "language: to transcribe: got 100, expected 0 to 99");
  options_.language = 99;
  EXPECT_EQ(ErrorOf(),
            "language: to transcribe: got cantonese, expected one of the 99 that the model knows");
  options_.language = 2;
  english_ = true;
  EXPECT_EQ(ErrorOf(),
            "language: to transcribe: got german, expected english, as the model knows no other");
  options_.language = 0;
  options_.translate = true;
  EXPECT_EQ(
      ErrorOf(),
      "translate: to transcribe: got a model for English only, expected a multilingual model");
}

TEST_F(TranscribeTest, RefusesSearchesWithoutResult) {
  options_.temperatures = {};
  EXPECT_EQ(ErrorOf(), "temperatures: to transcribe: got none, expected at least one");
  options_.temperatures = {std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(ErrorOf(), "temperature: to transcribe: got nan, expected 0 to 100");
  options_.temperatures = {0};
  options_.beam_size = 0;
  EXPECT_EQ(ErrorOf(), "beam size: to transcribe: got 0, expected 1 to 64");
  options_.beam_size = 5;
  options_.patience = 0.05F;
  EXPECT_EQ(ErrorOf(), "patience: to transcribe: got 0.05, expected at least half a sequence of 5");
  options_.patience = 1;
  options_.length_penalty = 2;
  EXPECT_EQ(ErrorOf(), "length penalty: to transcribe: got 2, expected 0 to 1");
}

TEST_F(TranscribeTest, RefusesWhatContradictsItself) {
  options_.hallucination_silence_threshold = 1;
  EXPECT_EQ(ErrorOf(),
            "hallucination silence threshold: to transcribe: got no word timestamps, expected word "
            "timestamps");
  options_.hallucination_silence_threshold.reset();
  options_.clips = {{5, 4}};
  EXPECT_EQ(ErrorOf(), "end of a clip: to transcribe: got 4, expected 5 to 1e+06");
  options_.clips = {};
  options_.suppressed = {60000};
  EXPECT_EQ(ErrorOf(), "suppressed token: to transcribe: got 60000, expected 0 to 51864");
  options_.suppressed = {};
  options_.alignment_heads = {{2, 0}};
  EXPECT_EQ(ErrorOf(),
            "alignment head: to transcribe: got layer 2, head 0, expected one of 2 layers of 1 "
            "heads");
}

TEST(PromptTest, HasRoomForHalfOfTheContext) {
  const SpecialTokens special(51865);
  const Tokens previous(300, 7);
  const Prompt prompt = MakePrompt(special, previous, StartSequence(special, 1, true), false, 448);
  EXPECT_EQ(prompt.tokens.size(), 1U + 223 + 4);
  EXPECT_EQ(prompt.tokens[0], special.start_of_previous);
  EXPECT_EQ(prompt.start, 224);
  EXPECT_EQ(prompt.tokens[225], special.first_language + 1);
  EXPECT_EQ(prompt.tokens[226], special.translate);
  EXPECT_EQ(prompt.max_tokens, 221);
  EXPECT_EQ(MakePrompt(special, {}, StartSequence(special, 1, true), true, 448).max_tokens, 224);
}

TEST(HistoryTest, CarriesTheInitialPromptBeforeTheTail) {
  History history({1, 2, 3}, /*carry_initial=*/true, 5);
  history.Append({4, 5, 6});
  EXPECT_EQ(history.Previous(), Tokens({1, 2, 3, 5, 6}));
  history.Forget();
  EXPECT_EQ(history.Previous(), Tokens({1, 2, 3}));
}

TEST(HistoryTest, AnInitialPromptThatFillsAllLeavesNoRoom) {
  History history({1, 2, 3}, /*carry_initial=*/true, 2);
  history.Append({4});
  EXPECT_EQ(history.Previous(), Tokens({1, 2, 3}));
}

TEST(HistoryTest, ForgetsAllWithoutCarrying) {
  History history({1, 2}, /*carry_initial=*/false, 3);
  history.Append({3, 4});
  EXPECT_EQ(history.Previous(), Tokens({2, 3, 4}));
  history.Forget();
  history.Append({5});
  EXPECT_EQ(history.Previous(), Tokens({5}));
}

TEST(RulesTest, SuppressWhatIsNotSpoken) {
  const SpecialTokens& special = TheModel(false).special();
  TranscribeOptions options;
  options.suppressed = {12345};
  const LogitRules rules = MakeRules(TheModel(false), options);
  const auto has = [](const Tokens& ids, TokenId id) {
    return std::binary_search(ids.begin(), ids.end(), id);
  };
  for (const TokenId id : {special.transcribe, special.translate, special.start_of_transcript,
                           special.start_of_previous, special.start_of_lm, special.no_speech, 12345,
                           TheModel(false).tokenizer().Encode("(")[0]}) {
    EXPECT_TRUE(has(rules.suppressed, id)) << id;
  }
  EXPECT_TRUE(has(rules.suppressed_first, special.end_of_text));
  EXPECT_TRUE(has(rules.suppressed_first, TheModel(false).tokenizer().Encode(" ")[0]));
  EXPECT_EQ(rules.max_initial_steps, 50);

  options = {.suppress_blank = false, .suppress_non_speech = false, .max_initial_timestamp = {}};
  const LogitRules fewer = MakeRules(TheModel(false), options);
  EXPECT_EQ(fewer.suppressed.size(), 6U);
  EXPECT_TRUE(fewer.suppressed_first.empty());
  EXPECT_EQ(fewer.max_initial_steps, std::nullopt);
}

}  // namespace
}  // namespace rules_inference::infer
