#include "plugins/base/child_process.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rules_inference::base {
namespace {

absl::StatusOr<ChildAnswer> Shell(const std::string& script,
                                  absl::Duration timeout = absl::Seconds(60)) {
  return AskChild({"/bin/sh", "-c", script}, EnvironmentWith("ADDED", "a value"), timeout);
}

TEST(ChildTest, CollectsBothStreams) {
  const absl::StatusOr<ChildAnswer> answer = Shell("echo \"$ADDED\"; echo e >&2; exit 5");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->output, "a value\n");
  EXPECT_EQ(answer->error, "e\n");
  EXPECT_EQ(answer->exit_code, 5);
}

TEST(ChildTest, HasNoInput) { EXPECT_EQ(Shell("cat")->output, ""); }

TEST(ChildTest, MayHaveSomeInput) {
  const auto answer =
      AskChild({"/bin/sh", "-c", "cat; echo end"}, {}, absl::Seconds(60), 100, "in");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->output, "inend\n");
  // More than a program that does not read leaves room for.
  EXPECT_EQ(AskChild({"/bin/true"}, {}, absl::Seconds(60), 100, std::string(4097, 'x'))
                .status()
                .message(),
            "child process: /bin/true: got 4097 bytes of input, expected at most 4096");
}

TEST(ChildTest, ReportsASignal) { EXPECT_EQ(Shell("kill -9 $$")->exit_code, 137); }

TEST(ChildTest, KeepsTheFirstMebibyte) {
  EXPECT_EQ(Shell("head -c 3000000 /dev/zero")->output.size(), size_t{1} << 20);
}

TEST(ChildTest, IsEndedAfterItsTime) {
  const absl::Status status = Shell("exec sleep 600", absl::Milliseconds(50)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status.message(), "child process: /bin/sh: got no answer, expected one within 50ms");
}

TEST(ChildTest, AProgramThatIsNotThere) {
  const auto answer = AskChild({"/nowhere/program"}, {}, absl::Seconds(1));
  EXPECT_EQ(answer.status().message(),
            "child process: /nowhere/program: No such file or directory");
}

TEST(ChildTest, TheEnvironmentIsReplacedOrLeftOut) {
  setenv("NAME", "old", 1);
  setenv("NAMES", "other", 1);
  EXPECT_EQ(absl::c_count(EnvironmentWith("NAME", ""), "NAME=old"), 0);
  EXPECT_EQ(absl::c_count(EnvironmentWith("NAME", "new"), "NAME=new"), 1);
  EXPECT_EQ(absl::c_count(EnvironmentWith("NAME", "new"), "NAMES=other"), 1);
}

}  // namespace
}  // namespace rules_inference::base
