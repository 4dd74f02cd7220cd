// The parts of a sound that a model hears at a time.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_WINDOW_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_WINDOW_H_

#include <memory>

#include "absl/status/statusor.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

// 3000 frames, 30 s, of released models.
int WindowFrames(const Hyperparameters& parameters);

// `size` frames from `seek` on. Where the window is longer it has zeros: that is what models know
// from their training, although silence has another value.
absl::StatusOr<std::unique_ptr<EncodedWindow>> EncodeWindow(Engine& engine, const LogMel& mel,
                                                            int seek, int size);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_WINDOW_H_
