#include "plugins/infer/cuda/accelerated_engine.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/decoder.h"
#include "plugins/infer/cuda/encoder.h"
#include "plugins/infer/cuda/greedy_decoder.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/layers.h"
#include "plugins/infer/cuda/slots.h"
#include "plugins/infer/cuda/weights.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer::cuda {
namespace {

// Rows of logits on the device at a time, when the host wants them.
constexpr size_t kLogitRows = 32;
// New tokens in one pass through the decoder, unless one decoding has more.
constexpr size_t kMostRows = 4096;
// Of one decoding.
constexpr int kMostSequences = 64;

size_t Size(int value) { return static_cast<size_t>(value); }

absl::Status Wrong(absl::string_view what, const auto& got, const auto& expected) {
  return base::Mismatch(what, "CUDA engine", absl::StrCat(got), absl::StrCat(expected));
}

class AcceleratedEngine : public Engine {
 public:
  AcceleratedEngine(std::shared_ptr<Accelerator> accelerator, const Hyperparameters& parameters,
                    Weights weights)
      : layers_(std::move(accelerator), parameters, std::move(weights)),
        encoder_(layers_),
        decoder_(layers_),
        greedy_(decoder_) {}

  const Hyperparameters& parameters() const override { return layers_.parameters(); }

  std::string Describe() const override { return layers_.Describe(); }

  // `reserved` bytes are left for what is needed later.
  void UseLibrary(const EngineOptions& options, size_t reserved) {
    const absl::Status status =
        layers_.UseLibrary(*options.blas, options.blas_rows, reserved, options.note);
    if (status.ok()) return;
    options.note(absl::StrCat("no usable ", options.blas->name, ": ", status.message(),
                              "; using own kernels"));
  }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override {
    const auto size = Size(2 * parameters().audio_context * parameters().mels);
    for (const absl::Span<const float> window : windows) {
      if (window.size() != size) return Wrong("window", window.size(), size);
    }
    return encoder_.Encode(windows);
  }

  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override {
    if (rows < 1 || rows > kMostSequences) {
      return Wrong("rows", rows, absl::StrCat("1 to ", kMostSequences));
    }
    const size_t bytes = sizeof(Half) * 2 * Size(parameters().text_layers) *
                         Size(parameters().text_context) * Size(rows) * layers_.state();
    ASSIGN_OR_RETURN(Buffer cache, Buffer::Make(layers_.accelerator(), bytes));
    return std::make_unique<SlotDecoding>(layers_.shared_accelerator(), std::move(cache),
                                          dynamic_cast<const Window&>(window), rows);
  }

