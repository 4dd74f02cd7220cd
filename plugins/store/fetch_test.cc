#include "plugins/store/fetch.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/store/test_server.h"

namespace rules_inference::store {
namespace {

using base::Digest;
using base::Durability;
using base::FaultyFileSystem;
using base::ReadFile;
using base::RealFileSystem;
using base::Sha256;

constexpr absl::string_view kHint =
    "\nhint: the answer looks like a web page, perhaps of a login or of an error";

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = absl::StrCat(testing::TempDir(), "/fetch_", info->name());
    EXPECT_TRUE(fs_.RemoveTree(dir_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(dir_).ok());
    options_.attempts = 3;
    options_.first_byte_timeout = absl::Seconds(6);
    options_.idle_timeout = absl::Seconds(6);
    options_.connect_timeout = absl::Seconds(6);
    options_.netrc_file = "/dev/null";
    options_.sleep = [this](absl::Duration wait) { slept_.push_back(wait); };
  }
  static void SetUpTestSuite() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                             "no_proxy", "NO_PROXY"}) {
      unsetenv(name);
    }
    server_ = new TestServer();
  }
  static void TearDownTestSuite() { delete std::exchange(server_, nullptr); }

  static std::string Url(absl::string_view path) { return server_->Url(path); }
  std::string Out() const { return base::JoinPath(dir_, "sub/out"); }

  FetchRequest Request(std::vector<std::string> urls) const {
    FetchRequest request;
    request.urls = std::move(urls);
    request.size = GoodBody().size();
    request.sha256 = Sha256::Of(GoodBody());
    request.destination = Out();
    return request;
  }

  // Fetches what has to fail, and checks that nothing is left. Returns "<code>: <message>".
  std::string ErrorOf(const FetchRequest& request) {
    const absl::Status status = Fetch(fs_, request, options_).status();
    EXPECT_FALSE(status.ok());
    const auto left = fs_.List(base::JoinPath(dir_, "sub"));
    EXPECT_TRUE(!left.ok() || left->empty());
    return absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
  }
  std::string ErrorOf(absl::string_view path) { return ErrorOf(Request({Url(path)})); }

  // Lines of the server's log that begin with `prefix`.
  std::vector<std::string> Log(absl::string_view prefix) {
    FetchRequest request = Request({Url("/log")});
    request.size = 0;
    request.destination = base::JoinPath(dir_, "log");
    EXPECT_TRUE(FetchUnpinned(fs_, request, options_).ok());
    std::string text = ReadFile(fs_, request.destination, 1 << 20).value();
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      if (absl::StartsWith(line, prefix)) lines.push_back(line);
      at = end + 1;
    }
    return lines;
  }

  void ExpectGood(const FetchRequest& request) {
    const absl::StatusOr<FetchResult> result = Fetch(fs_, request, options_);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(ReadFile(fs_, Out(), 1 << 20).value(), GoodBody());
    EXPECT_EQ(result->size, GoodBody().size());
    EXPECT_EQ(result->sha256, Sha256::Of(GoodBody()));
    EXPECT_EQ(fs_.List(base::JoinPath(dir_, "sub")).value(), std::vector<std::string>{"out"});
  }

  static TestServer* server_;
  RealFileSystem fs_{Durability::kDurable};
  FetchOptions options_;
  std::string dir_;
  std::vector<absl::Duration> slept_;
};

TestServer* FetchTest::server_ = nullptr;

TEST_F(FetchTest, Ok) {
  ExpectGood(Request({Url("/ok?token=secret")}));
  const auto result = Fetch(fs_, Request({Url("/ok?token=secret")}), options_);
  EXPECT_EQ(result->url, Url("/ok?token=secret"));
  EXPECT_EQ(result->from, Url("/ok?..."));
  EXPECT_TRUE(result->passed_over.empty());
  EXPECT_TRUE(slept_.empty());
}

TEST_F(FetchTest, OkWithoutKnownSize) {
  FetchRequest request = Request({Url("/chunked")});
  request.size = 0;
  ExpectGood(request);
}

