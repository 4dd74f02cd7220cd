// Where somebody may be speaking: by energy, not by a model. Finds what moves and is louder than
// the noise around it, which music and other voices are, too; what it passes over is silence and
// noise that stays the same for a second or two.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_VOICE_ACTIVITY_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_VOICE_ACTIVITY_H_

#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

struct VoiceActivityOptions {
  // Speech begins when the sound stands so many decibels above the noise (speech_level.h), and ends
  // when it is less than the lower number above it.
  double begin_decibels = 8;
  double end_decibels = 5;
  // What is softer is silence, however quiet the rest: decibels of full scale.
  double softest_decibels = -60;
  // Seconds. Shorter speech is passed over; shorter silence is part of the speech around it.
  double min_speech = 0.25;
  double min_silence = 2.0;
  // Taken along on both sides, at most half of the silence there.
  double padding = 0.4;
  // Longer speech is cut, where it is softest.
  double max_speech = std::numeric_limits<double>::infinity();
  // Of what is computed; the spans do not depend on it.
  int threads = 1;
};

// Seconds.
struct SpeechSpan {
  double start = 0;
  double end = 0;

  bool operator==(const SpeechSpan&) const = default;
};

// In order, apart from each other but for those that max_speech has cut. `samples`: mono, 16 kHz.
std::vector<SpeechSpan> FindSpeech(absl::Span<const float> samples,
                                   const VoiceActivityOptions& options);

// All of the sound in pieces of at most `longest` seconds, cut where it is softest: for those who
// must not lose a word to a wrong guess. None of no sound.
std::vector<SpeechSpan> CutAtSoftest(absl::Span<const float> samples, double longest);

// For TranscribeOptions::clips. Of no speech: one clip of no length, since no clips at all are the
// whole sound.
std::vector<TranscribeOptions::Clip> ClipsOf(absl::Span<const SpeechSpan> spans);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_VOICE_ACTIVITY_H_
