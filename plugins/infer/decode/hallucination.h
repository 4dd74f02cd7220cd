// Segments that look made up, and how to pass over the silence in which a model makes them up.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_HALLUCINATION_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_HALLUCINATION_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

// Whether its first words are improbable, very short or very long.
bool IsAnomalous(const Segment& segment);

// Where the last word ends, or else the last segment; nothing of no segments.
std::optional<double> EndOf(absl::Span<const Segment> segments);

struct WindowPlace {
  // Frames.
  int seek = 0;
  int size = 0;
  // Of a whole window.
  int frames = 0;
  int content_frames = 0;
};

// If the first segment with words is anomalous, with more than `threshold` seconds of silence
// before it: the frame where it begins. The window is to be decoded again from there.
std::optional<int> SkipLeadingSilence(absl::Span<const Segment> segments, const WindowPlace& place,
                                      double threshold);

// Removes the first anomalous segment with silence, or other anomalous ones, before and behind it,
// and all that follow. Returns the frame to go on from, or nothing if there is no such segment.
std::optional<int> DropSurroundedBySilence(std::vector<Segment>& segments, const WindowPlace& place,
                                           double threshold, double last_speech_end);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_HALLUCINATION_H_
