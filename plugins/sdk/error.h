// How an absl::Status looks to the user, and the exit codes of plugins.
//
//   error: <what>: <where>: got X, expected Y
//   hint: <what to do about it>
//
// Statuses are made with base::Mismatch and its neighbours in plugins/base/error.h; a hint is a
// line of the message.

#ifndef RULES_INFERENCE_PLUGINS_SDK_ERROR_H_
#define RULES_INFERENCE_PLUGINS_SDK_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rules_inference::sdk {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// kExitOk or kExitFailed.
int ExitCode(const absl::Status& status);

// The lines for the user, each ending with a newline; "" for OK. Control characters are escaped, so
// that an error is one line whatever bytes a file name holds, and the text is valid UTF-8, as a
// WorkResponse must be.
std::string FormatError(const absl::Status& status);

// Puts "<where>: " in front of the message of an error and keeps its code and payloads. OK stays
// OK.
absl::Status AddContext(const absl::Status& status, absl::string_view where);

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string ToValidUtf8(absl::string_view text);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_ERROR_H_
