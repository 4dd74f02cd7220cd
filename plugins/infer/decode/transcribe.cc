// Problem: models hear 30 s at a time; speech is longer, and words do not end where windows do.
//
// Idea: a window after the other. What a model has written of one tells where the next begins
// (segments.h), and is told to it as what was said before (prompt.h). A window in which nobody
// speaks is passed over; one whose text looks wrong is decoded again (fallback.h); word times move
// the begin of the next window, and show which text was made up (hallucination.h).
//
// Invariant: each window begins behind the one before it in its clip, so it ends; segments are told
// in the order of windows and do not change any more.
//
// Cost: one run of the encoder for each window, and of the decoder for each temperature tried.

#include "plugins/infer/decode/transcribe.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/alignment_heads.h"
#include "plugins/infer/decode/fallback.h"
#include "plugins/infer/decode/hallucination.h"
#include "plugins/infer/decode/language.h"
#include "plugins/infer/decode/options_check.h"
#include "plugins/infer/decode/prompt.h"
#include "plugins/infer/decode/rounding.h"
#include "plugins/infer/decode/segments.h"
#include "plugins/infer/decode/text.h"
#include "plugins/infer/decode/window.h"
#include "plugins/infer/decode/word_split.h"
#include "plugins/infer/decode/word_times.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr double kFramesPerSecond = 100;
// Text that was drawn at a higher temperature is no good example for what follows.
constexpr float kHighestToRemember = 0.5F;

struct Frames {
  int begin;
  int end;
};

double SecondsOf(int frames) { return static_cast<double>(frames) * kHop / kSampleRate; }

std::vector<Frames> FramesOf(absl::Span<const TranscribeOptions::Clip> clips, int content) {
  if (clips.empty()) return {{0, content}};
  std::vector<Frames> frames;
  for (const TranscribeOptions::Clip& clip : clips) {
    const int end = clip.end.has_value() ? RoundToInt(*clip.end * kFramesPerSecond) : content;
    frames.push_back({RoundToInt(clip.start * kFramesPerSecond), std::min(end, content)});
  }
  return frames;
}

std::vector<TokenId> InitialPrompt(const Model& model, const TranscribeOptions& options) {
  if (options.initial_prompt.empty()) return {};
  return model.tokenizer().Encode(absl::StrCat(" ", Strip(options.initial_prompt)));
}

class Transcription {
 public:
  Transcription(Engine& engine, const Model& model, const TranscribeOptions& options,
                TranscribeObserver& observer, LogMel mel, int language)
      : engine_(engine),
        model_(model),
        options_(options),
        observer_(observer),
        mel_(std::move(mel)),
        frames_(WindowFrames(model.parameters())),
        start_(StartSequence(model.special(), language, options.translate)),
        has_spaces_(!model.special().multilingual || HasSpaces(language)),
        rules_(MakeRules(model, options)),
        heads_(options.alignment_heads),
        history_(InitialPrompt(model, options), options.carry_initial_prompt,
                 static_cast<size_t>(model.parameters().text_context / 2 - 1)) {
    if (heads_.empty()) heads_ = AlignmentHeadsOf(model.parameters());
  }

  absl::Status Run() {
    const int content = mel_.content_frames;
    for (const Frames& clip : FramesOf(options_.clips, content)) {
      for (int seek = clip.begin; seek < clip.end;) {
        if (observer_.Cancelled()) return absl::CancelledError("transcribing was cancelled");
        const WindowPlace place = {.seek = seek,
                                   .size = std::min(frames_, clip.end - seek),
                                   .frames = frames_,
                                   .content_frames = content};
        ASSIGN_OR_RETURN(const int next, TranscribeWindow(place));
        // Word times may point back to where the window begins.
        seek = next > seek ? next : seek + place.size;
        observer_.OnProgress(SecondsOf(std::min(seek, content)), SecondsOf(content));
      }
    }
    return absl::OkStatus();
  }

  std::vector<Segment> TakeSegments() && { return std::move(segments_); }

