#include "plugins/infer/batching_engine.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rules_inference::infer {
namespace {

// What the scripted engine was asked, and how it behaves.
struct Script {
  std::atomic<int> inside = 0;
  std::atomic<int> overlaps = 0;
  std::atomic<int> alive = 0;
  // Sizes of the calls of each kind. Written by the thread that is inside.
  std::vector<size_t> encodes;
  std::vector<size_t> decodes;
  std::vector<size_t> greedies;
  // Runs inside each call.
  std::function<void()> during;
};

class Inside {
 public:
  explicit Inside(Script& script) : script_(script) {
    if (script_.inside.fetch_add(1) != 0) ++script_.overlaps;
  }
  ~Inside() { --script_.inside; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Script& script_;
};

class ScriptedWindow final : public EncodedWindow {
 public:
  ScriptedWindow(Script& script, float value) : value(value), script_(script) { ++script.alive; }
  ~ScriptedWindow() override {
    const Inside inside(script_);
    --script_.alive;
  }
  const float value;

 private:
  Script& script_;
};

class ScriptedDecoding final : public Decoding {
 public:
  ScriptedDecoding(Script& script, float sum) : sum(sum), script_(script) { ++script.alive; }
  ~ScriptedDecoding() override {
    const Inside inside(script_);
    --script_.alive;
  }
  float sum;

 private:
  Script& script_;
};

// The value of a window is its first sample; logits are the sum of that and of all tokens so far. A
// negative sample or token is an error.
class ScriptedEngine : public Engine {
 public:
  explicit ScriptedEngine(Script& script) : script_(script) {
    parameters_.vocab = 1000;
    parameters_.text_context = 448;
    parameters_.text_layers = 2;
    parameters_.text_state = 64;
  }

  const Hyperparameters& parameters() const override { return parameters_; }
  std::string Describe() const override { return "scripted"; }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override {
    const Inside inside(script_);
    script_.encodes.push_back(windows.size());
    if (script_.during) script_.during();
    std::vector<std::unique_ptr<EncodedWindow>> result;
    for (const absl::Span<const float> window : windows) {
      if (window[0] < 0) return absl::InvalidArgumentError("window: got -1");
      result.push_back(std::make_unique<ScriptedWindow>(script_, window[0]));
    }
    return result;
  }

  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override {
    const Inside inside(script_);
    if (rows < 1) return absl::InvalidArgumentError("rows: got 0");
    return std::make_unique<ScriptedDecoding>(script_,
                                              static_cast<const ScriptedWindow&>(window).value);
  }

  absl::Status Decode(absl::Span<DecodeStep> steps) override {
    const Inside inside(script_);
    script_.decodes.push_back(steps.size());
    if (script_.during) script_.during();
    for (DecodeStep& step : steps) {
      auto& decoding = static_cast<ScriptedDecoding&>(*step.decoding);
      for (const TokenId token : step.tokens) {
        if (token < 0) return absl::InternalError("token: got -1");
        decoding.sum += static_cast<float>(token);
      }
      step.logits = {decoding.sum};
    }
    return absl::OkStatus();
  }

  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override {
    const Inside inside(script_);
    script_.greedies.push_back(decodings.size());
    if (script_.during) script_.during();
    for (GreedyDecoding& each : decodings) {
      each.tokens = {static_cast<TokenId>(static_cast<ScriptedDecoding&>(*each.decoding).sum) +
                     each.prompt[0]};
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames,
                                  TokenId limit) override {
    const Inside inside(script_);
    Alignment result;
    result.scores = {static_cast<const ScriptedWindow&>(window).value,
                     static_cast<float>(tokens.size()), static_cast<float>(heads.size()),
                     static_cast<float>(frames)};
    result.probabilities = {static_cast<float>(limit)};
    return result;
  }

 protected:
  Script& script_;

 private:
  Hyperparameters parameters_;
};

// Greedy decoding by steps: token n is the sum of window, prompt and n. A prompt of 13 is bad, and
// one of 666 breaks the engine.
class SteppingEngine final : public ScriptedEngine {
 public:
  using ScriptedEngine::ScriptedEngine;

