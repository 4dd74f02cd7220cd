// An engine for many threads over one that only one thread may use at a time.

#ifndef RULES_INFERENCE_PLUGINS_INFER_BATCHING_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_BATCHING_ENGINE_H_

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer {

enum class BatchKind { kEncode, kDecode, kDecodeGreedy, kAlone };

// One call of the inner engine; or none (`size` 0), when sequences have only left.
struct BatchEvent {
  BatchKind kind = BatchKind::kAlone;
  // How many callers were served, and with how many windows, rows or sequences. Greedy decoding is
  // a call for each step, and serves the callers whose sequences end with it.
  int callers = 0;
  int size = 0;
  double seconds = 0;
  bool failed = false;
  // Greedy sequences that came to a batch which had begun before, and that left it before their end
  // because nobody wants them.
  int joined = 0;
  int cancelled = 0;
  // Greedy sequences behind this call: in the batch, and without room in it.
  int running = 0;
  int waiting = 0;
};

struct BatchingOptions {
  // What callers bring is put together up to these sizes. A single caller who brings more is served
  // alone, with all of it in one call.
  int max_windows = 16;
  int max_sequences = 64;
  // Bytes of the keys and values of all sequences of a greedy batch, if they became as long as they
  // can be and were floats. One sequence is always let in. 0: no bound.
  uint64_t max_sequence_bytes = 0;
  // At most so long a call waits for other threads that have windows in their hands, and never
  // longer than an eighth of what such a call takes. Who is alone does not wait.
  double max_wait_seconds = 0.001;
  // Told after each call of the inner engine, by the thread that made it. May be empty.
  std::function<void(const BatchEvent&)> observer;
};

// Calls that wait at the same moment are made as one. Results are those of the inner engine; its
// errors reach everybody whose call was part of the failed one (Encode, which changes nothing, is
// tried again for each caller alone, so that one bad window fails nobody else).
//
// Greedy decoding goes on step by step (Engine::ContinueGreedy): sequences join a batch that runs,
// in the order they came, and leave it when they end or are cancelled; between steps other calls
// get their turn. What a sequence becomes does not depend on any of that.
//
// Windows and decodings may be destroyed by any thread, before the engine is.
class BatchingEngine final : public Engine {
 public:
  // Takes over `inner`, which has to be used through this object alone from here on.
  BatchingEngine(std::unique_ptr<Engine> inner, BatchingOptions options);
  // Nobody may be in a call any more, and nothing that came out of this engine may be left.
  ~BatchingEngine() override;

  const Hyperparameters& parameters() const override;
  std::string Describe() const override;
  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override;
  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override;
  absl::Status Decode(absl::Span<DecodeStep> steps) override;
  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override;
  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames, TokenId limit) override;

 private:
  class Window;
  class Sequences;
  struct Call;
  using Garbage = std::variant<std::unique_ptr<EncodedWindow>, std::unique_ptr<Decoding>>;

  void Run(Call& call);
  bool GreedyIsNext() const;
  void ServeBatch(std::unique_lock<std::mutex>& lock);
  void ServeGreedy(std::unique_lock<std::mutex>& lock);
  void WaitForOthers(std::unique_lock<std::mutex>& lock, BatchKind kind);
  std::vector<Call*> TakeBatch();
  // Cancelled sequences end; others come, as many as there is room for. Returns what is decoded
  // next, and says in `event` who came and went.
  std::vector<GreedyDecoding*> ChangeGreedy(BatchEvent& event);
  static void Finish(Call& call);
  void Tell(const BatchEvent& event) const;
  void Learn(BatchKind kind, double seconds);
  void Execute(absl::Span<Call* const> batch);
  void ExecuteEncode(absl::Span<Call* const> batch);
  void ExecuteDecode(absl::Span<Call* const> batch);
  void Sweep(std::unique_lock<std::mutex>& lock);
  void HandOver();
  void Forget(std::thread::id owner);
  void Destroy(Garbage garbage);

  const std::unique_ptr<Engine> inner_;
  const BatchingOptions options_;
  const std::string description_;
  // Of a greedy batch.
  const int max_sequences_;

  std::mutex mutex_;
  // Whether some thread leads: it alone uses `inner_`.
  bool led_ = false;
  // Numbers for calls and steps of the greedy batch, in the order in which they are served.
  uint64_t turns_ = 0;
  // In the order they came: calls of all kinds but greedy ones, greedy ones that wait for room, and
  // those in the batch, with the turn of its next step.
  std::deque<Call*> waiting_;
  std::deque<Call*> joining_;
  std::vector<Call*> running_;
  uint64_t running_turn_ = 0;
  // A leader waits for others.
  bool gathering_ = false;
  std::condition_variable gathered_;
  // How many windows of each thread are alive: threads that will soon have something to do.
  absl::flat_hash_map<std::thread::id, int> owners_;
  // Destroyed by the next leader, because destroying is a use of `inner_`.
  std::vector<Garbage> garbage_;
  // Seconds of a call, by kind, smoothed.
  std::array<double, 4> cost_ = {};
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_BATCHING_ENGINE_H_
