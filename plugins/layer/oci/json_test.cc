#include "plugins/layer/oci/json.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rules_inference::layer::oci {
namespace {

std::string Error(absl::string_view text) {
  const absl::StatusOr<Json> json = ParseJson(text, "doc");
  return json.ok() ? absl::StrCat("accepted: ", JsonText(*json))
                   : std::string(json.status().message());
}

TEST(JsonTest, KeepsOrderNumbersAndText) {
  const absl::StatusOr<Json> json = ParseJson(
      " {\"z\" : 12345678901234567890, \"a\":[1.50, -0, 1e3, true,false , null], "
      "\"t\":\"\\u00e9\\ud83d\\ude00\\n\\/\"} ",
      "doc");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(JsonText(*json),
            "{\"z\":12345678901234567890,\"a\":[1.50,-0,1e3,true,false,null],\"t\":\"é😀\\n/\"}");
}

TEST(JsonTest, WritesWhatItReads) {
  for (const absl::string_view text :
       {"{}", "[]", "[[],{}]", "\"\"", "0", "{\"a\":{\"b\":[{\"c\":\"\\\"\\\\\\u0001\"}]}}"}) {
    const absl::StatusOr<Json> json = ParseJson(text, "doc");
    ASSERT_TRUE(json.ok()) << json.status();
    EXPECT_EQ(JsonText(*json), text);
  }
}

TEST(JsonTest, SetReplacesInPlaceAndRemoves) {
  Json json = Json::Object();
  json.Set("b", Json::Number(1)).Set("a", Json::String("x")).Set("b", Json::Bool(false));
  EXPECT_EQ(JsonText(json), R"({"b":false,"a":"x"})");
  json.Remove("b");
  EXPECT_EQ(JsonText(json), R"({"a":"x"})");
  EXPECT_EQ(json.Find("b"), nullptr);
}

struct Case {
  absl::string_view text;
  absl::string_view error;
};

TEST(JsonTest, RefusesWithPlaceAndReason) {
  const Case cases[] = {
      {"", "JSON: doc: byte 0: got the end of the document, expected a value"},
      {"\xef\xbb\xbf{}", "JSON: doc: byte 0: got byte 0xef, expected a value"},
      {"{\"a\":1,\"a\":2}", "JSON: doc: byte 7: got a second key 'a', expected every key once"},
      {"{\"a\":1,\"\\u0061\":2}",
       "JSON: doc: byte 7: got a second key 'a', expected every key once"},
      {"{} {}", "JSON: doc: byte 3: got '{', expected the end of the document"},
      {"{\"a\":1,}", "JSON: doc: byte 7: got '}', expected a key in quotes"},
      {"[1,]", "JSON: doc: byte 3: got ']', expected a value"},
      {"[1 2]", "JSON: doc: byte 3: got '2', expected ',' or ']'"},
      {"{\"a\" 1}", "JSON: doc: byte 5: got '1', expected ':'"},
      {"01", "JSON: doc: byte 1: got '1', expected the end of the document"},
      {"1.", "JSON: doc: byte 2: got the end of the document, expected a digit"},
      {"-", "JSON: doc: byte 1: got the end of the document, expected a digit"},
      {"+1", "JSON: doc: byte 0: got '+', expected a value"},
      {"1e400", "JSON: doc: byte 0: got number 1e400, expected a number that a double can hold"},
      {"NaN", "JSON: doc: byte 0: got 'N', expected a value"},
      {"'a'", "JSON: doc: byte 0: got ''', expected a value"},
      {"\"a", "JSON: doc: byte 2: got the end of the document, expected '\"'"},
      {"\"\n\"", "JSON: doc: byte 1: got byte 0x0a, expected an escaped control character"},
      {"\"\\x\"", "JSON: doc: byte 2: got 'x', expected an escape"},
      {"\"\\u00g0\"", "JSON: doc: byte 5: got 'g', expected a hexadecimal digit"},
      {"\"\\ud800\"", "JSON: doc: byte 1: got a lone surrogate, expected a pair of surrogates"},
      {"\"\\udc00\"", "JSON: doc: byte 1: got a lone surrogate, expected a pair of surrogates"},
      {"\"\\ud800\\u0041\"",
       "JSON: doc: byte 1: got a lone surrogate, expected a pair of surrogates"},
      {"\"\\u0000\"", "JSON: doc: byte 1: got a NUL character, expected text without NUL"},
      {"\"\xc0\x80\"", "JSON: doc: byte 1: got byte 0xc0, expected UTF-8"},
      {"\"\xed\xa0\x80\"", "JSON: doc: byte 1: got byte 0xed, expected UTF-8"},
      {"// x\n1", "JSON: doc: byte 0: got '/', expected a value"},
  };
  for (const Case& test : cases) EXPECT_EQ(Error(test.text), test.error) << test.text;
}

TEST(JsonTest, RefusesDeepNestingWithoutDeepRecursion) {
  EXPECT_EQ(Error(std::string(100000, '[')),
            "JSON: doc: byte 65: got nesting deeper than 64, expected a flatter document");
  EXPECT_EQ(Error(absl::StrCat(std::string(64, '['), std::string(64, ']'))),
            absl::StrCat("accepted: ", std::string(64, '['), std::string(64, ']')));
}

// A set beside the members keeps this linear; a search for each key would take minutes.
TEST(JsonTest, ReadsManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) absl::StrAppend(&text, i == 0 ? "" : ",", "\"", i, "\":0");
  text += "}";
  const absl::StatusOr<Json> json = ParseJson(text, "doc");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(JsonText(*json), text);
}

// Whatever is cut off or flipped, the reader ends with an error or with a document that it writes
// back the same way twice.
TEST(JsonTest, SurvivesEveryTruncationAndBitFlip) {
  const std::string text = R"({"a":[1,-2.5e3,"x\u00e9\ud83d\ude00"],"b":{"c":null,"d":true}})";
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(ParseJson(text.substr(0, i), "doc").ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const absl::StatusOr<Json> json = ParseJson(flipped, "doc");
      if (!json.ok()) continue;
      const std::string once = JsonText(*json);
      const absl::StatusOr<Json> again = ParseJson(once, "doc");
      ASSERT_TRUE(again.ok()) << once << again.status();
      EXPECT_EQ(JsonText(*again), once);
    }
  }
}

}  // namespace
}  // namespace rules_inference::layer::oci
