// Sizes as people read them.

#ifndef RULES_INFERENCE_PLUGINS_BASE_HUMAN_SIZE_H_
#define RULES_INFERENCE_PLUGINS_BASE_HUMAN_SIZE_H_

#include <cstdint>
#include <string>

namespace rules_inference::base {

// "27.1 MB": units of a thousand.
std::string HumanSize(uint64_t bytes);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_HUMAN_SIZE_H_