  absl::Status ContinueGreedy(absl::Span<GreedyDecoding* const> decodings) override {
    const Inside inside(script_);
    script_.greedies.push_back(decodings.size());
    if (script_.during) script_.during();
    for (GreedyDecoding* each : decodings) {
      if (each->prompt[0] == 666) return absl::InternalError("engine: broken");
      if (each->prompt[0] == 13) {
        each->status = absl::InvalidArgumentError("prompt: got 13");
        each->stage = GreedyDecoding::Stage::kEnded;
        continue;
      }
      each->tokens.push_back(
          static_cast<TokenId>(static_cast<ScriptedDecoding&>(*each->decoding).sum) +
          each->prompt[0] + static_cast<TokenId>(each->tokens.size()));
      each->stage = each->tokens.size() < static_cast<size_t>(each->max_tokens)
                        ? GreedyDecoding::Stage::kGoing
                        : GreedyDecoding::Stage::kEnded;
    }
    return absl::OkStatus();
  }
};

absl::StatusOr<std::unique_ptr<EncodedWindow>> EncodeOne(Engine& engine, float value) {
  const std::vector<float> samples = {value};
  const absl::Span<const float> window(samples);
  auto windows = engine.Encode({window});
  if (!windows.ok()) return windows.status();
  return std::move(windows->front());
}

// Greedy decoding of a window of `value` after a prompt of `token`.
absl::StatusOr<std::vector<TokenId>> Greedy(Engine& engine, float value, TokenId token) {
  auto window = EncodeOne(engine, value);
  if (!window.ok()) return window.status();
  auto decoding = engine.NewDecoding(**window, 1);
  if (!decoding.ok()) return decoding.status();
  GreedyDecoding greedy{.decoding = decoding->get(), .prompt = {token}};
  const absl::Status status = engine.DecodeGreedy(absl::MakeSpan(&greedy, 1));
  if (!status.ok()) return status;
  return greedy.tokens;
}

// Closed until opened: holds a call of the inner engine.
class Gate {
 public:
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  // Until somebody stands before it.
  void AwaitSomebody() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

TEST(BatchingEngineTest, OneCallerGetsWhatTheInnerEngineGives) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  EXPECT_EQ(engine.Describe(), "scripted");
  auto tokens = Greedy(engine, 3, 4);
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(*tokens, std::vector<TokenId>{7});
  EXPECT_EQ(script.alive, 0);
}

TEST(BatchingEngineTest, AlignmentPassesThrough) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  auto window = EncodeOne(engine, 9);
  ASSERT_TRUE(window.ok());
  const std::vector<TokenId> tokens = {1, 2, 3};
  const std::vector<Head> heads = {{0, 1}};
  auto alignment = engine.Align(**window, tokens, heads, 50, 60);
  ASSERT_TRUE(alignment.ok());
  EXPECT_EQ(alignment->scores, (std::vector<float>{9, 3, 1, 50}));
  EXPECT_EQ(alignment->probabilities, (std::vector<float>{60}));
}

TEST(BatchingEngineTest, NoDecodingIsAnError) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  auto window = EncodeOne(engine, 9);
  ASSERT_TRUE(window.ok());
  EXPECT_EQ(engine.NewDecoding(**window, 0).status(), absl::InvalidArgumentError("rows: got 0"));
}

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// Seen a few times, as it may wait a moment for a lock.
bool Sleeps(int thread) {
  for (int i = 0; i < 3; ++i) {
    std::ifstream stat(absl::StrCat("/proc/self/task/", thread, "/stat"));
    std::string text;
    std::getline(stat, text);
    const size_t name_end = text.rfind(") ");
    if (name_end == std::string::npos || text[name_end + 2] != 'S') return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Lets one call into the inner engine and holds it there until `count` others had time to queue up
// behind it; they run `call` with their number.
void RunBehind(Script& script, BatchingEngine& engine, int count,
               const std::function<void(int)>& call) {
  Gate gate;
  std::atomic<bool> held = true;
  script.during = [&] {
    if (held) gate.Pass();
  };
  std::thread first([&] { EXPECT_TRUE(EncodeOne(engine, 0).ok()); });
  gate.AwaitSomebody();
  std::vector<std::atomic<int>> ids(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ids[static_cast<size_t>(i)] = static_cast<int>(syscall(SYS_gettid));
      call(i);
    });
  }
  // A thread that sleeps has joined the queue.
  for (const std::atomic<int>& id : ids) {
    EXPECT_TRUE(Eventually([&] { return id != 0 && Sleeps(id); }));
  }
  held = false;
  gate.Open();
  first.join();
  for (std::thread& thread : threads) thread.join();
  script.during = nullptr;
}

TEST(BatchingEngineTest, WhatWaitsTogetherIsEncodedTogether) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  std::vector<std::vector<TokenId>> results(8);
  RunBehind(script, engine, 8, [&](int i) {
    auto tokens = Greedy(engine, static_cast<float>(i), 100);
    ASSERT_TRUE(tokens.ok());
    results[static_cast<size_t>(i)] = *tokens;
  });
  EXPECT_THAT(script.encodes, testing::ElementsAre(1, 8));
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(results[static_cast<size_t>(i)], std::vector<TokenId>{100 + i});
  }
}

