// Problem: the tokens of a window are times and text, `<|0.00|> text <|1.50|><|1.50|> text
// <|2.10|>`. Which segments are whole, and how much of the window is done?
//
// Idea: two times in a row are the end of a segment and the begin of the next one, so a cut lies
// between them. What follows the last cut is not finished: the next window begins there and hears
// it as a whole, unless a single time at the end tells that nothing more is said. Without any cut
// there is one segment, and the whole window is done.
//
// Invariant: the window advances by at least one frame, so that transcribing ends.

#include "plugins/infer/decode/segments.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/utf8.h"
#include "plugins/infer/decode/text.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {
namespace {

// Of a time token.
constexpr double kStep = 0.02;
constexpr int kFramesPerStep = 2;

double SecondsOf(int frames) { return static_cast<double>(frames) * kHop / kSampleRate; }

std::string BytesOf(const Tokenizer& tokenizer, const SpecialTokens& special,
                    const Segment& segment) {
  std::vector<TokenId> text;
  std::copy_if(segment.tokens.begin(), segment.tokens.end(), std::back_inserter(text),
               [&](TokenId id) { return special.IsText(id); });
  return tokenizer.Decode(text);
}

}  // namespace

WindowSegments CutSegments(const SpecialTokens& special, absl::Span<const TokenId> tokens, int seek,
                           int size) {
  const double offset = SecondsOf(seek);
  const size_t count = tokens.size();
  const auto is_time = [&](size_t i) { return special.IsTimestamp(tokens[i]); };

  WindowSegments window;
  window.ends_in_silence = count >= 2 && !is_time(count - 2) && is_time(count - 1);
  window.advance = size;
  std::vector<size_t> cuts;
  for (size_t i = 1; i < count; ++i) {
    if (is_time(i - 1) && is_time(i)) cuts.push_back(i);
  }
  if (cuts.empty()) {
    double duration = SecondsOf(size);
    const auto last = std::find_if(tokens.rbegin(), tokens.rend(),
                                   [&](TokenId id) { return special.IsTimestamp(id); });
    if (last != tokens.rend() && *last != special.first_timestamp) {
      duration = special.StepsOf(*last) * kStep;
    }
    window.segments.push_back({.seek = seek,
                               .start = offset,
                               .end = offset + duration,
                               .tokens = {tokens.begin(), tokens.end()}});
    return window;
  }
  if (window.ends_in_silence) {
    cuts.push_back(count);
  } else {
    const int steps = special.StepsOf(tokens[cuts.back() - 1]);
    if (steps > 0) window.advance = steps * kFramesPerStep;
  }
  size_t begin = 0;
  for (const size_t end : cuts) {
    const absl::Span<const TokenId> part = tokens.subspan(begin, end - begin);
    window.segments.push_back({.seek = seek,
                               .start = offset + special.StepsOf(part.front()) * kStep,
                               .end = offset + special.StepsOf(part.back()) * kStep,
                               .tokens = {part.begin(), part.end()}});
    begin = end;
  }
  return window;
}

void WriteTexts(const Tokenizer& tokenizer, const SpecialTokens& special,
                std::vector<Segment>& segments) {
  std::string carried;
  for (size_t i = 0; i < segments.size(); ++i) {
    std::string bytes = carried + BytesOf(tokenizer, special, segments[i]);
    carried.clear();
    const size_t unfinished = UnfinishedBytes(bytes);
    if (unfinished > 0 && i + 1 < segments.size()) {
      const std::string tail = bytes.substr(bytes.size() - unfinished);
      const std::string next = BytesOf(tokenizer, special, segments[i + 1]);
      // Only if the next one has the rest: what is no character stays where it is.
      const std::string joined = tail + next.substr(0, 3);
      absl::string_view rest = joined;
      uint32_t code_point = 0;
      if (base::ConsumeUtf8(rest, code_point)) {
        carried = tail;
        bytes.resize(bytes.size() - unfinished);
      }
    }
    segments[i].text = ToValidUtf8(bytes);
  }
}

bool IsBlank(const Segment& segment) {
  return segment.start == segment.end || Strip(segment.text).empty();
}

}  // namespace rules_inference::infer
