// Fetching in more than one go. The server gives half of the file to whoever asks for all of it, so
// that each fetch has to go on at least once.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libdeflate.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/fetch.h"
#include "plugins/store/range_map.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::Durability;
using base::FaultyFileSystem;
using base::JoinPath;
using base::ReadFile;
using base::RealFileSystem;
using base::Sha256;

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = absl::StrCat(testing::TempDir(), "/resume_", info->name());
    EXPECT_TRUE(fs_.RemoveTree(dir_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(dir_).ok());
    options_.attempts = 3;
    options_.netrc_file = "/dev/null";
    options_.sleep = [](absl::Duration) {};
  }
  static void SetUpTestSuite() {
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
    server_ = new TestServer();
  }
  static void TearDownTestSuite() { delete std::exchange(server_, nullptr); }

  static std::string Url(absl::string_view path) { return server_->Url(path); }
  // A path that no other test has asked for.
  std::string Path(absl::string_view way) const {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    return absl::StrCat("/part/", way, "/", info->name());
  }
  std::string Out() const { return JoinPath(dir_, "out"); }
  std::string Parts(absl::string_view name) const {
    return absl::StrCat(dir_, "/parts/", Sha256::Of(GoodBody()).Hex(), name);
  }

  FetchRequest Request(absl::string_view path, const std::string& body = GoodBody()) const {
    FetchRequest request;
    request.urls = {Url(path)};
    request.size = body.size();
    request.sha256 = Sha256::Of(body);
    request.destination = Out();
    request.resume = {
        .directory = JoinPath(dir_, "parts"), .keep = true, .ranges = JoinPath(dir_, "ranges/map")};
    return request;
  }

  // What the server was asked, by Range and If-Range.
  std::vector<std::string> Asked(absl::string_view path) {
    FetchRequest request;
    request.urls = {Url("/ranges")};
    request.destination = JoinPath(dir_, "log");
    EXPECT_TRUE(FetchUnpinned(fs_, request, options_).ok());
    std::vector<std::string> lines;
    const std::string log = ReadFile(fs_, request.destination, 1 << 20).value();
    for (const absl::string_view line : absl::StrSplit(log, '\n')) {
      const std::string prefix = absl::StrCat(path, " ");
      if (absl::StartsWith(line, prefix)) lines.emplace_back(line.substr(prefix.size()));
    }
    return lines;
  }

  std::string ErrorOf(const FetchRequest& request) {
    const absl::Status status = Fetch(fs_, request, options_).status();
    EXPECT_FALSE(status.ok());
    EXPECT_TRUE(absl::IsNotFound(fs_.Stat(Out(), base::Follow::kNo).status()));
    return std::string(status.message());
  }

  void ExpectGood(const FetchRequest& request) {
    const absl::StatusOr<FetchResult> result = Fetch(fs_, request, options_);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(Sha256::Of(ReadFile(fs_, Out(), 1 << 30).value()), request.sha256);
    EXPECT_EQ(result->sha256, request.sha256);
    EXPECT_EQ(result->size, request.size);
    EXPECT_TRUE(fs_.List(JoinPath(dir_, "parts")).value().empty());
    const RangeMap map = RangeMap::Parse(ReadFile(fs_, request.resume.ranges, 1 << 20).value());
    EXPECT_EQ(map.sha256, request.sha256);
    ASSERT_FALSE(map.ranges.empty());
    EXPECT_EQ(map.ranges.back().end, request.size);
  }

  // One attempt, which leaves half of the file.
  void LeaveHalf(absl::string_view path) {
    options_.attempts = 1;
    EXPECT_EQ(ErrorOf(Request(path)),
              absl::StrCat("truncated: ", Url(path), ": got 5000 bytes, expected 10000"));
    options_.attempts = 3;
    EXPECT_EQ(fs_.Stat(Parts(".data"), base::Follow::kNo)->size, 5000U);
  }

  static TestServer* server_;
  RealFileSystem fs_{Durability::kDurable};
  FetchOptions options_;
  std::string dir_;
};

TestServer* ResumeTest::server_ = nullptr;

