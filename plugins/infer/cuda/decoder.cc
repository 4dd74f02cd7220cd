#include "plugins/infer/cuda/decoder.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/layers.h"
#include "plugins/infer/cuda/slots.h"
#include "plugins/infer/cuda/weights.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer::cuda {
namespace {

// Rows over one window from which tensor cores attend to it.
constexpr int kManyRows = 16;
// Blocks that keep the largest devices busy.
constexpr int kBusy = 264;
constexpr int kMostSplits = 8;

size_t Size(int value) { return static_cast<size_t>(value); }

}  // namespace

absl::StatusOr<const Half*> Decoder::Run(Pass& pass, const std::optional<Keep>& keep) {
  ASSIGN_OR_RETURN(const int* const slots, (layers_.Put<int>(memory_.slots, pass.slots)));
  for (size_t i = 0; i < pass.rows.size(); ++i) {
    if (pass.first_slots[i] >= 0) pass.rows[i].slots = slots + pass.first_slots[i];
  }
  for (const Group& group : pass.groups) {
    for (int i = group.first; i < group.first + group.rows; ++i) {
      pass.rows[Size(i)].slot_count = layers_.parameters().text_context * group.decoding->sequences;
    }
  }
  ASSIGN_OR_RETURN(const Row* const rows, (layers_.Put<Row>(memory_.rows, pass.rows)));
  return RunLayers(rows, static_cast<int>(pass.rows.size()), pass.positions, pass.groups, keep);
}

absl::Status Decoder::Reserve(int count) {
  const size_t size = Size(count) * layers_.state();
  Memory& m = memory_;
  RETURN_IF_ERROR(layers_.Grow<float>(m.x, size).status());
  RETURN_IF_ERROR(layers_.Grow<Half>(m.norm, size).status());
  RETURN_IF_ERROR(layers_.Grow<Half>(m.qkv, 3 * size).status());
  RETURN_IF_ERROR(layers_.Grow<Half>(m.attended, size).status());
  RETURN_IF_ERROR(layers_.Grow<Half>(m.query, size).status());
  RETURN_IF_ERROR(layers_.Grow<Half>(m.wide, 4 * size).status());
  // Pieces of at most kBusy blocks, rounded up for each row and head.
  const size_t pieces = Size(kBusy) + Size(count) * Size(layers_.parameters().text_heads);
  return layers_.Grow<float>(m.partial, pieces * Size(kHead + 2)).status();
}

absl::StatusOr<const Half*> Decoder::RunLayers(const Row* rows, int count, int positions,
                                               absl::Span<const Group> groups,
                                               const std::optional<Keep>& keep) {
  RETURN_IF_ERROR(Reserve(count));
  auto* const x = memory_.x.as<float>();
  auto* const norm = memory_.norm.as<Half>();
  auto* const qkv = memory_.qkv.as<Half>();
  auto* const attended = memory_.attended.as<Half>();
  auto* const query = memory_.query.as<Half>();
  auto* const wide = memory_.wide.as<Half>();
  RETURN_IF_ERROR(layers_.Launch(EmbedArgs{.row_info = rows,
                                           .embedding = layers_.weights().embedding,
                                           .positions = layers_.weights().text_positions,
                                           .out = x,
                                           .rows = count}));
  for (int layer = 0; layer < layers_.parameters().text_layers; ++layer) {
    const DecoderLayer& w = layers_.weights().decoder[Size(layer)];
    RETURN_IF_ERROR(layers_.Normalize(w.self.attention_norm, x, count, norm));
    RETURN_IF_ERROR(layers_.Multiply(w.self.qkv, norm, count, {.out_half = qkv}));
    RETURN_IF_ERROR(layers_.Launch(SelfAttentionArgs{.row_info = rows,
                                                     .qkv = qkv,
                                                     .out = attended,
                                                     .rows = count,
                                                     .heads = layers_.parameters().text_heads,
                                                     .layer = layer,
                                                     .positions = positions}));
    RETURN_IF_ERROR(layers_.AddTo(w.self.attention_out, attended, x, count));

    RETURN_IF_ERROR(layers_.Normalize(w.cross_norm, x, count, norm));
    RETURN_IF_ERROR(layers_.Multiply(w.cross_query, norm, count, {.out_half = query}));
    if (keep.has_value()) RETURN_IF_ERROR(KeepScores(*keep, groups[0], layer, query));
    RETURN_IF_ERROR(Attend(rows, count, groups, layer, query, attended));
    RETURN_IF_ERROR(layers_.AddTo(w.cross_out, attended, x, count));
    RETURN_IF_ERROR(layers_.Mlp(w.self, x, norm, wide, count));
  }
  RETURN_IF_ERROR(layers_.Normalize(layers_.weights().text_norm, x, count, norm));
  return norm;
}

