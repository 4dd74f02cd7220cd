// Problem: a model tells times of segments, and only to about a second. When is each word spoken?
//
// Idea: let the model read its own text once more and see where its attention goes (Align), find
// the cheapest way to give the frames to the tokens in order (dtw), and join tokens to words. The
// rest is experience: pauses are given to the words beside them, which are cut to usual lengths.
//
// Invariant: words come in the order of the text, and each token of the text is in one word.
//
// Cost: one pass of the decoder over the text of a window, and tokens times frames.

#include "plugins/infer/decode/word_times.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/alignment_costs.h"
#include "plugins/infer/decode/dtw.h"
#include "plugins/infer/decode/rounding.h"
#include "plugins/infer/decode/text.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/decode/word_split.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/model.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

constexpr double kPositionsPerSecond = 50;
constexpr absl::string_view kSentenceEnds = ".。!！?？";

double DurationOf(const auto& word) { return word.end - word.start; }

void Append(const std::vector<TokenId>& tokens, std::vector<TokenId>& to) {
  to.insert(to.end(), tokens.begin(), tokens.end());
}

// The word moves into `to`, which stands before or behind it.
void MoveInto(bool before, TimedWord& word, TimedWord& to) {
  if (before) {
    to.text = word.text + to.text;
    std::vector<TokenId> tokens = std::move(word.tokens);
    Append(to.tokens, tokens);
    to.tokens = std::move(tokens);
  } else {
    to.text += word.text;
    Append(word.tokens, to.tokens);
  }
  word.text.clear();
  word.tokens.clear();
}

// The first words behind a pause are not much longer than others.
void TrimAfterPause(const WordDurations& durations, double last_speech_end,
                    std::vector<Word>& words) {
  Word& first = words[0];
  Word* const second = words.size() > 1 ? &words[1] : nullptr;
  const double longest = durations.longest;
  if (first.end - last_speech_end <= durations.median * 4) return;
  if (DurationOf(first) <= longest &&
      (second == nullptr || second->end - first.start <= longest * 2)) {
    return;
  }
  if (second != nullptr && DurationOf(*second) > longest) {
    first.end = second->start = std::max(second->end / 2, second->end - longest);
  }
  first.start = std::max(0.0, first.end - longest);
}

// The segment takes the times of its words, unless the first or last word is so long that the
// model's own time is the better one.
void FitTogether(double median, Segment& segment) {
  Word& first = segment.words.front();
  if (segment.start < first.end && segment.start - 0.5 > first.start) {
    first.start = std::max(0.0, std::min(first.end - median, segment.start));
  } else {
    segment.start = first.start;
  }
  Word& last = segment.words.back();
  if (segment.end > last.start && segment.end + 0.5 < last.end) {
    last.end = std::max(last.start + median, segment.end);
  } else {
    segment.end = last.end;
  }
}

}  // namespace

absl::StatusOr<std::vector<TimedWord>> AlignWords(Engine& engine, const Model& model,
                                                  const EncodedWindow& window,
                                                  absl::Span<const TokenId> start,
                                                  absl::Span<const TokenId> text, int frames,
                                                  absl::Span<const Head> heads, bool has_spaces) {
  const SpecialTokens& special = model.special();
  const int positions = frames / 2;
  if (text.empty() || positions == 0) return std::vector<TimedWord>();
  std::vector<TokenId> tokens(start.begin(), start.end());
  tokens.push_back(special.no_timestamps);
  tokens.insert(tokens.end(), text.begin(), text.end());
  tokens.push_back(special.end_of_text);
  ASSIGN_OR_RETURN(const Alignment alignment,
                   engine.Align(window, tokens, heads, positions, special.end_of_text));

  const auto columns = static_cast<size_t>(positions);
  const std::vector<double> costs = AlignmentCosts(alignment.scores, tokens.size(), columns);
  // A row for each token of the text, which stands for where the token before it ends: the first is
  // that of no_timestamps, and the last token of the text ends where the path does.
  const std::vector<int> begins = FirstColumns(
      absl::MakeConstSpan(costs).subspan(start.size() * columns, (text.size() + 1) * columns),
      columns);
  std::vector<TimedWord> words;
  size_t at = 0;
  for (TokenWord& word : SplitTokens(model.tokenizer(), text, has_spaces)) {
    const size_t end = at + word.tokens.size();
    double sum = 0;
    for (size_t i = at; i < end; ++i) {
      sum += static_cast<double>(alignment.probabilities[start.size() + i]);
    }
    words.push_back({.text = std::move(word.text),
                     .tokens = std::move(word.tokens),
                     .start = begins[at] / kPositionsPerSecond,
                     .end = begins[end] / kPositionsPerSecond,
                     .probability = sum / static_cast<double>(end - at)});
    at = end;
  }
  return words;
}

