// `infer bench`: how fast a model is on a device. Windows are noise and tokens arbitrary: neither
// matters for the time.

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/human_size.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/engine_flags.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/model.h"
#include "plugins/infer/output/json_writer.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

constexpr int kRows = 5;
constexpr int kPrompt = 200;
// Of the window of 30 s that the real-time factor is computed for: much speech.
constexpr int kTokensOfWindow = 100;

struct Options {
  EngineFlags engine;
  int runs = 5;
  int tokens = 64;
  std::string format = "text";
};

struct Result {
  double encode_ms = 0;
  double token_us = 0;
  double greedy_token_us = 0;
  double rows_token_us = 0;
  double prompt_token_us = 0;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Seconds, the median of `runs` after one that does not count.
absl::StatusOr<double> Measure(int runs, const std::function<absl::StatusOr<double>()>& run) {
  std::vector<double> times;
  for (int i = 0; i <= runs; ++i) {
    ASSIGN_OR_RETURN(const double seconds, run());
    if (i > 0) times.push_back(seconds);
  }
  return Median(std::move(times));
}

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

// Between -1 and 1, as log-mel is; by a fixed rule.
std::vector<float> NoiseWindow(const Hyperparameters& parameters) {
  std::vector<float> window(static_cast<size_t>(2 * parameters.audio_context * parameters.mels));
  uint32_t state = 1;
  for (float& value : window) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) / 8388608.0F - 1;
  }
  return window;
}

class Bench {
 public:
  Bench(const Model& model, Engine& engine, const Options& options)
      : model_(model),
        engine_(engine),
        options_(options),
        noise_(NoiseWindow(model.parameters())) {}

  absl::StatusOr<Result> Run() {
    Result result;
    ASSIGN_OR_RETURN(const double encode, Measure(options_.runs, [this] { return Encode(); }));
    result.encode_ms = encode * 1e3;
    const double tokens = options_.tokens;
    ASSIGN_OR_RETURN(const double one, Measure(options_.runs, [this] { return Steps(1); }));
    result.token_us = one * 1e6 / tokens;
    ASSIGN_OR_RETURN(const double rows, Measure(options_.runs, [this] { return Steps(kRows); }));
    result.rows_token_us = rows * 1e6 / (tokens * kRows);
    ASSIGN_OR_RETURN(const double greedy, Measure(options_.runs, [this] { return Greedy(); }));
    result.greedy_token_us = greedy * 1e6 / tokens;
    ASSIGN_OR_RETURN(const double prompt, Measure(options_.runs, [this] { return Prompt(); }));
    result.prompt_token_us = prompt * 1e6 / kPrompt;
    return result;
  }

 private:
  absl::StatusOr<double> Encode() {
    const absl::Time start = absl::Now();
    const absl::Span<const float> window = noise_;
    ASSIGN_OR_RETURN(auto windows, engine_.Encode(absl::MakeConstSpan(&window, 1)));
    const double seconds = SecondsSince(start);
    window_ = std::move(windows[0]);
    return seconds;
  }

  // A token for each of `rows` at a time.
  absl::StatusOr<double> Steps(int rows) {
    ASSIGN_OR_RETURN(const auto decoding, engine_.NewDecoding(*window_, rows));
    const auto count = static_cast<size_t>(rows);
    DecodeStep step;
    step.decoding = decoding.get();
    step.wanted = {0};
    step.parents.assign(count, 0);
    step.tokens.assign(count, model_.special().start_of_transcript);
    RETURN_IF_ERROR(engine_.Decode(absl::MakeSpan(&step, 1)));
    const absl::Time start = absl::Now();
    for (int i = 0; i < options_.tokens; ++i) {
      for (size_t row = 0; row < count; ++row) {
        step.parents[row] = static_cast<int>(row);
        step.tokens[row] = 100 + i;
      }
      RETURN_IF_ERROR(engine_.Decode(absl::MakeSpan(&step, 1)));
    }
    return SecondsSince(start);
  }

  absl::StatusOr<double> Greedy() {
    ASSIGN_OR_RETURN(const auto decoding, engine_.NewDecoding(*window_, 1));
    LogitRules rules{.special = model_.special()};
    rules.timestamps = false;
    // The end is never said, so that all tokens are.
    rules.suppressed = {model_.special().end_of_text};
    GreedyDecoding greedy;
    greedy.decoding = decoding.get();
    greedy.prompt = {model_.special().start_of_transcript};
    greedy.max_tokens = options_.tokens;
    greedy.rules = &rules;
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(engine_.DecodeGreedy(absl::MakeSpan(&greedy, 1)));
    return SecondsSince(start);
  }