  absl::Status Decode(absl::Span<DecodeStep> steps) override {
    for (const DecodeStep& step : steps) RETURN_IF_ERROR(Check(step));
    size_t at = 0;
    while (at < steps.size()) {
      size_t rows = steps[at].tokens.size();
      size_t end = at + 1;
      while (end < steps.size() && rows + steps[end].tokens.size() <= kMostRows) {
        rows += steps[end++].tokens.size();
      }
      RETURN_IF_ERROR(DecodeSome(steps.subspan(at, end - at)));
      at = end;
    }
    return absl::OkStatus();
  }

  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override {
    std::vector<GreedyDecoding*> all;
    for (GreedyDecoding& decoding : decodings) {
      RETURN_IF_ERROR(Check(decoding));
      all.push_back(&decoding);
    }
    size_t at = 0;
    while (at < all.size()) {
      size_t rows = all[at]->prompt.size();
      size_t end = at + 1;
      while (end < all.size() && end - at < GreedyDecoder::kMost &&
             rows + all[end]->prompt.size() <= kMostRows) {
        rows += all[end++]->prompt.size();
      }
      RETURN_IF_ERROR(greedy_.Decode(absl::MakeSpan(all).subspan(at, end - at)));
      at = end;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames, TokenId limit) override;

 private:
  absl::Status Check(const DecodeStep& step) const;
  absl::Status Check(const GreedyDecoding& decoding) const;
  absl::Status CheckTokens(absl::Span<const TokenId> tokens, int before) const;

  absl::Status DecodeSome(absl::Span<DecodeStep> steps);

  Layers layers_;
  Encoder encoder_;
  Decoder decoder_;
  GreedyDecoder greedy_;
  Buffer scores_;
};

absl::Status AcceleratedEngine::CheckTokens(absl::Span<const TokenId> tokens, int before) const {
  if (Size(before) + tokens.size() > Size(parameters().text_context)) {
    return Wrong("tokens", Size(before) + tokens.size(),
                 absl::StrCat("at most ", parameters().text_context));
  }
  for (const TokenId token : tokens) {
    if (token < 0 || token >= parameters().vocab) {
      return Wrong("token", token, absl::StrCat("0 to ", parameters().vocab - 1));
    }
  }
  return absl::OkStatus();
}

absl::Status AcceleratedEngine::Check(const DecodeStep& step) const {
  const auto& decoding = dynamic_cast<const SlotDecoding&>(*step.decoding);
  const size_t rows = step.parents.size();
  if (rows < 1 || rows > Size(decoding.sequences)) {
    return Wrong("rows", rows, absl::StrCat("1 to ", decoding.sequences));
  }
  const size_t count = step.tokens.size() / rows;
  if (count < 1 || count * rows != step.tokens.size()) {
    return Wrong("new tokens", step.tokens.size(), "as many for each row");
  }
  for (const int parent : step.parents) {
    if (parent < 0 || Size(parent) >= decoding.slots.size()) {
      return Wrong("parent", parent, absl::StrCat("below ", decoding.slots.size()));
    }
  }
  for (const int wanted : step.wanted) {
    if (wanted < 0 || Size(wanted) >= count)
      return Wrong("wanted", wanted, absl::StrCat("below ", count));
  }
  for (size_t row = 0; row < rows; ++row) {
    RETURN_IF_ERROR(
        CheckTokens(absl::MakeConstSpan(step.tokens).subspan(row * count, count), decoding.length));
  }
  return absl::OkStatus();
}

absl::Status AcceleratedEngine::Check(const GreedyDecoding& decoding) const {
  if (decoding.prompt.empty()) return Wrong("tokens", 0, "at least 1");
  if (decoding.start < 0 || Size(decoding.start) >= decoding.prompt.size()) {
    return Wrong("start", decoding.start, absl::StrCat("below ", decoding.prompt.size()));
  }
  return CheckTokens(decoding.prompt, dynamic_cast<SlotDecoding&>(*decoding.decoding).length);
}

absl::Status AcceleratedEngine::DecodeSome(absl::Span<DecodeStep> steps) {
  const size_t vocab = Size(parameters().vocab);
  Pass pass;
  std::vector<int> chosen;
  std::vector<float*> targets;
  for (DecodeStep& step : steps) {
    const int first = static_cast<int>(pass.rows.size());
    AddRows(static_cast<SlotDecoding&>(*step.decoding), step.parents, step.tokens, pass);
    const size_t count = step.tokens.size() / step.parents.size();
    step.logits.resize(step.parents.size() * step.wanted.size() * vocab);
    float* target = step.logits.data();
    for (size_t row = 0; row < step.parents.size(); ++row) {
      for (const int wanted : step.wanted) {
        chosen.push_back(first + static_cast<int>(row * count) + wanted);
        targets.push_back(target);
        target += vocab;
      }
    }
  }
  ASSIGN_OR_RETURN(const Half* const states, decoder_.Run(pass, std::nullopt));
  for (size_t at = 0; at < chosen.size(); at += kLogitRows) {
    const size_t count = std::min(kLogitRows, chosen.size() - at);
    ASSIGN_OR_RETURN(const float* const logits,
                     decoder_.Logits(states, absl::MakeConstSpan(chosen).subspan(at, count)));
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(layers_.accelerator().Download(targets[at + i], logits + i * vocab,
                                                     vocab * sizeof(float)));
    }
  }
  for (DecodeStep& step : steps) {
    Advance(static_cast<SlotDecoding&>(*step.decoding), step.parents,
            static_cast<int>(step.tokens.size() / step.parents.size()));
  }
  return absl::OkStatus();
}

absl::StatusOr<Alignment> AcceleratedEngine::Align(const EncodedWindow& window,
                                                   absl::Span<const TokenId> tokens,
                                                   absl::Span<const Head> heads, int frames,
                                                   TokenId limit) {
  if (tokens.empty()) return Wrong("tokens", 0, "at least 1");
  RETURN_IF_ERROR(CheckTokens(tokens, 0));
  if (frames < 0 || frames > parameters().audio_context) {
    return Wrong("frames", frames, absl::StrCat("at most ", parameters().audio_context));
  }
  if (limit < 1 || limit > parameters().vocab) {
    return Wrong("limit", limit, absl::StrCat("1 to ", parameters().vocab));
  }
  for (const Head& head : heads) {
    if (head.layer < 0 || head.layer >= parameters().text_layers || head.head < 0 ||
        head.head >= parameters().text_heads) {
      return Wrong("head", absl::StrCat(head.layer, ",", head.head),
                   absl::StrCat("below ", parameters().text_layers, ",", parameters().text_heads));
    }
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoding> decoding, NewDecoding(window, 1));
  Alignment alignment;
  alignment.scores.resize(heads.size() * tokens.size() * Size(frames));
  alignment.probabilities.resize(tokens.size() - 1);
  ASSIGN_OR_RETURN(float* const scores, layers_.Grow<float>(scores_, alignment.scores.size()));
  Pass pass;
  constexpr int kFirst[] = {0};
  AddRows(static_cast<const SlotDecoding&>(*decoding), kFirst, tokens, pass);
  ASSIGN_OR_RETURN(const Half* const states,
                   decoder_.Run(pass, Keep{.heads = heads, .frames = frames, .scores = scores}));
  RETURN_IF_ERROR(layers_.accelerator().Download(alignment.scores.data(), scores,
                                                 alignment.scores.size() * sizeof(float)));

  for (size_t at = 0; at + 1 < tokens.size(); at += kLogitRows) {
    const size_t count = std::min(kLogitRows, tokens.size() - 1 - at);
    std::vector<int> chosen;
    std::vector<int> ids;
    for (size_t i = at; i < at + count; ++i) {
      chosen.push_back(static_cast<int>(i));
      ids.push_back(tokens[i + 1]);
    }
    ASSIGN_OR_RETURN(const float* const logits, decoder_.Logits(states, chosen));
    RETURN_IF_ERROR(decoder_.Probabilities(
        logits, ids, limit, absl::MakeSpan(alignment.probabilities).subspan(at, count)));
  }
  // Ids that are not among those have none.
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i + 1] >= limit) alignment.probabilities[i] = 0;
  }
  return alignment;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> NewAcceleratedEngine(
    std::unique_ptr<Accelerator> accelerator, const ModelFile& file, const EngineOptions& options) {
  const Hyperparameters& p = file.parameters();
  const auto state = static_cast<size_t>(p.text_state);
  const auto layers = static_cast<size_t>(p.text_layers);
  // Of one window: keys and values of the encoder, of one sequence, and what the encoder needs.
  const size_t window = sizeof(Half) * state *
                        (2 * layers * static_cast<size_t>(p.audio_context + p.text_context) +
                         static_cast<size_t>(p.audio_context) * 18);
  const size_t needed = WeightBytes(file) + window;
  ASSIGN_OR_RETURN(const size_t available, accelerator->FreeMemory());
  if (needed > available) {
    return absl::ResourceExhaustedError(absl::StrCat("the model needs ", (needed >> 20) + 1,
                                                     " MB, the device has ", available >> 20,
                                                     " MB free"));
  }
  std::shared_ptr<Accelerator> shared = std::move(accelerator);
  ASSIGN_OR_RETURN(Weights weights, LoadWeights(file, *shared));
  auto engine = std::make_unique<AcceleratedEngine>(std::move(shared), p, std::move(weights));
  if (options.blas != nullptr) engine->UseLibrary(options, window);
  return engine;
}

}  // namespace rules_inference::infer::cuda
