// The data pass of a layer: reads every input once, and writes the blob.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_ASSEMBLE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_ASSEMBLE_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/plan.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {

struct AssembleOptions {
  sdk::LayerMode mode = sdk::SPLICE;
  int level = 0;
  // At least 1.
  int threads = 1;
  // Trust this digest of the tar stream, and inflate nothing.
  std::optional<base::Digest> known_diff_id;
  // Polled between segments; may be null.
  const std::atomic<bool>* cancelled = nullptr;
};

struct Assembled {
  base::Digest digest;
  uint64_t size = 0;
  base::Digest diff_id;
  uint64_t unpacked_size = 0;
};

// Appends the blob to `out`. The bytes depend on plan, mode and level only.
absl::StatusOr<Assembled> Assemble(const LayerPlan& plan, const AssembleOptions& options,
                                   base::FileSystem& fs, base::OutputFile& out);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_ASSEMBLE_H_