TEST(BatchingEngineTest, ABatchIsBounded) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {.max_windows = 3});
  RunBehind(script, engine, 8, [&](int i) { (void)EncodeOne(engine, static_cast<float>(i)); });
  EXPECT_THAT(script.encodes, testing::ElementsAre(1, 3, 3, 2));
}

TEST(BatchingEngineTest, ACallOverTheBoundIsMadeAlone) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {.max_windows = 3});
  const std::vector<float> samples = {1};
  const std::vector<absl::Span<const float>> windows(5, absl::MakeConstSpan(samples));
  auto result = engine.Encode(windows);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->size(), 5);
  EXPECT_THAT(script.encodes, testing::ElementsAre(5));
}

TEST(BatchingEngineTest, OneBadWindowFailsItsCallerOnly) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  std::vector<absl::Status> results(4);
  RunBehind(script, engine, 4, [&](int i) {
    results[static_cast<size_t>(i)] =
        EncodeOne(engine, i == 2 ? -1.0F : static_cast<float>(i)).status();
  });
  EXPECT_EQ(results[0], absl::OkStatus());
  EXPECT_EQ(results[1], absl::OkStatus());
  EXPECT_EQ(results[2], absl::InvalidArgumentError("window: got -1"));
  EXPECT_EQ(results[3], absl::OkStatus());
}

TEST(BatchingEngineTest, AFailedStepReachesAllOfItsBatch) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  std::vector<std::unique_ptr<EncodedWindow>> windows;
  std::vector<std::unique_ptr<Decoding>> decodings;
  for (int i = 0; i < 3; ++i) {
    windows.push_back(*EncodeOne(engine, 0));
    decodings.push_back(*engine.NewDecoding(*windows.back(), 1));
  }
  std::vector<absl::Status> results(3);
  RunBehind(script, engine, 3, [&](int i) {
    const auto at = static_cast<size_t>(i);
    DecodeStep step{.decoding = decodings[at].get(),
                    .parents = {0},
                    .tokens = {i == 1 ? -1 : 1},
                    .wanted = {0}};
    results[at] = engine.Decode(absl::MakeSpan(&step, 1));
    EXPECT_EQ(step.decoding, decodings[at].get());
    EXPECT_EQ(step.parents, std::vector<int>{0});
  });
  EXPECT_THAT(results, testing::Each(absl::InternalError("token: got -1")));
  EXPECT_THAT(script.decodes, testing::ElementsAre(3));
}

TEST(BatchingEngineTest, ThreadsThatDecodeStepByStepKeepTogether) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {.max_wait_seconds = 1});
  script.during = [] { std::this_thread::sleep_for(std::chrono::milliseconds(80)); };
  constexpr int kThreads = 4;
  constexpr int kSteps = 12;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      auto window = EncodeOne(engine, 1);
      ASSERT_TRUE(window.ok());
      auto decoding = engine.NewDecoding(**window, 1);
      ASSERT_TRUE(decoding.ok());
      for (int s = 0; s < kSteps; ++s) {
        DecodeStep step{.decoding = decoding->get(), .parents = {0}, .tokens = {1}, .wanted = {0}};
        ASSERT_TRUE(engine.Decode(absl::MakeSpan(&step, 1)).ok());
        EXPECT_EQ(step.logits, std::vector<float>{static_cast<float>(2 + s)});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Without waiting for each other they would need some 24 calls, one by one 48.
  EXPECT_LT(script.decodes.size(), 21);
}

