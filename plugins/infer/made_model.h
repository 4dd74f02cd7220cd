// The bytes of a model with random weights, for tests.

#ifndef RULES_INFERENCE_PLUGINS_INFER_MADE_MODEL_H_
#define RULES_INFERENCE_PLUGINS_INFER_MADE_MODEL_H_

#include <string>

#include "plugins/infer/test_model.h"

namespace rules_inference::infer {

std::string MadeModel(const TestModel& model);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_MADE_MODEL_H_
