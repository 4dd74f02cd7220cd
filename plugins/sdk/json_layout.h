// Line breaks for JSON that people read and that is kept under version control.

#ifndef RULES_INFERENCE_PLUGINS_SDK_JSON_LAYOUT_H_
#define RULES_INFERENCE_PLUGINS_SDK_JSON_LAYOUT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace rules_inference::sdk {

// The same document with two-space indentation and a newline at the end. An object or array
// stays on one line when it fits into `width` columns there; the document itself never does. `json`
// is what ToCanonicalJson gives.
std::string LayOutJson(absl::string_view json, size_t width = 100);

// ToCanonicalJson, laid out: files for people.
std::string ToReadableJson(const google::protobuf::Message& message);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_JSON_LAYOUT_H_
