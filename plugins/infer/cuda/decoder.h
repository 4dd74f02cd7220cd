// Passes of rows through the layers of the decoder, and the logits behind them.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_DECODER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_DECODER_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/layers.h"
#include "plugins/infer/cuda/slots.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer::cuda {

// Scores that are kept on the way through the layers.
struct Keep {
  absl::Span<const Head> heads;
  int frames;
  float* scores;
};

class Decoder {
 public:
  // `layers` has to outlive it.
  explicit Decoder(Layers& layers) : layers_(layers) {}

  Layers& layers() { return layers_; }

  // Memory for passes of `count` rows, which then need no more.
  absl::Status Reserve(int count);

  // The states of all rows after the last layer, until the next call. Scores are kept of a pass of
  // one group.
  absl::StatusOr<const Half*> Run(Pass& pass, const std::optional<Keep>& keep);

  // The same for `count` rows on the device, in earlier positions below `positions`. `groups` may
  // be empty: then none has many rows.
  absl::StatusOr<const Half*> RunLayers(const Row* rows, int count, int positions,
                                        absl::Span<const Group> groups,
                                        const std::optional<Keep>& keep);

  // Of the states in `chosen` rows, [chosen][vocab], until the next call.
  absl::StatusOr<float*> Logits(const Half* states, absl::Span<const int> chosen);

  // Memory for the logits of `rows`, where Logits puts them.
  absl::StatusOr<float*> LogitsMemory(size_t rows);

  // Of ids[i] in row i of `logits`, among the ids below `limit`; there are as many of `out`.
  absl::Status Probabilities(const float* logits, absl::Span<const int> ids, int limit,
                             absl::Span<float> out);

 private:
  // Kept for the next call.
  struct Memory {
    Buffer rows, slots, x, norm, qkv, attended, query, wide, partial, chosen, gathered, logits, ids,
        probabilities, heads;
  };

  absl::Status Attend(const Row* rows, int count, absl::Span<const Group> groups, int layer,
                      const Half* query, Half* attended);
  absl::Status KeepScores(const Keep& keep, const Group& group, int layer, const Half* query);

  Layers& layers_;
  Memory memory_;
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_DECODER_H_
