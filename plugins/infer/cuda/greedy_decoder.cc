#include "plugins/infer/cuda/greedy_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/decoder.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/layers.h"
#include "plugins/infer/cuda/slots.h"
#include "plugins/infer/cuda/weights.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/logit_rules.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer::cuda {
namespace {

// Tokens between two looks of the host.
constexpr int kLook = 8;

size_t Size(int value) { return static_cast<size_t>(value); }

}  // namespace

absl::StatusOr<std::vector<Greedy>> GreedyDecoder::PutRules(
    absl::Span<GreedyDecoding* const> decodings) {
  const size_t words = (Size(layers().parameters().vocab) + 31) / 32;
  // For each decoding two sets, unless the one before has the same rules.
  std::vector<uint32_t> bits;
  std::vector<size_t> places;
  const auto set = [&](absl::Span<const TokenId> ids) {
    const size_t first = bits.size();
    bits.resize(first + words);
    for (const TokenId id : ids) {
      if (id >= 0 && id < layers().parameters().vocab)
        bits[first + Size(id) / 32] |= 1U << (id % 32);
    }
  };
  size_t most = 1;
  for (size_t i = 0; i < decodings.size(); ++i) {
    const LogitRules* const rules = decodings[i]->rules;
    if (i > 0 && decodings[i - 1]->rules == rules) {
      places.push_back(places.back());
    } else {
      places.push_back(bits.size());
      set(rules->suppressed);
      set(rules->suppressed_first);
    }
    most = std::max(most, Size(decodings[i]->max_tokens));
  }
  ASSIGN_OR_RETURN(const uint32_t* const rules_memory,
                   (layers().Put<uint32_t>(memory_.rules, bits)));
  ASSIGN_OR_RETURN(int* const tokens, layers().Grow<int>(memory_.tokens, decodings.size() * most));
  std::vector<Greedy> greedy(decodings.size());
  for (size_t i = 0; i < decodings.size(); ++i) {
    const LogitRules& rules = *decodings[i]->rules;
    greedy[i].suppressed = rules_memory + places[i];
    greedy[i].suppressed_first = rules_memory + places[i] + words;
    greedy[i].timestamps = rules.timestamps ? 1 : 0;
    greedy[i].end_of_text = rules.special.end_of_text;
    greedy[i].first_timestamp = rules.special.first_timestamp;
    greedy[i].no_timestamps = rules.special.no_timestamps;
    // What is later than all times forbids nothing, and must not overflow.
    greedy[i].max_initial_steps =
        rules.max_initial_steps.has_value()
            ? std::clamp(*rules.max_initial_steps, 0, layers().parameters().vocab)
            : -1;
    greedy[i].max_tokens = decodings[i]->max_tokens;
    greedy[i].context = layers().parameters().text_context;
    greedy[i].tokens = tokens + i * most;
  }
  return greedy;
}

absl::Status GreedyDecoder::NoSpeech(const Half* states, absl::Span<const int> starts,
                                     absl::Span<GreedyDecoding* const> decodings) {
  std::vector<int> ids;
  for (const GreedyDecoding* decoding : decodings) {
    ids.push_back(decoding->rules->special.no_speech);
  }
  ASSIGN_OR_RETURN(const float* const logits, decoder_.Logits(states, starts));
  std::vector<float> probabilities(ids.size());
  RETURN_IF_ERROR(decoder_.Probabilities(logits, ids, layers().parameters().vocab,
                                         absl::MakeSpan(probabilities)));
  for (size_t i = 0; i < ids.size(); ++i) {
    decodings[i]->no_speech_probability = probabilities[i];
  }
  return absl::OkStatus();
}

// One token more for each row.
absl::Status GreedyDecoder::Step(int rows) {
  const auto* const row_info = memory_.rows.as<Row>();
  ASSIGN_OR_RETURN(
      const Half* const states,
      decoder_.RunLayers(row_info, rows, layers().parameters().text_context, {}, std::nullopt));
  ASSIGN_OR_RETURN(float* const logits, decoder_.LogitsMemory(Size(rows)));
  RETURN_IF_ERROR(layers().Logits(states, rows, logits));
  return layers().Launch(GreedyArgs{.logits = logits,
                                    .greedy = memory_.greedy.as<Greedy>(),
                                    .row_info = memory_.rows.as<Row>(),
                                    .rows = rows,
                                    .vocab = layers().parameters().vocab});
}

