#include "plugins/infer/cli/transcribe_file.h"

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/engine_flags.h"
#include "plugins/infer/cli/in_order.h"
#include "plugins/infer/cli/progress.h"
#include "plugins/infer/cli/read_sound.h"
#include "plugins/infer/cli/transcribe_plan.h"
#include "plugins/infer/cli/write_results.h"
#include "plugins/infer/decode/in_parts.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/decode/voice_activity.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/output/output.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

Progress::Style StyleOf(const Console& console, const TranscribePlan& plan) {
  if (plan.arguments.progress == "json") return Progress::Style::kJson;
  const bool bar = plan.arguments.progress == "auto" && console.terminal;
  return bar ? Progress::Style::kBar : Progress::Style::kNone;
}

// Shows segments as they come.
class Watcher final : public TranscribeObserver {
 public:
  // `listens`: whether the language is found out.
  Watcher(Console& console, const TranscribePlan& plan, bool listens, absl::string_view file,
          const StopFlag& stop)
      : console_(console),
        plan_(plan),
        listens_(listens),
        file_(file),
        stop_(stop),
        progress_(console.err, StyleOf(console, plan), file) {}

  void Clear() { progress_.Clear(); }

  void OnLanguage(int language, float probability) override {
    if (!listens_) return;
    progress_.Clear();
    console_.err << absl::StrFormat("infer: %s: language is %s (%d %%)\n", file_,
                                    Languages()[static_cast<size_t>(language)].name,
                                    static_cast<int>(probability * 100));
  }
  void OnSegment(const Segment& segment) override {
    progress_.Clear();
    for (Segment& piece : SplitSegments({segment}, plan_.arguments.max_length)) {
      piece.id = count_++;
      if (plan_.print == OutputFormat::kJsonl) {
        console_.out << JsonLine(piece, plan_.transcribe.word_timestamps) << std::flush;
      } else if (plan_.arguments.print == "segments") {
        console_.out << ConsoleLine(piece) << std::endl;
      }
    }
  }
  void OnProgress(double done, double total) override { progress_.Update(done, total); }
  // Nobody reads any more.
  bool Cancelled() override { return !console_.out || stop_; }

 private:
  Console& console_;
  const TranscribePlan& plan_;
  const bool listens_;
  const std::string file_;
  const StopFlag& stop_;
  Progress progress_;
  int count_ = 0;
};

// Files that are transcribed at the same time share the batch.
int PartsAtATime(const TranscribeArguments& arguments) {
  const int files = std::min(static_cast<int>(arguments.files.size()), arguments.batch_size);
  return std::max(1, arguments.batch_size / files);
}

// Of at most a window each.
std::vector<SpeechSpan> PartsToHear(absl::Span<const float> samples, bool speech_alone,
                                    int threads) {
  constexpr double kLongest = static_cast<double>(kWindowFrames) * kHop / kSampleRate;
  if (!speech_alone) return CutAtSoftest(samples, kLongest);
  VoiceActivityOptions voice;
  voice.max_speech = kLongest;
  voice.threads = threads;
  return PartsOf(FindSpeech(samples, voice), kLongest);
}

// Of a sound in which nobody speaks.
Transcript Silence(absl::Span<const float> samples, const TranscribeOptions& options) {
  Transcript transcript;
  transcript.language = options.language.value_or(0);
  transcript.duration = static_cast<double>(samples.size()) / kSampleRate;
  return transcript;
}

absl::StatusOr<Transcript> Hear(Console& console, const TranscribePlan& plan, OpenedEngine& opened,
                                absl::Span<const float> samples, const std::string& file,
                                const StopFlag& stop) {
  TranscribeOptions options = plan.transcribe;
  options.threads = opened.threads;
  const TranscribeArguments& arguments = plan.arguments;
  const bool is_batch = arguments.batch_size > 1;
  if (arguments.vad && !is_batch) {
    VoiceActivityOptions voice;
    voice.threads = opened.threads;
    const std::vector<SpeechSpan> spans = FindSpeech(samples, voice);
    if (spans.empty()) return Silence(samples, options);
    options.clips = ClipsOf(spans);
  }
  const bool listens = !options.language.has_value() && opened.model->special().multilingual;
  Watcher watcher(console, plan, listens, file, stop);
  absl::StatusOr<Transcript> transcript =
      is_batch ? TranscribeInParts(*opened.engine, *opened.model, samples,
                                   PartsToHear(samples, arguments.vad, opened.threads), options,
                                   PartsAtATime(arguments), &watcher)
               : Transcribe(*opened.engine, *opened.model, samples, options, &watcher);
  watcher.Clear();
  if (!transcript.ok()) return sdk::AddContext(transcript.status(), file);
  transcript->segments = SplitSegments(transcript->segments, arguments.max_length);
  return transcript;
}

}  // namespace

absl::Status TranscribeFile(Console& console, const TranscribePlan& plan, OpenedEngine& opened,
                            const std::string& file, const StopFlag& stop) {
  const AudioLimits limits{plan.arguments.max_duration};
  ASSIGN_OR_RETURN(const std::vector<float> samples, ReadSound(console, file, plan.raw, limits));
  ASSIGN_OR_RETURN(const Transcript transcript, Hear(console, plan, opened, samples, file, stop));
  return WriteResults(console, plan, file, transcript);
}

}  // namespace rules_inference::infer
