// Speech to text: what openai/whisper's transcribe() does, on any engine.
//
// Where it differs, and why:
// - Segments without text or time are left out; the original keeps them as empty ones.
// - Text is valid UTF-8: a character whose bytes are in two segments of a window is in the second.
//   Words never share a character; bytes that are none do not lose the words behind them.
// - A clip ends where the sound ends, and each window goes forward; the original may never return.
// - Special tokens of prompts are never sampled, even where symbols that are not spoken may be.
// - A latest first time of 0 means 0, not any.
// - An initial prompt that fills the context leaves no room for other text, if it is carried.
// - Random draws depend on seed, window and temperature only.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_TRANSCRIBE_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_TRANSCRIBE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

struct TranscribeOptions {
  // Position in Languages(); found out from the first 30 s when absent. English-only models have
  // English.
  std::optional<int> language;
  // Into English.
  bool translate = false;
  // Segments have times of the model's; without, one segment is one window.
  bool timestamps = true;
  bool word_timestamps = false;

  // Tried in turn until a result is good enough. Beams are for temperature 0, samples for others.
  std::vector<float> temperatures = {0.0F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F};
  // 1: the likeliest token, greedily.
  int beam_size = 5;
  int best_of = 5;
  float patience = 1.0F;
  // Exponent of the length by which beams are ranked; the plain mean when absent.
  std::optional<float> length_penalty;
  // Of random draws. The same seed gives the same text.
  uint64_t seed = 0;

  // Above: the text repeats itself. Below: the model is unsure. Absent: not looked at.
  std::optional<float> compression_ratio_threshold = 2.4F;
  std::optional<float> log_probability_threshold = -1.0F;
  // Above, and unsure as well: nobody speaks.
  std::optional<float> no_speech_threshold = 0.6F;

  // Whether each window is given the text of those before it.
  bool condition_on_previous_text = true;
  std::string initial_prompt;
  // Whether `initial_prompt` stands before the text of each window, not of the first only.
  bool carry_initial_prompt = false;

  bool suppress_blank = true;
  // What is not spoken: brackets, notes.
  bool suppress_non_speech = true;
  // Ids besides.
  std::vector<TokenId> suppressed;
  // Seconds.
  std::optional<float> max_initial_timestamp = 1.0F;

  // With word times: silence longer than that many seconds around a segment that looks made up is
  // skipped.
  std::optional<float> hallucination_silence_threshold;
  // Which heads look at the words' place; those of the model's size when empty.
  std::vector<Head> alignment_heads;
  std::string prepend_punctuations = "\"'“¿([{-";
  std::string append_punctuations = "\"'.。,，!！?？:：”)]}、";

  // Parts to transcribe, in seconds; all when empty.
  struct Clip {
    double start = 0;
    std::optional<double> end;
  };
  std::vector<Clip> clips;

  // Of what runs on this machine beside the engine: log-mel.
  int threads = 1;
};

struct Word {
  // With the space in front of it, UTF-8.
  std::string text;
  // Seconds from the beginning of the sound.
  double start = 0;
  double end = 0;
  float probability = 0;
};

struct Segment {
  int id = 0;
  // The frame (10 ms) where its window begins.
  int seek = 0;
  double start = 0;
  double end = 0;
  // Always valid UTF-8.
  std::string text;
  std::vector<TokenId> tokens;
  float temperature = 0;
  float avg_log_probability = 0;
  float compression_ratio = 0;
  float no_speech_probability = 0;
  std::vector<Word> words;
};

struct Transcript {
  // Position in Languages().
  int language = 0;
  // Of the sound, in seconds.
  double duration = 0;
  std::string text;
  // Those that have text and last some time.
  std::vector<Segment> segments;
};

// What is told while it goes on. Called by the thread that transcribes.
class TranscribeObserver {
 public:
  virtual ~TranscribeObserver() = default;
  virtual void OnLanguage(int /*language*/, float /*probability*/) {}
  // Segments are final when they are told.
  virtual void OnSegment(const Segment& /*segment*/) {}
  // Seconds of the sound that are done, of `total`.
  virtual void OnProgress(double /*done*/, double /*total*/) {}
  // Asked between windows. True ends the call with a status of kCancelled.
  virtual bool Cancelled() { return false; }
};

// `samples`: mono, 16 kHz, -1 to 1. `observer` may be null. Errors: options that contradict each
// other or the model (InvalidArgument), those of the engine, kCancelled.
absl::StatusOr<Transcript> Transcribe(Engine& engine, const Model& model,
                                      absl::Span<const float> samples,
                                      const TranscribeOptions& options,
                                      TranscribeObserver* observer);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_TRANSCRIBE_H_
