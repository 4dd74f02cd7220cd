#include "plugins/wheel/glob.h"

#include <string>

#include "gtest/gtest.h"

namespace rules_inference::wheel {
namespace {

TEST(GlobTest, Matches) {
  const struct {
    const char* pattern;
    const char* path;
    bool matches;
  } cases[] = {
      {"a.py", "a.py", true},
      {"a.py", "b/a.py", false},
      {"*.py", "a.py", true},
      {"*.py", "b/a.py", false},
      {"**/*.py", "a.py", true},
      {"**/*.py", "b/c/a.py", true},
      {"**/tests/**", "numpy/tests/a.py", true},
      {"**/tests/**", "tests/a.py", true},
      {"**/tests/**", "numpy/mytests/a.py", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a**b", "a/x/b", true},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"a*", "a", true},
      {"a*c*e", "abcde", true},
      {"", "a", false},
      {"a", "", false},
      {"**", "any/thing", true},
      {"[a]", "a", false},
      {"a.b", "axb", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(GlobMatches(c.pattern, c.path), c.matches) << c.pattern << " " << c.path;
  }
}

TEST(GlobTest, ManyStarsTakeNoTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "**/*a";
  EXPECT_FALSE(GlobMatches(pattern, std::string(2000, 'a') + "b"));
}

}  // namespace
}  // namespace rules_inference::wheel
