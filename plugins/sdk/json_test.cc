#include "plugins/sdk/json.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/sdk/json_test.pb.h"

namespace rules_inference::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Everything Merge(const std::vector<std::string>& lines) {
  absl::StatusOr<Everything> result = MergeJsonLines<Everything>(lines);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : Everything();
}

std::string ErrorOf(const std::vector<std::string>& lines) {
  return std::string(MergeJsonLines<Everything>(lines).status().message());
}

TEST(MergeJsonLinesTest, NoLinesGiveTheDefault) { EXPECT_EQ(ToCanonicalJson(Merge({})), "{}"); }

TEST(MergeJsonLinesTest, ScalarsReplaceAndListsGrow) {
  const Everything result = Merge(
      {R"({"a_string": "x", "an_int32": 1, "strings": ["a"], "child": {"a_bool": true}})",
       R"({"a_string": "y", "an_int32": 0, "strings": ["b", "c"], "child": {"a_uint32": 7}})"});
  EXPECT_EQ(result.a_string(), "y");
  EXPECT_EQ(result.an_int32(), 0);
  EXPECT_THAT(result.strings(), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(result.child().a_bool());
  EXPECT_EQ(result.child().a_uint32(), 7u);
}

TEST(MergeJsonLinesTest, EveryType) {
  const Everything result = Merge({R"({
    "anInt32": -2147483648, "an_int64": -9223372036854775808,
    "aUint32": 4294967295, "a_uint64": "18446744073709551615",
    "aFloat": 1.5, "a_double": -2.5e-3, "a_bool": true,
    "a_string": "\u00fc\ud83d\ude00\n\/", "some_bytes": "AP8=", "colour": "RED",
    "children": [{}, {"an_int32": 1}], "numbers": [1, "2", 3],
    "colours": ["RED"], "bools": [false], "left": "l"})"});
  EXPECT_EQ(result.an_int32(), INT32_MIN);
  EXPECT_EQ(result.an_int64(), INT64_MIN);
  EXPECT_EQ(result.a_uint32(), UINT32_MAX);
  EXPECT_EQ(result.a_uint64(), UINT64_MAX);
  EXPECT_EQ(result.a_float(), 1.5f);
  EXPECT_EQ(result.a_double(), -2.5e-3);
  EXPECT_EQ(result.a_string(), "\xc3\xbc\xf0\x9f\x98\x80\n/");
  EXPECT_EQ(result.some_bytes(), std::string("\0\xff", 2));
  EXPECT_EQ(result.children_size(), 2);
  EXPECT_THAT(result.numbers(), ElementsAre(1, 2, 3));
  EXPECT_EQ(result.left(), "l");
}

TEST(MergeJsonLinesTest, ErrorNamesTheLine) {
  EXPECT_EQ(ErrorOf({"{}", "{}", R"({"a_bool": 1})"}),
            "request: line 3, column 12: got '1', expected true or false for `a_bool`");
}

TEST(MergeJsonLinesTest, UnknownField) {
  EXPECT_EQ(ErrorOf({R"({"bogus": 1})"}),
            "request: line 1, column 2: got unknown field 'bogus', expected a field of "
            "rules_inference.sdk.Everything");
}

TEST(MergeJsonLinesTest, FieldTwiceInOneObject) {
  EXPECT_EQ(
      ErrorOf({R"({"an_int32": 1, "anInt32": 2})"}),
      "request: line 1, column 17: got field `an_int32` a second time, expected each field once");
}

TEST(MergeJsonLinesTest, OtherMemberOfAOneof) {
  EXPECT_EQ(ErrorOf({R"({"left": "x"})", R"({"right": {}})"}),
            "request: line 2, column 2: got field `right` although `left` is set, expected one "
            "field of `choice`");
}

TEST(MergeJsonLinesTest, SameMemberOfAOneofIsMerged) {
  EXPECT_EQ(
      ToCanonicalJson(Merge({R"({"right": {"an_int32": 1}})", R"({"right": {"a_bool": true}})"})),
      R"({"right":{"a_bool":true,"an_int32":1}})");
}

TEST(MergeJsonLinesTest, Map) {
  EXPECT_EQ(ErrorOf({R"({"a_map": {}})"}),
            "request: line 1, column 11: got map field `a_map`, expected a field that is no map");
}

struct BadCase {
  absl::string_view text;
  absl::string_view error;
};

// Everything that some JSON reader lets pass.
TEST(MergeJsonLinesTest, WhatIsNotJsonIsRefused) {
  const BadCase cases[] = {
      {"", "column 1: got the end of the text, expected `{`"},
      {"\xef\xbb\xbf{}", "column 1: got '\xef\xbb\xbf', expected `{`"},
      {"[]", "column 1: got '[', expected `{`"},
      {"{} x", "column 4: got 'x', expected the end of the text after the object"},
      {"{}{}", "column 3: got '{', expected the end of the text"},
      {"{", "column 2: got the end of the text, expected a field name"},
      {"{,}", "column 2: got ',', expected a field name"},
      {"{a_bool: true}", "column 2: got 'a', expected a field name in double quotes"},
      {"{'a_bool': true}", "got '\\'', expected a field name in double quotes"},
      {R"({"a_bool" true})", "got 't', expected `:`"},
      {R"({"a_bool": true,})", "got '}', expected a field name"},
      {R"({"a_bool": true "a_string": ""})", "expected `,` or `}`"},
      {R"({"a_bool": null})", "got 'n', expected true or false for `a_bool`"},
      {R"({"a_bool": "true"})", "expected true or false"},
      {R"({"a_bool": truer})", "got 'r', expected `,` or `}`"},
      {R"({"a_string": null})", "got 'n', expected a string for `a_string`"},
      {R"({"a_string": 1})", "expected a string for `a_string`"},
      {R"({"a_string": "x)", "got the end of the text, expected the end of the string"},
      {R"({"a_string": "\)", "got the end of the text, expected an escape"},
      {R"({"a_string": "\x"})", "expected an escape of JSON"},
      {R"({"a_string": "\u12"})", "expected four hexadecimal digits"},
      {R"({"a_string": "\u123)", "expected four hexadecimal digits"},
      {R"({"a_string": "\u0000"})", "got NUL in a string, expected no NUL"},
      {R"({"a_string": "\ud800"})", "got a lone surrogate"},
      {R"({"a_string": "\ud800\u0041"})", "got a lone surrogate"},
      {R"({"a_string": "\udc00"})", "got a lone surrogate"},
      {"{\"a_string\": \"\t\"}", "expected control characters as escapes"},
      {"{\"a_string\": \"\xff\"}", "got a byte that is not UTF-8"},
      {"{\"a_string\": \"\xed\xa0\x80\"}", "got a byte that is not UTF-8"},
      {R"({"an_int32": 1.0})", "got '1.0', expected a whole number"},
      {R"({"an_int32": 1e2})", "got '1e2', expected a whole number"},
      {R"({"an_int32": 2147483648})",
       "got '2147483648', expected a whole number from -2147483648 to 2147483647 for `an_int32`"},
      {R"({"an_int32": "1"})", "got '\\\"', expected a whole number"},
      {R"({"an_int32": 01})", "got '1', expected the end of the number"},
      {R"({"an_int32": +1})", "got '+', expected a whole number"},
      {R"({"an_int32": -})", "got '}', expected a whole number"},
      {R"({"an_int32": 0x1})", "got 'x', expected the end of the number"},
      {R"({"a_uint32": -1})", "got '-1', expected a whole number from 0 to 4294967295"},
      {R"({"a_uint64": "1)", "expected `\"`"},
      {R"({"a_uint64": 18446744073709551616})",
       "got '18446744073709551616', expected a whole number"},
      {R"({"a_double": 1e400})",
       "got '1e400', expected a number for `a_double` that its type can hold"},
      {R"({"a_float": 1e39})",
       "got '1e39', expected a number for `a_float` that its type can hold"},
      {R"({"a_double": NaN})", "got 'N', expected a number"},
      {R"({"a_double": .5})", "got '.', expected a number"},
      {R"({"a_double": 1.})", "expected a digit after the point"},
      {R"({"a_double": 1e})", "expected a digit in the exponent"},
      {R"({"colour": "GREEN"})", "got 'GREEN', expected a value of rules_inference.sdk.Colour"},
      {R"({"colour": 1})", "expected a string for `colour`"},
      {R"({"some_bytes": "%"})", "expected base64 for `some_bytes`"},
      {R"({"strings": "a"})", "expected `[` as `strings` is a list"},
      {R"({"strings": ["a",]})", "expected a string"},
      {R"({"strings": ["a" "b"]})", "expected `,` or `]`"},
      {R"({"child": []})", "got '[', expected `{`"},
      {R"(// x)", "got '/', expected `{`"},
  };
  for (const BadCase& c : cases) {
    EXPECT_THAT(ErrorOf({std::string(c.text)}), HasSubstr(std::string(c.error))) << c.text;
  }
}

TEST(MergeJsonLinesTest, TruncatedAtEveryByte) {
  const std::string line =
      R"({"a_string":"\u00fc","numbers":[1,"2"],"child":{"a_double":1.5e3},"colour":"RED"})";
  ASSERT_EQ(ErrorOf({line}), "");
  for (size_t size = 0; size < line.size(); ++size) {
    EXPECT_THAT(ErrorOf({line.substr(0, size)}), HasSubstr("request: line 1, column ")) << size;
  }
}

TEST(MergeJsonLinesTest, DepthIsBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"child":)";
  EXPECT_EQ(ErrorOf({deep}),
            "request: line 1, column 577: got a deeper object, expected at most 64 levels");
}

