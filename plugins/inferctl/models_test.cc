#include "plugins/inferctl/models.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/inferctl.h"

namespace rules_inference::inferctl {
namespace {

class ModelsTest : public testing::Test {
 protected:
  ModelsTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_TRUE(fs_.RemoveTree(root_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
    Write("a.bin", "lmgg a");
    Write("b.bin", "lmgg b");
    EXPECT_EQ(Run({"lock", "a=" + root_ + "/a.bin", "b=" + root_ + "/b.bin"}), 0) << err_.str();
  }

  void Write(const std::string& name, absl::string_view data) {
    EXPECT_TRUE(base::WriteFile(fs_, base::JoinPath(root_, name), data).ok());
  }

  int Run(std::vector<std::string> arguments, base::FileSystem* files = nullptr,
          std::istream* in = nullptr) {
    arguments.insert(arguments.begin(), {"inferctl", "models"});
    // Flags go last, so that names do not end them.
    if (arguments[2] != "materialise") {
      arguments.insert(arguments.end(), {"--lock", root_ + "/models.lock.json"});
    }
    arguments.insert(arguments.end(), {"--store", root_ + "/store"});
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    out_.str("");
    err_.str("");
    select::Probe probe;
    probe.environment = [](absl::string_view) -> std::string { return ""; };
    Console console{out_, err_, files == nullptr ? fs_ : *files, probe, in != nullptr, in};
    return Inferctl(static_cast<int>(argv.size()), argv.data(), console);
  }

  base::RealFileSystem fs_{base::Durability::kDurable};
  const std::string root_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST(ModelsFlagsTest, Sizes) {
  EXPECT_EQ(*ParseSize("0"), 0U);
  EXPECT_EQ(*ParseSize("1.5GB"), 1500000000U);
  EXPECT_EQ(*ParseSize("2 KiB"), 2048U);
  for (const char* text : {"", "GB", "1.2.3", "-1", "1XB", "99999999TB"}) {
    EXPECT_EQ(
        ParseSize(text).status().message(),
        absl::StrCat("flags: '", text,
                     "': got no size, expected a number with kB, MB, GB, TB, KiB, MiB, GiB or "
                     "TiB"));
  }
}

TEST(ModelsFlagsTest, Ages) {
  EXPECT_EQ(*ParseAge("30d"), absl::Hours(720));
  EXPECT_EQ(*ParseAge("0s"), absl::ZeroDuration());
  EXPECT_FALSE(ParseAge("30").ok());
}

TEST(ModelsFlagsTest, Tables) {
  EXPECT_EQ(Table({{"a", "size", "c"}, {"long", "1", ""}}, {1}), "  a     size  c\n  long     1\n");
}

TEST_F(ModelsTest, TheListTakesNumbersRangesAndNames) {
  std::istringstream in("2 b 1-2");
  EXPECT_EQ(Run({"fetch"}, nullptr, &in), 0) << err_.str();
  EXPECT_EQ(out_.str(), "b: 1 file, 6 B, 6 B fetched\na: 1 file, 6 B, 6 B fetched\n");
  std::istringstream wrong("3");
  EXPECT_EQ(Run({"fetch"}, nullptr, &wrong), 1);
  EXPECT_TRUE(
      absl::EndsWith(err_.str(), "error: choice: list: got '3', expected numbers from 1 to 2\n"));
  std::istringstream nothing("\n");
  EXPECT_EQ(Run({"fetch"}, nullptr, &nothing), 0);
  EXPECT_EQ(out_.str(), "nothing to fetch\n");
}

// Whatever operation fails, there is one error, no wrong file, and the next run ends it.
TEST_F(ModelsTest, FetchAndMaterialiseSurviveEveryFault) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"fetch", "--all"},
           {"export", "--to", root_ + "/hub"},
           {"materialise", root_ + "/models.lock.json", "--to", root_ + "/out"}}) {
    for (int fail_at = 1;; ++fail_at) {
      for (const char* name : {"store", "hub", "out"}) {
        EXPECT_TRUE(fs_.RemoveTree(base::JoinPath(root_, name)).ok());
      }
      base::FaultyFileSystem faulty(fs_, fail_at, absl::ResourceExhaustedError("disk full"));
      const int code = Run(command, &faulty);
      if (code != 0) {
        EXPECT_EQ(err_.str().substr(0, 7), "error: ") << err_.str();
      }
      for (const char* name : {"a", "b"}) {
        const auto out =
            base::ReadFile(fs_, absl::StrCat(root_, "/out/", name, "/", name, ".bin"), 99);
        if (out.ok()) {
          EXPECT_EQ(*out, absl::StrCat("lmgg ", name));
        }
      }
      EXPECT_EQ(Run(command), 0) << fail_at << ": " << err_.str();
      if (!faulty.failed()) break;
    }
  }
}

TEST_F(ModelsTest, ALockThatCannotBeWrittenStaysAsItWas) {
  Write("c.bin", "lmgg c");
  const auto before = base::ReadFile(fs_, root_ + "/models.lock.json", 1 << 20);
  ASSERT_TRUE(before.ok());
  for (int fail_at = 1;; ++fail_at) {
    base::FaultyFileSystem faulty(fs_, fail_at, absl::ResourceExhaustedError("disk full"));
    const int code = Run({"lock", "c=" + root_ + "/c.bin"}, &faulty);
    const auto after = base::ReadFile(fs_, root_ + "/models.lock.json", 1 << 20);
    ASSERT_TRUE(after.ok());
    if (code != 0) {
      EXPECT_EQ(*after, *before);
    }
    if (!faulty.failed()) break;
    // A failure to tidy up is none.
    if (code == 0) {
      EXPECT_EQ(Run({"lock", "--remove", "c"}), 0);
    }
  }
  EXPECT_EQ(Run({"lock", "--check"}), 0);
  EXPECT_TRUE(absl::EndsWith(out_.str(), "/models.lock.json: 3 models, right\n")) << out_.str();
}

}  // namespace
}  // namespace rules_inference::inferctl
