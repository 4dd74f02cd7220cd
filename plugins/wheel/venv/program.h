// Texts of programs in the bin directory of a virtual environment.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_VENV_PROGRAM_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_VENV_PROGRAM_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::wheel {

// pyvenv.cfg of the directory that a build makes. `id` is another one for other content.
std::string VenvConfig(absl::string_view python_version, absl::string_view id);

// bin/python, a shell script: starts the interpreter such that it takes the environment for its
// own.
std::string InterpreterScript(absl::string_view python_version, absl::string_view id);

// `script` with a first line that runs the bin/python beside it; nothing when it is no Python
// script.
std::optional<std::string> WithOwnInterpreter(absl::string_view script);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_VENV_PROGRAM_H_
