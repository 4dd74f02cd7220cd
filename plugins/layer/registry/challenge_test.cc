#include "plugins/layer/registry/challenge.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace rules_inference::layer::registry {
namespace {

using Parameters = std::map<std::string, std::string>;

TEST(ChallengeTest, ATokenServer) {
  const std::vector<Challenge> challenges = ParseChallenges(
      R"(Bearer realm="https://auth.example.com/token",service="registry, the one",scope="repository:a:pull,push")");
  ASSERT_EQ(challenges.size(), 1);
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].parameters, (Parameters{{"realm", "https://auth.example.com/token"},
                                                  {"service", "registry, the one"},
                                                  {"scope", "repository:a:pull,push"}}));
}

TEST(ChallengeTest, SeveralInOneHeaderOrInTwo) {
  for (const std::string header : {R"(Basic realm="a b", Bearer REALM = x , service=y)",
                                   "Basic realm=\"a b\"\nBearer realm=x, service=y"}) {
    const std::vector<Challenge> challenges = ParseChallenges(header);
    ASSERT_EQ(challenges.size(), 2) << header;
    EXPECT_EQ(challenges[0].scheme, "basic");
    EXPECT_EQ(challenges[0].parameters, (Parameters{{"realm", "a b"}}));
    EXPECT_EQ(challenges[1].scheme, "bearer");
    EXPECT_EQ(challenges[1].parameters, (Parameters{{"realm", "x"}, {"service", "y"}}));
  }
}

TEST(ChallengeTest, WhatIsNoChallengeIsPassedOver) {
  EXPECT_TRUE(ParseChallenges("").empty());
  EXPECT_TRUE(ParseChallenges(" , \t,").empty());
  EXPECT_TRUE(ParseChallenges("a=b").empty());
  EXPECT_EQ(ParseChallenges("\x01\xff Basic").size(), 1);
  EXPECT_EQ(ParseChallenges(R"(Bearer realm="never ends\)")[0].parameters,
            (Parameters{{"realm", "never ends\\"}}));
  EXPECT_EQ(ParseChallenges(R"(Bearer realm="a\"b")")[0].parameters,
            (Parameters{{"realm", "a\"b"}}));
}

}  // namespace
}  // namespace rules_inference::layer::registry