absl::Status GreedyDecoder::Decode(absl::Span<GreedyDecoding* const> decodings) {
  const size_t count = decodings.size();
  Pass pass;
  std::vector<int> starts;
  std::vector<int> ends;
  constexpr int kFirst[] = {0};
  for (GreedyDecoding* decoding : decodings) {
    decoding->tokens.clear();
    decoding->sum_log_probability = 0;
    starts.push_back(static_cast<int>(pass.rows.size()) + decoding->start);
    AddRows(static_cast<SlotDecoding&>(*decoding->decoding), kFirst, decoding->prompt, pass);
    ends.push_back(static_cast<int>(pass.rows.size()) - 1);
  }
  // Rows that are computed: a power of two, so that there are few records. They must not allocate.
  const auto padded = [](size_t rows) {
    size_t size = 1;
    while (size < rows) size *= 2;
    return size;
  };
  size_t rows = padded(count);
  RETURN_IF_ERROR(decoder_.Reserve(static_cast<int>(rows)));
  ASSIGN_OR_RETURN(const Half* const states, decoder_.Run(pass, std::nullopt));
  RETURN_IF_ERROR(NoSpeech(states, starts, decodings));
  RETURN_IF_ERROR(decoder_.LogitsMemory(rows).status());
  ASSIGN_OR_RETURN(const float* const logits, decoder_.Logits(states, ends));

  ASSIGN_OR_RETURN(std::vector<Greedy> greedy, PutRules(decodings));
  std::vector<Row> row_info(rows);
  greedy.resize(rows);
  for (size_t i = 0; i < count; ++i) {
    row_info[i] = pass.rows[Size(ends[i])];
    // A single sequence: slots are positions.
    row_info[i].slots = nullptr;
    row_info[i].active = decodings[i]->max_tokens > 0 ? 1 : 0;
    greedy[i].done = decodings[i]->max_tokens > 0 ? 0 : 1;
  }
  RETURN_IF_ERROR((layers().Put<Greedy>(memory_.greedy, greedy)).status());
  RETURN_IF_ERROR((layers().Put<Row>(memory_.rows, row_info)).status());
  RETURN_IF_ERROR(layers().Launch(GreedyArgs{.logits = logits,
                                             .greedy = memory_.greedy.as<Greedy>(),
                                             .row_info = memory_.rows.as<Row>(),
                                             .rows = static_cast<int>(count),
                                             .vocab = layers().parameters().vocab}));

  // Which decoding a row is.
  std::vector<size_t> who(count);
  for (size_t i = 0; i < count; ++i) who[i] = i;
  std::vector<Greedy> ended(count);
  std::vector<int> positions(count);
  int remaining = 0;
  for (const GreedyDecoding* decoding : decodings) {
    remaining = std::max(remaining, decoding->max_tokens - 1);
  }
  while (!who.empty()) {
    for (int i = 0; i < std::min(remaining, kLook); ++i) {
      const int key = static_cast<int>(rows);
      RETURN_IF_ERROR(layers().accelerator().Replay(key, [&] { return Step(key); }));
    }
    greedy.resize(who.size());
    row_info.resize(who.size());
    RETURN_IF_ERROR(layers().accelerator().Download(greedy.data(), memory_.greedy.as<Greedy>(),
                                                    greedy.size() * sizeof(Greedy)));
    RETURN_IF_ERROR(layers().accelerator().Download(row_info.data(), memory_.rows.as<Row>(),
                                                    row_info.size() * sizeof(Row)));
    std::vector<size_t> still;
    std::vector<Greedy> still_greedy;
    std::vector<Row> still_rows;
    remaining = 0;
    for (size_t i = 0; i < who.size(); ++i) {
      if (greedy[i].done != 0) {
        ended[who[i]] = greedy[i];
        positions[who[i]] = row_info[i].position;
        continue;
      }
      remaining = std::max(remaining, greedy[i].max_tokens - greedy[i].count);
      still.push_back(who[i]);
      still_greedy.push_back(greedy[i]);
      still_rows.push_back(row_info[i]);
    }
    if (still.size() == who.size()) continue;
    who = std::move(still);
    if (who.empty()) break;
    rows = padded(who.size());
    still_greedy.resize(rows);
    still_rows.resize(rows);
    RETURN_IF_ERROR((layers().Put<Greedy>(memory_.greedy, still_greedy)).status());
    RETURN_IF_ERROR((layers().Put<Row>(memory_.rows, still_rows)).status());
  }

  for (size_t i = 0; i < count; ++i) {
    GreedyDecoding& decoding = *decodings[i];
    auto& slots = static_cast<SlotDecoding&>(*decoding.decoding);
    decoding.sum_log_probability = ended[i].sum;
    decoding.tokens.resize(Size(ended[i].count));
    RETURN_IF_ERROR(layers().accelerator().Download(decoding.tokens.data(), ended[i].tokens,
                                                    decoding.tokens.size() * sizeof(int)));
    if (ended[i].full != 0) {
      return base::Mismatch("tokens", "CUDA engine", absl::StrCat(positions[i] + 1),
                            absl::StrCat("at most ", layers().parameters().text_context));
    }
    slots.slots = {{}};
    for (int p = 0; p < positions[i]; ++p) slots.slots[0].push_back(p);
    slots.length = positions[i];
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::infer::cuda
