#include "plugins/infer/server/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/infer/server/http.h"

namespace rules_inference::infer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Far longer than anything takes here, even on a machine that is busy.
constexpr seconds kLong(20);

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

// Answers by path: /quick, /load (what goes on, as text), /echo, /hold (until let go or cancelled),
// /stream (a part, then as /hold), /big (32 MiB), /mute (nothing), /late (looks at the body when
// all is over).
class TestHandler final : public HttpHandler {
 public:
  std::optional<HttpAnswer> Check(const HttpHead& head) override {
    if (head.path == "/refused") return HttpAnswer{.status = 404, .body = "no such path"};
    return std::nullopt;
  }
  bool IsQuick(const HttpHead& head) override {
    return head.path == "/quick" || head.path == "/load";
  }
  void Handle(HttpExchange& exchange) override {
    const std::string& path = exchange.head().path;
    if (path == "/quick") return exchange.Send({.body = "quick"});
    if (path == "/load") {
      const HttpLoad load = exchange.load();
      // Without the request itself.
      return exchange.Send({.body = absl::StrCat(load.connections - 1, " connections, ",
                                                 load.receiving, " receiving, ", load.waiting,
                                                 " waiting, ", load.body_bytes, " bytes\n")});
    }
    if (path == "/big") return exchange.Send({.body = std::string(size_t{32} << 20, 'x')});
    if (path == "/mute") return;
    if (path == "/late") {
      while (!exchange.Cancelled()) std::this_thread::sleep_for(milliseconds(2));
      std::this_thread::sleep_for(milliseconds(300));
      late = exchange.body() == std::string(200000, 'x');
      return;
    }
    if (path == "/echo") {
      return exchange.Send({.body = absl::StrCat(exchange.head().method, " ", exchange.body())});
    }
    if (path == "/stream") exchange.Begin({.content_type = "text/plain", .body = "first "});
    ++holding;
    while (!let_go && !exchange.Cancelled()) std::this_thread::sleep_for(milliseconds(2));
    if (exchange.Cancelled()) ++cancelled;
    --holding;
    if (path == "/stream") {
      exchange.Write("last");
      return exchange.End();
    }
    exchange.Send({.body = "held"});
  }
  HttpAnswer Refuse(HttpRefusal refusal) override {
    switch (refusal) {
      case HttpRefusal::kTooLarge:
        return {.status = 413, .body = "too large"};
      case HttpRefusal::kBusy:
        return {.status = 429, .body = "busy", .headers = {{"Retry-After", "3"}}};
      case HttpRefusal::kNoMemory:
        return {.status = 503, .body = "no memory"};
      case HttpRefusal::kTimeout:
        return {.status = 504, .body = "timeout"};
      case HttpRefusal::kStopping:
        return {.status = 503, .body = "stopping"};
    }
    return {.status = 500};
  }
  void OnEnd(const HttpRecord& record) override {
    const std::lock_guard<std::mutex> lock(mutex);
    records.push_back(record);
  }

  std::atomic<bool> let_go = false;
  std::atomic<int> holding = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<bool> late = false;
  std::mutex mutex;
  std::vector<HttpRecord> records;
};

// A client that sends what it is told and shows the bytes that come back.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { Close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  bool Send(absl::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Nothing more will be sent.
  void HalfClose() { shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Until `text` has come; all of what came.
  std::string Until(absl::string_view text) {
    while (!absl::StrContains(received_, text) && Receive()) continue;
    return received_;
  }
  // Until the server closes the connection.
  std::string All() {
    while (Receive()) continue;
    return received_;
  }
  void Forget() { received_.clear(); }

 private:
  bool Receive() {
    pollfd look = {.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&look, 1, static_cast<int>(milliseconds(kLong).count())) <= 0) {
      received_ += "<nothing came>";
      return false;
    }
    char buffer[65536];
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) return false;
    received_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false;
  std::string received_;
};

std::string Post(absl::string_view path, absl::string_view body, absl::string_view headers = "") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(),
                      "\r\n", headers, "\r\n", body);
}

std::string Get(absl::string_view path) {
  return absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\n\r\n");
}

constexpr absl::string_view kClose = "Connection: close\r\n";

class HttpServerTest : public testing::Test {
 protected:
  ~HttpServerTest() override {
    handler_.let_go = true;
    server_ = nullptr;
  }

