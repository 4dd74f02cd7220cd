#include "plugins/infer/decode/hallucination.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/rounding.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/log_mel.h"

namespace rules_inference::infer {
namespace {

constexpr double kFramesPerSecond = 100;
constexpr absl::string_view kPunctuation = "\"'“¿([{-\"'.。,，!！?？:：”)]}、";

double SecondsOf(int frames) { return static_cast<double>(frames) * kHop / kSampleRate; }

double AnomalyOf(const Word& word) {
  const double duration = word.end - word.start;
  double score = 0;
  if (word.probability < 0.15F) score += 1;
  if (duration < 0.133) score += (0.133 - duration) * 15;
  if (duration > 2.0) score += duration - 2.0;
  return score;
}

// The first with words.
const Segment* FirstSpoken(absl::Span<const Segment> segments) {
  const auto found = std::find_if(segments.begin(), segments.end(),
                                  [](const Segment& segment) { return !segment.words.empty(); });
  return found == segments.end() ? nullptr : &*found;
}

}  // namespace

bool IsAnomalous(const Segment& segment) {
  constexpr int kFirst = 8;
  if (segment.words.empty()) return false;
  int count = 0;
  double score = 0;
  for (const Word& word : segment.words) {
    if (count == kFirst) break;
    if (absl::StrContains(kPunctuation, word.text)) continue;
    ++count;
    score += AnomalyOf(word);
  }
  return score >= 3 || score + 0.01 >= count;
}

std::optional<double> EndOf(absl::Span<const Segment> segments) {
  if (segments.empty()) return std::nullopt;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (!segment->words.empty()) return segment->words.back().end;
  }
  return segments.back().end;
}

std::optional<int> SkipLeadingSilence(absl::Span<const Segment> segments, const WindowPlace& place,
                                      double threshold) {
  const Segment* const first = FirstSpoken(segments);
  if (first == nullptr || !IsAnomalous(*first)) return std::nullopt;
  const double gap = first->start - SecondsOf(place.seek);
  if (gap <= threshold) return std::nullopt;
  return place.seek + RoundToInt(gap * kFramesPerSecond);
}

std::optional<int> DropSurroundedBySilence(std::vector<Segment>& segments, const WindowPlace& place,
                                           double threshold, double last_speech_end) {
  // Silence at the window's edges may go on beyond them.
  constexpr double kEdge = 2.0;
  const double begin = SecondsOf(place.seek);
  const double window_end = SecondsOf(place.seek + place.frames);
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    if (segment.words.empty()) continue;
    if (IsAnomalous(segment)) {
      const Segment* const next = FirstSpoken(absl::MakeConstSpan(segments).subspan(i + 1));
      const double next_start =
          next == nullptr ? begin + SecondsOf(place.size) : next->words[0].start;
      const bool silence_before = segment.start - last_speech_end > threshold ||
                                  segment.start < threshold || segment.start - begin < kEdge;
      const bool silence_behind = next_start - segment.end > threshold ||
                                  (next != nullptr && IsAnomalous(*next)) ||
                                  window_end - segment.end < kEdge;
      if (silence_before && silence_behind) {
        const int seek = SecondsOf(place.content_frames) - segment.end < threshold
                             ? place.content_frames
                             : RoundToInt(std::max(begin + 1, segment.start) * kFramesPerSecond);
        segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(i), segments.end());
        return seek;
      }
    }
    last_speech_end = segment.end;
  }
  return std::nullopt;
}

}  // namespace rules_inference::infer
