// Case folding and canonical decomposition of the letters that file names are likely to hold.

#ifndef RULES_INFERENCE_PLUGINS_BASE_UNICODE_FOLD_H_
#define RULES_INFERENCE_PLUGINS_BASE_UNICODE_FOLD_H_

#include <cstdint>
#include <string>

namespace rules_inference::base {

// Appends the folded, decomposed form of a character beyond ASCII in UTF-8; the character itself
// when it has none here.
void AppendFolded(uint32_t code_point, std::string& out);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_UNICODE_FOLD_H_
