#include "plugins/inferctl/installer.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "plugins/inferctl/available.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::inferctl {
namespace {

using Cell = sdk::CoverageCell;

constexpr char kNoWheels[] =
    "error: No solution found when resolving dependencies\n"
    "  cause: Because all versions of dlib have no usable wheels and you require dlib, we can\n"
    "         conclude that your requirements are unsatisfiable.\n\n"
    "hint: Wheels are required for `dlib` because building from source is disabled\n";

TEST(ReasonTest, Uv) {
  EXPECT_EQ(ReasonOf(kNoWheels), "all versions of dlib have no usable wheels and you require dlib");
  EXPECT_EQ(StateOf(kNoWheels), Cell::SDIST_ONLY);
}

TEST(ReasonTest, UvWithALineBesideIt) {
  EXPECT_EQ(ReasonOf("  × No solution found when resolving dependencies:\n"
                     "  ╰─▶ Because a was not found in the package registry and you\n"
                     "      │ require a, we can conclude that your requirements are "
                     "unsatisfiable.\n"),
            "a was not found in the package registry and you require a");
  EXPECT_EQ(StateOf("a was not found in the package registry"), Cell::MISSING);
}

TEST(ReasonTest, UvWithMarkers) {
  const std::string said =
      "Because slang{(a == 'b') or c}==1 has no wheels with a matching platform tag and p<2 has no "
      "usable wheels, p cannot be used.\n\nhint: x";
  EXPECT_EQ(ReasonOf(said),
            "slang==1 has no wheels with a matching platform tag and p<2 has no usable wheels, p "
            "cannot be used");
  EXPECT_EQ(StateOf(said), Cell::NO_WHEEL_HERE);
}

TEST(ReasonTest, Pip) {
  const std::string said =
      "ERROR: Could not find a version that satisfies the requirement dlib (from versions: none)\n"
      "ERROR: No matching distribution found for dlib\n";
  EXPECT_EQ(ReasonOf(said), "No matching distribution found for dlib");
  EXPECT_EQ(StateOf(said), Cell::NO_WHEEL_HERE);
}

TEST(ReasonTest, OtherWords) {
  EXPECT_EQ(ReasonOf("warning: x\nfailed to open the cache\n"), "failed to open the cache");
  EXPECT_EQ(ReasonOf(""), "");
  EXPECT_EQ(ReasonOf(std::string(500, 'a')), std::string(240, 'a') + "...");
}

TEST(ScrubbedTest, UrlsHostsAndPaths) {
  EXPECT_EQ(
      Scrubbed("Looking in indexes: https://me:secret@index.example.invalid:8443/simple, x\n"
               "HTTPSConnectionPool(host='other.example.invalid', port=443): for url: /simple/a/\n"
               "dns error: index.example.invalid is not known\n"
               "from git+ssh://git@example.invalid/a.git and mirror.example.invalid\n"
               "Looking in links: /home/me/house\n"
               "-r /srv/list.txt (line 1), and/or a/b\n",
               {"PIP_INDEX_URL=https://user:word@mirror.example.invalid/root", "HOME=/home/me"}),
      "Looking in indexes: <url>, x\n"
      "HTTPSConnectionPool(host='<host>', port=443): for url: <path>\n"
      "dns error: <host> is not known\n"
      "from <url> and <host>\n"
      "Looking in links: <path>\n"
      "-r <path> (line 1), and/or a/b\n");
}

// An index of names: some cannot be had, some pairs not together.
class Index {
 public:
  Index(std::vector<std::string> names, std::set<std::string> absent, bool says_names)
      : names_(std::move(names)), absent_(std::move(absent)), says_names_(says_names) {}

  absl::Status Ask(const std::vector<size_t>& indices) {
    ++questions;
    for (const size_t index : indices) {
      const std::string& name = names_[index];
      if (name == "broken") return absl::UnavailableError("no connection");
      if (absent_.count(name) == 0) continue;
      return absl::NotFoundError(
          says_names_ ? absl::StrCat("no usable wheels and you require ", name, ", so") : "no");
    }
    bool a = false;
    bool b = false;
    for (const size_t index : indices) {
      a |= names_[index] == "conflict-a";
      b |= names_[index] == "conflict-b";
    }
    if (a && b) return absl::NotFoundError("conflict-a and conflict-b do not agree");
    return absl::OkStatus();
  }

  std::string Find(size_t jobs) {
    const auto found = FindUnavailable(
        names_, [this](const auto& indices) { return Ask(indices); }, jobs);
    if (!found.ok()) return std::string(found.status().message());
    return absl::StrJoin(*found, " ", [this](std::string* out, const Unavailable& item) {
      absl::StrAppend(out, names_[item.index]);
    });
  }

  std::atomic<int> questions = 0;

 private:
  const std::vector<std::string> names_;
  const std::set<std::string> absent_;
  const bool says_names_;
};

std::vector<std::string> Hundred() {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(absl::StrCat("name-", i));
  return names;
}

TEST(FindUnavailableTest, WordsLeadToThem) {
  for (const size_t jobs : {size_t{1}, size_t{3}, size_t{8}, size_t{64}}) {
    Index index(Hundred(), {"name-7", "name-8", "name-70", "name-99"}, true);
    EXPECT_EQ(index.Find(jobs), "name-7 name-8 name-70 name-99");
    // A question for each group, two for each name.
    EXPECT_LE(index.questions, static_cast<int>(std::min<size_t>(100, 4 * jobs)) + 8);
  }
}

TEST(FindUnavailableTest, WithoutWordsByHalves) {
  Index index(Hundred(), {"name-7", "name-8", "name-70", "name-99"}, false);
  EXPECT_EQ(index.Find(4), "name-7 name-8 name-70 name-99");
  EXPECT_LE(index.questions, 50);
}

TEST(FindUnavailableTest, All) {
  Index index({"a", "b", "c"}, {"a", "b", "c"}, true);
  EXPECT_EQ(index.Find(2), "a b c");
}

TEST(FindUnavailableTest, None) {
  Index index({}, {}, true);
  EXPECT_EQ(index.Find(2), "");
}

// That they do not agree is for the question about all that is left.
TEST(FindUnavailableTest, AConflictLeavesNobodyOut) {
  Index index({"conflict-a", "x", "conflict-b", "y"}, {"y"}, true);
  EXPECT_EQ(index.Find(1), "y");
}

TEST(FindUnavailableTest, NoAnswerIsAnError) {
  for (const size_t jobs : {size_t{1}, size_t{4}}) {
    Index index({"a", "b", "broken", "c", "d", "e"}, {"c"}, true);
    EXPECT_EQ(index.Find(jobs), "no connection");
  }
}

}  // namespace
}  // namespace rules_inference::inferctl
