#include "plugins/sdk/error.h"

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "gtest/gtest.h"
#include "plugins/base/error.h"

namespace rules_inference::sdk {
namespace {

TEST(ErrorTest, OneLine) {
  EXPECT_EQ(FormatError(base::Mismatch("wheel", "a.whl", "2", "1")),
            "error: wheel: a.whl: got 2, expected 1\n");
}

TEST(ErrorTest, Hint) {
  EXPECT_EQ(FormatError(base::WithHint(base::Mismatch("wheel", "a.whl", "2", "1"), "try again")),
            "error: wheel: a.whl: got 2, expected 1\nhint: try again\n");
}

TEST(ErrorTest, Ok) {
  EXPECT_EQ(FormatError(absl::OkStatus()), "");
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::CancelledError()), 1);
}

TEST(ErrorTest, ErrorWithoutMessageNamesItsKind) {
  EXPECT_EQ(FormatError(absl::CancelledError()), "error: CANCELLED\n");
}

TEST(ErrorTest, StaysOneLineWhateverTheMessageHolds) {
  EXPECT_EQ(FormatError(absl::InternalError("a\nb\r\tc\x1b[31m\x7f")),
            "error: a\\nb\\x0d\\x09c\\x1b[31m\\x7f\n");
}

TEST(ErrorTest, IsValidUtf8) {
  EXPECT_EQ(
      FormatError(absl::InternalError("gr\xc3\xbc\xc3\x9f \xff \xc0\x80 \xed\xa0\x80 \xf0\x9f")),
      "error: gr\xc3\xbc\xc3\x9f \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
      "\xef\xbf\xbd\xef\xbf\xbd\n");
}

TEST(ErrorTest, ContextKeepsCodeAndPayload) {
  absl::Status status = absl::NotFoundError("gone");
  status.SetPayload("url", absl::Cord("payload"));
  const absl::Status result = AddContext(status, "here");
  EXPECT_EQ(result.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(result.message(), "here: gone");
  EXPECT_EQ(result.GetPayload("url"), absl::Cord("payload"));
  EXPECT_TRUE(AddContext(absl::OkStatus(), "here").ok());
}

}  // namespace
}  // namespace rules_inference::sdk