// Does things at steps of a greedy batch, counted from 1, while the leader is inside.
class Director {
 public:
  Director(Script& script, std::function<void(int)> at) {
    script.during = [this, at = std::move(at)] {
      if (begun_) at(++step_);
    };
  }
  void Begin() { begun_ = true; }

 private:
  std::atomic<bool> begun_ = false;
  int step_ = 0;
};

// A sequence of its own thread, which has a decoding before Decode is called.
class Caller {
 public:
  Caller(BatchingEngine& engine, float value, TokenId prompt, int tokens)
      : engine_(engine), window_(*EncodeOne(engine, value)) {
    decoding_ = *engine.NewDecoding(*window_, 1);
    greedy_ = {
        .decoding = decoding_.get(), .prompt = {prompt}, .max_tokens = tokens, .cancelled = [this] {
          return cancelled.load();
        }};
  }
  ~Caller() { Join(); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void Start() {
    thread_ = std::thread([this] {
      id_ = static_cast<int>(syscall(SYS_gettid));
      status_ = engine_.DecodeGreedy(absl::MakeSpan(&greedy_, 1));
      done = true;
    });
    // A thread that sleeps has joined the queue, or leads and is held.
    EXPECT_TRUE(Eventually([this] { return id_ != 0 && (done || Sleeps(id_)); }));
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  absl::Status status() {
    Join();
    return status_;
  }
  const std::vector<TokenId>& tokens() {
    Join();
    return greedy_.tokens;
  }

  std::atomic<bool> cancelled = false;
  std::atomic<bool> done = false;

 private:
  BatchingEngine& engine_;
  std::unique_ptr<EncodedWindow> window_;
  std::unique_ptr<Decoding> decoding_;
  GreedyDecoding greedy_;
  std::atomic<int> id_ = 0;
  std::thread thread_;
  absl::Status status_;
};

TEST(ContinuousBatchingTest, ASequenceJoinsABatchThatRuns) {
  Script script;
  std::vector<BatchEvent> events;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script),
                        {.observer = [&](const BatchEvent& e) { events.push_back(e); }});
  Caller first(engine, 1, 10, 5);
  Caller second(engine, 2, 20, 4);
  events.clear();
  Director director(script, [&](int step) {
    if (step == 2) second.Start();
  });
  director.Begin();
  first.Start();
  EXPECT_EQ(first.status(), absl::OkStatus());
  EXPECT_EQ(second.status(), absl::OkStatus());
  EXPECT_THAT(first.tokens(), testing::ElementsAre(11, 12, 13, 14, 15));
  EXPECT_THAT(second.tokens(), testing::ElementsAre(22, 23, 24, 25));
  EXPECT_THAT(script.greedies, testing::ElementsAre(1, 1, 2, 2, 2, 1));
  ASSERT_EQ(events.size(), 6);
  EXPECT_EQ(events[2].joined, 1);
  EXPECT_EQ(events[3].joined, 0);
  EXPECT_EQ(events[4].callers, 1);
  EXPECT_EQ(events[4].running, 1);
  EXPECT_EQ(events[5].callers, 1);
  EXPECT_EQ(events[5].running, 0);
}

TEST(ContinuousBatchingTest, WhoIsDoneDoesNotWaitForTheOthers) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {});
  Caller first(engine, 1, 10, 2);
  Caller second(engine, 2, 20, 40);
  bool seen = false;
  Director director(script, [&](int step) {
    if (step == 1) second.Start();
    // The first led, and has handed over.
    if (step == 20) seen = Eventually([&] { return first.done && !second.done; });
  });
  director.Begin();
  first.Start();
  first.Join();
  second.Join();
  EXPECT_TRUE(seen);
  EXPECT_EQ(second.tokens().size(), 40);
}

