// How much a text repeats itself.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_COMPRESSION_RATIO_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_COMPRESSION_RATIO_H_

#include "absl/strings/string_view.h"

namespace rules_inference::infer {

// Bytes of `text` for each byte of it in zlib's format at the default level. Some 1.5 for speech;
// a loop has 3 and more. 0 of nothing.
double CompressionRatio(absl::string_view text);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_COMPRESSION_RATIO_H_
