// The reference as an engine: for tests of what is built on engines, and of engines.

#ifndef RULES_INFERENCE_PLUGINS_INFER_REFERENCE_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_REFERENCE_ENGINE_H_

#include <memory>

#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {

// In double precision; what has been computed for a row is kept, so a token costs its own work
// only. `file` has to outlive it. Errors: InvalidArgument for what no engine can do, such as tokens
// that are not in the vocabulary or more of them than the model's context has.
std::unique_ptr<Engine> NewReferenceEngine(const ModelFile& file);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_REFERENCE_ENGINE_H_
