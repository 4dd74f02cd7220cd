// Whether options of a transcript make sense, in themselves and for a model.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_OPTIONS_CHECK_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_OPTIONS_CHECK_H_

#include "absl/status/status.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/model.h"

namespace rules_inference::infer {

// InvalidArgument "<option>: to transcribe: got ..., expected ...".
absl::Status CheckOptions(const TranscribeOptions& options, const Model& model);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_OPTIONS_CHECK_H_
