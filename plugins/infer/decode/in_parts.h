// Speech to text of many parts of a sound at once, for engines that are fast with many windows and
// not with one.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_IN_PARTS_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_IN_PARTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/decode/voice_activity.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"

namespace rules_inference::infer {

// Speech (voice_activity.h) that is put together to parts of at most `longest` seconds: windows of
// their own. A span that is longer is a part as it is.
std::vector<SpeechSpan> PartsOf(absl::Span<const SpeechSpan> spans, double longest);

// Transcribes up to `parallel` of `parts` at a time, each as if it were a sound of its own: none is
// told what was said before it, and loudness is that of the part. So the text is another one than
// Transcribe's, but the same for any `parallel`. Parts are in order; they may be those of
// voice_activity.h.
//
// `engine` is used by that many threads at once: a BatchingEngine, which makes batches of them.
// `observer` is told of segments in their order, by one thread at a time, as soon as all parts
// before them are done; progress is the sum of what is done. Clips are refused (InvalidArgument);
// other errors are those of Transcribe, and end all parts.
absl::StatusOr<Transcript> TranscribeInParts(Engine& engine, const Model& model,
                                             absl::Span<const float> samples,
                                             absl::Span<const SpeechSpan> parts,
                                             const TranscribeOptions& options, int parallel,
                                             TranscribeObserver* observer);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_IN_PARTS_H_
