// Transcripts as text in the formats that people and programs ask for.
//
// Times and layout of txt, srt, vtt, csv and tsv are those of whisper.cpp and openai/whisper; json
// has the fields of OpenAI's verbose_json. All of it is valid UTF-8 whatever the segments hold.

#ifndef RULES_INFERENCE_PLUGINS_INFER_OUTPUT_OUTPUT_H_
#define RULES_INFERENCE_PLUGINS_INFER_OUTPUT_OUTPUT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

enum class OutputFormat { kTxt, kSrt, kVtt, kJson, kJsonl, kCsv, kTsv, kLrc };

struct OutputFormatInfo {
  OutputFormat format;
  // On the command line, and as the ending of files: "srt".
  absl::string_view name;
};
absl::Span<const OutputFormatInfo> OutputFormats();
std::optional<OutputFormat> OutputFormatOf(absl::string_view name);
absl::string_view NameOf(OutputFormat format);

struct OutputOptions {
  // For json: "transcribe" or "translate".
  bool translate = false;
  // For json: a list of all words, and the words of each segment.
  bool words = false;
};

// The whole document.
std::string FormatTranscript(OutputFormat format, const Transcript& transcript,
                             const OutputOptions& options);

// One segment as one line of jsonl, with the newline.
std::string JsonLine(const Segment& segment, bool words);

// "[00:00:00.000 --> 00:00:11.000]  And so": what is shown while it goes on.
std::string ConsoleLine(const Segment& segment);

// Cuts segments that are longer than `max_length` characters (Unicode code points, without white
// space at the ends) between words, at the times of the words; a longer word stays whole. Segments
// without words, and all when `max_length` is 0, stay as they are. Ids are counted anew.
std::vector<Segment> SplitSegments(absl::Span<const Segment> segments, int max_length);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_OUTPUT_OUTPUT_H_