TEST(ParseJsonTest, CountsLinesOfADocument) {
  EXPECT_EQ(ParseJson<Everything>("side file", "{\n  \"a_bool\": true,\n  \"x\": 1\n}\n")
                .status()
                .message(),
            "side file: line 3, column 3: got unknown field 'x', expected a field of "
            "rules_inference.sdk.Everything");
}

TEST(CanonicalJsonTest, SortedByNameWithoutDefaults) {
  Everything message;
  message.set_a_uint64(UINT64_MAX);
  message.set_an_int32(-1);
  message.set_a_string("\"\\\n\x01\x7f\xc3\xbc");
  message.set_some_bytes(std::string("\0\xff", 2));
  message.set_colour(RED);
  message.set_a_double(0.1);
  message.set_a_float(1.5f);
  message.mutable_child();
  message.add_strings("");
  message.add_bools(false);
  message.add_children()->set_a_bool(true);
  EXPECT_EQ(ToCanonicalJson(message),
            "{\"a_double\":0.1,\"a_float\":1.5,\"a_string\":\"\\\"\\\\\\n\\u0001\\u007f\xc3\xbc\","
            "\"a_uint64\":18446744073709551615,\"an_int32\":-1,\"bools\":[false],\"child\":{},"
            "\"children\":[{\"a_bool\":true}],\"colour\":\"RED\",\"some_bytes\":\"AP8=\","
            "\"strings\":[\"\"]}");
}

TEST(CanonicalJsonTest, ReadsBackAsTheSameMessage) {
  Everything message;
  message.set_a_double(1.0 / 3);
  message.set_an_int64(INT64_MIN);
  message.set_a_string("a\tb");
  message.add_numbers(INT64_MAX);
  message.mutable_right()->set_some_bytes("\xff\xfe");
  const std::string text = ToCanonicalJson(message);
  const absl::StatusOr<Everything> back = ParseJson<Everything>("text", text);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->SerializeAsString(), message.SerializeAsString());
  EXPECT_EQ(ToCanonicalJson(*back), text);
}

}  // namespace
}  // namespace rules_inference::sdk
