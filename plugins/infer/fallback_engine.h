// An engine on a device that may fail at any time, with the CPU behind it.
//
// When a call fails on the device, the device is given up for good, with one line to people, and
// the work goes on where it was: what is finished stays, and what is alive is made anew on the CPU
// when it is next needed. For that, windows keep their sound and decodings the tokens of their
// rows; the tokens go through the decoder as one step, which gives the same keys and values as the
// steps they came in.
//
// Errors of the caller (InvalidArgument, FailedPrecondition, OutOfRange) and Cancelled are
// returned.

#ifndef RULES_INFERENCE_PLUGINS_INFER_FALLBACK_ENGINE_H_
#define RULES_INFERENCE_PLUGINS_INFER_FALLBACK_ENGINE_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/engine.h"

namespace rules_inference::infer {

// `open` is called at most once, when `device` has failed; `note` just before.
std::unique_ptr<Engine> NewFallbackEngine(
    std::unique_ptr<Engine> device,
    absl::AnyInvocable<absl::StatusOr<std::unique_ptr<Engine>>()> open,
    absl::AnyInvocable<void(absl::string_view)> note);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_FALLBACK_ENGINE_H_
