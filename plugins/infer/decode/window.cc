#include "plugins/infer/decode/window.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

int WindowFrames(const Hyperparameters& parameters) { return 2 * parameters.audio_context; }

absl::StatusOr<std::unique_ptr<EncodedWindow>> EncodeWindow(Engine& engine, const LogMel& mel,
                                                            int seek, int size) {
  const auto mels = static_cast<size_t>(mel.mels);
  std::vector<float> values(static_cast<size_t>(WindowFrames(engine.parameters())) * mels, 0.0F);
  std::copy_n(mel.values.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(seek) * mels),
              static_cast<size_t>(size) * mels, values.begin());
  const absl::Span<const float> window = values;
  ASSIGN_OR_RETURN(std::vector<std::unique_ptr<EncodedWindow>> encoded, engine.Encode({window}));
  return std::move(encoded[0]);
}

}  // namespace rules_inference::infer
