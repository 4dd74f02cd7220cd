// Problem: tell speech from silence, where silence is the noise of a room that may change.
//
// Idea: how far each 20 ms stands above the noise (speech_level.h), with two thresholds, so that
// what is between them changes nothing; then short pieces and short gaps go, and the rest grows by
// the padding.
//
// Invariant: spans are in order and do not overlap; silence that is kept out of them is at least
// min_silence long, less the padding.
//
// Cost: that of speech_level.h, and one pass over the samples.

#include "plugins/infer/decode/voice_activity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/decode/speech_level.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/log_mel.h"

namespace rules_inference::infer {
namespace {

constexpr double kStep = 0.02;
constexpr double kLowest = -100;

// Steps, the end not included.
struct Piece {
  size_t begin;
  size_t end;
};

size_t StepsOf(double seconds) { return static_cast<size_t>(std::llround(seconds / kStep)); }

std::vector<double> LevelsOf(absl::Span<const float> samples) {
  std::vector<double> levels;
  for (size_t begin = 0; begin < samples.size(); begin += kSamplesPerStep) {
    const absl::Span<const float> part = samples.subspan(begin, kSamplesPerStep);
    double sum = 0;
    for (const float sample : part)
      sum += static_cast<double>(sample) * static_cast<double>(sample);
    const double power = sum / static_cast<double>(part.size());
    levels.push_back(std::clamp(10 * std::log10(power + 1e-12), kLowest, 0.0));
  }
  return levels;
}

std::vector<Piece> LoudPieces(absl::Span<const double> levels, absl::Span<const double> above,
                              const VoiceActivityOptions& options) {
  std::vector<Piece> pieces;
  bool is_speech = false;
  for (size_t i = 0; i < levels.size(); ++i) {
    const double wanted = is_speech ? options.end_decibels : options.begin_decibels;
    const bool is_loud = above[i] > wanted && levels[i] > options.softest_decibels;
    if (is_loud && !is_speech) pieces.push_back({i, i});
    if (is_loud) pieces.back().end = i + 1;
    is_speech = is_loud;
  }
  return pieces;
}

// Neighbours with less than `silence` steps between them become one.
std::vector<Piece> Join(absl::Span<const Piece> pieces, size_t silence) {
  std::vector<Piece> joined;
  for (const Piece& piece : pieces) {
    if (!joined.empty() && piece.begin - joined.back().end < silence) {
      joined.back().end = piece.end;
    } else {
      joined.push_back(piece);
    }
  }
  return joined;
}

// Cuts at the softest step of the second half of what is too long.
std::vector<Piece> Cut(absl::Span<const Piece> pieces, absl::Span<const double> levels,
                       size_t longest) {
  std::vector<Piece> cut;
  for (Piece piece : pieces) {
    while (piece.end - piece.begin > longest) {
      const auto from = levels.begin() + static_cast<ptrdiff_t>(piece.begin + (longest + 1) / 2);
      const auto to = levels.begin() + static_cast<ptrdiff_t>(piece.begin + longest);
      const auto at =
          static_cast<size_t>(std::min_element(from, std::max(from + 1, to)) - levels.begin());
      cut.push_back({piece.begin, at});
      piece.begin = at;
    }
    cut.push_back(piece);
  }
  return cut;
}

std::vector<SpeechSpan> SpansOf(absl::Span<const Piece> pieces, size_t samples) {
  const double duration = static_cast<double>(samples) / kSampleRate;
  std::vector<SpeechSpan> spans;
  for (const Piece& piece : pieces) {
    spans.push_back({static_cast<double>(piece.begin) * kStep,
                     std::min(duration, static_cast<double>(piece.end) * kStep)});
  }
  return spans;
}

}  // namespace

std::vector<SpeechSpan> FindSpeech(absl::Span<const float> samples,
                                   const VoiceActivityOptions& options) {
  const std::vector<double> levels = LevelsOf(samples);
  // Syllables have gaps that are no silence; a click stays shorter than min_speech.
  constexpr size_t kSyllableGap = 10;
  std::vector<Piece> pieces =
      Join(LoudPieces(levels, DecibelsAboveNoise(samples, options.threads), options), kSyllableGap);
  std::erase_if(pieces, [&](const Piece& piece) {
    return piece.end - piece.begin < StepsOf(options.min_speech);
  });
  pieces = Join(pieces, StepsOf(options.min_silence));

  const size_t padding = StepsOf(options.padding);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const size_t next = i + 1 < pieces.size() ? pieces[i + 1].begin : levels.size();
    const size_t gap = next - pieces[i].end;
    if (i == 0) pieces[0].begin -= std::min(padding, pieces[0].begin);
    const bool is_last = i + 1 == pieces.size();
    pieces[i].end += std::min(padding, is_last ? gap : gap / 2);
    if (!is_last) pieces[i + 1].begin -= std::min(padding, gap / 2);
  }
  if (std::isfinite(options.max_speech)) {
    pieces = Cut(pieces, levels, std::max<size_t>(2, StepsOf(options.max_speech)));
  }

  return SpansOf(pieces, samples.size());
}

std::vector<SpeechSpan> CutAtSoftest(absl::Span<const float> samples, double longest) {
  if (samples.empty()) return {};
  const std::vector<double> levels = LevelsOf(samples);
  const Piece all = {0, levels.size()};
  return SpansOf(Cut({all}, levels, std::max<size_t>(2, StepsOf(longest))), samples.size());
}

std::vector<TranscribeOptions::Clip> ClipsOf(absl::Span<const SpeechSpan> spans) {
  if (spans.empty()) return {{.start = 0, .end = 0}};
  std::vector<TranscribeOptions::Clip> clips;
  for (const SpeechSpan& span : spans) clips.push_back({.start = span.start, .end = span.end});
  return clips;
}

}  // namespace rules_inference::infer