TEST_F(FetchTest, UnpinnedSaysWhatCame) {
  FetchRequest request = Request({Url("/flipped")});
  request.size = 0;
  request.sha256 = Digest();
  const auto result = FetchUnpinned(fs_, request, options_);
  ASSERT_TRUE(result.ok()) << result.status();
  const std::string body = ReadFile(fs_, Out(), 1 << 20).value();
  EXPECT_EQ(result->size, body.size());
  EXPECT_EQ(result->sha256, Sha256::Of(body));
  EXPECT_NE(body, GoodBody());
}

TEST_F(FetchTest, Absent) {
  EXPECT_EQ(ErrorOf("/missing"),
            absl::StrCat("NOT_FOUND: absent: ", Url("/missing"), ": got 404, expected 200"));
  EXPECT_EQ(ErrorOf("/gone"),
            absl::StrCat("NOT_FOUND: absent: ", Url("/gone"), ": got 410, expected 200"));
  EXPECT_EQ(
      ErrorOf(Request({Url("/missing"), Url("/gone")})),
      absl::StrCat("NOT_FOUND: absent: ", Url("/missing"),
                   ": got 404, expected 200; absent: ", Url("/gone"), ": got 410, expected 200"));
  EXPECT_TRUE(slept_.empty());
}

TEST_F(FetchTest, AbsentHereAndWrongThereIsNotAbsent) {
  std::string flipped = GoodBody();
  flipped.back() = 'x';
  const std::string wrong =
      absl::StrCat("hash mismatch: ", Url("/flipped"), ": got ", Sha256::Of(flipped).ToString(),
                   ", expected ", Sha256::Of(GoodBody()).ToString());
  EXPECT_EQ(ErrorOf("/flipped"), absl::StrCat("INVALID_ARGUMENT: ", wrong));
  EXPECT_EQ(ErrorOf(Request({Url("/missing"), Url("/flipped")})),
            absl::StrCat("INVALID_ARGUMENT: absent: ", Url("/missing"), ": got 404, expected 200; ",
                         wrong));
  EXPECT_EQ(ErrorOf(Request({Url("/flipped"), Url("/missing")})),
            absl::StrCat("INVALID_ARGUMENT: ", wrong, "; absent: ", Url("/missing"),
                         ": got 404, expected 200"));
}

TEST_F(FetchTest, MirrorsInOrder) {
  ExpectGood(Request({Url("/missing"), Url("/flipped"), Url("/ok")}));
  const auto result = Fetch(fs_, Request({Url("/gone"), Url("/ok"), Url("/flipped")}), options_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->url, Url("/ok"));
  EXPECT_EQ(result->passed_over, std::vector<std::string>{absl::StrCat("absent: ", Url("/gone"),
                                                                       ": got 410, expected 200")});
}

TEST_F(FetchTest, NoUrlAndBadUrl) {
  EXPECT_EQ(ErrorOf(Request({})), absl::StrCat("INVALID_ARGUMENT: cannot fetch: ", Out(),
                                               ": got no url, expected at least one"));
  EXPECT_EQ(
      ErrorOf(Request({Url("/ok"), "ftp://example.invalid/x"})),
      "INVALID_ARGUMENT: bad url: ftp://example.invalid/x: got 'ftp', expected http, https or "
      "file");
}

TEST_F(FetchTest, Truncated) {
  EXPECT_EQ(ErrorOf("/truncated"), absl::StrCat("UNAVAILABLE: truncated: ", Url("/truncated"),
                                                ": got 5000 bytes, expected 10000"));
  EXPECT_EQ(slept_, (std::vector<absl::Duration>{absl::Milliseconds(500), absl::Seconds(1)}));
  ExpectGood(Request({Url("/truncated-once")}));
}

TEST_F(FetchTest, BodyThatEndsWithTheConnection) {
  ExpectGood(Request({Url("/uncut")}));
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  EXPECT_EQ(ErrorOf("/cut"), absl::StrCat("UNAVAILABLE: truncated: ", Url("/cut"),
                                          ": got 5000 bytes, expected 10000"));
  EXPECT_EQ(slept_.size(), 2U);
}

