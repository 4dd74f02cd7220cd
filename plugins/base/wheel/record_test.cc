#include "plugins/base/wheel/record.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"

namespace rules_inference::base {
namespace {

// The digest of the empty string.
constexpr char kEmpty[] = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

TEST(RecordTest, ReadsRows) {
  const std::string text = std::string("a.py,") + kEmpty + ",0\r\n\"b,\"\"c\"\"\"," + kEmpty +
                           ",0\nd-1.dist-info/RECORD,,";
  const auto record = ParseRecord("w: RECORD", text);
  ASSERT_TRUE(record.ok()) << record.status();
  ASSERT_EQ(record->size(), 3U);
  EXPECT_EQ(record->at("a.py").digest, Sha256::Of(""));
  EXPECT_EQ(record->at("a.py").size, 0U);
  EXPECT_EQ(record->at("b,\"c\"").line, 2U);
  EXPECT_FALSE(record->at("d-1.dist-info/RECORD").digest.has_value());
  EXPECT_TRUE(ParseRecord("w", "")->empty());
}

TEST(RecordTest, RefusesTheRest) {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::string expected_digest = ", expected 'sha256=' and 43 characters of URL-safe base64";
  const std::string expected_row = ", expected path, digest and size with commas between";
  const Case cases[] = {
      {"a", "wheel RECORD: w line 1: got 'a'" + expected_row},
      {"a,,\n\n", "wheel RECORD: w line 2: got ''" + expected_row},
      {"a,b,c,d", "wheel RECORD: w line 1: got 'a,b,c,d'" + expected_row},
      {"\"a,,", "wheel RECORD: w line 1: got '\\\"a,,'" + expected_row},
      {"a\"b,,", "wheel RECORD: w line 1: got 'a\\\"b,,'" + expected_row},
      {"a,md5=x,1", "wheel RECORD: w line 1: got digest 'md5=x'" + expected_digest},
      {"a,sha256=47DEQpj8HBSa,1",
       "wheel RECORD: w line 1: got digest 'sha256=47DEQpj8HBSa'" + expected_digest},
      // The last character has two bits too many.
      {"a,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV,1",
       "wheel RECORD: w line 1: got digest 'sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV'" +
           expected_digest},
      {std::string("a,") + kEmpty + ",-1",
       "wheel RECORD: w line 1: got size '-1', expected a decimal number"},
      {std::string("a,") + kEmpty + ",01",
       "wheel RECORD: w line 1: got size '01', expected a decimal number"},
      {"a,,\na,,", "wheel RECORD: w line 2: got 'a' as on line 1, expected every path once"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ParseRecord("w", c.text).status().message(), c.message);
  }
}

}  // namespace
}  // namespace rules_inference::base