WordDurations DurationsOf(absl::Span<const TimedWord> words) {
  std::vector<double> durations;
  for (const TimedWord& word : words) {
    if (DurationOf(word) != 0) durations.push_back(DurationOf(word));
  }
  if (durations.empty()) return {};
  std::sort(durations.begin(), durations.end());
  const size_t middle = durations.size() / 2;
  const double median = durations.size() % 2 == 1 ? durations[middle]
                                                  : (durations[middle - 1] + durations[middle]) / 2;
  const double bounded = std::min(0.7, median);
  return {bounded, 2 * bounded};
}

void TrimAtSentenceEnds(const WordDurations& durations, absl::Span<TimedWord> words) {
  if (durations.longest == 0) return;
  for (size_t i = 1; i < words.size(); ++i) {
    if (DurationOf(words[i]) <= durations.longest) continue;
    if (absl::StrContains(kSentenceEnds, words[i].text)) {
      words[i].end = words[i].start + durations.longest;
    } else if (absl::StrContains(kSentenceEnds, words[i - 1].text)) {
      words[i].start = words[i].end - durations.longest;
    }
  }
}

void MergePunctuation(absl::string_view prepended, absl::string_view appended,
                      absl::Span<TimedWord> words) {
  if (words.empty()) return;
  size_t following = words.size() - 1;
  for (size_t i = words.size() - 1; i-- > 0;) {
    if (absl::StartsWith(words[i].text, " ") &&
        absl::StrContains(prepended, Strip(words[i].text))) {
      MoveInto(/*before=*/true, words[i], words[following]);
    } else {
      following = i;
    }
  }
  size_t previous = 0;
  for (size_t i = 1; i < words.size(); ++i) {
    if (!absl::EndsWith(words[previous].text, " ") && absl::StrContains(appended, words[i].text)) {
      MoveInto(/*before=*/false, words[i], words[previous]);
    } else {
      previous = i;
    }
  }
}

void PlaceWords(const SpecialTokens& special, absl::Span<const TimedWord> words,
                const WordDurations& durations, double last_speech_end,
                absl::Span<Segment> segments) {
  size_t next = 0;
  for (Segment& segment : segments) {
    const double offset = static_cast<double>(segment.seek) * kHop / kSampleRate;
    const auto count =
        static_cast<size_t>(std::count_if(segment.tokens.begin(), segment.tokens.end(),
                                          [&](TokenId id) { return special.IsText(id); }));
    segment.words.clear();
    for (size_t placed = 0; next < words.size() && placed < count; ++next) {
      const TimedWord& word = words[next];
      placed += word.tokens.size();
      if (word.text.empty()) continue;
      segment.words.push_back({.text = word.text,
                               .start = RoundToHundredths(offset + word.start),
                               .end = RoundToHundredths(offset + word.end),
                               .probability = static_cast<float>(word.probability)});
    }
    if (segment.words.empty()) continue;
    TrimAfterPause(durations, last_speech_end, segment.words);
    FitTogether(durations.median, segment);
    last_speech_end = segment.end;
  }
}

}  // namespace rules_inference::infer