TEST_F(FetchTest, BackoffIsCapped) {
  options_.attempts = 5;
  options_.max_backoff = absl::Seconds(2);
  EXPECT_EQ(ErrorOf("/status/503"), absl::StrCat("UNAVAILABLE: server error: ", Url("/status/503"),
                                                 ": got 503, expected 200"));
  EXPECT_EQ(slept_, (std::vector<absl::Duration>{absl::Milliseconds(500), absl::Seconds(1),
                                                 absl::Seconds(2), absl::Seconds(2)}));
}

TEST_F(FetchTest, WrongLengthFailsAtOnce) {
  EXPECT_EQ(ErrorOf("/wrong-length"),
            absl::StrCat("INVALID_ARGUMENT: size mismatch: ", Url("/wrong-length"),
                         ": got 20000 bytes, expected 10000"));
  EXPECT_EQ(ErrorOf("/empty"), absl::StrCat("INVALID_ARGUMENT: size mismatch: ", Url("/empty"),
                                            ": got 0 bytes, expected 10000"));
  EXPECT_EQ(ErrorOf("/chunked/77"),
            absl::StrCat("INVALID_ARGUMENT: size mismatch: ", Url("/chunked/77"),
                         ": got 77 bytes, expected 10000"));
  EXPECT_TRUE(slept_.empty());
}

TEST_F(FetchTest, EndlessBodyIsCut) {
  EXPECT_EQ(ErrorOf("/endless"), absl::StrCat("INVALID_ARGUMENT: size mismatch: ", Url("/endless"),
                                              ": got more than 10000 bytes, expected 10000"));
  FetchRequest request = Request({Url("/endless")});
  request.size = 0;
  options_.max_size = 1 << 20;
  EXPECT_EQ(ErrorOf(request),
            absl::StrCat("INVALID_ARGUMENT: file too large: ", Url("/endless"),
                         ": got more than 1048576 bytes, expected at most 1048576"));
  options_.max_size = 9999;
  request.urls = {Url("/ok")};
  EXPECT_EQ(ErrorOf(request), absl::StrCat("INVALID_ARGUMENT: file too large: ", Url("/ok"),
                                           ": got 10000 bytes, expected at most 9999"));
}

TEST_F(FetchTest, WebPageInsteadOfTheFile) {
  const std::string error = ErrorOf("/html");
  EXPECT_TRUE(absl::StartsWith(
      error, absl::StrCat("INVALID_ARGUMENT: hash mismatch: ", Url("/html"), ": got sha256:")))
      << error;
  EXPECT_TRUE(
      absl::EndsWith(error, absl::StrCat(", expected ", Sha256::Of(GoodBody()).ToString(), kHint)))
      << error;
  EXPECT_EQ(ErrorOf("/short-html"),
            absl::StrCat("INVALID_ARGUMENT: size mismatch: ", Url("/short-html"),
                         ": got 55 bytes, expected 10000", kHint));
}

TEST_F(FetchTest, StatusesThatMeanSomethingElse) {
  constexpr absl::string_view kCredentials =
      "\nhint: credentials are taken from $NETRC or ~/.netrc";
  EXPECT_EQ(ErrorOf("/status/401"),
            absl::StrCat("PERMISSION_DENIED: not allowed: ", Url("/status/401"),
                         ": got 401, expected 200", kCredentials));
  EXPECT_EQ(ErrorOf("/status/403"),
            absl::StrCat("PERMISSION_DENIED: not allowed: ", Url("/status/403"),
                         ": got 403, expected 200", kCredentials));
  EXPECT_EQ(ErrorOf("/range"), absl::StrCat("INVALID_ARGUMENT: unexpected answer: ", Url("/range"),
                                            ": got 206, expected 200"));
  EXPECT_EQ(ErrorOf("/status/400"), absl::StrCat("INVALID_ARGUMENT: unexpected answer: ",
                                                 Url("/status/400"), ": got 400, expected 200"));
  EXPECT_TRUE(slept_.empty());
  EXPECT_EQ(ErrorOf("/status/500"), absl::StrCat("UNAVAILABLE: server error: ", Url("/status/500"),
                                                 ": got 500, expected 200"));
  EXPECT_EQ(ErrorOf("/status/429"), absl::StrCat("UNAVAILABLE: too many requests: ",
                                                 Url("/status/429"), ": got 429, expected 200"));
  EXPECT_EQ(slept_.size(), 4U);
}

