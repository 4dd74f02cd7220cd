// Choosing a variant: which rows of a lock a machine can run, which of them is best, and why.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_SELECT_ENGINE_H_

#include "plugins/sdk/select.pb.h"

namespace rules_inference::select {

// The same request gives the same answer on every machine: nothing but the request is looked at.
// `error` of the answer is set when there is none, also for a request that makes no sense.
sdk::SelectAnswer Select(const sdk::SelectRequest& request);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_ENGINE_H_