TEST(ContinuousBatchingTest, OtherCallsGetTheirTurnBetweenSteps) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {});
  Caller first(engine, 1, 10, 9);
  std::thread encoder;
  std::atomic<bool> encoded = false;
  std::atomic<int> encoder_id = 0;
  Director director(script, [&](int step) {
    if (step == 3) {
      encoder = std::thread([&] {
        encoder_id = static_cast<int>(syscall(SYS_gettid));
        EXPECT_TRUE(EncodeOne(engine, 5).ok());
        encoded = true;
      });
      EXPECT_TRUE(Eventually([&] { return encoder_id != 0 && Sleeps(encoder_id); }));
    }
    // Step 4 is the encoder's.
    if (step == 5) {
      EXPECT_TRUE(Eventually([&] { return encoded.load(); }));
    }
  });
  director.Begin();
  first.Start();
  EXPECT_EQ(first.tokens().size(), 9);
  encoder.join();
}

TEST(ContinuousBatchingTest, FirstComeFirstJoined) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {.max_sequences = 2});
  Caller a(engine, 1, 10, 4);
  Caller b(engine, 2, 20, 8);
  Caller c(engine, 3, 30, 3);
  Caller d(engine, 4, 40, 3);
  std::vector<bool> order;
  Director director(script, [&](int step) {
    if (step == 1) {
      b.Start();
      c.Start();
      d.Start();
    }
    // `a` has left after 4 steps, and `c`, who came before `d`, has its place for 3.
    if (step == 8) {
      EXPECT_TRUE(Eventually([&] { return a.done && c.done; }));
      order = {a.done, b.done, c.done, d.done};
    }
  });
  director.Begin();
  a.Start();
  for (Caller* each : {&a, &b, &c, &d}) EXPECT_EQ(each->status(), absl::OkStatus());
  EXPECT_THAT(order, testing::ElementsAre(true, false, true, false));
  EXPECT_THAT(script.greedies, testing::ElementsAre(1, 2, 2, 2, 2, 2, 2, 2, 2, 1));
}

TEST(ContinuousBatchingTest, MemoryBoundsABatch) {
  Script script;
  // A sequence is 2 x 64 x 2 x 448 floats.
  BatchingEngine engine(std::make_unique<SteppingEngine>(script),
                        {.max_sequence_bytes = 2 * 458752 + 1});
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 5; ++i) callers.push_back(std::make_unique<Caller>(engine, 1, 10, 3));
  Director director(script, [&](int step) {
    if (step != 1) return;
    for (size_t i = 1; i < callers.size(); ++i) callers[i]->Start();
  });
  director.Begin();
  callers[0]->Start();
  for (const auto& each : callers) EXPECT_EQ(each->status(), absl::OkStatus());
  EXPECT_EQ(*std::max_element(script.greedies.begin(), script.greedies.end()), 2);
}

TEST(ContinuousBatchingTest, OneSequenceIsLetInHoweverLargeItIs) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {.max_sequence_bytes = 1});
  Caller caller(engine, 1, 10, 3);
  caller.Start();
  EXPECT_EQ(caller.status(), absl::OkStatus());
}

TEST(ContinuousBatchingTest, ACancelledSequenceLeavesAtTheNextStep) {
  Script script;
  std::vector<BatchEvent> events;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script),
                        {.observer = [&](const BatchEvent& e) { events.push_back(e); }});
  Caller first(engine, 1, 10, 6);
  Caller second(engine, 2, 20, 400);
  events.clear();
  Director director(script, [&](int step) {
    if (step == 1) second.Start();
    if (step == 3) second.cancelled = true;
  });
  director.Begin();
  first.Start();
  EXPECT_EQ(first.status(), absl::OkStatus());
  EXPECT_EQ(first.tokens().size(), 6);
  EXPECT_EQ(second.status(), absl::CancelledError("transcribing was cancelled"));
  EXPECT_THAT(script.greedies, testing::ElementsAre(1, 2, 2, 1, 1, 1));
  EXPECT_EQ(events[3].cancelled, 1);
  EXPECT_EQ(events[3].callers, 1);
}

