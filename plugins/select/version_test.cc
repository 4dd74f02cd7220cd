#include "plugins/select/version.h"

#include "gtest/gtest.h"

namespace rules_inference::select {
namespace {

TEST(VersionTest, PartsAreNumbers) {
  EXPECT_GT(*Version::Parse("535.104.05"), *Version::Parse("535.86.09"));
  EXPECT_EQ(*Version::Parse("450.80.02"), *Version::Parse("450.80.2"));
  EXPECT_LT(*Version::Parse("9.9"), *Version::Parse("10"));
}

TEST(VersionTest, WhatIsNotSaidIsZero) {
  EXPECT_EQ(*Version::Parse("12"), *Version::Parse("12.0.0"));
  EXPECT_LT(*Version::Parse("12"), *Version::Parse("12.0.1"));
}

TEST(VersionTest, AnythingElseIsNoVersion) {
  for (const char* text : {"", ".", "1.", ".1", "1..2", "1.2.3.4.5", "12a", " 12", "1.-2", "+1",
                           "1234567890", "12.8\n", "v12"}) {
    EXPECT_FALSE(Version::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace rules_inference::select
