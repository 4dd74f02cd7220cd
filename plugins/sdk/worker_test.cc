// Runs the real worker loop over pipes.

#include "plugins/sdk/worker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "gtest/gtest.h"
#include "plugins/sdk/process.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {
namespace {

using ::blaze::worker::WorkRequest;
using ::blaze::worker::WorkResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A worker on a thread of its own, and the client's ends of its pipes.
class TestWorker {
 public:
  TestWorker(WorkerOptions options, WorkerHandler handler) : handler_(std::move(handler)) {
    signal(SIGPIPE, SIG_IGN);
    int to[2];
    int from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) ADD_FAILURE() << "pipe";
    in_ = to[1];
    out_ = from[0];
    responses_ = std::make_unique<google::protobuf::io::FileInputStream>(out_);
    thread_ = std::thread([this, options, read_end = to[0], write_end = from[1]] {
      status_ = ServeWorker(read_end, write_end, options, handler_);
      close(read_end);
      close(write_end);
    });
  }
  ~TestWorker() {
    if (thread_.joinable()) {
      EXPECT_TRUE(Finish().ok());
    }
    close(out_);
  }

  void Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(in_, bytes.data(), bytes.size());
      if (n < 0) return;  // The worker has ended; its status tells why.
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void Send(const WorkRequest& request) { Send(Delimited(request)); }
  void Cancel(int id) {
    WorkRequest request;
    request.set_request_id(id);
    request.set_cancel(true);
    Send(request);
  }

  // Waits for the next response; an id of -1 stands for the end of the stream.
  WorkResponse Receive() {
    WorkResponse response;
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&response, responses_.get(),
                                                                  nullptr)) {
      response.set_request_id(-1);
    }
    return response;
  }

  // Closes both pipes' ends of the client in turn and waits for the worker.
  absl::Status Finish() {
    close(in_);
    thread_.join();
    return status_;
  }
  void CloseOutput() {
    responses_.reset();
    close(out_);
    out_ = -1;
  }

 private:
  const WorkerHandler handler_;
  int in_ = -1;
  int out_ = -1;
  std::unique_ptr<google::protobuf::io::FileInputStream> responses_;
  std::thread thread_;
  absl::Status status_;
};

// Answers with the arguments, one a line.
WorkerAnswer Echo(const WorkRequest& request, const std::atomic<bool>&) {
  WorkerAnswer answer;
  for (const std::string& argument : request.arguments())
    absl::StrAppend(&answer.output, argument, "\n");
  return answer;
}

