#include "plugins/infer/output/output.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/utf8.h"
#include "plugins/infer/output/json_writer.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<OutputFormatInfo, 8> kFormats = {{
    {OutputFormat::kTxt, "txt"},
    {OutputFormat::kSrt, "srt"},
    {OutputFormat::kVtt, "vtt"},
    {OutputFormat::kJson, "json"},
    {OutputFormat::kJsonl, "jsonl"},
    {OutputFormat::kCsv, "csv"},
    {OutputFormat::kTsv, "tsv"},
    {OutputFormat::kLrc, "lrc"},
}};

// One line of valid UTF-8 without white space at its ends. A model can say any byte: a newline
// would end a subtitle, and others move the cursor of a terminal.
std::string Line(absl::string_view text) {
  std::string line = sdk::ToValidUtf8(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return std::string(absl::StripAsciiWhitespace(line));
}

int64_t Milliseconds(double seconds) {
  return seconds > 0 ? static_cast<int64_t>(std::llround(seconds * 1000)) : 0;
}

// "01:02:03,456"; `separator` is ',' in srt.
std::string Timestamp(double seconds, char separator) {
  const int64_t ms = Milliseconds(seconds);
  return absl::StrFormat("%02d:%02d:%02d%c%03d", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                         separator, ms % 1000);
}

std::string Range(const Segment& segment, char separator) {
  return absl::StrCat(Timestamp(segment.start, separator), " --> ",
                      Timestamp(segment.end, separator));
}

std::string Srt(absl::Span<const Segment> segments) {
  std::string out;
  int number = 0;
  for (const Segment& segment : segments) {
    // There is no way to escape the arrow; openai/whisper writes this one.
    const std::string text = absl::StrReplaceAll(Line(segment.text), {{"-->", "->"}});
    if (text.empty()) continue;
    absl::StrAppend(&out, ++number, "\n", Range(segment, ','), "\n", text, "\n\n");
  }
  return out;
}

std::string Vtt(absl::Span<const Segment> segments) {
  std::string out = "WEBVTT\n\n";
  for (const Segment& segment : segments) {
    const std::string text =
        absl::StrReplaceAll(Line(segment.text), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
    if (text.empty()) continue;
    absl::StrAppend(&out, Range(segment, '.'), "\n", text, "\n\n");
  }
  return out;
}

std::string Txt(absl::Span<const Segment> segments) {
  std::string out;
  for (const Segment& segment : segments) {
    const std::string text = Line(segment.text);
    if (!text.empty()) absl::StrAppend(&out, text, "\n");
  }
  return out;
}

std::string Lrc(absl::Span<const Segment> segments) {
  std::string out;
  for (const Segment& segment : segments) {
    const std::string text = Line(segment.text);
    if (text.empty()) continue;
    const int64_t ms = Milliseconds(segment.start);
    absl::StrAppendFormat(&out, "[%02d:%02d.%02d]%s\n", ms / 60000, ms / 1000 % 60, ms / 10 % 100,
                          text);
  }
  return out;
}

std::string Csv(absl::Span<const Segment> segments) {
  std::string out = "start,end,text\n";
  for (const Segment& segment : segments) {
    absl::StrAppend(&out, Milliseconds(segment.start), ",", Milliseconds(segment.end), ",\"",
                    absl::StrReplaceAll(Line(segment.text), {{"\"", "\"\""}}), "\"\n");
  }
  return out;
}

std::string Tsv(absl::Span<const Segment> segments) {
  std::string out = "start\tend\ttext\n";
  for (const Segment& segment : segments) {
    absl::StrAppend(&out, Milliseconds(segment.start), "\t", Milliseconds(segment.end), "\t",
                    Line(segment.text), "\n");
  }
  return out;
}

void WriteWords(absl::Span<const Word> words, JsonWriter& json) {
  json.List();
  for (const Word& word : words) {
    json.Object().Key("word").String(word.text);
    json.Key("start").Seconds(word.start).Key("end").Seconds(word.end);
    json.Key("probability").Number(word.probability).End();
  }
  json.End();
}

void WriteSegment(const Segment& segment, bool words, JsonWriter& json) {
  json.Object().Key("id").Integer(segment.id).Key("seek").Integer(segment.seek);
  json.Key("start").Seconds(segment.start).Key("end").Seconds(segment.end);
  json.Key("text").String(segment.text);
  json.Key("tokens").ShortList();
  for (const TokenId token : segment.tokens) json.Integer(token);
  json.End();
  json.Key("temperature").Number(segment.temperature);
  json.Key("avg_logprob").Number(segment.avg_log_probability);
  json.Key("compression_ratio").Number(segment.compression_ratio);
  json.Key("no_speech_prob").Number(segment.no_speech_probability);
  if (words) {
    json.Key("words");
    WriteWords(segment.words, json);
  }
  json.End();
}

std::string Json(const Transcript& transcript, const OutputOptions& options) {
  JsonWriter json(JsonWriter::Layout::kReadable);
  json.Object().Key("task").String(options.translate ? "translate" : "transcribe");
  json.Key("language").String(Languages()[static_cast<size_t>(transcript.language)].name);
  json.Key("duration").Seconds(transcript.duration);
  json.Key("text").String(transcript.text);
  json.Key("segments").List();
  for (const Segment& segment : transcript.segments) WriteSegment(segment, options.words, json);
  json.End();
  if (options.words) {
    std::vector<Word> words;
    for (const Segment& segment : transcript.segments) {
      words.insert(words.end(), segment.words.begin(), segment.words.end());
    }
    json.Key("words");
    WriteWords(words, json);
  }
  json.End();
  return json.Take();
}

// Code points without white space at the ends.
int Length(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  int length = 0;
  uint32_t code_point = 0;
  while (!text.empty()) {
    if (!base::ConsumeUtf8(text, code_point)) text.remove_prefix(1);
    ++length;
  }
  return length;
}

}  // namespace

absl::Span<const OutputFormatInfo> OutputFormats() { return kFormats; }

std::optional<OutputFormat> OutputFormatOf(absl::string_view name) {
  for (const OutputFormatInfo& info : kFormats) {
    if (info.name == name) return info.format;
  }
  return std::nullopt;
}

absl::string_view NameOf(OutputFormat format) {
  for (const OutputFormatInfo& info : kFormats) {
    if (info.format == format) return info.name;
  }
  return "";
}

std::string FormatTranscript(OutputFormat format, const Transcript& transcript,
                             const OutputOptions& options) {
  switch (format) {
    case OutputFormat::kTxt:
      return Txt(transcript.segments);
    case OutputFormat::kSrt:
      return Srt(transcript.segments);
    case OutputFormat::kVtt:
      return Vtt(transcript.segments);
    case OutputFormat::kJson:
      return Json(transcript, options);
    case OutputFormat::kJsonl: {
      std::string out;
      for (const Segment& segment : transcript.segments) out += JsonLine(segment, options.words);
      return out;
    }
    case OutputFormat::kCsv:
      return Csv(transcript.segments);
    case OutputFormat::kTsv:
      return Tsv(transcript.segments);
    default:
      return Lrc(transcript.segments);
  }
}

std::string JsonLine(const Segment& segment, bool words) {
  JsonWriter json(JsonWriter::Layout::kLine);
  WriteSegment(segment, words, json);
  return json.Take() + "\n";
}

std::string ConsoleLine(const Segment& segment) {
  return absl::StrCat("[", Range(segment, '.'), "]  ", Line(segment.text));
}

std::vector<Segment> SplitSegments(absl::Span<const Segment> segments, int max_length) {
  std::vector<Segment> out;
  for (const Segment& segment : segments) {
    if (max_length <= 0 || segment.words.empty() || Length(segment.text) <= max_length) {
      out.push_back(segment);
    } else {
      // Which tokens make which word is not known: the first piece has all of them.
      Segment piece = segment;
      piece.text.clear();
      piece.words.clear();
      for (const Word& word : segment.words) {
        if (!piece.words.empty() && Length(piece.text + word.text) > max_length) {
          out.push_back(piece);
          piece.tokens.clear();
          piece.text.clear();
          piece.words.clear();
        }
        if (piece.words.empty()) piece.start = word.start;
        piece.end = word.end;
        piece.text += word.text;
        piece.words.push_back(word);
      }
      out.push_back(piece);
    }
  }
  for (size_t i = 0; i < out.size(); ++i) out[i].id = static_cast<int>(i);
  return out;
}

}  // namespace rules_inference::infer
