// Jobs at the same time whose output comes in their order.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_IN_ORDER_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_IN_ORDER_H_

#include <atomic>
#include <cstddef>

#include "absl/functional/function_ref.h"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {

// Whether nobody wants the rest.
using StopFlag = std::atomic<bool>;

// Calls `run` for each number below `jobs`, on up to `workers` threads. With one worker the jobs
// write to `console` as they go. With more, what a job has written comes when it and all before it
// are done, and no job has a terminal.
//
// From the first output on that cannot be written, no job begins, and those that run find the flag
// set; what they write is dropped.
void RunInOrder(Console& console, size_t jobs, int workers,
                absl::FunctionRef<void(size_t, Console&, const StopFlag&)> run);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_IN_ORDER_H_