TEST_F(ResumeTest, NextAttemptGoesOn) {
  ExpectGood(Request(Path("good")));
  EXPECT_EQ(Asked(Path("good")), (std::vector<std::string>{"- -", "bytes=5000- \"v1\""}));
}

TEST_F(ResumeTest, NextProcessGoesOn) {
  LeaveHalf(Path("good"));
  ExpectGood(Request(Path("good")));
  EXPECT_EQ(Asked(Path("good")), (std::vector<std::string>{"- -", "bytes=5000- \"v1\""}));
}

TEST_F(ResumeTest, ServerWithoutAStrongEtag) {
  ExpectGood(Request(Path("date")));
  EXPECT_EQ(Asked(Path("date"))[1], "bytes=5000- Mon, 06 Jul 2026 10:00:00 GMT");
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  ExpectGood(Request(Path("weak")));
  EXPECT_EQ(Asked(Path("weak"))[1], "bytes=5000- -");
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  ExpectGood(Request(Path("nothing")));
  EXPECT_EQ(Asked(Path("nothing"))[1], "bytes=5000- -");
}

TEST_F(ResumeTest, WholeFileInsteadOfTheRest) {
  ExpectGood(Request(Path("unranged")));
  EXPECT_EQ(Asked(Path("unranged")).size(), 2U);
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  ExpectGood(Request(Path("replaced")));
  EXPECT_EQ(Asked(Path("replaced")), (std::vector<std::string>{"- -", "bytes=5000- \"v1\""}));
}

TEST_F(ResumeTest, WrongContinuationRestartsOnce) {
  for (const char* way :
       {"once-wrong", "once-changed", "once-dated", "once-gzip", "once-refused"}) {
    const std::string path = Path(way);
    ExpectGood(Request(path));
    EXPECT_EQ(Asked(path), (std::vector<std::string>{"- -", "bytes=5000- \"v1\"", "- -"})) << way;
    ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  }
}

TEST_F(ResumeTest, WrongContinuationIsThenAnError) {
  const auto error = [&](absl::string_view way) {
    const std::string path = Path(way);
    std::string error = ErrorOf(Request(path));
    EXPECT_EQ(Asked(path).size(), 4U) << way;
    return absl::StrReplaceAll(error, {{Url(path), "URL"}});
  };
  EXPECT_EQ(error("wrong"),
            "wrong range: URL: got 'bytes 4999-9999/10000', expected 'bytes 5000-9999/10000'");
  EXPECT_EQ(error("changed"),
            "changed while it was fetched: URL: got etag '\\\"v2\\\"', expected '\\\"v1\\\"'");
  EXPECT_EQ(error("dated"),
            "changed while it was fetched: URL: got last-modified 'Tue, 07 Jul 2026 10:00:00 GMT', "
            "expected 'Mon, 06 Jul 2026 10:00:00 GMT'");
  EXPECT_EQ(error("gzip"), "encoded range: URL: got 'gzip', expected no content-encoding");
  EXPECT_EQ(error("refused"), "range refused: URL: got 416, expected 206 from byte 5000");
  EXPECT_TRUE(fs_.List(JoinPath(dir_, "parts")).value().empty());
}

TEST_F(ResumeTest, AnotherMirrorGoesOnAndTheHashDecides) {
  FetchRequest request = Request(Path("good"));
  request.urls = {Url("/truncated"), Url("/missing"), Url(Path("changed"))};
  ExpectGood(request);
  // Its etag is its own affair, and not asked for.
  EXPECT_EQ(Asked(Path("changed")), std::vector<std::string>{"bytes=5000- -"});
}

TEST_F(ResumeTest, WrongBytesOfBeforeAreFetchedAgain) {
  LeaveHalf(Path("other"));
  FetchRequest request = Request(Path("other"));
  request.urls = {Url(Path("once-good"))};
  ExpectGood(request);
  // The rest, whose hash was wrong; half, without a range; and the rest of that.
  EXPECT_EQ(Asked(Path("once-good")),
            (std::vector<std::string>{"bytes=5000- -", "- -", "bytes=5000- \"v1\""}));
}

