#include "plugins/infer/cpu/cores.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace rules_inference::infer {
namespace {

class CoresTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void WriteSiblings(int cpu, const std::string& text) {
    Write(absl::StrCat("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"), text);
  }

  const std::string root_ = absl::StrCat(
      testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(CoresTest, AreThoseAllowed) { EXPECT_EQ(UsableCores({0, 3, 5}, root_), 3); }

TEST_F(CoresTest, AreAtLeastOne) { EXPECT_EQ(UsableCores({}, root_), 1); }

TEST_F(CoresTest, HaveSeveralThreadsEach) {
  for (const int cpu : {0, 4}) WriteSiblings(cpu, "0,4\n");
  for (const int cpu : {1, 5}) WriteSiblings(cpu, "1,5\n");
  EXPECT_EQ(UsableCores({0, 1, 4, 5}, root_), 2);
  EXPECT_EQ(UsableCores({4, 5}, root_), 2);
}

TEST_F(CoresTest, AreLimitedByQuota) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(UsableCores({0, 1, 2, 3}, root_), 4);
  Write("/sys/fs/cgroup/a/b/cpu.max", "250000 100000\n");
  EXPECT_EQ(UsableCores({0, 1, 2, 3}, root_), 3);
}

TEST_F(CoresTest, AreLimitedByQuotaOfAGroupAbove) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
  EXPECT_EQ(UsableCores({0, 1, 2, 3}, root_), 1);
}

// Inside of a container the path is the root's.
TEST_F(CoresTest, AreLimitedByQuotaOfTheRoot) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(UsableCores({0, 1, 2, 3}, root_), 2);
}

TEST_F(CoresTest, AreLimitedByQuotaOfTheFirstVersion) {
  Write("/proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/a\n");
  Write("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "150000\n");
  Write("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(UsableCores({0, 1, 2, 3}, root_), 2);
}

TEST(ParseCpuMaxTest, ReadsWhatKernelsWrite) {
  EXPECT_EQ(ParseCpuMax("50000 100000\n"), 0.5);
  EXPECT_EQ(ParseCpuMax("max 100000\n"), std::nullopt);
  EXPECT_EQ(ParseCpuMax(""), std::nullopt);
  EXPECT_EQ(ParseCpuMax("100000 0"), std::nullopt);
}

TEST(UsableCoresTest, AreAtLeastOneHere) { EXPECT_GE(UsableCores(), 1); }

}  // namespace
}  // namespace rules_inference::infer