absl::Status Decoder::Attend(const Row* rows, int count, absl::Span<const Group> groups, int layer,
                             const Half* query, Half* attended) {
  const int state = layers_.parameters().text_state;
  const int context = layers_.parameters().audio_context;
  const bool many =
      !groups.empty() &&
      std::all_of(groups.begin(), groups.end(), [](const Group& g) { return g.rows >= kManyRows; });
  if (many) {
    for (const Group& group : groups) {
      const Half* const cross =
          group.decoding->window.cross() + Size(layer) * 2 * Size(context) * layers_.state();
      RETURN_IF_ERROR(
          layers_.Launch(FlashArgs{.query = query + Size(group.first) * layers_.state(),
                                   .key = cross,
                                   .value = cross + state,
                                   .out = attended + Size(group.first) * layers_.state(),
                                   .query_stride = state,
                                   .key_stride = 2 * state,
                                   .out_stride = state,
                                   .heads = layers_.parameters().text_heads,
                                   .queries = group.rows,
                                   .keys = context,
                                   .batch = 1}));
    }
    return absl::OkStatus();
  }
  const int heads = layers_.parameters().text_heads;
  const int pieces = (kBusy + count * heads - 1) / (count * heads);
  const int splits = std::clamp(std::min(pieces, context / 32), 1, kMostSplits);
  CrossAttentionArgs args = {.row_info = rows,
                             .query = query,
                             .out = attended,
                             .rows = count,
                             .heads = heads,
                             .layer = layer,
                             .keys = context,
                             .splits = splits};
  if (splits == 1) return layers_.Launch(args);
  args.partial = memory_.partial.as<float>();
  RETURN_IF_ERROR(layers_.Launch(args));
  return layers_.Launch(CombineArgs{
      .partial = args.partial, .out = attended, .rows = count, .heads = heads, .splits = splits});
}

absl::Status Decoder::KeepScores(const Keep& keep, const Group& group, int layer,
                                 const Half* query) {
  // Heads, then their places.
  std::vector<int> of_layer;
  std::vector<int> places;
  for (size_t i = 0; i < keep.heads.size(); ++i) {
    if (keep.heads[i].layer != layer) continue;
    of_layer.push_back(keep.heads[i].head);
    places.push_back(static_cast<int>(i));
  }
  if (of_layer.empty() || keep.frames == 0) return absl::OkStatus();
  const int count = static_cast<int>(of_layer.size());
  of_layer.insert(of_layer.end(), places.begin(), places.end());
  ASSIGN_OR_RETURN(const int* const heads, (layers_.Put<int>(memory_.heads, of_layer)));
  return layers_.Launch(ScoresArgs{.query = query,
                                   .cross = group.decoding->window.cross(),
                                   .heads = heads,
                                   .places = heads + count,
                                   .out = keep.scores,
                                   .head_count = count,
                                   .rows = group.rows,
                                   .layer = layer,
                                   .keys = layers_.parameters().audio_context,
                                   .frames = keep.frames,
                                   .state = layers_.parameters().text_state});
}

absl::StatusOr<float*> Decoder::Logits(const Half* states, absl::Span<const int> chosen) {
  ASSIGN_OR_RETURN(const int* const rows, layers_.Put<int>(memory_.chosen, chosen));
  ASSIGN_OR_RETURN(Half* const gathered,
                   layers_.Grow<Half>(memory_.gathered, chosen.size() * layers_.state()));
  ASSIGN_OR_RETURN(float* const logits, LogitsMemory(chosen.size()));
  const int count = static_cast<int>(chosen.size());
  RETURN_IF_ERROR(layers_.Launch(GatherArgs{.in = states,
                                            .rows = rows,
                                            .out = gathered,
                                            .count = count,
                                            .columns = layers_.parameters().text_state}));
  RETURN_IF_ERROR(layers_.Logits(gathered, count, logits));
  return logits;
}

absl::StatusOr<float*> Decoder::LogitsMemory(size_t rows) {
  return layers_.Grow<float>(memory_.logits, rows * Size(layers_.parameters().vocab));
}

absl::Status Decoder::Probabilities(const float* logits, absl::Span<const int> ids, int limit,
                                    absl::Span<float> out) {
  ASSIGN_OR_RETURN(const int* const ids_memory, (layers_.Put<int>(memory_.ids, ids)));
  ASSIGN_OR_RETURN(float* const out_memory, layers_.Grow<float>(memory_.probabilities, ids.size()));
  RETURN_IF_ERROR(layers_.Launch(ProbabilityArgs{.logits = logits,
                                                 .ids = ids_memory,
                                                 .out = out_memory,
                                                 .rows = static_cast<int>(ids.size()),
                                                 .vocab = layers_.parameters().vocab,
                                                 .limit = limit}));
  return layers_.accelerator().Download(out.data(), out_memory, out.size() * sizeof(float));
}

}  // namespace rules_inference::infer::cuda
