// Error texts: one line `<what>: <where>: got X, expected Y`, and optionally a second line `hint:
// <next step>`. The program that shows a status to the user puts "error: " in front.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ERROR_H_
#define RULES_INFERENCE_PLUGINS_BASE_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rules_inference::base {

// InvalidArgument "<what>: <where>: got <got>, expected <expected>".
absl::Status Mismatch(absl::string_view what, absl::string_view where, absl::string_view got,
                      absl::string_view expected);

// The same status with one more line, "hint: <hint>". OK stays OK.
absl::Status WithHint(const absl::Status& status, absl::string_view hint);

// `text` in single quotes, fit for one line of a message: escapes what is not printable and
// shortens what is long. Names from archives can hold anything, also terminal control sequences.
std::string Quoted(absl::string_view text);

// A status for a failed system call: "<what>: <where>: <text of the error number>", with a
// canonical code that callers can act on (NotFound, PermissionDenied, ResourceExhausted for a full
// disk, ...).
absl::Status SystemError(int error_number, absl::string_view what, absl::string_view where);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ERROR_H_
