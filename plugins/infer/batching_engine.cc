// Problem: requests come when they like, and an engine is used by one thread at a time; a device
// computes sixteen windows, or the next token of sixty sequences, in little more time than one.
//
// Idea: leader and followers. A call that finds nobody at work is made at once by its own thread,
// the leader. Calls that come meanwhile wait in a queue; whoever leads serves the one that has
// waited longest, and takes along whatever waits with it and is of the same kind. When the leader's
// own call is done it hands over to a thread that still waits. So a caller who is alone pays for a
// lock and nothing else, and there is no thread that could be late.
//
// Greedy decoding of a window is hundreds of steps, and who comes a moment too late must not wait
// for all of them. So its batch never closes: it is a set of sequences that takes one step in its
// turn and goes to the end of the queue, behind everything that came during the step. Before a step
// new sequences join and cancelled ones leave. An encoder that waits therefore runs between two
// steps, and its window joins soon after: the batch is as large as the requests allow.
//
// Threads that decode step by step (beams) would settle into two groups that take turns, each with
// half of the batch: who was in the last call needs a moment for choosing tokens, and misses the
// next one. A leader therefore waits for the other threads that have a window in their hands, at
// most an eighth of what such a call takes and never over a millisecond; not while a greedy batch
// runs, whose steps give them that moment.
//
// Invariants: `inner_` is used, and what came out of it destroyed, by the leader only. Each turn
// serves the caller who has waited longest, but for greedy sequences that find no room. A sequence
// is not touched by its caller from joining to leaving, and what it becomes is the engine's promise
// (ContinueGreedy): the same in any company.
//
// Cost: a lock and, for a follower, one wake-up for each call; for a step, a look at its sequences.

#include "plugins/infer/batching_engine.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kPartForOthers = 0.125;

int MaxSequences(const BatchingOptions& options, const Hyperparameters& parameters) {
  if (options.max_sequence_bytes == 0) return options.max_sequences;
  const uint64_t bytes = uint64_t{2} * sizeof(float) *
                         static_cast<uint64_t>(parameters.text_state) *
                         static_cast<uint64_t>(parameters.text_layers) *
                         static_cast<uint64_t>(parameters.text_context);
  const uint64_t fit = options.max_sequence_bytes / std::max(bytes, uint64_t{1});
  return static_cast<int>(
      std::clamp(fit, uint64_t{1}, static_cast<uint64_t>(std::max(1, options.max_sequences))));
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool HasEnded(const GreedyDecoding& decoding) {
  return decoding.stage == GreedyDecoding::Stage::kEnded;
}

}  // namespace

class BatchingEngine::Window final : public EncodedWindow {
 public:
  Window(BatchingEngine* engine, std::unique_ptr<EncodedWindow> inner, std::thread::id owner)
      : engine_(engine), inner_(std::move(inner)), owner_(owner) {}
  ~Window() override {
    engine_->Forget(owner_);
    engine_->Destroy(std::move(inner_));
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  static const EncodedWindow& Inner(const EncodedWindow& window) {
    return *static_cast<const Window&>(window).inner_;
  }

 private:
  BatchingEngine* const engine_;
  std::unique_ptr<EncodedWindow> inner_;
  const std::thread::id owner_;
};

class BatchingEngine::Sequences final : public Decoding {
 public:
  Sequences(BatchingEngine* engine, std::unique_ptr<Decoding> inner)
      : engine_(engine), inner_(std::move(inner)) {}
  ~Sequences() override { engine_->Destroy(std::move(inner_)); }
  Sequences(const Sequences&) = delete;
  Sequences& operator=(const Sequences&) = delete;

  static Decoding* Inner(Decoding* decoding) {
    return decoding == nullptr ? nullptr : static_cast<Sequences*>(decoding)->inner_.get();
  }

 private:
  BatchingEngine* const engine_;
  std::unique_ptr<Decoding> inner_;
};

struct BatchingEngine::Call {
  BatchKind kind = BatchKind::kAlone;
  size_t size = 0;
  absl::Span<const absl::Span<const float>> windows;
  absl::Span<DecodeStep> steps;
  absl::Span<GreedyDecoding> greedy;
  absl::FunctionRef<absl::Status()>* alone = nullptr;
  std::thread::id thread = std::this_thread::get_id();

  // Its place among those that wait.
  uint64_t turn = 0;

  std::vector<std::unique_ptr<EncodedWindow>> encoded;
  absl::Status status;

