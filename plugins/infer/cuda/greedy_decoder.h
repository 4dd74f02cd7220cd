// Greedy decoding that stays on the device: a token is chosen and fed back by kernels, the same
// launches each time, and the host looks once in some tokens whether somebody is done.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CUDA_GREEDY_DECODER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CUDA_GREEDY_DECODER_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/decoder.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/cuda/layers.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer::cuda {

class GreedyDecoder {
 public:
  // Sequences at once.
  static constexpr size_t kMost = 64;

  // `decoder` has to outlive it.
  explicit GreedyDecoder(Decoder& decoder) : decoder_(decoder) {}

  // As Engine::DecodeGreedy, of 1 to kMost decodings that are right.
  absl::Status Decode(absl::Span<GreedyDecoding* const> decodings);

 private:
  // Kept for the next call.
  struct Memory {
    Buffer greedy, rows, rules, tokens;
  };

  Layers& layers() { return decoder_.layers(); }

  absl::Status Step(int rows);
  absl::Status NoSpeech(const Half* states, absl::Span<const int> starts,
                        absl::Span<GreedyDecoding* const> decodings);
  absl::StatusOr<std::vector<Greedy>> PutRules(absl::Span<GreedyDecoding* const> decodings);

  Decoder& decoder_;
  Memory memory_;
};

}  // namespace rules_inference::infer::cuda

#endif  // RULES_INFERENCE_PLUGINS_INFER_CUDA_GREEDY_DECODER_H_