  void Start(HttpServerOptions options = {}) {
    options.port = 0;
    auto server = HttpServer::Start(options, handler_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  int port() const { return server_->port(); }
  std::string Ask(absl::string_view request) {
    Client client(port());
    EXPECT_TRUE(client.Send(request));
    return client.All();
  }

  // Whether the server comes to say that of itself.
  bool Shows(absl::string_view load) {
    return Eventually([&] {
      return absl::StrContains(
          Ask(absl::StrCat("GET /load HTTP/1.1\r\nHost: x\r\n", kClose, "\r\n")), load);
    });
  }

  TestHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  EXPECT_EQ(server_->Url(), absl::StrCat("http://127.0.0.1:", port()));
  Client client(port());
  for (int i = 0; i < 3; ++i) {
    client.Forget();
    client.Send(Post("/echo", absl::StrCat("hello ", i)));
    const std::string answer = client.Until(absl::StrCat("POST hello ", i));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Length: 12\r\n"));
    client.Forget();
    client.Send(Get("/quick"));
    EXPECT_THAT(client.Until("quick"), EndsWith("\r\n\r\nquick"));
  }
}

TEST_F(HttpServerTest, PipelinedRequests) {
  Start();
  EXPECT_THAT(Ask(absl::StrCat(Post("/echo", "one"), Get("/quick"), Post("/echo", "two", kClose))),
              testing::MatchesRegex("(.|\n|\r)*POST one(.|\n|\r)*\r\n\r\nquick(.|\n|\r)*POST two"));
}

TEST_F(HttpServerTest, ABodyInChunks) {
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              EndsWith("POST abcde"));
}

TEST_F(HttpServerTest, AnOldClient) {
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), EndsWith("POST hi"));
}

TEST_F(HttpServerTest, NoHttp) {
  Start();
  EXPECT_THAT(Ask("hello\r\n\r\n"), testing::Not(HasSubstr("200")));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: "
                  "99999999999999999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 4"));
  EXPECT_THAT(Ask(absl::StrCat("GET /", std::string(100000, 'a'), " HTTP/1.1\r\n\r\n")),
              StartsWith("HTTP/1.1 414"));
  EXPECT_THAT(Ask(absl::StrCat("GET / HTTP/1.1\r\nHost: x\r\nA: ", std::string(100000, 'a'))),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Ask(Post("/echo", "still there", kClose)), EndsWith("still there"));
}

TEST_F(HttpServerTest, ARefusedRequestIsAnsweredBehindItsBody) {
  Start();
  EXPECT_THAT(Ask(Post("/refused", std::string(100000, 'a'), kClose)), StartsWith("HTTP/1.1 404"));
}

