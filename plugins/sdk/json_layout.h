// Line breaks for JSON that people read and that is kept under version control.

#ifndef RULES_INFERENCE_PLUGINS_SDK_JSON_LAYOUT_H_
#define RULES_INFERENCE_PLUGINS_SDK_JSON_LAYOUT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace rules_inference::sdk {

struct JsonLayout {
  size_t width = 100;
  // Objects are broken even when they would fit, unless they are in a list that fits: a diff then
  // shows the field that changed.
  bool open_objects = false;
  // Keys whose lists are broken even when they would fit.
  std::vector<absl::string_view> open_lists;
};

// The same document with two-space indentation and a newline at the end. An object or list stays
// on one line when it fits there with a comma; the document itself never does. `json` is what
// ToCanonicalJson gives.
std::string LayOutJson(absl::string_view json, const JsonLayout& layout = {});

// ToCanonicalJson, laid out: files for people.
std::string ToReadableJson(const google::protobuf::Message& message);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_JSON_LAYOUT_H_
