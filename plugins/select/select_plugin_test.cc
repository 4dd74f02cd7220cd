#include "plugins/select/select_plugin.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/plugin.h"

namespace rules_inference::select {
namespace {

constexpr char kLock[] =
    R"({"lock_version":1,"artifact":"demo","version":"1.0","variants":[{"name":"cpu","platform":"linux-x86_64","format":"zip","size":1,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","urls":["https://example.invalid/a.zip"]},)"
    R"({"name":"cuda-sm90","platform":"linux-x86_64","not_available":"too large"}]})";

class SelectPluginTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return absl::StrCat(testing::TempDir(), "/", name);
  }
  std::string Read(const std::string& name) {
    return base::ReadFile(fs_, Path(name), uint64_t{1} << 20).value_or("(no file)");
  }
  absl::Status Run(const std::string& more) {
    sdk::Request request;
    request.lines = {absl::StrCat(R"({"select":{"select":{"lock":)", kLock,
                                  R"(,"platform":"linux-x86_64","request":"cuda-sm90"}}})"),
                     absl::StrCat(R"({"select":{)", more, "}}")};
    std::string output;
    return SelectPlugin().Run(request, &output);
  }

  base::RealFileSystem fs_;
};

TEST_F(SelectPluginTest, WritesAnswerAndExplanation) {
  ASSERT_TRUE(Run(absl::StrCat(R"("expected":"cpu","answer_output":")", Path("a.json"),
                               R"(","explain_output":")", Path("a.txt"), "\""))
                  .ok());
  EXPECT_EQ(Read("a.txt"),
            "artifact  demo 1.0\n"
            "request   cuda-sm90\n"
            "host      nothing known, linux-x86_64\n"
            "chain     cuda-sm90 -> cpu\n"
            "chosen    cpu, by fallback\n"
            "\n"
            "cpu        chosen\n"
            "cuda-sm90  not available  too large\n");
  EXPECT_EQ(Read("a.json"),
            R"({"candidates":[{"name":"cpu","rank":[0,0,0,0,0,0,0,0,0],"verdict":"CHOSEN"},)"
            R"({"name":"cuda-sm90","reason":{"code":"not_available","text":"too large"},"row":1,)"
            R"("verdict":"NOT_AVAILABLE"}],"chain":["cuda-sm90","cpu"],"chosen":"cpu",)"
            R"("fell_back":true})"
            "\n");
}

TEST_F(SelectPluginTest, AnotherAnswerThanTheBuildsIsAnError) {
  EXPECT_EQ(Run(absl::StrCat(R"("expected":"cuda-sm90","answer_output":")", Path("b.json"), "\""))
                .message(),
            "select: demo: got variant cpu, expected cuda-sm90, which the analysis of the build "
            "chose\nhint: the two must never differ: this is a bug of rules_inference or of the "
            "select plugin");
  EXPECT_EQ(Read("b.json"), "(no file)");
}

TEST_F(SelectPluginTest, ReadsLockAndHostFromFiles) {
  ASSERT_TRUE(base::WriteFile(fs_, Path("lock.json"), kLock).ok());
  ASSERT_TRUE(base::WriteFile(fs_, Path("host.json"), R"({"libc":"glibc-2.36"})").ok());
  EXPECT_TRUE(Run(absl::StrCat(R"("lock_file":")", Path("lock.json"), R"(","host_file":")",
                               Path("host.json"), R"(","expected":"cpu")"))
                  .ok());
}

TEST_F(SelectPluginTest, ABadHostFileIsNamed) {
  ASSERT_TRUE(base::WriteFile(fs_, Path("host.json"), R"({"device":[]})").ok());
  const std::string message(
      Run(absl::StrCat(R"("host_file":")", Path("host.json"), "\"")).message());
  EXPECT_EQ(message.find(Path("host.json")), 0U) << message;
}

TEST_F(SelectPluginTest, ARequestOfNoKind) {
  sdk::Request request;
  std::string output;
  EXPECT_EQ(SelectPlugin().Run(request, &output).message(),
            "request: kind: got none, expected one of select and unpack");
}

}  // namespace
}  // namespace rules_inference::select
