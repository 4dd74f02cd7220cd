#include "plugins/infer/output/output.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/utf8.h"
#include "plugins/infer/output/json_writer.h"

namespace rules_inference::infer {
namespace {

Segment MakeSegment(int id, double start, double end, const std::string& text) {
  Segment segment;
  segment.id = id;
  segment.start = start;
  segment.end = end;
  segment.text = text;
  return segment;
}

Transcript Example() {
  Transcript transcript;
  transcript.language = 0;
  transcript.duration = 3725.25;
  transcript.text = " And so <my> \"fellow\" & friends, --> ask.";
  Segment first = MakeSegment(0, 0, 2.5, " And so <my> \"fellow\" & friends,");
  first.tokens = {50363, 843, 523, 50488};
  first.avg_log_probability = -0.25F;
  first.compression_ratio = 0.5F;
  first.no_speech_probability = 0.125F;
  first.words = {{" And", 0, 0.5, 0.75F}, {" so", 0.5, 1, 1}};
  transcript.segments.push_back(first);
  transcript.segments.push_back(MakeSegment(1, 2.5, 3661.0426, " --> ask."));
  transcript.segments.push_back(MakeSegment(2, 3662, 3662, ""));
  transcript.segments.back().temperature = 0.2F;
  return transcript;
}

std::string Golden(const std::string& name) {
  std::ifstream file(absl::StrCat("plugins/infer/output/testdata/", name));
  EXPECT_TRUE(file) << name;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class GoldenTest : public testing::TestWithParam<OutputFormatInfo> {};

TEST_P(GoldenTest, IsAsBefore) {
  const std::string text =
      FormatTranscript(GetParam().format, Example(), {.translate = false, .words = true});
  EXPECT_EQ(text, Golden(absl::StrCat("example.", GetParam().name)));
}

INSTANTIATE_TEST_SUITE_P(Formats, GoldenTest, testing::ValuesIn(OutputFormats()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(OutputTest, FormatsByName) {
  EXPECT_EQ(OutputFormatOf("srt"), OutputFormat::kSrt);
  EXPECT_EQ(OutputFormatOf("doc"), std::nullopt);
  EXPECT_EQ(NameOf(OutputFormat::kLrc), "lrc");
}

TEST(OutputTest, JsonWithoutWords) {
  const std::string text = FormatTranscript(OutputFormat::kJson, Example(), {.translate = true});
  EXPECT_EQ(text.find("words"), std::string::npos);
  EXPECT_NE(text.find("\"task\": \"translate\""), std::string::npos);
}

TEST(OutputTest, NothingWasSaid) {
  Transcript transcript;
  EXPECT_EQ(FormatTranscript(OutputFormat::kTxt, transcript, {}), "");
  EXPECT_EQ(FormatTranscript(OutputFormat::kSrt, transcript, {}), "");
  EXPECT_EQ(FormatTranscript(OutputFormat::kVtt, transcript, {}), "WEBVTT\n\n");
  EXPECT_EQ(FormatTranscript(OutputFormat::kJsonl, transcript, {}), "");
  EXPECT_EQ(FormatTranscript(OutputFormat::kJson, transcript, {}),
            "{\n  \"task\": \"transcribe\",\n  \"language\": \"english\",\n  \"duration\": 0.0,\n"
            "  \"text\": \"\",\n  \"segments\": []\n}\n");
}

// Half a character, a terminal's control sequence, a newline that would end a subtitle.
TEST(OutputTest, BytesThatAreNoTextBecomeText) {
  Transcript transcript;
  transcript.text = "\xe2\x82";
  transcript.segments = {MakeSegment(0, 0, 1, std::string(" a\xe2\x82\x1b[2J\n\nb\0c", 13))};
  for (const OutputFormatInfo& info : OutputFormats()) {
    const std::string text = FormatTranscript(info.format, transcript, {});
    EXPECT_TRUE(base::IsValidUtf8(text)) << info.name;
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << info.name;
    EXPECT_EQ(text.find('\0'), std::string::npos) << info.name;
  }
  EXPECT_EQ(ConsoleLine(transcript.segments[0]),
            "[00:00:00.000 --> 00:00:01.000]  a\xef\xbf\xbd\xef\xbf\xbd [2J  b c");
}

TEST(OutputTest, NumbersThatAreNoneAreNull) {
  Segment segment = MakeSegment(0, 0, 1, "a");
  segment.avg_log_probability = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(JsonLine(segment, false).find("\"avg_logprob\":null"), std::string::npos);
}

TEST(SplitSegmentsTest, CutsBetweenWords) {
  Segment segment = MakeSegment(5, 0, 4, " Größe of a thing");
  segment.tokens = {1, 2};
  segment.words = {{" Größe", 0, 1, 1}, {" of", 1, 1.5, 1}, {" a", 2, 2.5, 1}, {" thing", 3, 4, 1}};
  const std::vector<Segment> pieces = SplitSegments({segment}, 8);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].text, " Größe of");
  EXPECT_EQ(pieces[0].start, 0);
  EXPECT_EQ(pieces[0].end, 1.5);
  EXPECT_EQ(pieces[0].tokens.size(), 2U);
  EXPECT_EQ(pieces[1].text, " a thing");
  EXPECT_EQ(pieces[1].start, 2);
  EXPECT_EQ(pieces[1].end, 4);
  EXPECT_EQ(pieces[1].id, 1);
  EXPECT_EQ(pieces[1].words.size(), 2U);
}

TEST(SplitSegmentsTest, ALongWordStaysWhole) {
  Segment segment = MakeSegment(0, 0, 4, " incomprehensibilities a");
  segment.words = {{" incomprehensibilities", 0, 1, 1}, {" a", 1, 1.5, 1}};
  const std::vector<Segment> pieces = SplitSegments({segment}, 1);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].text, " incomprehensibilities");
}

TEST(SplitSegmentsTest, WithoutALimitNothingIsCut) {
  Segment segment = MakeSegment(7, 0, 4, " a b");
  segment.words = {{" a", 0, 1, 1}, {" b", 1, 1.5, 1}};
  EXPECT_EQ(SplitSegments({segment}, 0).size(), 1U);
}

TEST(JsonWriterTest, LayoutOfALine) {
  JsonWriter json(JsonWriter::Layout::kLine);
  json.Object().Key("a").ShortList().Integer(1).Integer(2).End().Key("b").List().End();
  json.Key("c").Object().Key("\"\\\n\x01").Null().End().Key("d").Bool(true).Key("e").Number(0.1);
  json.End();
  EXPECT_EQ(json.Take(),
            "{\"a\":[1,2],\"b\":[],\"c\":{\"\\\"\\\\\\n\\u0001\":null},\"d\":true,\"e\":0.1}");
}

TEST(JsonWriterTest, NumbersAreShort) {
  JsonWriter json(JsonWriter::Layout::kLine);
  json.List().Number(0.2F).Number(1.0).Number(1e30).Seconds(1.23456).Seconds(0).End();
  EXPECT_EQ(json.Take(), "[0.2,1.0,1e+30,1.235,0.0]");
}

}  // namespace
}  // namespace rules_inference::infer