TEST_F(FetchTest, BusyServerIsAskedAgain) {
  ExpectGood(Request({Url("/busy/429/a")}));
  // The server asks for three seconds.
  EXPECT_EQ(slept_, (std::vector<absl::Duration>{absl::Seconds(3), absl::Seconds(3)}));
  slept_.clear();
  ExpectGood(Request({Url("/busy/500/a")}));
  EXPECT_EQ(slept_, (std::vector<absl::Duration>{absl::Milliseconds(500), absl::Seconds(1)}));
}

TEST_F(FetchTest, ConnectionTrouble) {
  options_.attempts = 1;
  EXPECT_EQ(ErrorOf("/reset"), absl::StrCat("UNAVAILABLE: connection lost: ", Url("/reset"),
                                            ": got 5 bytes, expected 10000"));
  EXPECT_EQ(ErrorOf("/hangup"), absl::StrCat("UNAVAILABLE: connection lost: ", Url("/hangup"),
                                             ": got 0 bytes, expected 10000"));
  EXPECT_EQ(ErrorOf(Request({"http://127.0.0.1:1/x"})),
            "UNAVAILABLE: cannot connect: http://127.0.0.1:1/x: got Connection refused, expected a "
            "connection");
  EXPECT_EQ(ErrorOf(Request({"http://name.invalid/x"})),
            "UNAVAILABLE: cannot connect: http://name.invalid/x: got an unknown host, expected a "
            "connection");
  ExpectGood(Request({Url("/reset"), Url("/ok")}));
}

TEST_F(FetchTest, SilentServer) {
  options_.attempts = 1;
  options_.first_byte_timeout = absl::Seconds(1);
  options_.idle_timeout = absl::Seconds(1);
  const absl::Time start = absl::Now();
  EXPECT_EQ(ErrorOf("/silent"), absl::StrCat("UNAVAILABLE: no answer: ", Url("/silent"),
                                             ": got nothing for 1s, expected an answer"));
  EXPECT_EQ(ErrorOf("/stall"), absl::StrCat("UNAVAILABLE: stalled: ", Url("/stall"),
                                            ": got nothing for 1s after 5 bytes, expected 10000"));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));  // The server waits 8 s each time.
  options_.idle_timeout = absl::Seconds(2);
  // Slower than the timeout in all, but never silent for so long.
  ExpectGood(Request({Url("/dripping")}));
}

TEST_F(FetchTest, Redirects) {
  ExpectGood(Request({Url("/to/%2Fok")}));
  ExpectGood(Request({Url("/hops/5")}));
  EXPECT_EQ(Fetch(fs_, Request({Url("/to/%2Fok%3Fsig=secret")}), options_)->from, Url("/ok?..."));
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  EXPECT_EQ(ErrorOf("/hops/6"), absl::StrCat("INVALID_ARGUMENT: too many redirects: ",
                                             Url("/hops/6"), ": got 6, expected at most 5"));
  EXPECT_EQ(ErrorOf("/loop"), absl::StrCat("INVALID_ARGUMENT: too many redirects: ", Url("/loop"),
                                           ": got 6, expected at most 5"));
  EXPECT_EQ(
      ErrorOf("/to/file:%2F%2F%2Fetc%2Fpasswd"),
      absl::StrCat("INVALID_ARGUMENT: redirect refused: ", Url("/to/file:%2F%2F%2Fetc%2Fpasswd"),
                   ": got file:///etc/passwd, expected http or https"));
  EXPECT_EQ(ErrorOf("/to/ftp:%2F%2Fhost%2Fx"),
            absl::StrCat("INVALID_ARGUMENT: redirect refused: ", Url("/to/ftp:%2F%2Fhost%2Fx"),
                         ": got ftp://host/x, expected http or https"));
  EXPECT_EQ(ErrorOf("/nowhere"), absl::StrCat("INVALID_ARGUMENT: redirect refused: ",
                                              Url("/nowhere"), ": got no target, expected a url"));
  EXPECT_EQ(ErrorOf("/to/%2Fmissing"),
            absl::StrCat("NOT_FOUND: absent: ", Url("/missing"), ": got 404, expected 200"));
}

