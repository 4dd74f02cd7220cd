#include "plugins/infer/fallback_engine.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer {
namespace {

// Whether it is the caller, and another device would say the same.
bool IsOfCaller(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsOutOfRange(status) || absl::IsCancelled(status);
}

// What belongs to an engine holds it, so that it goes after the last of that.
using SharedEngine = std::shared_ptr<Engine>;

struct FallbackWindow : public EncodedWindow {
  std::vector<float> mel;
  // Which engine `window` is of; destroyed after it.
  SharedEngine engine;
  std::unique_ptr<EncodedWindow> window;
  // Of the device that failed, as long as decodings may look at it.
  SharedEngine old_engine;
  std::unique_ptr<EncodedWindow> old_window;
};

struct FallbackDecoding : public Decoding {
  explicit FallbackDecoding(FallbackWindow& window, int most) : window(window), most(most) {}

  FallbackWindow& window;
  const int most;
  // Tokens of each row so far.
  std::vector<std::vector<TokenId>> rows = {{}};
  SharedEngine engine;
  std::unique_ptr<Decoding> decoding;
};

class FallbackEngine : public Engine {
 public:
  FallbackEngine(std::unique_ptr<Engine> device,
                 absl::AnyInvocable<absl::StatusOr<std::unique_ptr<Engine>>()> open,
                 absl::AnyInvocable<void(absl::string_view)> note)
      : parameters_(device->parameters()),
        engine_(std::move(device)),
        open_(std::move(open)),
        note_(std::move(note)) {}

  const Hyperparameters& parameters() const override { return parameters_; }

  std::string Describe() const override { return engine_->Describe(); }

  absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encode(
      absl::Span<const absl::Span<const float>> windows) override {
    std::vector<std::unique_ptr<EncodedWindow>> kept;
    RETURN_IF_ERROR(Try([&]() -> absl::Status {
      kept.clear();
      ASSIGN_OR_RETURN(std::vector<std::unique_ptr<EncodedWindow>> encoded,
                       engine_->Encode(windows));
      for (size_t i = 0; i < windows.size(); ++i) {
        auto window = std::make_unique<FallbackWindow>();
        window->mel.assign(windows[i].begin(), windows[i].end());
        window->engine = engine_;
        window->window = std::move(encoded[i]);
        kept.push_back(std::move(window));
      }
      return absl::OkStatus();
    }));
    return kept;
  }

  absl::StatusOr<std::unique_ptr<Decoding>> NewDecoding(const EncodedWindow& window,
                                                        int rows) override {
    // It is ours, and Encode gave it away as something that can be changed.
    auto& mine = const_cast<FallbackWindow&>(dynamic_cast<const FallbackWindow&>(window));
    auto decoding = std::make_unique<FallbackDecoding>(mine, rows);
    RETURN_IF_ERROR(Try([&] { return Renew(*decoding); }));
    return decoding;
  }

  absl::Status Decode(absl::Span<DecodeStep> steps) override {
    RETURN_IF_ERROR(Try([&]() -> absl::Status {
      std::vector<DecodeStep> inner;
      for (DecodeStep& step : steps) {
        auto& decoding = dynamic_cast<FallbackDecoding&>(*step.decoding);
        RETURN_IF_ERROR(Renew(decoding));
        inner.push_back({.decoding = decoding.decoding.get(),
                         .parents = step.parents,
                         .tokens = step.tokens,
                         .wanted = step.wanted,
                         .logits = {}});
      }
      RETURN_IF_ERROR(engine_->Decode(absl::MakeSpan(inner)));
      for (size_t i = 0; i < steps.size(); ++i) steps[i].logits = std::move(inner[i].logits);
      return absl::OkStatus();
    }));
    for (const DecodeStep& step : steps) Remember(step);
    return absl::OkStatus();
  }

  absl::Status DecodeGreedy(absl::Span<GreedyDecoding> decodings) override {
    RETURN_IF_ERROR(Try([&]() -> absl::Status {
      std::vector<GreedyDecoding> inner;
      for (const GreedyDecoding& outer : decodings) {
        auto& decoding = dynamic_cast<FallbackDecoding&>(*outer.decoding);
        RETURN_IF_ERROR(Renew(decoding));
        inner.push_back({.decoding = decoding.decoding.get(),
                         .prompt = outer.prompt,
                         .start = outer.start,
                         .max_tokens = outer.max_tokens,
                         .rules = outer.rules});
      }
      RETURN_IF_ERROR(engine_->DecodeGreedy(absl::MakeSpan(inner)));
      for (size_t i = 0; i < decodings.size(); ++i) {
        decodings[i].tokens = std::move(inner[i].tokens);
        decodings[i].sum_log_probability = inner[i].sum_log_probability;
        decodings[i].no_speech_probability = inner[i].no_speech_probability;
      }
      return absl::OkStatus();
    }));
    return absl::OkStatus();
  }