  // Under the mutex of the engine. The one or the other ends the wait.
  bool done = false;
  bool leads = false;
  std::condition_variable wake;
};

BatchingEngine::BatchingEngine(std::unique_ptr<Engine> inner, BatchingOptions options)
    : inner_(std::move(inner)),
      options_(std::move(options)),
      description_(inner_->Describe()),
      max_sequences_(MaxSequences(options_, inner_->parameters())) {}

BatchingEngine::~BatchingEngine() = default;

const Hyperparameters& BatchingEngine::parameters() const { return inner_->parameters(); }

std::string BatchingEngine::Describe() const { return description_; }

absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> BatchingEngine::Encode(
    absl::Span<const absl::Span<const float>> windows) {
  Call call{.kind = BatchKind::kEncode, .size = windows.size(), .windows = windows};
  Run(call);
  if (!call.status.ok()) return call.status;
  std::vector<std::unique_ptr<EncodedWindow>> result;
  result.reserve(call.encoded.size());
  for (std::unique_ptr<EncodedWindow>& inner : call.encoded) {
    result.push_back(std::make_unique<Window>(this, std::move(inner), call.thread));
  }
  return result;
}

absl::StatusOr<std::unique_ptr<Decoding>> BatchingEngine::NewDecoding(const EncodedWindow& window,
                                                                      int rows) {
  std::unique_ptr<Decoding> result;
  auto make = [&]() -> absl::Status {
    absl::StatusOr<std::unique_ptr<Decoding>> inner =
        inner_->NewDecoding(Window::Inner(window), rows);
    if (!inner.ok()) return inner.status();
    result = std::make_unique<Sequences>(this, *std::move(inner));
    return absl::OkStatus();
  };
  absl::FunctionRef<absl::Status()> alone = make;
  Call call{.alone = &alone};
  Run(call);
  if (!call.status.ok()) return call.status;
  return result;
}

absl::Status BatchingEngine::Decode(absl::Span<DecodeStep> steps) {
  size_t rows = 0;
  for (const DecodeStep& step : steps) rows += step.parents.size();
  Call call{.kind = BatchKind::kDecode, .size = rows, .steps = steps};
  Run(call);
  return call.status;
}

absl::Status BatchingEngine::DecodeGreedy(absl::Span<GreedyDecoding> decodings) {
  if (decodings.empty()) return absl::OkStatus();
  std::vector<Decoding*> outer;
  for (GreedyDecoding& each : decodings) {
    outer.push_back(each.decoding);
    each.decoding = Sequences::Inner(each.decoding);
    each.stage = GreedyDecoding::Stage::kNew;
    each.status = absl::OkStatus();
    each.tokens.clear();
  }
  Call call{.kind = BatchKind::kDecodeGreedy, .size = decodings.size(), .greedy = decodings};
  Run(call);
  for (size_t i = 0; i < decodings.size(); ++i) {
    decodings[i].decoding = outer[i];
    call.status.Update(decodings[i].status);
  }
  return call.status;
}

absl::StatusOr<Alignment> BatchingEngine::Align(const EncodedWindow& window,
                                                absl::Span<const TokenId> tokens,
                                                absl::Span<const Head> heads, int frames,
                                                TokenId limit) {
  Alignment result;
  auto align = [&]() -> absl::Status {
    absl::StatusOr<Alignment> inner =
        inner_->Align(Window::Inner(window), tokens, heads, frames, limit);
    if (!inner.ok()) return inner.status();
    result = *std::move(inner);
    return absl::OkStatus();
  };
  absl::FunctionRef<absl::Status()> alone = align;
  Call call{.alone = &alone};
  Run(call);
  if (!call.status.ok()) return call.status;
  return result;
}

void BatchingEngine::Run(Call& call) {
  std::unique_lock<std::mutex> lock(mutex_);
  call.turn = ++turns_;
  (call.kind == BatchKind::kDecodeGreedy ? joining_ : waiting_).push_back(&call);
  if (gathering_) gathered_.notify_one();
  if (led_) {
    call.wake.wait(lock, [&] { return call.done || call.leads; });
    if (call.done) return;
  }
  led_ = true;
  while (!call.done) {
    if (GreedyIsNext()) {
      ServeGreedy(lock);
    } else {
      ServeBatch(lock);
    }
    Sweep(lock);
  }
  HandOver();
}

bool BatchingEngine::GreedyIsNext() const {
  if (running_.empty() && joining_.empty()) return false;
  if (waiting_.empty()) return true;
  return (running_.empty() ? joining_.front()->turn : running_turn_) < waiting_.front()->turn;
}

void BatchingEngine::ServeBatch(std::unique_lock<std::mutex>& lock) {
  const BatchKind kind = waiting_.front()->kind;
  WaitForOthers(lock, kind);
  const std::vector<Call*> batch = TakeBatch();
  BatchEvent event{.kind = kind, .callers = static_cast<int>(batch.size())};
  for (const Call* call : running_) event.running += static_cast<int>(call->size);
  for (const Call* call : joining_) event.waiting += static_cast<int>(call->size);
  lock.unlock();
  const Clock::time_point start = Clock::now();
  Execute(batch);
  event.seconds = SecondsSince(start);
  for (const Call* call : batch) {
    event.size += static_cast<int>(call->size);
    event.failed |= !call->status.ok();
  }
  Tell(event);
  lock.lock();
  Learn(kind, event.seconds);
  for (Call* call : batch) {
    if (!call->encoded.empty()) owners_[call->thread] += static_cast<int>(call->encoded.size());
    Finish(*call);
  }
}

void BatchingEngine::ServeGreedy(std::unique_lock<std::mutex>& lock) {
  if (running_.empty()) WaitForOthers(lock, BatchKind::kDecodeGreedy);
  BatchEvent event{.kind = BatchKind::kDecodeGreedy};
  const std::vector<GreedyDecoding*> going = ChangeGreedy(event);
  lock.unlock();
  event.size = static_cast<int>(going.size());
  if (!going.empty()) {
    const Clock::time_point start = Clock::now();
    const absl::Status status = inner_->ContinueGreedy(going);
    event.seconds = SecondsSince(start);
    for (GreedyDecoding* each : going) {
      if (!status.ok()) {
        each->status = status;
        each->stage = GreedyDecoding::Stage::kEnded;
      }
      event.failed |= !each->status.ok();
      event.running += HasEnded(*each) ? 0 : 1;
    }
  }
  const auto ended = [](const Call* call) {
    return std::all_of(call->greedy.begin(), call->greedy.end(), HasEnded);
  };
  event.callers = static_cast<int>(std::count_if(running_.begin(), running_.end(), ended));
  Tell(event);
  lock.lock();
  if (!going.empty()) Learn(BatchKind::kDecodeGreedy, event.seconds);
  std::vector<Call*> left;
  for (Call* call : running_) {
    if (ended(call)) {
      Finish(*call);
    } else {
      left.push_back(call);
    }
  }
  running_ = std::move(left);
  running_turn_ = ++turns_;
}

std::vector<GreedyDecoding*> BatchingEngine::ChangeGreedy(BatchEvent& event) {
  // Who waits may be cancelled as well.
  const auto stay = [&](Call& call) {
    size_t count = 0;
    for (GreedyDecoding& each : call.greedy) {
      if (HasEnded(each)) continue;
      if (EndIfCancelled(each)) {
        ++event.cancelled;
      } else {
        ++count;
      }
    }
    return count;
  };
  const bool begun = !running_.empty();
  size_t size = 0;
  for (Call* call : running_) size += stay(*call);
  bool room = true;
  std::deque<Call*> left;
  for (Call* call : joining_) {
    const size_t count = stay(*call);
    // In the order they came: nobody passes one who finds no room.
    room = room && (size == 0 || size + count <= static_cast<size_t>(max_sequences_));
    if (count > 0 && !room) {
      left.push_back(call);
      event.waiting += static_cast<int>(count);
      continue;
    }
    running_.push_back(call);
    size += count;
    if (begun) event.joined += static_cast<int>(count);
  }
  joining_ = std::move(left);
  std::vector<GreedyDecoding*> going;
  for (Call* call : running_) {
    for (GreedyDecoding& each : call->greedy) {
      if (!HasEnded(each)) going.push_back(&each);
    }
  }
  return going;
}

void BatchingEngine::Tell(const BatchEvent& event) const {
  if (options_.observer) options_.observer(event);
}

void BatchingEngine::Learn(BatchKind kind, double seconds) {
  double& cost = cost_[static_cast<size_t>(kind)];
  cost = cost == 0 ? seconds : cost + (seconds - cost) / 4;
}

// With the lock, because the caller may end as soon as it sees that it is done.
void BatchingEngine::Finish(Call& call) {
  call.done = true;
  call.wake.notify_one();
}

void BatchingEngine::WaitForOthers(std::unique_lock<std::mutex>& lock, BatchKind kind) {
  const auto all = [&] { return owners_.size() <= waiting_.size() + joining_.size(); };
  if (kind == BatchKind::kAlone || !running_.empty() || all()) return;
  const double seconds =
      std::min(options_.max_wait_seconds, cost_[static_cast<size_t>(kind)] * kPartForOthers);
  gathering_ = true;
  gathered_.wait_for(lock, std::chrono::duration<double>(seconds), all);
  gathering_ = false;
}

std::vector<BatchingEngine::Call*> BatchingEngine::TakeBatch() {
  std::vector<Call*> batch = {waiting_.front()};
  waiting_.pop_front();
  const BatchKind kind = batch.front()->kind;
  if (kind == BatchKind::kAlone) return batch;
  const auto limit = static_cast<size_t>(kind == BatchKind::kEncode ? options_.max_windows
                                                                    : options_.max_sequences);
  size_t size = batch.front()->size;
  std::deque<Call*> left;
  for (Call* call : waiting_) {
    if (call->kind == kind && size + call->size <= limit) {
      size += call->size;
      batch.push_back(call);
    } else {
      left.push_back(call);
    }
  }
  waiting_ = std::move(left);
  return batch;
}

void BatchingEngine::Execute(absl::Span<Call* const> batch) {
  switch (batch.front()->kind) {
    case BatchKind::kAlone:
      batch.front()->status = (*batch.front()->alone)();
      return;
    case BatchKind::kEncode:
      return ExecuteEncode(batch);
    case BatchKind::kDecode:
      return ExecuteDecode(batch);
    case BatchKind::kDecodeGreedy:
      return;  // Is served by steps.
  }
}

void BatchingEngine::ExecuteEncode(absl::Span<Call* const> batch) {
  std::vector<absl::Span<const float>> windows;
  for (const Call* call : batch) {
    windows.insert(windows.end(), call->windows.begin(), call->windows.end());
  }
  auto encoded = inner_->Encode(windows);
  if (encoded.ok() && encoded->size() != windows.size()) {
    encoded = absl::InternalError("engine: encode: got another number of windows back");
  }
  if (!encoded.ok()) {
    if (batch.size() == 1) {
      batch.front()->status = encoded.status();
      return;
    }
    for (size_t i = 0; i < batch.size(); ++i) ExecuteEncode(batch.subspan(i, 1));
    return;
  }
  auto next = encoded->begin();
  for (Call* call : batch) {
    const auto end = next + static_cast<std::ptrdiff_t>(call->size);
    call->encoded.assign(std::make_move_iterator(next), std::make_move_iterator(end));
    next = end;
  }
}

// What callers brought is moved into one list and back again, as engines know nothing of ours.
void BatchingEngine::ExecuteDecode(absl::Span<Call* const> batch) {
  std::vector<DecodeStep> steps;
  for (const Call* call : batch) {
    for (DecodeStep& step : call->steps) {
      Decoding* const outer = step.decoding;
      steps.push_back(std::move(step));
      steps.back().decoding = Sequences::Inner(outer);
      step.decoding = outer;
    }
  }
  const absl::Status status = inner_->Decode(absl::MakeSpan(steps));
  auto next = steps.begin();
  for (Call* call : batch) {
    for (DecodeStep& step : call->steps) {
      Decoding* const outer = step.decoding;
      step = std::move(*next++);
      step.decoding = outer;
    }
    call->status = status;
  }
}

void BatchingEngine::Sweep(std::unique_lock<std::mutex>& lock) {
  while (!garbage_.empty()) {
    std::vector<Garbage> garbage = std::exchange(garbage_, {});
    lock.unlock();
    garbage.clear();
    lock.lock();
  }
}

void BatchingEngine::HandOver() {
  Call* next = nullptr;
  if (GreedyIsNext()) {
    next = running_.empty() ? joining_.front() : running_.front();
  } else if (!waiting_.empty()) {
    next = waiting_.front();
  }
  led_ = next != nullptr;
  if (!led_) return;
  next->leads = true;
  next->wake.notify_one();
}

void BatchingEngine::Forget(std::thread::id owner) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = owners_.find(owner);
  if (found != owners_.end() && --found->second == 0) owners_.erase(found);
  if (gathering_) gathered_.notify_one();
}

void BatchingEngine::Destroy(Garbage garbage) {
  std::unique_lock<std::mutex> lock(mutex_);
  garbage_.push_back(std::move(garbage));
  if (led_) return;
  led_ = true;
  Sweep(lock);
  HandOver();
}

}  // namespace rules_inference::infer