TEST_F(HttpServerTest, WhoAsksFirstIsRefusedBeforeTheBody) {
  Start();
  Client client(port());
  client.Send(
      "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.All(), StartsWith("HTTP/1.1 404"));
  Client good(port());
  good.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(good.Until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  good.Send("hi");
  EXPECT_THAT(good.Until("POST hi"), HasSubstr("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, TooLargeABody) {
  Start({.max_body = 1000});
  EXPECT_THAT(Ask(Post("/echo", std::string(1000, 'a'), kClose)), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask(Post("/echo", std::string(1001, 'a'), kClose)), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Ask(absl::StrFormat("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
                                  3000, std::string(3000, 'a'))),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, AFarTooLargeBodyIsNotRead) {
  Start({.max_body = 1000});
  Client client(port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_THAT(client.All(), StartsWith("HTTP/1.1 413"));
  Client chunks(port());
  chunks.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = absl::StrFormat("%x\r\n%s\r\n", 1000, std::string(1000, 'a'));
  EXPECT_TRUE(Eventually([&] { return !chunks.Send(chunk); }));
}

TEST_F(HttpServerTest, AHeadThatDoesNotCome) {
  Start({.head_timeout = milliseconds(200)});
  Client silent(port());
  EXPECT_THAT(silent.All(), StartsWith("HTTP/1.1 408"));
}

TEST_F(HttpServerTest, AHeadThatDrips) {
  Start({.head_timeout = milliseconds(300)});
  Client client(port());
  client.Send("GET /quick HTTP/1.1\r\n");
  EXPECT_TRUE(Eventually([&] {
    std::this_thread::sleep_for(milliseconds(20));
    return !client.Send("A: b\r\n");
  }));
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosedWithoutAWord) {
  Start({.head_timeout = milliseconds(200)});
  Client client(port());
  client.Send(Get("/quick"));
  EXPECT_THAT(client.All(), EndsWith("\r\n\r\nquick"));
}

TEST_F(HttpServerTest, ABodyThatDrips) {
  Start({.body_timeout = milliseconds(300)});
  Client client(port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_TRUE(Eventually([&] {
    std::this_thread::sleep_for(milliseconds(10));
    return !client.Send("a");
  }));
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard<std::mutex> lock(handler_.mutex);
    return handler_.records.size() == 1 && handler_.records[0].status == 0 &&
           !handler_.records[0].complete;
  }));
}

TEST_F(HttpServerTest, TooManyWait) {
  Start({.workers = 1, .max_waiting = 2});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(port()));
    clients.back()->Send(Post("/hold", "x", kClose));
    if (i > 0) continue;
    ASSERT_TRUE(Eventually([&] { return handler_.holding == 1; }));
  }
  // Which of the requests is the one too many depends on who is read first.
  ASSERT_TRUE(Shows(" 2 waiting"));
  clients.push_back(std::make_unique<Client>(port()));
  clients.back()->Send(Post("/hold", "x", kClose));
  const std::string refused = clients.back()->All();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 3\r\n"));
  EXPECT_THAT(Ask(absl::StrCat("GET /quick HTTP/1.1\r\nHost: x\r\n", kClose, "\r\n")),
              EndsWith("quick"));
  handler_.let_go = true;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(clients[static_cast<size_t>(i)]->All(), EndsWith("held"));
  }
}

TEST_F(HttpServerTest, BodiesTakeTooMuchMemory) {
  Start({.max_body = 1000, .max_bodies = 1500});
  Client first(port());
  first.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 800\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(Shows(" 800 bytes"));
  EXPECT_THAT(Ask(Post("/echo", std::string(800, 'b'), kClose)), EndsWith("no memory"));
  EXPECT_THAT(Ask(Post("/echo", std::string(700, 'c'), kClose)), EndsWith("ccc"));
  first.Send(std::string(800, 'a'));
  EXPECT_THAT(first.All(), EndsWith("aaa"));
  // A worker puts a body away when the answer is on its way already.
  ASSERT_TRUE(Shows(" 0 bytes"));
  EXPECT_THAT(Ask(Post("/echo", std::string(1000, 'b'), kClose)), EndsWith("bbb"));
}

TEST_F(HttpServerTest, AClientThatHasGone) {
  Start();
  Client client(port());
  client.Send(Post("/hold", "x"));
  ASSERT_TRUE(Eventually([&] { return handler_.holding == 1; }));
  client.Close();
  EXPECT_TRUE(Eventually([&] { return handler_.cancelled == 1; }));
}

TEST_F(HttpServerTest, AClientThatHasOnlyStoppedSending) {
  Start();
  Client client(port());
  client.Send(Post("/hold", "x", kClose));
  client.HalfClose();
  ASSERT_TRUE(Eventually([&] { return handler_.holding == 1; }));
  client.Until("100 Continue\r\n\r\n");
  handler_.let_go = true;
  const std::string answer = client.All();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("held"));
  EXPECT_EQ(handler_.cancelled, 0);
}

TEST_F(HttpServerTest, ABodyThatEndsEarly) {
  Start();
  const std::string request = Post("/echo", std::string(1000, 'a'));
  Client client(port());
  client.Send(absl::string_view(request).substr(0, request.size() - 1));
  client.HalfClose();
  EXPECT_EQ(client.All(), "");
  Client head(port());
  head.Send("GET /qui");
  head.HalfClose();
  EXPECT_EQ(head.All(), "");
}

TEST_F(HttpServerTest, AnAnswerInParts) {
  Start();
  Client client(port());
  client.Send(Post("/stream", "x", kClose));
  EXPECT_THAT(client.Until("first "), HasSubstr("Transfer-Encoding: chunked\r\n"));
  handler_.let_go = true;
  EXPECT_THAT(client.All(), EndsWith("last\r\n0\r\n\r\n"));
}

TEST_F(HttpServerTest, AClientThatGoesInTheMiddleOfAnAnswer) {
  Start();
  Client client(port());
  client.Send(Post("/stream", "x"));
  client.Until("first ");
  client.Close();
  // Its socket answers the next part with a reset.
  handler_.let_go = true;
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard<std::mutex> lock(handler_.mutex);
    return handler_.records.size() == 1;
  }));
  EXPECT_THAT(Ask(Post("/echo", "on it goes", kClose)), EndsWith("on it goes"));
}

