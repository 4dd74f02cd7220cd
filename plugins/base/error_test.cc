#include "plugins/base/error.h"

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

TEST(ErrorTest, MismatchHasOneFormat) {
  const absl::Status status = Mismatch("crc32", "a.whl: entry 'x'", "1", "2");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "crc32: a.whl: entry 'x': got 1, expected 2");
}

TEST(ErrorTest, HintIsASecondLine) {
  EXPECT_EQ(WithHint(absl::NotFoundError("no"), "look there").message(), "no\nhint: look there");
  EXPECT_TRUE(WithHint(absl::OkStatus(), "unused").ok());
}

TEST(ErrorTest, QuotedKeepsTheTerminalSafe) {
  EXPECT_EQ(Quoted("a\x1b[2J\n"), "'a\\033[2J\\n'");
  EXPECT_EQ(Quoted("na\xc3\xafve"), "'na\xc3\xafve'");
  EXPECT_EQ(Quoted(std::string(300, 'a')), "'" + std::string(200, 'a') + "'...");
}

TEST(ErrorTest, SystemErrorSaysWhatAndWhere) {
  const absl::Status status = SystemError(ENOSPC, "cannot write", "out");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "cannot write: out: No space left on device");
}

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  ASSIGN_OR_RETURN(const int half, Half(value));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  RETURN_IF_ERROR(absl::OkStatus());
  return quarter;
}

TEST(StatusMacrosTest, PassValuesAndErrorsOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
}

}  // namespace
}  // namespace rules_inference::base