// Lets a handler wait until the test says so.
class Gate {
 public:
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(WorkerTest, Singleplex) {
  TestWorker worker({}, Echo);
  for (const char* text : {"a", "b", "c"}) {
    worker.Send(MakeRequest(0, {text}));
    const WorkResponse response = worker.Receive();
    EXPECT_EQ(response.request_id(), 0);
    EXPECT_EQ(response.exit_code(), 0);
    EXPECT_EQ(response.output(), absl::StrCat(text, "\n"));
    EXPECT_FALSE(response.was_cancelled());
  }
  EXPECT_EQ(worker.Finish(), absl::OkStatus());
  EXPECT_EQ(worker.Receive().request_id(), -1);
}

TEST(WorkerTest, SingleplexKeepsItsOrderWhenTheClientDoesNotWait) {
  TestWorker worker({}, Echo);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += Delimited(MakeRequest(0, {absl::StrCat(i)}));
  worker.Send(requests);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(worker.Receive().output(), absl::StrCat(i, "\n"));
}

TEST(WorkerTest, ExitCodeAndOutputOfTheHandler) {
  TestWorker worker({}, [](const WorkRequest&, const std::atomic<bool>&) {
    return WorkerAnswer{7, "bad \xff byte"};
  });
  worker.Send(MakeRequest(1, {}));
  const WorkResponse response = worker.Receive();
  EXPECT_EQ(response.exit_code(), 7);
  // A string field that is not UTF-8 would be refused by Bazel, and the whole worker with it.
  EXPECT_EQ(response.output(), "bad \xef\xbf\xbd byte");
}

TEST(WorkerTest, MultiplexRequestsOvertake) {
  Gate gate;
  TestWorker worker({}, [&gate](const WorkRequest& request, const std::atomic<bool>& cancelled) {
    if (request.request_id() == 1) gate.Wait();
    return Echo(request, cancelled);
  });
  worker.Send(MakeRequest(1, {"slow"}));
  worker.Send(MakeRequest(2, {"fast"}));
  const WorkResponse first = worker.Receive();
  EXPECT_EQ(first.request_id(), 2);
  EXPECT_EQ(first.output(), "fast\n");
  gate.Open();
  const WorkResponse second = worker.Receive();
  EXPECT_EQ(second.request_id(), 1);
  EXPECT_EQ(second.output(), "slow\n");
}

TEST(WorkerTest, InterleavedMultiplexAndSingleplex) {
  TestWorker worker({}, Echo);
  std::string requests;
  for (int i = 0; i < 200; ++i)
    requests += Delimited(MakeRequest(i % 4 == 0 ? 0 : i, {absl::StrCat(i)}));
  worker.Send(requests);
  std::vector<int> ids;
  int next_singleplex = 0;
  for (int i = 0; i < 200; ++i) {
    const WorkResponse response = worker.Receive();
    if (response.request_id() == 0) {
      EXPECT_EQ(response.output(), absl::StrCat(next_singleplex, "\n"));
      next_singleplex += 4;
    } else {
      EXPECT_EQ(response.output(), absl::StrCat(response.request_id(), "\n"));
      ids.push_back(response.request_id());
    }
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
  EXPECT_THAT(ids, SizeIs(150));
}

TEST(WorkerTest, NeverMoreThreadsThanAllowed) {
  for (int max_threads : {1, 3}) {
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    WorkerOptions options;
    options.max_threads = max_threads;
    TestWorker worker(options, [&](const WorkRequest& request, const std::atomic<bool>& cancelled) {
      const int now = ++running;
      int seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      WorkerAnswer answer = Echo(request, cancelled);
      --running;
      return answer;
    });
    for (int id = 1; id <= 200; ++id) worker.Send(MakeRequest(id, {}));
    for (int id = 1; id <= 200; ++id) worker.Receive();
    EXPECT_LE(most, max_threads);
    EXPECT_EQ(worker.Finish(), absl::OkStatus());
  }
}

TEST(WorkerTest, CancellationInFlight) {
  Gate started;
  TestWorker worker({}, [&started](const WorkRequest& request, const std::atomic<bool>& cancelled) {
    if (request.request_id() == 2) return Echo(request, cancelled);
    started.Open();
    while (!cancelled) std::this_thread::yield();
    return WorkerAnswer{1, "error: stopped\n"};
  });
  worker.Send(MakeRequest(1, {}));
  started.Wait();
  worker.Cancel(1);
  const WorkResponse response = worker.Receive();
  EXPECT_EQ(response.request_id(), 1);
  EXPECT_TRUE(response.was_cancelled());
  EXPECT_EQ(response.exit_code(), 0);
  EXPECT_EQ(response.output(), "");
  worker.Send(MakeRequest(2, {"alive"}));
  EXPECT_EQ(worker.Receive().output(), "alive\n");
}

TEST(WorkerTest, CancellationOfASingleplexRequest) {
  Gate started;
  TestWorker worker({}, [&started](const WorkRequest&, const std::atomic<bool>& cancelled) {
    started.Open();
    while (!cancelled) std::this_thread::yield();
    return WorkerAnswer{};
  });
  worker.Send(MakeRequest(0, {}));
  started.Wait();
  worker.Cancel(0);
  const WorkResponse response = worker.Receive();
  EXPECT_EQ(response.request_id(), 0);
  EXPECT_TRUE(response.was_cancelled());
}

TEST(WorkerTest, CancellationOfAWaitingRequestIsAnsweredAtOnce) {
  Gate gate;
  std::atomic<int> handled = 0;
  WorkerOptions options;
  options.max_threads = 1;
  TestWorker worker(options, [&](const WorkRequest& request, const std::atomic<bool>& cancelled) {
    ++handled;
    gate.Wait();
    return Echo(request, cancelled);
  });
  worker.Send(MakeRequest(1, {"one"}));
  while (handled == 0) std::this_thread::yield();
  worker.Send(MakeRequest(2, {"two"}));
  worker.Cancel(2);
  const WorkResponse cancelled = worker.Receive();
  EXPECT_EQ(cancelled.request_id(), 2);
  EXPECT_TRUE(cancelled.was_cancelled());
  gate.Open();
  EXPECT_EQ(worker.Receive().output(), "one\n");
  EXPECT_EQ(worker.Finish(), absl::OkStatus());
  EXPECT_EQ(handled, 1);
}

TEST(WorkerTest, CancellationOfAnUnknownIdIsIgnored) {
  TestWorker worker({}, Echo);
  worker.Cancel(5);
  worker.Cancel(0);
  worker.Send(MakeRequest(5, {"a"}));
  const WorkResponse response = worker.Receive();
  EXPECT_EQ(response.output(), "a\n");
  EXPECT_FALSE(response.was_cancelled());
  worker.Cancel(5);
  EXPECT_EQ(worker.Finish(), absl::OkStatus());
  EXPECT_EQ(worker.Receive().request_id(), -1);
}

TEST(WorkerTest, IdInUse) {
  Gate gate;
  TestWorker worker({}, [&gate](const WorkRequest& request, const std::atomic<bool>& cancelled) {
    gate.Wait();
    return Echo(request, cancelled);
  });
  worker.Send(MakeRequest(4, {"first"}));
  worker.Send(MakeRequest(4, {"second"}));
  const WorkResponse refused = worker.Receive();
  EXPECT_EQ(refused.request_id(), 4);
  EXPECT_EQ(refused.exit_code(), 1);
  EXPECT_EQ(refused.output(),
            "error: worker: request_id 4: got a second request while the first one is in work, "
            "expected an id that is not "
            "in use\n");
  gate.Open();
  EXPECT_EQ(worker.Receive().output(), "first\n");
  worker.Send(MakeRequest(4, {"third"}));
  EXPECT_EQ(worker.Receive().output(), "third\n");
}

TEST(WorkerTest, RequestThatDoesNotParse) {
  TestWorker worker({}, Echo);
  worker.Send("\x03\xff\xff\xff");
  WorkResponse response = worker.Receive();
  EXPECT_EQ(response.request_id(), 0);
  EXPECT_EQ(response.exit_code(), 1);
  EXPECT_EQ(response.output(),
            "error: worker: request 1: got 3 bytes that do not parse, expected a WorkRequest in "
            "protobuf\n");
  // Field 1 is not UTF-8; field 3, the id, is still readable, and Bazel would wait for its answer.
  worker.Send("\x05\x0a\x01\xff\x18\x09");
  response = worker.Receive();
  EXPECT_EQ(response.request_id(), 9);
  EXPECT_EQ(response.exit_code(), 1);
  worker.Send(MakeRequest(0, {"alive"}));
  EXPECT_EQ(worker.Receive().output(), "alive\n");
}

TEST(WorkerTest, EmptyMessageIsARequestWithoutArguments) {
  TestWorker worker({}, Echo);
  worker.Send(absl::string_view("\0", 1));
  const WorkResponse response = worker.Receive();
  EXPECT_EQ(response.exit_code(), 0);
  EXPECT_EQ(response.output(), "");
}

TEST(WorkerTest, OversizeRequestIsSkipped) {
  WorkerOptions options;
  options.max_request_bytes = 1000;
  TestWorker worker(options, Echo);
  worker.Send(MakeRequest(8, {std::string(100'000, 'x')}));
  const WorkResponse refused = worker.Receive();
  EXPECT_EQ(refused.request_id(), 8);
  EXPECT_EQ(refused.exit_code(), 1);
  EXPECT_EQ(refused.output(),
            "error: worker: request 1: got 100006 bytes, expected at most 1000 bytes\n");
  worker.Send("\xd0\x86\x03" + std::string(50'000, '\xff'));  // Oversize, and no message either.
  EXPECT_EQ(worker.Receive().request_id(), 0);
  worker.Send(MakeRequest(9, {"alive"}));
  EXPECT_EQ(worker.Receive().output(), "alive\n");
}

// What a worker says to a stream that ends after `input`.
struct Outcome {
  std::vector<int> ids;
  std::string error;
};
Outcome RunOn(absl::string_view input, WorkerOptions options = {}) {
  TestWorker worker(options, Echo);
  worker.Send(input);
  Outcome outcome;
  outcome.error = std::string(worker.Finish().message());
  for (WorkResponse r = worker.Receive(); r.request_id() != -1; r = worker.Receive())
    outcome.ids.push_back(r.request_id());
  std::sort(outcome.ids.begin(), outcome.ids.end());
  return outcome;
}

TEST(WorkerTest, TruncatedAtEveryByte) {
  const std::string requests[] = {Delimited(MakeRequest(1, {"a", "b"})),
                                  Delimited(MakeRequest(2, {})),
                                  Delimited(MakeRequest(3, {std::string(200, 'x')}))};
  const std::string all = requests[0] + requests[1] + requests[2];
  for (size_t size = 0; size <= all.size(); ++size) {
    size_t whole = 0;
    size_t end = 0;
    while (whole < 3 && end + requests[whole].size() <= size) end += requests[whole++].size();
    const Outcome outcome = RunOn(absl::string_view(all).substr(0, size));
    // No request that was read whole is lost, and none is made up.
    EXPECT_THAT(outcome.ids, SizeIs(whole)) << size;
    if (end == size) {
      EXPECT_EQ(outcome.error, "") << size;
    } else {
      EXPECT_THAT(outcome.error,
                  HasSubstr(absl::StrCat("request ", whole + 1, ": got the end of the stream")))
          << size;
    }
  }
}

TEST(WorkerTest, TruncatedOversizeRequest) {
  WorkerOptions options;
  options.max_request_bytes = 10;
  const std::string request = Delimited(MakeRequest(1, {std::string(50, 'x')}));
  for (size_t size = 1; size < request.size(); ++size) {
    const Outcome outcome = RunOn(absl::string_view(request).substr(0, size), options);
    EXPECT_THAT(outcome.ids, IsEmpty());
    EXPECT_EQ(outcome.error, absl::StrCat("worker: request 1: got the end of the stream after ",
                                          size - 1, " bytes, expected 54 bytes"));
  }
}

TEST(WorkerTest, LengthThatIsNoVarint) {
  const std::string error =
      "worker: length of request 2: got no varint below 2^31, expected the length of a "
      "WorkRequest\n"
      "hint: set the execution requirement requires-worker-protocol to proto";
  const std::string good = Delimited(MakeRequest(1, {}));
  for (const std::string& length : {std::string(20, '\xff'), std::string("\xff\xff\xff\xff\x0f"),
                                    std::string("\x80\x80\x80\x80\x08")}) {
    const Outcome outcome = RunOn(good + length);
    EXPECT_EQ(outcome.error, error);
    EXPECT_THAT(outcome.ids, ElementsAre(1));
  }
}

TEST(WorkerTest, JsonInsteadOfProtobuf) {
  // What Bazel sends with requires-worker-protocol = json: '{' is the length 123, and the text is
  // not that long.
  EXPECT_EQ(RunOn("{\"arguments\":[\"a\"],\"requestId\":1}\n").error,
            "worker: request 1: got the end of the stream after 33 bytes, expected 123 bytes");
}

TEST(WorkerTest, EndOfStreamWaitsForAnswers) {
  std::string requests;
  std::vector<int> expected;
  for (int id = 1; id <= 100; ++id) {
    requests += Delimited(MakeRequest(id, {"x"}));
    expected.push_back(id);
  }
  const Outcome outcome = RunOn(requests);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.ids, expected);
}

TEST(WorkerTest, BrokenStreamCancelsWhatIsInFlight) {
  Gate started;
  std::atomic<bool> was_cancelled = false;
  TestWorker worker({}, [&](const WorkRequest&, const std::atomic<bool>& cancelled) {
    started.Open();
    while (!cancelled) std::this_thread::yield();
    was_cancelled = true;
    return WorkerAnswer{};
  });
  worker.Send(MakeRequest(1, {}));
  started.Wait();
  worker.Send(
      "\x05"
      "ab");
  EXPECT_FALSE(worker.Finish().ok());
  EXPECT_TRUE(was_cancelled);
}

TEST(WorkerTest, ClientThatIsGone) {
  TestWorker worker({}, Echo);
  worker.CloseOutput();
  worker.Send(MakeRequest(1, {"x"}));
  EXPECT_EQ(worker.Finish().message(), "worker: standard output: Broken pipe");
}

TEST(WorkerTest, ReadingPausesWhileTooMuchIsWaiting) {
  Gate gate;
  WorkerOptions options;
  options.max_threads = 1;
  options.max_waiting_bytes = 300'000;
  TestWorker worker(options,
                    [&gate](const WorkRequest& request, const std::atomic<bool>& cancelled) {
                      gate.Wait();
                      return Echo(request, cancelled);
                    });
  // Far more than may wait, and more than a pipe holds: the client's thread blocks until the gate
  // opens.
  std::thread client([&worker] {
    for (int id = 1; id <= 20; ++id) worker.Send(MakeRequest(id, {std::string(100'000, 'x')}));
  });
  gate.Open();
  for (int id = 1; id <= 20; ++id) EXPECT_THAT(worker.Receive().output(), SizeIs(100'001));
  client.join();
}

long ResidentKib() {
  std::ifstream statm("/proc/self/statm");
  long total = 0;
  long resident = 0;
  statm >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

TEST(WorkerTest, MemoryStaysFlatOverTenThousandRequests) {
  TestWorker worker({}, Echo);
  const auto ask = [&worker](int count, int id) {
    for (int i = 0; i < count; ++i) {
      worker.Send(MakeRequest(id == 0 ? 0 : id + i, {std::string(10'000, 'x')}));
      ASSERT_THAT(worker.Receive().output(), SizeIs(10'001));
    }
  };
  ask(500, 0);
  ask(500, 1);
  const long before = ResidentKib();
  ask(5'000, 0);
  ask(5'000, 1'000);
  // 10^4 leaked requests would be 100 MB.
  EXPECT_LT(ResidentKib() - before, 16 * 1024);
}

}  // namespace
}  // namespace rules_inference::sdk