TEST_F(HttpServerTest, ARequestThatTakesTooLong) {
  Start({.request_timeout = milliseconds(200)});
  EXPECT_THAT(Ask(Post("/hold", "x", kClose)), EndsWith("timeout"));
  EXPECT_TRUE(Eventually([&] { return handler_.cancelled == 1; }));
}

TEST_F(HttpServerTest, ABodyIsThereAsLongAsItIsWorkedOn) {
  Start({.request_timeout = milliseconds(100)});
  EXPECT_THAT(Ask(Post("/late", std::string(200000, 'x'), kClose)), EndsWith("timeout"));
  EXPECT_TRUE(Eventually([&] { return handler_.late.load(); }));
}

TEST_F(HttpServerTest, AClientThatDoesNotTakeItsAnswer) {
  Start({.write_timeout = milliseconds(300)});
  Client client(port());
  client.Send(Post("/big", "x"));
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard<std::mutex> lock(handler_.mutex);
    return handler_.records.size() == 1 && !handler_.records[0].complete;
  }));
}

TEST_F(HttpServerTest, AHandlerWithoutAnAnswer) {
  Start();
  EXPECT_THAT(Ask(Post("/mute", "x", kClose)), StartsWith("HTTP/1.1 500"));
}

TEST_F(HttpServerTest, StopWaitsForWhatRuns) {
  Start();
  Client client(port());
  client.Send(Post("/hold", "x"));
  ASSERT_TRUE(Eventually([&] { return handler_.holding == 1; }));
  std::thread stop([&] { server_->Stop(kLong); });
  ASSERT_TRUE(Eventually([&] { return !Client(port()).connected(); }));
  handler_.let_go = true;
  const std::string answer = client.All();
  stop.join();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, EndsWith("held"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpServerTest, StopEndsWhatRunsTooLong) {
  Start({.workers = 1});
  Client running(port());
  running.Send(Post("/hold", "x"));
  ASSERT_TRUE(Eventually([&] { return handler_.holding == 1; }));
  Client waiting(port());
  waiting.Send(Post("/hold", "x"));
  Client sending(port());
  sending.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1");
  Client idle(port());
  ASSERT_TRUE(Shows("4 connections, 1 receiving, 1 waiting"));
  server_->Stop(milliseconds(50));
  EXPECT_THAT(running.All(), EndsWith("stopping"));
  EXPECT_THAT(waiting.All(), EndsWith("stopping"));
  EXPECT_EQ(sending.All(), "");
  EXPECT_EQ(idle.All(), "");
  EXPECT_EQ(handler_.cancelled, 1);
}

TEST_F(HttpServerTest, Records) {
  Start();
  Ask(Post("/echo", "12345", kClose));
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard<std::mutex> lock(handler_.mutex);
    return handler_.records.size() == 1;
  }));
  const HttpRecord& record = handler_.records[0];
  EXPECT_EQ(record.head.method, "POST");
  EXPECT_EQ(record.head.path, "/echo");
  EXPECT_EQ(record.head.peer, "127.0.0.1");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.received, 5);
  EXPECT_EQ(record.sent, 10);
  EXPECT_TRUE(record.complete);
}

TEST_F(HttpServerTest, ManyAtOnce) {
  Start({.max_connections = 400, .workers = 4, .max_waiting = 400});
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 200; ++i) {
    threads.emplace_back([&, i] {
      const std::string body(static_cast<size_t>(1000 * i), static_cast<char>('a' + i % 26));
      if (absl::EndsWith(Ask(Post("/echo", body, kClose)), absl::StrCat("POST ", body))) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

TEST_F(HttpServerTest, APortThatIsTaken) {
  Start();
  const auto second = HttpServer::Start({.port = port()}, handler_);
  EXPECT_EQ(second.status().message(),
            absl::StrCat("server: cannot listen: 127.0.0.1:", port(), ": Address already in use"));
}

TEST_F(HttpServerTest, AHostThatIsNotOurs) {
  const auto server = HttpServer::Start({.host = "192.0.2.1", .port = 0}, handler_);
  EXPECT_EQ(server.status().message(),
            "server: cannot listen: 192.0.2.1:0: Cannot assign requested address");
}

}  // namespace
}  // namespace rules_inference::infer