TEST(ContinuousBatchingTest, TheLastSequenceMayBeCancelled) {
  Script script;
  std::vector<BatchEvent> events;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script),
                        {.observer = [&](const BatchEvent& e) { events.push_back(e); }});
  Caller only(engine, 1, 10, 400);
  events.clear();
  Director director(script, [&](int step) {
    if (step == 2) only.cancelled = true;
  });
  director.Begin();
  only.Start();
  EXPECT_EQ(only.status(), absl::CancelledError("transcribing was cancelled"));
  EXPECT_THAT(script.greedies, testing::ElementsAre(1, 1));
  ASSERT_EQ(events.size(), 3);
  EXPECT_EQ(events[2].size, 0);
  EXPECT_EQ(events[2].running, 0);
}

TEST(ContinuousBatchingTest, WhoWaitsForRoomMayBeCancelled) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {.max_sequences = 1});
  Caller first(engine, 1, 10, 8);
  Caller second(engine, 2, 20, 3);
  bool seen = false;
  Director director(script, [&](int step) {
    if (step == 1) second.Start();
    if (step == 2) second.cancelled = true;
    if (step == 4) seen = Eventually([&] { return second.done.load(); });
  });
  director.Begin();
  first.Start();
  EXPECT_EQ(first.status(), absl::OkStatus());
  EXPECT_EQ(second.status(), absl::CancelledError("transcribing was cancelled"));
  EXPECT_TRUE(seen);
  EXPECT_THAT(script.greedies, testing::Each(1));
}

TEST(ContinuousBatchingTest, ABadSequenceEndsAlone) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {});
  Caller first(engine, 1, 10, 5);
  Caller bad(engine, 2, 13, 5);
  Director director(script, [&](int step) {
    if (step == 2) bad.Start();
  });
  director.Begin();
  first.Start();
  EXPECT_EQ(first.status(), absl::OkStatus());
  EXPECT_EQ(first.tokens().size(), 5);
  EXPECT_EQ(bad.status(), absl::InvalidArgumentError("prompt: got 13"));
}

TEST(ContinuousBatchingTest, AnEngineThatFailsEndsThoseInTheStepAndNobodyElse) {
  Script script;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script), {.max_sequences = 2});
  Caller first(engine, 1, 10, 5);
  Caller breaks(engine, 2, 666, 5);
  Caller later(engine, 3, 30, 5);
  Director director(script, [&](int step) {
    if (step != 2) return;
    breaks.Start();
    later.Start();
  });
  director.Begin();
  first.Start();
  EXPECT_EQ(first.status(), absl::InternalError("engine: broken"));
  EXPECT_EQ(breaks.status(), absl::InternalError("engine: broken"));
  EXPECT_EQ(later.status(), absl::OkStatus());
  EXPECT_THAT(later.tokens(), testing::ElementsAre(33, 34, 35, 36, 37));
}

TEST(ContinuousBatchingTest, AnEngineWithoutStepsRunsToTheEnd) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  Caller first(engine, 1, 10, 5);
  Caller second(engine, 2, 20, 5);
  Caller third(engine, 3, 30, 5);
  Director director(script, [&](int step) {
    if (step != 1) return;
    second.Start();
    third.Start();
  });
  director.Begin();
  first.Start();
  EXPECT_THAT(first.tokens(), testing::ElementsAre(11));
  EXPECT_THAT(second.tokens(), testing::ElementsAre(22));
  EXPECT_THAT(third.tokens(), testing::ElementsAre(33));
  EXPECT_THAT(script.greedies, testing::ElementsAre(1, 2));
}

TEST(ContinuousBatchingTest, WhatAnEngineWithoutStepsMayRefuseIsDecodedAlone) {
  Script script;
  BatchingEngine engine(std::make_unique<ScriptedEngine>(script), {});
  Caller first(engine, 1, 10, 5);
  Caller second(engine, 2, 20, 5);
  Caller beyond(engine, 3, 1000, 5);
  Caller too_long(engine, 4, 40, 449);
  Director director(script, [&](int step) {
    if (step != 1) return;
    for (Caller* each : {&second, &beyond, &too_long}) each->Start();
  });
  director.Begin();
  first.Start();
  for (Caller* each : {&first, &second, &beyond, &too_long}) each->Join();
  EXPECT_THAT(script.greedies, testing::ElementsAre(1, 1, 1, 1));
}

