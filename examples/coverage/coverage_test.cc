// The report of the lists is the one that people have read: 114 names, 60 of 108 covered.

#include <fstream>
#include <map>
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
  EXPECT_NE(page.find("<li>60 of 108 covered, 48 with gaps: 48 missing\n"), std::string::npos);
  EXPECT_NE(page.find("<tr><th scope=\"row\">gitpython<td>"), std::string::npos);
  EXPECT_NE(page.find("written as GitPython"), std::string::npos);
}

TEST(CoverageExampleTest, TheJson) {
  EXPECT_NE(Read("coverage.json").find("\"covered\": 60"), std::string::npos);
}

TEST(UpstreamExampleTest, TheReport) { EXPECT_EQ(Read("upstream.txt"), Read("upstream.golden")); }

// Each name of the four lists has its row, and each row one of the answers.
TEST(UpstreamExampleTest, EveryNameIsAccountedFor) {
  std::istringstream report(Read("upstream.txt"));
  std::map<std::string, int> answers;
  std::string line;
  std::getline(report, line);
  const size_t column = line.find("3.12 linux-x86_64");
  ASSERT_NE(column, std::string::npos);
  while (std::getline(report, line) && !line.empty()) {
    const std::string cell = line.substr(column);
    ++answers[cell.substr(0, cell.find("  "))
                  .substr(0, cell.rfind("wheel ", 0) == 0 ? 5 : std::string::npos)];
  }
  int rows = 0;
  for (const auto& [answer, count] : answers) rows += count;
  EXPECT_EQ(rows, 142);
  EXPECT_EQ(answers["repository"], 6);
  EXPECT_EQ(answers["wheel"] + answers["sdist only"] + answers["missing"] +
                answers["no wheel here"] + answers["repository"],
            142);
  int names = 0;
  for (const char* const list : {"pak2", "pak3", "pak5", "pak7"}) {
    std::istringstream text(Read(std::string("upstream/") + list + ".txt"));
    while (std::getline(text, line)) {
      if (!line.empty() && line[0] != '#') ++names;
    }
  }
  EXPECT_EQ(names, 142);
}

// Nothing in the checked-in files says where an index is.
TEST(UpstreamExampleTest, NoUrls) {
  EXPECT_EQ(Read("upstream/upstream.lock.txt").find("://"), std::string::npos);
  EXPECT_EQ(Read("upstream/facts.json").find("://"), std::string::npos);
}

}  // namespace
