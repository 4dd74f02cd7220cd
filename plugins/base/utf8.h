// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.

#ifndef RULES_INFERENCE_PLUGINS_BASE_UTF8_H_
#define RULES_INFERENCE_PLUGINS_BASE_UTF8_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::base {

// Takes one character from the front of `text` and stores its code point. False, with `text` as it
// was, when `text` is empty or does not start with a well-formed character.
bool ConsumeUtf8(absl::string_view& text, uint32_t& code_point);

bool IsValidUtf8(absl::string_view text);

void AppendUtf8(uint32_t code_point, std::string& out);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_UTF8_H_
