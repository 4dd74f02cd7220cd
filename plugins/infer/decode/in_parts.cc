// Problem: a window begins where the text of the one before it ends, so a sound is one long chain
// of windows, and an engine that could compute sixty of them at once computes one.
//
// Idea: take the sound in parts, and let threads transcribe the parts; the engine gathers
// what they ask for at the same moment.
//
// Invariant: a part depends on its samples and the options alone, the language of all is found once
// from the beginning, and parts are put together in their order: who was faster changes nothing.
//
// Cost: that of Transcribe over the speech; a thread for each part that is worked on.

#include "plugins/infer/decode/in_parts.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/language.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/decode/voice_activity.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/model.h"

namespace rules_inference::infer {
namespace {

double SecondsOf(size_t samples) { return static_cast<double>(samples) / kSampleRate; }

// A part begins at a frame, so that times of the whole are as exact as those of the part.
struct Part {
  size_t begin;
  size_t end;
};

Part SamplesOf(const SpeechSpan& span, size_t samples) {
  const auto frame = [](double seconds) {
    return static_cast<size_t>(std::max(0.0, std::round(seconds * kSampleRate / kHop)));
  };
  return {std::min(frame(span.start) * kHop, samples), std::min(frame(span.end) * kHop, samples)};
}

void Move(const Part& part, Segment& segment) {
  const double seconds = SecondsOf(part.begin);
  segment.seek += static_cast<int>(part.begin / kHop);
  segment.start += seconds;
  segment.end += seconds;
  for (Word& word : segment.words) {
    word.start += seconds;
    word.end += seconds;
  }
}

class Work {
 public:
  Work(Engine& engine, const Model& model, absl::Span<const float> samples,
       const TranscribeOptions& options, std::vector<Part> parts, TranscribeObserver& observer,
       Transcript& transcript)
      : engine_(engine),
        model_(model),
        samples_(samples),
        options_(options),
        parts_(std::move(parts)),
        results_(parts_.size()),
        done_(parts_.size(), 0),
        observer_(observer),
        transcript_(transcript) {}

  absl::Status Run(int parallel) {
    const auto threads = std::min(static_cast<size_t>(std::max(1, parallel)), parts_.size());
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; ++i) others.emplace_back([this] { TakeParts(); });
    TakeParts();
    for (std::thread& other : others) other.join();
    const std::lock_guard<std::mutex> lock(mutex_);
    return status_;
  }

 private:
  // What a thread is told of its part, passed on under the lock.
  class Ear final : public TranscribeObserver {
   public:
    Ear(Work& work, size_t part) : work_(work), part_(part) {}
    void OnProgress(double done, double /*total*/) override { work_.Progress(part_, done); }
    bool Cancelled() override { return work_.Stopped(); }

   private:
    Work& work_;
    const size_t part_;
  };

  void TakeParts() {
    for (;;) {
      size_t index = 0;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (next_ == parts_.size() || !status_.ok()) return;
        index = next_++;
      }
      const Part& part = parts_[index];
      Ear ear(*this, index);
      absl::StatusOr<Transcript> result = Transcribe(
          engine_, model_, samples_.subspan(part.begin, part.end - part.begin), options_, &ear);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!result.ok()) {
        status_.Update(result.status());
        return;
      }
      results_[index] = std::move(result->segments);
      Tell();
    }
  }

  // Everything that has nothing unfinished in front of it. Under the lock.
  void Tell() {
    for (; told_ < results_.size() && results_[told_].has_value(); ++told_) {
      for (Segment& segment : *results_[told_]) {
        Move(parts_[told_], segment);
        segment.id = static_cast<int>(transcript_.segments.size());
        observer_.OnSegment(segment);
        transcript_.text += segment.text;
        transcript_.segments.push_back(std::move(segment));
      }
    }
  }

  void Progress(size_t part, double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_[part] = seconds;
    double done = 0;
    double total = 0;
    for (size_t i = 0; i < parts_.size(); ++i) {
      done += done_[i];
      total += SecondsOf(parts_[i].end - parts_[i].begin);
    }
    observer_.OnProgress(done, total);
  }

  bool Stopped() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (observer_.Cancelled()) {
      status_.Update(absl::CancelledError("transcribing was cancelled"));
    }
    return !status_.ok();
  }

  Engine& engine_;
  const Model& model_;
  const absl::Span<const float> samples_;
  const TranscribeOptions& options_;
  const std::vector<Part> parts_;

  // For all that follows.
  std::mutex mutex_;
  size_t next_ = 0;
  std::vector<std::optional<std::vector<Segment>>> results_;
  std::vector<double> done_;
  size_t told_ = 0;
  absl::Status status_;
  TranscribeObserver& observer_;
  Transcript& transcript_;
};

}  // namespace

std::vector<SpeechSpan> PartsOf(absl::Span<const SpeechSpan> spans, double longest) {
  std::vector<SpeechSpan> parts;
  for (const SpeechSpan& span : spans) {
    if (!parts.empty() && span.end - parts.back().start <= longest) {
      parts.back().end = span.end;
    } else {
      parts.push_back(span);
    }
  }
  return parts;
}

absl::StatusOr<Transcript> TranscribeInParts(Engine& engine, const Model& model,
                                             absl::Span<const float> samples,
                                             absl::Span<const SpeechSpan> parts,
                                             const TranscribeOptions& options, int parallel,
                                             TranscribeObserver* observer) {
  if (!options.clips.empty()) {
    return base::Mismatch("options", "clips", "clips of a sound that is cut into parts", "none");
  }
  TranscribeObserver silent;
  if (observer == nullptr) observer = &silent;
  Transcript transcript;
  transcript.duration = SecondsOf(samples.size());
  TranscribeOptions each = options;
  // Threads enough.
  each.threads = 1;
  float probability = 1;
  if (!each.language.has_value() && model.special().multilingual) {
    // More is not looked at; the loudest value of it counts.
    const auto beginning = std::min(samples.size(), size_t{kWindowFrames} * kHop);
    const LogMel mel = ComputeLogMel(samples.first(beginning), model.file().mel_filters(),
                                     std::max(1, options.threads));
    ASSIGN_OR_RETURN(const std::vector<float> probabilities,
                     LanguageProbabilities(engine, model, mel));
    each.language = LikeliestLanguage(probabilities);
    probability = probabilities[static_cast<size_t>(*each.language)];
  }
  transcript.language = each.language.value_or(0);
  observer->OnLanguage(transcript.language, probability);

  std::vector<Part> work;
  for (const SpeechSpan& span : parts) {
    const Part part = SamplesOf(span, samples.size());
    if (part.begin < part.end) work.push_back(part);
  }
  if (work.empty()) return transcript;
  RETURN_IF_ERROR(
      Work(engine, model, samples, each, std::move(work), *observer, transcript).Run(parallel));
  return transcript;
}

}  // namespace rules_inference::infer
