#include "plugins/infer/cpu/cpu_engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cpu/cores.h"
#include "plugins/infer/cpu/decoder.h"
#include "plugins/infer/cpu/encoder.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/product.h"
#include "plugins/infer/cpu/thread_pool.h"
#include "plugins/infer/cpu/weights.h"
#include "plugins/infer/decode/greedy.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {
namespace {

// Beyond this a number is a mistake.
constexpr int kMostThreads = 1024;
// Rows of logits of an alignment that are in memory at the same time.
constexpr size_t kAlignRows = 16;

template <typename Got, typename Expected>
absl::Status Error(absl::string_view what, const Got& got, const Expected& expected) {
  return base::Mismatch(what, "cpu engine", absl::StrCat(got), absl::StrCat(expected));
}

class CpuEngine : public Engine {
 public:
  CpuEngine(const ModelFile& file, const Kernels& kernels, std::unique_ptr<ThreadPool> pool,
            Weights weights)
      : file_(file),
        kernels_(kernels),
        pool_(std::move(pool)),
        weights_(std::move(weights)),
        multiplier_(kernels, *pool_),
        encoder_(file.parameters(), weights_, kernels, *pool_, multiplier_),
        decoder_(file.parameters(), weights_, kernels, *pool_, multiplier_) {}

  const Hyperparameters& parameters() const override { return file_.parameters(); }

  std::string Describe() const override {
    return absl::StrCat("cpu (", kernels_.title, ", ", pool_->threads(),
                        pool_->threads() == 1 ? " thread)" : " threads)");
  }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override {
    const auto size = static_cast<size_t>(2 * parameters().audio_context * parameters().mels);
    for (const absl::Span<const float> window : windows) {
      if (window.size() != size) return Error("window", window.size(), size);
    }
    std::vector<std::unique_ptr<EncodedWindow>> encoded;
    for (const absl::Span<const float> window : windows) encoded.push_back(encoder_.Encode(window));
    return encoded;
  }

  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override {
    if (rows < 1) return Error("rows", rows, "at least 1");
    return std::make_unique<CpuDecoding>(static_cast<const CpuWindow&>(window),
                                         static_cast<size_t>(rows), decoder_.cell());
  }

  absl::Status Decode(absl::Span<DecodeStep> steps) override {
    for (const DecodeStep& step : steps) RETURN_IF_ERROR(Check(step));
    if (!steps.empty()) decoder_.Decode(steps);
    return absl::OkStatus();
  }

  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override {
    return DecodeGreedyByStep(*this, decodings);
  }

  absl::Status ContinueGreedy(absl::Span<GreedyDecoding* const> decodings) override {
    return ContinueGreedyByStep(*this, decodings);
  }

  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames,
                                  TokenId limit) override {
    const Hyperparameters& p = parameters();
    if (frames < 0 || frames > p.audio_context) {
      return Error("frames", frames, absl::StrCat("0 to ", p.audio_context));
    }
    if (limit < 1 || limit > p.vocab) return Error("limit", limit, absl::StrCat("1 to ", p.vocab));
    for (const Head& head : heads) {
      if (head.layer < 0 || head.layer >= p.text_layers || head.head < 0 ||
          head.head >= p.text_heads) {
        return Error("head", absl::StrCat(head.layer, ",", head.head),
                     absl::StrCat("below ", p.text_layers, ",", p.text_heads));
      }
    }
    CpuDecoding decoding(static_cast<const CpuWindow&>(window), 1, decoder_.cell());
    DecodeStep step;
    step.decoding = &decoding;
    step.parents = {0};
    step.tokens.assign(tokens.begin(), tokens.end());
    RETURN_IF_ERROR(Check(step));
    Alignment alignment;
    decoder_.Decode(
        {&step, 1},
        {.heads = heads, .frames = static_cast<size_t>(frames), .scores = &alignment.scores});
    const auto vocab = static_cast<size_t>(p.vocab);
    std::vector<float> logits;
    for (size_t first = 0; first + 1 < tokens.size(); first += kAlignRows) {
      const size_t rows = std::min(kAlignRows, tokens.size() - 1 - first);
      logits.resize(rows * vocab);
      std::vector<size_t> items(rows);
      std::iota(items.begin(), items.end(), first);
      decoder_.LogitsOf(items, logits.data());
      for (size_t row = 0; row < rows; ++row) {
        alignment.probabilities.push_back(
            Probability(absl::MakeSpan(logits).subspan(row * vocab, static_cast<size_t>(limit)),
                        tokens[first + row + 1]));
      }
    }
    return alignment;
  }