TEST(ContinuousBatchingTest, ManyThreadsComeAndGo) {
  Script script;
  std::atomic<int> callers = 0;
  std::atomic<int> running = 0;
  BatchingEngine engine(std::make_unique<SteppingEngine>(script),
                        {.max_sequences = 7, .observer = [&](const BatchEvent& e) {
                           if (e.kind != BatchKind::kDecodeGreedy) return;
                           callers += e.callers;
                           running = e.running;
                         }});
  constexpr int kThreads = 16;
  constexpr int kRounds = 60;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        const auto value = static_cast<float>(random() % 50);
        auto window = EncodeOne(engine, value);
        ASSERT_TRUE(window.ok());
        auto decoding = engine.NewDecoding(**window, 1);
        ASSERT_TRUE(decoding.ok());
        // Asked by one thread at a time.
        auto left = static_cast<int>(random() % 40);
        const bool bad = random() % 10 == 0;
        GreedyDecoding greedy{.decoding = decoding->get(),
                              .prompt = {bad ? 13 : 100},
                              .max_tokens = static_cast<int>(1 + random() % 30),
                              .cancelled = [&left] { return left-- == 0; }};
        const absl::Status status = engine.DecodeGreedy(absl::MakeSpan(&greedy, 1));
        EXPECT_EQ(greedy.decoding, decoding->get());
        if (status.ok()) {
          EXPECT_EQ(greedy.tokens.size(), static_cast<size_t>(greedy.max_tokens));
        } else if (bad) {
          EXPECT_TRUE(absl::IsInvalidArgument(status) || absl::IsCancelled(status)) << status;
        } else {
          EXPECT_EQ(status, absl::CancelledError("transcribing was cancelled"));
        }
        for (size_t i = 0; i < greedy.tokens.size(); ++i) {
          EXPECT_EQ(greedy.tokens[i], static_cast<TokenId>(value) + 100 + static_cast<TokenId>(i));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(callers, kThreads * kRounds);
  EXPECT_EQ(running, 0);
  EXPECT_EQ(script.overlaps, 0);
  EXPECT_EQ(script.alive, 0);
  EXPECT_LE(*std::max_element(script.greedies.begin(), script.greedies.end()), 7);
}

TEST(BatchingEngineTest, ManyThreadsAtOnce) {
  Script script;
  std::atomic<int> callers = 0;
  std::atomic<int> failures = 0;
  BatchingEngine engine(
      std::make_unique<ScriptedEngine>(script),
      {.max_windows = 5, .max_sequences = 7, .observer = [&](const BatchEvent& e) {
         callers += e.callers;
         if (e.failed) ++failures;
       }});
  constexpr int kThreads = 24;
  constexpr int kRounds = 60;
  std::atomic<int> calls = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        const auto value = static_cast<float>(random() % 50);
        auto window = EncodeOne(engine, value);
        ASSERT_TRUE(window.ok());
        auto decoding = engine.NewDecoding(**window, 1);
        ASSERT_TRUE(decoding.ok());
        calls += 2;
        float sum = value;
        for (unsigned step_count = random() % 4; step_count > 0; --step_count) {
          const auto token = static_cast<TokenId>(random() % 9);
          sum += static_cast<float>(token);
          DecodeStep step{
              .decoding = decoding->get(), .parents = {0}, .tokens = {token}, .wanted = {0}};
          ASSERT_TRUE(engine.Decode(absl::MakeSpan(&step, 1)).ok());
          EXPECT_EQ(step.logits, std::vector<float>{sum});
          ++calls;
        }
        GreedyDecoding greedy{.decoding = decoding->get(), .prompt = {1}};
        ASSERT_TRUE(engine.DecodeGreedy(absl::MakeSpan(&greedy, 1)).ok());
        EXPECT_EQ(greedy.tokens, std::vector<TokenId>{static_cast<TokenId>(sum) + 1});
        ++calls;
        if (random() % 2 == 0) window->reset();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(callers, calls);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(script.overlaps, 0);
  EXPECT_EQ(script.alive, 0);
}

}  // namespace
}  // namespace rules_inference::infer
