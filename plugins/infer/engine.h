// What runs a model on one device: the encoder over windows of sound, the decoder over tokens.
//
// An engine knows tensors only. Which token comes next, when to stop and what the tokens mean is
// decided by its callers (plugins/infer/decode), so that all devices decide alike.
//
// Each call takes a batch. What stands in a batch together is computed together and does not change
// the results of its neighbours. An engine is used by one thread at a time; BatchingEngine gathers
// the calls of several threads.

#ifndef RULES_INFERENCE_PLUGINS_INFER_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {

// A window after the encoder, with the keys and values that all decoding over it shares.
class EncodedWindow {
 public:
  virtual ~EncodedWindow() = default;
};

// Sequences of tokens that are decoded over one window: their keys and values so far.
class Decoding {
 public:
  virtual ~Decoding() = default;
};

// More tokens for the sequences of one decoding.
struct DecodeStep {
  Decoding* decoding = nullptr;
  // Row r continues what was row parents[r] before this step; at the first step there is one empty
  // row, 0. A row may have several children and may have none.
  std::vector<int> parents;
  // [row][new token]: as many for each row, at least one.
  std::vector<TokenId> tokens;
  // Of which of the new tokens of each row logits are wanted: of what follows that token.
  std::vector<int> wanted;
  // Filled in: [row][wanted][vocab].
  std::vector<float> logits;
};

// One sequence, continued with the likeliest token until the end of text or `max_tokens`.
struct GreedyDecoding {
  Decoding* decoding = nullptr;
  // Not empty.
  std::vector<TokenId> prompt;
  // Position in `prompt` of the token start_of_transcript.
  int start = 0;
  int max_tokens = 0;
  const LogitRules* rules = nullptr;
  // True: nobody wants the rest, and the sequence ends with kCancelled. Asked between steps by
  // whoever calls the engine, from any thread; it may neither wait nor use the engine. May be
  // empty.
  std::function<bool()> cancelled;

  // Filled in. `tokens` is without the end of text; `sum_log_probability` has that of the end, too.
  std::vector<TokenId> tokens;
  double sum_log_probability = 0;
  float no_speech_probability = 0;

  // Of ContinueGreedy alone.
  enum class Stage { kNew, kGoing, kEnded };
  Stage stage = Stage::kNew;
  // Why it ended, if not as it should.
  absl::Status status;
};

// Ends a sequence that nobody wants any more. False: it goes on.
bool EndIfCancelled(GreedyDecoding& decoding);

// Whether an engine with these parameters may refuse what `decoding` feeds it next, `tokens` ahead.
// Who batches computes such a one alone, so that its error is no error of its neighbours.
bool MayBeRefused(const GreedyDecoding& decoding, int tokens, const Hyperparameters& parameters);

// The position of an attention head in the decoder.
struct Head {
  int layer = 0;
  int head = 0;

  bool operator==(const Head&) const = default;
};

// How well tokens that are known already fit to a window, and where they look.
struct Alignment {
  // Filled in: [head][token][frame], products of queries and keys, scaled as attention scales them,
  // before softmax; `frames` positions of the encoder.
  std::vector<float> scores;
  // Filled in: [token] for all but the last, the probability of the token behind it among the ids
  // below `limit`.
  std::vector<float> probabilities;
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual const Hyperparameters& parameters() const = 0;

  // For people: "cpu (AVX2, 4 threads)", "cuda:0 (NVIDIA H200, sm_90)".
  virtual std::string Describe() const = 0;

  // Each of `windows` is [frame][mel], two frames for each position of the encoder.
  virtual absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) = 0;

  // For up to `rows` sequences at a time. `window` has to outlive the result.
  virtual absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                                int rows) = 0;

  // Steps of different decodings, each in one step only.
  virtual absl::Status Decode(absl::Span<DecodeStep> steps) = 0;

  // Fresh decodings, each in one only. By its meaning DecodeGreedyByStep (decode/greedy.h), which
  // an engine calls when it has nothing better.
  virtual absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) = 0;

  // The same for batches whose sequences come and go. Brings each of `decodings`, none of which has
  // ended, at least a token forward and returns soon, so that others may be in the next call. Their
  // results are those of DecodeGreedy, whoever else was in which call.
  //
  // What is wrong with one sequence ends that one, with its `status`. An error of the call ends all
  // that were in it. Between two calls a decoding is as if its prompt and all of its tokens but the
  // last had been through Decode.
  //
  // An engine that has no such thing inherits: everything to its end, in one DecodeGreedy.
  virtual absl::Status ContinueGreedy(absl::Span<GreedyDecoding* const> decodings);

  virtual absl::StatusOr<Alignment> Align(const EncodedWindow& window,
                                          absl::Span<const TokenId> tokens,
                                          absl::Span<const Head> heads, int frames,
                                          TokenId limit) = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_ENGINE_H_
