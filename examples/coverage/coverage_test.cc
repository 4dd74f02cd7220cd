// The report of the lists is the one that people have read: 114 names, 60 of 108 covered.

#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace {

std::string Read(const std::string& name) {
  std::ifstream in("examples/coverage/" + name);
  EXPECT_TRUE(in.is_open()) << name;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(CoverageExampleTest, TheReport) { EXPECT_EQ(Read("coverage.txt"), Read("coverage.golden")); }

TEST(CoverageExampleTest, ThePage) {
  const std::string page = Read("coverage.html");
  EXPECT_NE(page.find("<li>60 of 108 covered, 48 with gaps\n"), std::string::npos);
  EXPECT_NE(page.find("<tr><th scope=\"row\">gitpython<td>"), std::string::npos);
  EXPECT_NE(page.find("written as GitPython"), std::string::npos);
}

TEST(CoverageExampleTest, TheJson) {
  EXPECT_NE(Read("coverage.json").find("\"covered\": 60"), std::string::npos);
}

}  // namespace
