#include "plugins/select/lock.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::select {
namespace {

const std::string kSha(64, 'a');

// A lock with one good row, and these fields of it in place of its own.
std::string Row(absl::string_view fields) {
  return absl::StrCat(R"({"name":"cpu","platform":"linux-x86_64",)", fields, "}");
}
std::string Good(absl::string_view more = "") {
  return absl::StrCat(R"("format":"tar.gz","size":7,"sha256":")", kSha,
                      R"(","urls":["https://example.invalid/1.0/a.tar.gz"])", more);
}

std::string Check(const std::string& rows, std::vector<std::string>* warnings = nullptr) {
  const auto lock = sdk::ParseJson<sdk::VariantsLock>(
      "lock", absl::StrCat(R"({"lock_version":1,"artifact":"demo","variants":[)", rows, "]}"));
  if (!lock.ok()) return std::string(lock.status().message());
  return std::string(CheckLock(*lock, "x.json", warnings).message());
}

TEST(LockTest, AGoodLock) { EXPECT_EQ(Check(Row(Good())), ""); }

TEST(LockTest, AnAbsentRowNeedsNothingMore) {
  EXPECT_EQ(Check(Row(R"("not_available":"never built")")), "");
}

TEST(LockTest, AnUnknownSizeIsAWarning) {
  std::vector<std::string> warnings;
  EXPECT_EQ(Check(Row(absl::StrCat(R"("format":"zip","sha256":")", kSha,
                                   R"(","urls":["https://example.invalid/a.zip"])")),
                  &warnings),
            "");
  EXPECT_THAT(warnings, testing::ElementsAre("x.json: row 0: the size of cpu is not known"));
}

struct Case {
  std::string row;
  std::string message;
};

class BadLockTest : public testing::TestWithParam<Case> {};

TEST_P(BadLockTest, IsRefused) {
  EXPECT_EQ(Check(GetParam().row), absl::StrCat("variants lock: x.json: ", GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLockTest,
    testing::Values(
        Case{"", "got no variants, expected one row at least"},
        Case{R"({"name":"Cuda","platform":"linux-x86_64"})",
             "row 0: got name 'Cuda', expected lower-case letters, digits, '-', '_', '.', and not "
             "one of artifact, choice, explain, variant"},
        Case{R"({"name":"explain","platform":"linux-x86_64"})",
             "row 0: got name 'explain', expected lower-case letters, digits, '-', '_', '.', and "
             "not one of artifact, choice, explain, variant"},
        Case{R"({"name":"cpu","platform":"linux"})",
             "row 0: got platform 'linux', expected one of linux-aarch64, linux-x86_64, "
             "macos-aarch64, macos-x86_64, windows-aarch64, windows-x86_64"},
        Case{absl::StrCat(Row(Good()), ",", Row(Good())),
             "row 1: got cpu for linux-x86_64 again, see row 0, expected one row per variant and "
             "platform"},
        Case{Row(R"("format":"rar")"),
             "row 0: got format 'rar', expected one of file, tar, tar.gz, tar.xz, tar.zst, zip"},
        Case{Row(R"("format":"zip","sha256":"12")"),
             "row 0: got sha256 '12', expected 64 lower-case hex digits"},
        Case{Row(absl::StrCat(R"("format":"zip","sha256":")", kSha, "\"")),
             "row 0: got no urls, expected urls, parts, or a url_template in the lock"},
        Case{Row(absl::StrCat(R"("not_available":"x","sha256":")", kSha, "\"")),
             "row 0: got an archive beside not_available, expected one or the other"},
        Case{Row(absl::StrCat(R"("format":"zip","sha256":")", kSha,
                              R"(","urls":["https://example.invalid/releases/latest/a.zip"])")),
             "row 0: got url 'https://example.invalid/releases/latest/a.zip', in which 'latest' "
             "moves, expected an address whose bytes stay"},
        Case{Row(absl::StrCat(R"("format":"zip","sha256":")", kSha,
                              R"(","urls":["ftp://example.invalid/a.zip"])")),
             "row 0: got url 'ftp://example.invalid/a.zip', expected https://, http:// or "
             "file:///"},
        Case{Row(Good(R"(,"strip_prefix":"../x")")),
             "row 0: got strip_prefix '../x', expected a relative path without '..'"},
        Case{Row(Good(absl::StrCat(R"(,"parts":[{"sha256":")", kSha, R"(","size":1}])"))),
             "row 0: got urls beside parts, expected one or the other"},
        Case{Row(absl::StrCat(R"("format":"zip","size":7,"sha256":")", kSha,
                              R"(","parts":[{"size":3,"sha256":")", kSha,
                              R"(","urls":["https://example.invalid/0"]}])")),
             "row 0: got parts of 3 bytes together, expected the size of the row, 7"},
        Case{Row(Good(R"(,"properties":{"cubins":["sm_86"]})")),
             "row 0: got CUDA properties with accelerator '', expected accelerator 'cuda'"},
        Case{Row(Good(R"(,"properties":{"accelerator":"cuda","cuda":"12.8"})")),
             "row 0: got the lock names no CUDA code of it, expected what CUDA code is in it, and "
             "of which toolkit"},
        Case{Row(Good(R"(,"properties":{"accelerator":"cuda","cuda":"12.8","cubins":["sm_86b"]})")),
             "row 0: got 'sm_86b' is no CUDA code, expected what CUDA code is in it, and of which "
             "toolkit"},
        Case{Row(Good(R"(,"properties":{"accelerator":"cuda","cuda":"12","cubins":["sm_80a"]})")),
             "row 0: got 'sm_80a' is no CUDA code, expected what CUDA code is in it, and of which "
             "toolkit"},
        Case{Row(Good(R"(,"properties":{"accelerator":"cuda","cubins":["sm_80"]})")),
             "row 0: got '' is no known CUDA toolkit, expected what CUDA code is in it, and of "
             "which toolkit"},
        Case{Row(Good(R"(,"properties":{"libc":"bionic-1"})")),
             "row 0: got libc 'bionic-1', expected such as glibc-2.31 or musl-1.2"},
        Case{Row(Good(R"(,"properties":{"cpu_level":"armv8.2-a"})")),
             "row 0: got cpu_level 'armv8.2-a', expected a level of linux-x86_64"}));

TEST(LockTest, UrlsComeFromTheTemplate) {
  const auto lock = sdk::ParseJson<sdk::VariantsLock>(
      "lock",
      R"({"artifact":"demo","version":"1.2","url_template":"https://example.invalid/{artifact}/v{version}/{cpu}-{os}-{variant}.{platform}",)"
      R"("variants":[{"name":"cuda-sm86","platform":"linux-x86_64"}]})");
  ASSERT_TRUE(lock.ok());
  EXPECT_THAT(UrlsOf(*lock, lock->variants(0)),
              testing::ElementsAre(
                  "https://example.invalid/demo/v1.2/x86_64-linux-cuda-sm86.linux-x86_64"));
}

}  // namespace
}  // namespace rules_inference::select