TEST_F(ResumeTest, WrongBytesAreNotKept) {
  for (const char* path : {"/flipped", "/html", "/chunked/77", "/endless"}) {
    EXPECT_NE(ErrorOf(Request(path)), "");
    EXPECT_TRUE(fs_.List(JoinPath(dir_, "parts")).value().empty()) << path;
  }
}

TEST_F(ResumeTest, WrongAnswersDoNotCostWhatIsThere) {
  LeaveHalf(Path("good"));
  for (const char* path : {"/status/403", "/missing", "/wrong-length", "/short-html", "/empty"}) {
    EXPECT_NE(ErrorOf(Request(path)), "");
    EXPECT_EQ(fs_.Stat(Parts(".data"), base::Follow::kNo)->size, 5000U) << path;
  }
  ExpectGood(Request(Path("good")));
  EXPECT_EQ(Asked(Path("good")).size(), 2U);
}

TEST_F(ResumeTest, DamageOfWhatIsThereIsFound) {
  LeaveHalf(Path("good"));
  std::string data = ReadFile(fs_, Parts(".data"), 1 << 20).value();
  data[17] ^= 1;
  ASSERT_TRUE(base::WriteFile(fs_, Parts(".data"), data).ok());
  ExpectGood(Request(Path("once-good")));
  EXPECT_EQ(Asked(Path("once-good"))[0], "- -");
}

TEST_F(ResumeTest, MapCutAnywhereIsSurvived) {
  LeaveHalf(Path("good"));
  const std::string data = ReadFile(fs_, Parts(".data"), 1 << 20).value();
  const std::string map = ReadFile(fs_, Parts(".jsonl"), 1 << 20).value();
  for (size_t length = 0; length <= map.size(); length += 7) {
    ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
    ASSERT_TRUE(base::WriteFile(fs_, Parts(".data"), data).ok());
    ASSERT_TRUE(base::WriteFile(fs_, Parts(".jsonl"), map.substr(0, length)).ok());
    ExpectGood(Request(Path("good")));
  }
}

TEST_F(ResumeTest, CompleteBytesNeedNoServer) {
  LeaveHalf(Path("good"));
  ASSERT_TRUE(base::WriteFile(fs_, Parts(".data"), GoodBody()).ok());
  const std::string map = absl::StrCat(
      HeaderLine(Sha256::Of(GoodBody()), 10000, {.url = "http://example.invalid/x"}),
      RangeLine({0, 10000, libdeflate_crc32(0, GoodBody().data(), GoodBody().size())}));
  ASSERT_TRUE(base::WriteFile(fs_, Parts(".jsonl"), map).ok());
  ExpectGood(Request("/missing"));
}

TEST_F(ResumeTest, WithoutLocksNothingIsLeft) {
  FetchRequest request = Request(Path("good"));
  request.resume.keep = false;
  options_.attempts = 1;
  EXPECT_NE(ErrorOf(request), "");
  EXPECT_TRUE(fs_.List(JoinPath(dir_, "parts")).value().empty());
  options_.attempts = 2;
  ExpectGood(request);
}

TEST_F(ResumeTest, PartInOtherHandsIsLeftAlone) {
  LeaveHalf(Path("good"));
  const auto held = fs_.Update(Parts(".data")).value();
  const absl::Status status = Fetch(fs_, Request(Path("good")), options_).status();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(ReadFile(fs_, Out(), 1 << 20).value(), GoodBody());
  EXPECT_EQ(fs_.Stat(Parts(".data"), base::Follow::kNo)->size, 5000U);
}

TEST_F(ResumeTest, LocalFileGoesOnToo) {
  ASSERT_TRUE(base::WriteFile(fs_, JoinPath(dir_, "local"), GoodBody()).ok());
  LeaveHalf(Path("good"));
  FetchRequest request = Request(Path("good"));
  request.urls = {absl::StrCat("file://", dir_, "/local")};
  ExpectGood(request);
}

