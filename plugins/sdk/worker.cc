#include "plugins/sdk/worker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/worker_protocol.pb.h"
#include "plugins/sdk/worker_stream.h"

namespace rules_inference::sdk {
namespace {

using ::blaze::worker::WorkRequest;
using ::blaze::worker::WorkResponse;

// What a waiting request costs beside its bytes, so that a million empty ones are bounded as well.
constexpr size_t kTaskOverhead = 1024;

struct Task {
  WorkRequest request;
  size_t cost = 0;
  std::atomic<bool> cancelled{false};
};
using TaskPtr = std::shared_ptr<Task>;

class Server {
 public:
  Server(int out_fd, const WorkerOptions& options, const WorkerHandler& handler)
      : options_(options), handler_(handler), writer_(out_fd) {}

  absl::Status Serve(int in_fd) {
    absl::Status status = ReadAll(in_fd);
    if (!status.ok()) CancelAll();
    Join();
    // A client that is gone explains a stream that ends early, so that is said first.
    const std::lock_guard<std::mutex> lock(mutex_);
    return write_status_.ok() ? status : write_status_;
  }

 private:
  absl::Status ReadAll(int in_fd) {
    RequestReader reader(in_fd, options_.max_request_bytes);
    while (true) {
      ASSIGN_OR_RETURN(RequestReader::Frame frame, reader.Next());
      if (frame.end) return absl::OkStatus();
      const int32_t id = frame.request.request_id();
      if (!frame.problem.ok()) {
        Respond(id, {kExitFailed, FormatError(frame.problem)}, /*was_cancelled=*/false);
      } else if (frame.request.cancel()) {
        Cancel(id);
      } else {
        Accept(std::move(frame));
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      RETURN_IF_ERROR(write_status_);
    }
  }

  // Queues one request and makes sure that a thread takes it.
  void Accept(RequestReader::Frame frame) {
    const int32_t id = frame.request.request_id();
    auto task = std::make_shared<Task>();
    task->request = std::move(frame.request);
    task->cost = frame.wire_bytes + kTaskOverhead;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] {
        return waiting_cost_ == 0 || waiting_cost_ + task->cost <= options_.max_waiting_bytes;
      });
      if (id != 0 && !by_id_.emplace(id, task).second) {
        lock.unlock();
        Respond(id,
                {kExitFailed,
                 FormatError(base::Mismatch("worker", absl::StrCat("request_id ", id),
                                            "a second request while the first one is in work",
                                            "an id that is not in use"))},
                /*was_cancelled=*/false);
        return;
      }
      waiting_cost_ += task->cost;
      if (id == 0) {
        singleplex_.push_back(task);
        // Its turn comes when the one before it is answered.
        if (singleplex_.size() > 1) return;
      }
      runnable_.push_back(std::move(task));
      if (idle_threads_ < runnable_.size() &&
          threads_.size() < static_cast<size_t>(std::max(1, options_.max_threads))) {
        threads_.emplace_back([this] { WorkLoop(); });
      }
    }
    changed_.notify_all();
  }

  // An id that is not in work is ignored: its answer and the cancellation may have crossed on their
  // way.
  void Cancel(int32_t id) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (id == 0) {
        for (const TaskPtr& task : singleplex_) task->cancelled = true;
        return;
      }
      const auto found = by_id_.find(id);
      if (found == by_id_.end()) return;
      const TaskPtr task = found->second;
      task->cancelled = true;
      // One that no thread has taken yet is answered here, as all threads may be busy for long.
      const auto waiting = std::find(runnable_.begin(), runnable_.end(), task);
      if (waiting == runnable_.end()) return;
      runnable_.erase(waiting);
      waiting_cost_ -= task->cost;
      by_id_.erase(found);
    }
    Respond(id, {}, /*was_cancelled=*/true);
  }

  void CancelAll() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, task] : by_id_) task->cancelled = true;
    for (const TaskPtr& task : singleplex_) task->cancelled = true;
  }

  void WorkLoop() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      ++idle_threads_;
      changed_.wait(lock, [this] { return !runnable_.empty() || closed_; });
      --idle_threads_;
      if (runnable_.empty()) return;
      const TaskPtr task = std::move(runnable_.front());
      runnable_.pop_front();
      waiting_cost_ -= task->cost;
      lock.unlock();
      changed_.notify_all();
      Handle(*task);
      lock.lock();
    }
  }

  void Handle(Task& task) {
    const int32_t id = task.request.request_id();
    WorkerAnswer answer;
    if (!task.cancelled) answer = handler_(task.request, task.cancelled);
    bool cancelled = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      cancelled = task.cancelled;
      // Before the answer leaves: the client may use the id again as soon as it has it.
      if (id != 0) by_id_.erase(id);
    }
    Respond(id, std::move(answer), cancelled);
    if (id != 0) return;
    // The next singleplex request starts only now, so that answers with id 0 keep the order of
    // their requests.
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      singleplex_.pop_front();
      if (!singleplex_.empty()) runnable_.push_back(singleplex_.front());
    }
    changed_.notify_all();
  }

  void Respond(int32_t id, WorkerAnswer answer, bool was_cancelled) {
    WorkResponse response;
    response.set_request_id(id);
    if (was_cancelled) {
      response.set_was_cancelled(true);
    } else {
      response.set_exit_code(answer.exit_code);
      response.set_output(ToValidUtf8(answer.output));
    }
    const absl::Status status = writer_.Write(response);
    if (status.ok()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (write_status_.ok()) write_status_ = status;
  }

  void Join() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    // `threads_` grows in the reading thread only, which is this one.
    for (std::thread& thread : threads_) thread.join();
  }

  const WorkerOptions options_;
  const WorkerHandler& handler_;
  ResponseWriter writer_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Requests that a thread may take now.
  std::deque<TaskPtr> runnable_;
  // Multiplex requests in work or runnable.
  std::unordered_map<int32_t, TaskPtr> by_id_;
  // Singleplex requests; the first one is in work or runnable, the others wait.
  std::deque<TaskPtr> singleplex_;
  // Sum of the costs of all requests that no thread has taken.
  size_t waiting_cost_ = 0;
  size_t idle_threads_ = 0;
  bool closed_ = false;
  absl::Status write_status_;
  std::vector<std::thread> threads_;
};

}  // namespace

absl::Status ServeWorker(int in_fd, int out_fd, const WorkerOptions& options,
                         const WorkerHandler& handler) {
  return Server(out_fd, options, handler).Serve(in_fd);
}

absl::Status ServeWorkerOnStdio(const WorkerOptions& options, const WorkerHandler& handler) {
  // A client that is gone shows as EPIPE, which ends the worker with a message.
  std::signal(SIGPIPE, SIG_IGN);
  std::fflush(stdout);
  const int in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  if (in_fd < 0) return base::SystemError(errno, "worker", "standard input");
  const auto close_in = absl::MakeCleanup([in_fd] { close(in_fd); });
  const int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (out_fd < 0) return base::SystemError(errno, "worker", "standard output");
  const auto close_out = absl::MakeCleanup([out_fd] { close(out_fd); });
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0) return base::SystemError(errno, "worker", "/dev/null");
  const auto close_null = absl::MakeCleanup([null_fd] { close(null_fd); });
  if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    return base::SystemError(errno, "worker", "redirection of standard input and output");
  }
  // Text that stays in stdio's buffer goes to where fd 1 points when it is flushed: that is
  // standard error until exit.
  return ServeWorker(in_fd, out_fd, options, handler);
}

}  // namespace rules_inference::sdk
