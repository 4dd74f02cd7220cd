// Rounding as Python does it, so that times are the same to the last digit.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_ROUNDING_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_ROUNDING_H_

namespace rules_inference::infer {

// The double next to the decimal number with two digits that is next to `value`; of two that are
// equally near, the even one. Multiplying by 100 would round twice.
double RoundToHundredths(double value);

// Ties go to the even one.
int RoundToInt(double value);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_ROUNDING_H_
