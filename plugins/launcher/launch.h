// Chooses one of the shipped variants and becomes it.

#ifndef RULES_INFERENCE_PLUGINS_LAUNCHER_LAUNCH_H_
#define RULES_INFERENCE_PLUGINS_LAUNCHER_LAUNCH_H_

#include "absl/status/status.h"

namespace rules_inference::launcher {

// As shells have it: 126 for programs that are there and none of which can be executed here, 127
// for what is not there: the manifest, the runfiles, the host descriptor. A program that was
// started has its own exit code, whatever it is.
inline constexpr int kExitCannotStart = 126;
inline constexpr int kExitNotInstalled = 127;

// Replaces this process by the best variant that can be started; returns only when there is none.
// Arguments, environment, open files, signals and standard streams are the program's own. The
// environment gets one variable, INFERENCE_VARIANT_CHOSEN, for logs of the program.
//
//   INFERENCE_VARIANT  what is asked for: auto, NAME (with fallback), require:NAME
//   INFERENCE_HOST     host descriptor to believe in place of the machine
//   INFERENCE_EXPLAIN  when set and not 0: the whole explanation on standard error
absl::Status Launch(int argc, char** argv);

int ExitCodeOf(const absl::Status& status);

}  // namespace rules_inference::launcher

#endif  // RULES_INFERENCE_PLUGINS_LAUNCHER_LAUNCH_H_
