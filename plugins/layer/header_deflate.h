// Deflate for the few hundred bytes between the files of a spliced layer.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_HEADER_DEFLATE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_HEADER_DEFLATE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::layer {

// Appends one whole deflate stream (RFC 1951) that expands to `data`, which is right for any bytes
// and small for tar headers and padding.
void AppendHeaderDeflate(absl::string_view data, std::string& out);

}  // namespace rules_inference::layer

#endif  // RULES_INFERENCE_PLUGINS_LAYER_HEADER_DEFLATE_H_