  absl::Status ContinueGreedy(absl::Span<GreedyDecoding* const> decodings) override {
    // Copies, as a device that fails leaves who knows what.
    std::vector<GreedyDecoding> copies;
    RETURN_IF_ERROR(Try([&]() -> absl::Status {
      copies.clear();
      std::vector<GreedyDecoding*> inner;
      for (const GreedyDecoding* outer : decodings) {
        auto& decoding = dynamic_cast<FallbackDecoding&>(*outer->decoding);
        if (decoding.engine != engine_ && outer->stage == GreedyDecoding::Stage::kGoing) {
          decoding.rows = {outer->prompt};
          decoding.rows[0].insert(decoding.rows[0].end(), outer->tokens.begin(),
                                  outer->tokens.end() - 1);
        }
        RETURN_IF_ERROR(Renew(decoding));
        copies.push_back(*outer);
        copies.back().decoding = decoding.decoding.get();
      }
      for (GreedyDecoding& copy : copies) inner.push_back(&copy);
      return engine_->ContinueGreedy(inner);
    }));
    for (size_t i = 0; i < decodings.size(); ++i) {
      copies[i].decoding = decodings[i]->decoding;
      *decodings[i] = std::move(copies[i]);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Alignment> Align(const EncodedWindow& window, absl::Span<const TokenId> tokens,
                                  absl::Span<const Head> heads, int frames,
                                  TokenId limit) override {
    auto& mine = const_cast<FallbackWindow&>(dynamic_cast<const FallbackWindow&>(window));
    Alignment alignment;
    RETURN_IF_ERROR(Try([&]() -> absl::Status {
      RETURN_IF_ERROR(Renew(mine));
      ASSIGN_OR_RETURN(alignment, engine_->Align(*mine.window, tokens, heads, frames, limit));
      return absl::OkStatus();
    }));
    return alignment;
  }

 private:
  // `work` on the device, and when that fails, on the CPU.
  absl::Status Try(absl::FunctionRef<absl::Status()> work) {
    absl::Status status = work();
    if (status.ok() || open_ == nullptr || IsOfCaller(status)) return status;
    note_(absl::StrCat(engine_->Describe(), " failed: ", status.message(),
                       "; going on with the CPU"));
    ASSIGN_OR_RETURN(engine_, open_());
    open_ = nullptr;
    return work();
  }

  // Makes it a window of the engine in use.
  absl::Status Renew(FallbackWindow& window) {
    if (window.engine == engine_) return absl::OkStatus();
    const absl::Span<const float> mel = window.mel;
    ASSIGN_OR_RETURN(std::vector<std::unique_ptr<EncodedWindow>> encoded,
                     engine_->Encode(absl::MakeConstSpan(&mel, 1)));
    window.old_window = std::move(window.window);
    window.old_engine = std::move(window.engine);
    window.window = std::move(encoded[0]);
    window.engine = engine_;
    return absl::OkStatus();
  }

  absl::Status Renew(FallbackDecoding& decoding) {
    if (decoding.engine == engine_) return absl::OkStatus();
    // Before its window: it may look at it.
    decoding.decoding = nullptr;
    RETURN_IF_ERROR(Renew(decoding.window));
    ASSIGN_OR_RETURN(std::unique_ptr<Decoding> fresh,
                     engine_->NewDecoding(*decoding.window.window, decoding.most));
    if (!decoding.rows[0].empty()) {
      DecodeStep step = {.decoding = fresh.get()};
      for (const std::vector<TokenId>& row : decoding.rows) {
        step.parents.push_back(0);
        step.tokens.insert(step.tokens.end(), row.begin(), row.end());
      }
      RETURN_IF_ERROR(engine_->Decode(absl::MakeSpan(&step, 1)));
    }
    decoding.decoding = std::move(fresh);
    decoding.engine = engine_;
    return absl::OkStatus();
  }

  static void Remember(const DecodeStep& step) {
    auto& decoding = dynamic_cast<FallbackDecoding&>(*step.decoding);
    const size_t count = step.tokens.size() / step.parents.size();
    std::vector<std::vector<TokenId>> children;
    for (size_t row = 0; row < step.parents.size(); ++row) {
      children.push_back(decoding.rows[static_cast<size_t>(step.parents[row])]);
      for (size_t i = 0; i < count; ++i) children.back().push_back(step.tokens[row * count + i]);
    }
    decoding.rows = std::move(children);
  }

  const Hyperparameters parameters_;
  SharedEngine engine_;
  // Null when it has been used.
  absl::AnyInvocable<absl::StatusOr<std::unique_ptr<Engine>>()> open_;
  absl::AnyInvocable<void(absl::string_view)> note_;
};

}  // namespace

std::unique_ptr<Engine> NewFallbackEngine(
    std::unique_ptr<Engine> device,
    absl::AnyInvocable<absl::StatusOr<std::unique_ptr<Engine>>()> open,
    absl::AnyInvocable<void(absl::string_view)> note) {
  return std::make_unique<FallbackEngine>(std::move(device), std::move(open), std::move(note));
}

}  // namespace rules_inference::infer