TEST_F(FetchTest, ContentEncodingIsNotUndone) { ExpectGood(Request({Url("/encoded")})); }

TEST_F(FetchTest, CredentialsOfNetrcStayAtTheirHost) {
  options_.netrc_file = base::JoinPath(dir_, "netrc");
  ASSERT_TRUE(base::WriteFile(fs_, options_.netrc_file,
                              "machine 127.0.0.1 login me password pass\n"
                              "machine localhost login me password pass\n")
                  .ok());
  ExpectGood(Request({Url("/secret/a")}));
  ExpectGood(Request({Url("/to/%2Fsecret%2Fb")}));
  // Another name of the same server is another host.
  const std::string other = absl::StrCat("http://localhost:", server_->port(), "/secret/c");
  ExpectGood(Request({other}));
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  const std::string to_other =
      absl::StrCat("/to/http:%2F%2Flocalhost:", server_->port(), "%2Fsecret%2Fd");
  EXPECT_EQ(
      ErrorOf(to_other),
      absl::StrCat("PERMISSION_DENIED: not allowed: http://localhost:", server_->port(),
                   "/secret/d: got 401, expected 200\nhint: credentials are taken from $NETRC "
                   "or ~/.netrc"));
  EXPECT_EQ(Log("/secret/d"), std::vector<std::string>{"/secret/d -"});
  EXPECT_EQ(Log(to_other), std::vector<std::string>{absl::StrCat(to_other, " Basic bWU6cGFzcw==")});
}

TEST_F(FetchTest, UserOfAUrlIsUsedThereAndNotPrinted) {
  const std::string with_user =
      absl::StrCat("http://me:pass@127.0.0.1:", server_->port(), "/secret/e");
  ExpectGood(Request({with_user}));
  EXPECT_EQ(Fetch(fs_, Request({with_user}), options_)->from, Url("/secret/e"));
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  const std::string bad = absl::StrCat("http://me:secret@127.0.0.1:", server_->port(), "/secret/f");
  EXPECT_EQ(ErrorOf(Request({bad})),
            absl::StrCat("PERMISSION_DENIED: not allowed: ", Url("/secret/f"),
                         ": got 401, expected 200\nhint: credentials are taken from $NETRC or "
                         "~/.netrc"));
  // A server cannot make us send what it puts into a redirect.
  const std::string planted =
      absl::StrCat("/to/http:%2F%2Fme:pass@127.0.0.1:", server_->port(), "%2Fsecret%2Fg");
  EXPECT_FALSE(Fetch(fs_, Request({Url(planted)}), options_).ok());
  EXPECT_EQ(Log("/secret/g"), std::vector<std::string>{"/secret/g -"});
}

TEST_F(FetchTest, ProxyOfTheEnvironmentIsUsed) {
  setenv("http_proxy", Url("").c_str(), 1);
  const auto result = Fetch(fs_, Request({"http://example.invalid/x"}), options_);
  unsetenv("http_proxy");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Log("http://").size(), 1U);
}

TEST_F(FetchTest, File) {
  const std::string file = base::JoinPath(dir_, "a file");
  ASSERT_TRUE(base::WriteFile(fs_, file, GoodBody()).ok());
  ExpectGood(Request({absl::StrCat("file://", dir_, "/a%20file")}));
  ASSERT_TRUE(fs_.RemoveTree(Out()).ok());
  EXPECT_EQ(
      ErrorOf(Request({absl::StrCat("file://", dir_, "/none")})),
      absl::StrCat("NOT_FOUND: absent: file://", dir_, "/none: got no such file, expected a file"));
  EXPECT_EQ(ErrorOf(Request({absl::StrCat("file://", dir_)})),
            absl::StrCat("INVALID_ARGUMENT: cannot open: ", dir_,
                         ": got a directory, expected a regular file"));
  ASSERT_TRUE(base::WriteFile(fs_, file, "short").ok());
  EXPECT_EQ(ErrorOf(Request({absl::StrCat("file://", dir_, "/a%20file")})),
            absl::StrCat("INVALID_ARGUMENT: size mismatch: file://", dir_,
                         "/a%20file: got 5 bytes, expected 10000"));
}

