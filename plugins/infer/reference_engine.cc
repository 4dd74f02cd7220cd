#include "plugins/infer/reference_engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/decode/greedy.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

class ReferenceWindow : public EncodedWindow {
 public:
  explicit ReferenceWindow(std::vector<KeysAndValues> cross) : cross(std::move(cross)) {}

  const std::vector<KeysAndValues> cross;
};

class ReferenceDecoding : public Decoding {
 public:
  ReferenceDecoding(const ReferenceWindow& window, size_t most) : window(window), most(most) {}

  const ReferenceWindow& window;
  const size_t most;
  // Of each row, by layer.
  std::vector<std::vector<KeysAndValues>> rows = {{}};
};

absl::Status Error(absl::string_view what, const auto& got, const auto& expected) {
  return base::Mismatch(what, "reference engine", absl::StrCat(got), absl::StrCat(expected));
}

class ReferenceEngine : public Engine {
 public:
  explicit ReferenceEngine(const ModelFile& file) : file_(file), reference_(file) {}

  const Hyperparameters& parameters() const override { return file_.parameters(); }

  std::string Describe() const override { return "reference (double precision)"; }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override {
    const auto size = static_cast<size_t>(2 * parameters().audio_context * parameters().mels);
    std::vector<std::unique_ptr<EncodedWindow>> encoded;
    for (const absl::Span<const float> window : windows) {
      if (window.size() != size) return Error("window", window.size(), size);
      encoded.push_back(
          std::make_unique<ReferenceWindow>(reference_.Cross(reference_.Encode(window))));
    }
    return encoded;
  }

  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override {
    if (rows < 1) return Error("rows", rows, "at least 1");
    return std::make_unique<ReferenceDecoding>(dynamic_cast<const ReferenceWindow&>(window),
                                               static_cast<size_t>(rows));
  }

  absl::Status Decode(absl::Span<DecodeStep> steps) override {
    for (DecodeStep& step : steps) RETURN_IF_ERROR(DecodeOne(step));
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
    if (tokens.empty()) return Error("tokens", 0, "at least 1");
    RETURN_IF_ERROR(CheckTokens(tokens, 0));
    if (frames < 0 || frames > p.audio_context) return Error("frames", frames, p.audio_context);
    if (limit < 1 || limit > p.vocab) return Error("limit", limit, p.vocab);
    std::vector<KeysAndValues> past;
    std::vector<Matrix> scores;
    const Matrix state = reference_.Continue(
        tokens, dynamic_cast<const ReferenceWindow&>(window).cross, past, &scores);
    Alignment alignment;
    for (const Head& head : heads) {
      if (head.layer < 0 || head.layer >= p.text_layers || head.head < 0 ||
          head.head >= p.text_heads) {
        return Error("head", absl::StrCat(head.layer, ",", head.head),
                     absl::StrCat("below ", p.text_layers, ",", p.text_heads));
      }
      const Matrix& of_head = scores[static_cast<size_t>(head.layer * p.text_heads + head.head)];
      for (size_t i = 0; i < tokens.size(); ++i) {
        for (int frame = 0; frame < frames; ++frame) {
          alignment.scores.push_back(static_cast<float>(of_head.row(i)[frame]));
        }
      }
    }
    const Matrix logits = reference_.Logits(state);
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const double* row = logits.row(i);
      const double largest = *std::max_element(row, row + limit);
      double sum = 0;
      for (TokenId id = 0; id < limit; ++id) sum += std::exp(row[id] - largest);
      alignment.probabilities.push_back(
          tokens[i + 1] < limit ? static_cast<float>(std::exp(row[tokens[i + 1]] - largest) / sum)
                                : 0.0F);
    }
    return alignment;
  }

 private:
  absl::Status CheckTokens(absl::Span<const TokenId> tokens, size_t before) const {
    const Hyperparameters& p = parameters();
    if (before + tokens.size() > static_cast<size_t>(p.text_context)) {
      return Error("tokens", before + tokens.size(), absl::StrCat("at most ", p.text_context));
    }
    for (const TokenId token : tokens) {
      if (token < 0 || token >= p.vocab)
        return Error("token", token, absl::StrCat("0 to ", p.vocab - 1));
    }
    return absl::OkStatus();
  }

  absl::Status DecodeOne(DecodeStep& step) {
    auto& decoding = dynamic_cast<ReferenceDecoding&>(*step.decoding);
    const size_t rows = step.parents.size();
    if (rows < 1 || rows > decoding.most) {
      return Error("rows", rows, absl::StrCat("1 to ", decoding.most));
    }
    const size_t count = step.tokens.size() / rows;
    if (count < 1 || count * rows != step.tokens.size()) {
      return Error("new tokens", step.tokens.size(), "as many for each row");
    }
    std::vector<std::vector<KeysAndValues>> children;
    for (const int parent : step.parents) {
      if (parent < 0 || static_cast<size_t>(parent) >= decoding.rows.size()) {
        return Error("parent", parent, absl::StrCat("below ", decoding.rows.size()));
      }
      children.push_back(decoding.rows[static_cast<size_t>(parent)]);
    }
    const auto state = static_cast<size_t>(parameters().text_state);
    Matrix wanted(rows * step.wanted.size(), state);
    for (size_t row = 0; row < rows; ++row) {
      const absl::Span<const TokenId> tokens =
          absl::MakeConstSpan(step.tokens).subspan(row * count, count);
      RETURN_IF_ERROR(CheckTokens(tokens, children[row].empty() ? 0 : children[row][0].keys.rows));
      const Matrix states =
          reference_.Continue(tokens, decoding.window.cross, children[row], nullptr);
      for (size_t i = 0; i < step.wanted.size(); ++i) {
        const int at = step.wanted[i];
        if (at < 0 || static_cast<size_t>(at) >= count) return Error("wanted", at, count);
        std::copy_n(states.row(static_cast<size_t>(at)), state,
                    wanted.row(row * step.wanted.size() + i));
      }
    }
    decoding.rows = std::move(children);
    const Matrix logits = reference_.Logits(wanted);
    step.logits.assign(logits.values.begin(), logits.values.end());
    return absl::OkStatus();
  }

  const ModelFile& file_;
  const Reference reference_;
};

}  // namespace

std::unique_ptr<Engine> NewReferenceEngine(const ModelFile& file) {
  return std::make_unique<ReferenceEngine>(file);
}

}  // namespace rules_inference::infer
