#include "plugins/infer/cuda/encoder.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
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
#include "plugins/infer/model_file.h"

namespace rules_inference::infer::cuda {
namespace {

// Windows that are encoded at once, less when memory is short.
constexpr size_t kMostWindows = 16;

size_t Size(int value) { return static_cast<size_t>(value); }

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<EncodedWindow>>> Encoder::Encode(
    absl::Span<const absl::Span<const float>> windows) {
  std::vector<std::unique_ptr<EncodedWindow>> encoded;
  size_t most = kMostWindows;
  while (encoded.size() < windows.size()) {
    const size_t count = std::min(most, windows.size() - encoded.size());
    const size_t before = encoded.size();
    const absl::Status status = EncodeSome(windows.subspan(before, count), encoded);
    if (absl::IsResourceExhausted(status) && count > 1) {
      encoded.resize(before);
      memory_ = Memory();
      most = count / 2;
      continue;
    }
    RETURN_IF_ERROR(status);
  }
  return encoded;
}

absl::Status Encoder::EncodeSome(absl::Span<const absl::Span<const float>> windows,
                                 std::vector<std::unique_ptr<EncodedWindow>>& encoded) {
  const Hyperparameters& p = layers_.parameters();
  const Weights& weights = layers_.weights();
  const int count = static_cast<int>(windows.size());
  const int context = p.audio_context;
  const int frames = 2 * context;
  const int state = p.audio_state;
  const int rows = count * context;
  const size_t positions = Size(rows);
  const int columns = std::max(2 * weights.conv1.weight.columns, weights.conv2.weight.columns);
  Memory& m = memory_;

  const size_t before = encoded.size();
  std::vector<Half*> cross;
  for (int layer = 0; layer < p.text_layers; ++layer) {
    for (int i = 0; i < count; ++i) {
      if (layer == 0) {
        const size_t bytes =
            sizeof(Half) * 2 * Size(p.text_layers) * Size(context) * layers_.state();
        ASSIGN_OR_RETURN(Buffer buffer, Buffer::Make(layers_.accelerator(), bytes));
        encoded.push_back(
            std::make_unique<Window>(layers_.shared_accelerator(), std::move(buffer)));
      }
      auto& window = static_cast<Window&>(*encoded[before + Size(i)]);
      cross.push_back(window.mutable_cross() + Size(layer) * 2 * Size(context) * layers_.state());
    }
  }
  ASSIGN_OR_RETURN(Half* const* const table, (layers_.Put<Half*>(m.table, cross)));

  const size_t mel_size = Size(frames) * Size(p.mels);
  ASSIGN_OR_RETURN(float* const mel, layers_.Grow<float>(m.mel, Size(count) * mel_size));
  for (int i = 0; i < count; ++i) {
    RETURN_IF_ERROR(layers_.accelerator().Upload(mel + Size(i) * mel_size, windows[Size(i)].data(),
                                                 mel_size * sizeof(float)));
  }
  ASSIGN_OR_RETURN(Half* const unfolded, layers_.Grow<Half>(m.columns, positions * Size(columns)));
  ASSIGN_OR_RETURN(Half* const hidden,
                   layers_.Grow<Half>(m.hidden, 2 * positions * layers_.state()));
  ASSIGN_OR_RETURN(float* const x, layers_.Grow<float>(m.x, positions * layers_.state()));
  ASSIGN_OR_RETURN(Half* const norm, layers_.Grow<Half>(m.norm, positions * layers_.state()));
  ASSIGN_OR_RETURN(Half* const qkv, layers_.Grow<Half>(m.qkv, positions * 3 * layers_.state()));
  ASSIGN_OR_RETURN(Half* const attended,
                   layers_.Grow<Half>(m.attended, positions * layers_.state()));
  ASSIGN_OR_RETURN(Half* const wide, layers_.Grow<Half>(m.wide, positions * 4 * layers_.state()));

  RETURN_IF_ERROR(layers_.Launch(UnfoldArgs{.in = mel,
                                            .out = unfolded,
                                            .windows = count,
                                            .in_frames = frames,
                                            .out_frames = frames,
                                            .stride = 1,
                                            .channels = p.mels,
                                            .columns = weights.conv1.weight.columns}));
  RETURN_IF_ERROR(
      layers_.Multiply(weights.conv1, unfolded, count * frames, {.gelu = 1, .out_half = hidden}));
  RETURN_IF_ERROR(layers_.Launch(UnfoldArgs{.in_half = hidden,
                                            .out = unfolded,
                                            .windows = count,
                                            .in_frames = frames,
                                            .out_frames = context,
                                            .stride = 2,
                                            .channels = state,
                                            .columns = weights.conv2.weight.columns}));
  RETURN_IF_ERROR(layers_.Multiply(
      weights.conv2, unfolded, rows,
      {.gelu = 1, .add = weights.audio_positions, .add_period = context, .out = x}));
  for (const EncoderLayer& layer : weights.encoder) {
    RETURN_IF_ERROR(layers_.Normalize(layer.attention_norm, x, rows, norm));
    RETURN_IF_ERROR(layers_.Multiply(layer.qkv, norm, rows, {.out_half = qkv}));
    RETURN_IF_ERROR(layers_.Launch(FlashArgs{.query = qkv,
                                             .key = qkv + state,
                                             .value = qkv + 2 * state,
                                             .out = attended,
                                             .query_stride = 3 * state,
                                             .key_stride = 3 * state,
                                             .out_stride = state,
                                             .heads = p.audio_heads,
                                             .queries = context,
                                             .keys = context,
                                             .batch = count}));
    RETURN_IF_ERROR(layers_.AddTo(layer.attention_out, attended, x, rows));
    RETURN_IF_ERROR(layers_.Mlp(layer, x, norm, wide, rows));
  }
  RETURN_IF_ERROR(layers_.Normalize(weights.audio_norm, x, rows, norm));
  for (size_t layer = 0; layer < weights.decoder.size(); ++layer) {
    const Linear& linear = weights.decoder[layer].cross_kv;
    const size_t first = layer * Size(count);
    if (layers_.UsesLibrary(context)) {
      RETURN_IF_ERROR(layers_.MultiplyEach(linear, norm, context,
                                           absl::MakeConstSpan(cross).subspan(first, Size(count))));
      continue;
    }
    RETURN_IF_ERROR(
        layers_.Multiply(linear, norm, rows, {.out_table = table + first, .table_rows = context}));
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::infer::cuda
