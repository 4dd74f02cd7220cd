// Names of Python distributions.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_NAME_H_
#define RULES_INFERENCE_PLUGINS_PYPI_NAME_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::pypi {

// ASCII letters, digits, '.', '_' and '-', with a letter or digit at both ends (PEP 508).
bool IsName(absl::string_view name);

// The one spelling of a name (PEP 503): "Typing_Extensions" is "typing-extensions".
std::string NormalizeName(absl::string_view name);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_NAME_H_