  absl::StatusOr<double> Prompt() {
    ASSIGN_OR_RETURN(const auto decoding, engine_.NewDecoding(*window_, 1));
    DecodeStep step;
    step.decoding = decoding.get();
    step.parents = {0};
    step.wanted = {kPrompt - 1};
    for (int i = 0; i < kPrompt; ++i) step.tokens.push_back(100 + i);
    const absl::Time start = absl::Now();
    RETURN_IF_ERROR(engine_.Decode(absl::MakeSpan(&step, 1)));
    return SecondsSince(start);
  }

  const Model& model_;
  Engine& engine_;
  const Options& options_;
  const std::vector<float> noise_;
  std::unique_ptr<EncodedWindow> window_;
};

// The most that this process has had in memory, with mapped files.
uint64_t PeakMemory() {
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

// How many seconds of sound a second takes.
double RealTime(const Result& result) {
  return 30 / (result.encode_ms / 1e3 + kTokensOfWindow * result.greedy_token_us / 1e6);
}

std::string Text(const Options& options, const Engine& engine, const Result& result) {
  std::string out;
  absl::StrAppendFormat(&out, "model            %s\n", options.engine.model);
  absl::StrAppendFormat(&out, "engine           %s\n", engine.Describe());
  absl::StrAppendFormat(&out, "encoder          %.2f ms a window of 30 s\n", result.encode_ms);
  absl::StrAppendFormat(&out, "token, greedy    %.1f us\n", result.greedy_token_us);
  absl::StrAppendFormat(&out, "token, step      %.1f us\n", result.token_us);
  absl::StrAppendFormat(&out, "token, %d rows    %.1f us\n", kRows, result.rows_token_us);
  absl::StrAppendFormat(&out, "token of prompt  %.1f us\n", result.prompt_token_us);
  absl::StrAppendFormat(&out, "real time        %.1fx with %d tokens a window\n", RealTime(result),
                        kTokensOfWindow);
  absl::StrAppendFormat(&out, "memory, at most  %s\n", base::HumanSize(PeakMemory()));
  absl::StrAppendFormat(&out, "                 medians of %d runs\n", options.runs);
  return out;
}

std::string Json(const Options& options, const Engine& engine, const Result& result) {
  JsonWriter json(JsonWriter::Layout::kReadable);
  json.Object().Key("model").String(options.engine.model);
  json.Key("engine").String(engine.Describe());
  json.Key("runs").Integer(options.runs).Key("tokens").Integer(options.tokens);
  json.Key("encode_ms").Number(result.encode_ms);
  json.Key("greedy_token_us").Number(result.greedy_token_us);
  json.Key("token_us").Number(result.token_us);
  json.Key("rows").Integer(kRows).Key("rows_token_us").Number(result.rows_token_us);
  json.Key("prompt_token_us").Number(result.prompt_token_us);
  json.Key("real_time_factor").Number(RealTime(result));
  json.Key("peak_memory_bytes").Integer(static_cast<int64_t>(PeakMemory())).End();
  return json.Take();
}

absl::StatusOr<int> RunBench(Console& console, const Options& options) {
  int code = sdk::kExitOk;
  ASSIGN_OR_RETURN(const OpenedEngine opened, OpenEngineOf(options.engine, console, &code));
  if (opened.engine == nullptr) return code;
  Bench bench(*opened.model, *opened.engine, options);
  ASSIGN_OR_RETURN(const Result result, bench.Run());
  console.out << (options.format == "json" ? Json(options, *opened.engine, result)
                                           : Text(options, *opened.engine, result));
  return code;
}

}  // namespace

void AddBench(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "Measure how fast a model is on this machine");
  AddEngineFlags(*command, options->engine);
  command->add_option("--runs", options->runs, "Of which the medians are printed, after one more")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--tokens", options->tokens, "Tokens in a run")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  command->add_option("--format", options->format, "How to print the figures")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([&context, options] {
    context.run = [&context, options] { return RunBench(context.console, *options); };
  });
}

}  // namespace rules_inference::infer
