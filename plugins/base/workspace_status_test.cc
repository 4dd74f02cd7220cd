#include "plugins/base/workspace_status.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rules_inference::base {
namespace {

constexpr absl::string_view kStatus =
    "BUILD_HOST here\nSTABLE_GIT_COMMIT_DAY 1\nSTABLE_GIT_COMMIT 0123abc-dirty\nEMPTY\nBAD a\"b\n";

TEST(WorkspaceStatusTest, Value) {
  EXPECT_EQ(*StatusName(kStatus, "STABLE_GIT_COMMIT"), "0123abc-dirty");
}

TEST(WorkspaceStatusTest, NoKeyAndNoValue) {
  EXPECT_EQ(*StatusName(kStatus, "STABLE_GIT"), "");
  EXPECT_EQ(*StatusName(kStatus, "EMPTY"), "");
  EXPECT_EQ(*StatusName("", "EMPTY"), "");
}

TEST(WorkspaceStatusTest, OnlyNames) {
  EXPECT_EQ(StatusName(kStatus, "BAD").status().message(),
            "workspace status: BAD: got 'a\\\"b', expected up to 100 letters, digits and any of "
            "'.+-_'");
  EXPECT_FALSE(StatusName(absl::StrCat("K ", std::string(101, 'a')), "K").ok());
}

}  // namespace
}  // namespace rules_inference::base