 private:
  static float Probability(absl::Span<const float> logits, TokenId token) {
    if (static_cast<size_t>(token) >= logits.size()) return 0;
    const float largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    return static_cast<float>(std::exp(logits[static_cast<size_t>(token)] - largest) / sum);
  }

  absl::Status Check(const DecodeStep& step) const {
    const Hyperparameters& p = parameters();
    const auto& decoding = static_cast<const CpuDecoding&>(*step.decoding);
    const size_t rows = step.parents.size();
    if (rows < 1 || rows > decoding.most_rows()) {
      return Error("rows", rows, absl::StrCat("1 to ", decoding.most_rows()));
    }
    const size_t count = step.tokens.size() / rows;
    if (count < 1 || count * rows != step.tokens.size()) {
      return Error("new tokens", step.tokens.size(), "as many for each row");
    }
    for (const int parent : step.parents) {
      const size_t parents = decoding.rows().size();
      if (parent < 0 || static_cast<size_t>(parent) >= parents) {
        return Error("parent", parent, absl::StrCat("0 to ", parents - 1));
      }
      const size_t length = decoding.rows()[static_cast<size_t>(parent)].size() + count;
      if (length > static_cast<size_t>(p.text_context)) {
        return Error("tokens", length, absl::StrCat("at most ", p.text_context));
      }
    }
    for (const TokenId token : step.tokens) {
      if (token < 0 || token >= p.vocab) {
        return Error("token", token, absl::StrCat("0 to ", p.vocab - 1));
      }
    }
    for (const int wanted : step.wanted) {
      if (wanted < 0 || static_cast<size_t>(wanted) >= count) {
        return Error("wanted", wanted, absl::StrCat("0 to ", count - 1));
      }
    }
    return absl::OkStatus();
  }

  const ModelFile& file_;
  const Kernels& kernels_;
  const std::unique_ptr<ThreadPool> pool_;
  const Weights weights_;
  Multiplier multiplier_;
  CpuEncoder encoder_;
  CpuDecoder decoder_;
};

}  // namespace

std::vector<std::string> CpuInstructionSets() {
  std::vector<std::string> names;
  for (const Kernels* kernels : AllKernels()) names.emplace_back(kernels->name);
  return names;
}

std::vector<std::string> CompiledInstructionSets() {
  const std::vector<absl::string_view> names = CompiledKernels();
  return {names.begin(), names.end()};
}

absl::StatusOr<std::unique_ptr<Engine>> NewCpuEngine(const ModelFile& file,
                                                     const CpuOptions& options) {
  const Kernels* kernels = AllKernels().front();
  if (!options.isa.empty()) {
    const auto at = std::find_if(AllKernels().begin(), AllKernels().end(),
                                 [&](const Kernels* k) { return k->name == options.isa; });
    if (at == AllKernels().end()) {
      return Error("instructions", base::Quoted(options.isa),
                   absl::StrJoin(CpuInstructionSets(), ", "));
    }
    kernels = *at;
  }
  if (options.threads < 0 || options.threads > kMostThreads) {
    return Error("threads", options.threads, absl::StrCat("0 to ", kMostThreads));
  }
  auto pool = std::make_unique<ThreadPool>(options.threads == 0 ? UsableCores() : options.threads);
  ASSIGN_OR_RETURN(Weights weights, LoadWeights(file, *pool));
  return std::make_unique<CpuEngine>(file, *kernels, std::move(pool), std::move(weights));
}

}  // namespace rules_inference::infer