TEST_F(ResumeTest, TokenStaysAtItsOrigin) {
  options_.tokens[absl::StrCat("http://127.0.0.1:", server_->port())] = "hf_me";
  ExpectGood(Request("/token/a"));
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  const std::string there = absl::StrCat("http://localhost:", server_->port(), "/token/b");
  EXPECT_EQ(ErrorOf(Request(absl::StrCat("/to/", absl::StrReplaceAll(there, {{"/", "%2F"}})))),
            absl::StrCat("not allowed: ", there,
                         ": got 401, expected 200\nhint: credentials are taken from $NETRC or "
                         "~/.netrc"));
}

TEST_F(ResumeTest, HostIsRewritten) {
  FetchRequest request = Request("");
  request.urls = {"https://example.invalid/models/ok"};
  options_.rewrites = {{"https://example.invalid/models/", Url("/")}};
  const auto result = Fetch(fs_, request, options_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->url, "https://example.invalid/models/ok");
  EXPECT_EQ(result->from, Url("/ok"));
}

TEST_F(ResumeTest, KilledAgainAndAgain) {
  const std::string body = BigBody();
  const FetchRequest request = Request(Path("slow"), body);
  const std::string data = absl::StrCat(dir_, "/parts/", request.sha256.Hex(), ".data");
  uint64_t had = 0;
  int killed = 0;
  for (uint64_t kill_at = 2 << 20; kill_at < body.size(); kill_at += 3 << 20) {
    const pid_t child = fork();
    if (child == 0) {
      RealFileSystem fs(Durability::kDurable);
      _exit(Fetch(fs, request, options_).ok() ? 0 : 1);
    }
    for (int i = 0; i < 3000; ++i) {
      const auto info = fs_.Stat(data, base::Follow::kNo);
      if (info.ok() && info->size >= kill_at) break;
      usleep(1000);
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ++killed;
    const auto size = fs_.Stat(data, base::Follow::kNo)->size;
    EXPECT_GT(size, had);
    had = size;
    EXPECT_TRUE(absl::IsNotFound(fs_.Stat(Out(), base::Follow::kNo).status()));
  }
  EXPECT_EQ(killed, 5);
  ExpectGood(request);
  // Each time at most the range that had begun, and what was not hashed yet, was lost.
  uint64_t last = 0;
  for (const std::string& line : Asked(Path("slow"))) {
    uint64_t from = 0;
    if (!absl::StartsWith(line, "- ")) {
      ASSERT_TRUE(absl::SimpleAtoi(line.substr(6, line.find("- ") - 6), &from)) << line;
    }
    EXPECT_GE(from, last);
    if (last > 0) {
      EXPECT_GE(from - last, uint64_t{2} << 20);
    }
    last = from;
  }
  EXPECT_GE(last + (5 << 18), had);
}

TEST_F(ResumeTest, FaultAtEachOperation) {
  LeaveHalf(Path("good"));
  const std::string data = ReadFile(fs_, Parts(".data"), 1 << 20).value();
  const std::string map = ReadFile(fs_, Parts(".jsonl"), 1 << 20).value();
  for (const absl::Status& fault :
       {absl::ResourceExhaustedError("full"), absl::NotFoundError("went away")}) {
    int n = 1;
    for (;; ++n) {
      ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
      ASSERT_TRUE(base::WriteFile(fs_, Parts(".data"), data).ok());
      ASSERT_TRUE(base::WriteFile(fs_, Parts(".jsonl"), map).ok());
      FaultyFileSystem faulty(fs_, n, fault);
      const absl::Status status = Fetch(faulty, Request(Path("good")), options_).status();
      EXPECT_FALSE(absl::IsNotFound(status)) << n;
      const auto there = ReadFile(fs_, Out(), 1 << 20);
      if (there.ok()) {
        EXPECT_EQ(*there, GoodBody()) << n;
      }
      EXPECT_TRUE(there.ok() || !status.ok()) << n;
      if (!faulty.failed()) break;
      EXPECT_TRUE(Fetch(fs_, Request(Path("good")), options_).ok()) << n;
      EXPECT_EQ(ReadFile(fs_, Out(), 1 << 20).value(), GoodBody()) << n;
      EXPECT_TRUE(fs_.List(JoinPath(dir_, "parts")).value().empty()) << n;
    }
    EXPECT_GE(n, 14);
  }
}

}  // namespace
}  // namespace rules_inference::store
