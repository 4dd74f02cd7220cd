// Letters, numbers and white space of Unicode, as tokenizers tell them apart.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CHARACTER_CLASS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CHARACTER_CLASS_H_

#include <cstdint>

namespace rules_inference::infer {

enum class CharacterClass { kLetter, kNumber, kSpace, kOther };

CharacterClass ClassOf(uint32_t code_point);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CHARACTER_CLASS_H_