TEST_F(FetchTest, Progress) {
  std::vector<uint64_t> done;
  options_.progress = [&](uint64_t now, uint64_t total) {
    done.push_back(now);
    EXPECT_EQ(total, 10000U);
  };
  ExpectGood(Request({Url("/truncated-once?progress")}));
  EXPECT_EQ(done.front(), 0U);
  EXPECT_EQ(done.back(), 10000U);
  EXPECT_EQ(std::count(done.begin(), done.end(), 0U), 2);
}

TEST_F(FetchTest, AllInParallel) {
  std::vector<FetchRequest> requests;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(Request({Url(i == 5 ? "/missing" : "/slow-ok")}));
    requests.back().destination = base::JoinPath(dir_, absl::StrCat("out", i));
  }
  uint64_t last = 0;
  options_.progress = [&](uint64_t now, uint64_t total) {
    last = now;
    EXPECT_EQ(total, 80000U);
  };
  const auto results = FetchAll(fs_, requests, options_, 3);
  ASSERT_EQ(results.size(), 8U);
  for (size_t i = 0; i < results.size(); ++i) {
    if (i == 5) {
      EXPECT_TRUE(absl::IsNotFound(results[i].status()));
      continue;
    }
    EXPECT_TRUE(results[i].ok()) << results[i].status();
    EXPECT_EQ(ReadFile(fs_, requests[i].destination, 1 << 20).value(), GoodBody());
  }
  EXPECT_EQ(last, 70000U);
  options_.progress = nullptr;
  FetchRequest most = Request({Url("/most-slow")});
  most.size = 0;
  ASSERT_TRUE(FetchUnpinned(fs_, most, options_).ok());
  EXPECT_EQ(ReadFile(fs_, Out(), 9).value(), "3");
  EXPECT_TRUE(FetchAll(fs_, {}, options_, 4).empty());
}

TEST_F(FetchTest, ExistingFileStaysUntilTheRightOneIsThere) {
  ASSERT_TRUE(fs_.CreateDirectories(base::JoinPath(dir_, "sub")).ok());
  ASSERT_TRUE(base::WriteFile(fs_, Out(), "old").ok());
  EXPECT_FALSE(Fetch(fs_, Request({Url("/flipped")}), options_).ok());
  EXPECT_EQ(ReadFile(fs_, Out(), 100).value(), "old");
  ExpectGood(Request({Url("/ok")}));
}

TEST_F(FetchTest, FaultAtEachOperationLeavesNothing) {
  ASSERT_TRUE(base::WriteFile(fs_, base::JoinPath(dir_, "local"), GoodBody()).ok());
  for (const std::string& url : {Url("/ok"), absl::StrCat("file://", dir_, "/local")}) {
    // NotFound is the code that must not come through: it would read as "absent".
    for (const absl::Status& fault :
         {absl::ResourceExhaustedError("full"), absl::NotFoundError("directory went away")}) {
      int n = 1;
      for (;; ++n) {
        ASSERT_TRUE(fs_.RemoveTree(base::JoinPath(dir_, "sub")).ok());
        FaultyFileSystem faulty(fs_, n, fault);
        const absl::Status status = Fetch(faulty, Request({url}), options_).status();
        if (!faulty.failed()) {
          EXPECT_TRUE(status.ok());
          break;
        }
        EXPECT_FALSE(status.ok()) << n;
        // Opening the source is the exception: that answer is the source's.
        const bool opening = n == 1 && absl::StartsWith(url, "file:");
        EXPECT_EQ(absl::IsNotFound(status), opening && absl::IsNotFound(fault)) << n << status;
        const auto left = fs_.List(base::JoinPath(dir_, "sub"));
        EXPECT_TRUE(!left.ok() || left->empty()) << n;
        ExpectGood(Request({url}));
      }
      EXPECT_GE(n, 5) << url;
    }
  }
  EXPECT_TRUE(slept_.empty());
}

}  // namespace
}  // namespace rules_inference::store