 private:
  // Returns the frame at which the next window begins.
  absl::StatusOr<int> TranscribeWindow(const WindowPlace& place) {
    ASSIGN_OR_RETURN(const std::unique_ptr<EncodedWindow> encoded,
                     EncodeWindow(engine_, mel_, place.seek, place.size));
    const Prompt prompt = MakePrompt(model_.special(), history_.Previous(), start_,
                                     options_.timestamps, model_.parameters().text_context);
    ASSIGN_OR_RETURN(const WindowText text, DecodeWindow(engine_, model_.tokenizer(), *encoded,
                                                         prompt, rules_, options_, place.seek));
    if (IsSilence(text, options_)) return place.seek + place.size;

    WindowSegments window = CutSegments(model_.special(), text.tokens, place.seek, place.size);
    WriteTexts(model_.tokenizer(), model_.special(), window.segments);
    int next = place.seek + window.advance;
    if (options_.word_timestamps) {
      RETURN_IF_ERROR(AddWords(*encoded, place.size, window.segments));
      if (!window.ends_in_silence) next = BehindLastWord(window.segments, place, next);
      if (options_.hallucination_silence_threshold.has_value()) {
        const auto threshold = static_cast<double>(*options_.hallucination_silence_threshold);
        if (const auto skip = SkipLeadingSilence(window.segments, place, threshold)) return *skip;
        next = DropSurroundedBySilence(window.segments, place, threshold, last_speech_end_)
                   .value_or(next);
      }
      last_speech_end_ = EndOf(window.segments).value_or(last_speech_end_);
    }
    for (Segment& segment : window.segments) Keep(text, std::move(segment));
    if (!options_.condition_on_previous_text || text.temperature > kHighestToRemember) {
      history_.Forget();
    }
    return next;
  }

  absl::Status AddWords(const EncodedWindow& encoded, int size, std::vector<Segment>& segments) {
    std::vector<TokenId> text;
    for (const Segment& segment : segments) {
      std::copy_if(segment.tokens.begin(), segment.tokens.end(), std::back_inserter(text),
                   [&](TokenId id) { return model_.special().IsText(id); });
    }
    ASSIGN_OR_RETURN(std::vector<TimedWord> words,
                     AlignWords(engine_, model_, encoded, start_, text, size, heads_, has_spaces_));
    const WordDurations durations = DurationsOf(words);
    TrimAtSentenceEnds(durations, absl::MakeSpan(words));
    MergePunctuation(options_.prepend_punctuations, options_.append_punctuations,
                     absl::MakeSpan(words));
    PlaceWords(model_.special(), words, durations, last_speech_end_, absl::MakeSpan(segments));
    return absl::OkStatus();
  }

  // The next window begins where the last word ends; or where this one ends, if there is no more
  // silence behind the word than may be passed over. `otherwise` if no word tells.
  int BehindLastWord(absl::Span<const Segment> segments, const WindowPlace& place,
                     int otherwise) const {
    const std::optional<double> end = EndOf(segments);
    if (!end.has_value() || *end <= SecondsOf(place.seek)) return otherwise;
    if (options_.hallucination_silence_threshold.has_value() &&
        SecondsOf(place.seek + place.frames) - *end <=
            static_cast<double>(*options_.hallucination_silence_threshold)) {
      return place.seek + place.size;
    }
    return RoundToInt(*end * kFramesPerSecond);
  }

  void Keep(const WindowText& text, Segment segment) {
    if (IsBlank(segment)) return;
    history_.Append(segment.tokens);
    segment.id = static_cast<int>(segments_.size());
    segment.temperature = text.temperature;
    segment.avg_log_probability = static_cast<float>(text.avg_log_probability);
    segment.compression_ratio = static_cast<float>(text.compression_ratio);
    segment.no_speech_probability = text.no_speech_probability;
    observer_.OnSegment(segment);
    segments_.push_back(std::move(segment));
  }

  Engine& engine_;
  const Model& model_;
  const TranscribeOptions& options_;
  TranscribeObserver& observer_;
  const LogMel mel_;
  const int frames_;
  const std::vector<TokenId> start_;
  const bool has_spaces_;
  const LogitRules rules_;
  std::vector<Head> heads_;
  History history_;
  double last_speech_end_ = 0;
  std::vector<Segment> segments_;
};

}  // namespace

absl::StatusOr<Transcript> Transcribe(Engine& engine, const Model& model,
                                      absl::Span<const float> samples,
                                      const TranscribeOptions& options,
                                      TranscribeObserver* observer) {
  RETURN_IF_ERROR(CheckOptions(options, model));
  TranscribeObserver silent;
  if (observer == nullptr) observer = &silent;
  LogMel mel = ComputeLogMel(samples, model.file().mel_filters(), std::max(1, options.threads));

  Transcript transcript;
  transcript.duration = static_cast<double>(samples.size()) / kSampleRate;
  float probability = 1;
  if (options.language.has_value()) {
    transcript.language = *options.language;
  } else if (model.special().multilingual) {
    ASSIGN_OR_RETURN(const std::vector<float> probabilities,
                     LanguageProbabilities(engine, model, mel));
    transcript.language = LikeliestLanguage(probabilities);
    probability = probabilities[static_cast<size_t>(transcript.language)];
  }
  observer->OnLanguage(transcript.language, probability);

  Transcription transcription(engine, model, options, *observer, std::move(mel),
                              transcript.language);
  RETURN_IF_ERROR(transcription.Run());
  transcript.segments = std::move(transcription).TakeSegments();
  for (const Segment& segment : transcript.segments) transcript.text += segment.text;
  return transcript;
}

}  // namespace rules_inference::infer
