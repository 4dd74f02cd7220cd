// Forms with files: bodies of multipart/form-data (RFC 7578).

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_FORM_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_FORM_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::infer {

struct FormField {
  std::string name;
  // Of a file, as the client calls it. Never a path to do anything with.
  std::optional<std::string> file_name;
  // Points into the body.
  absl::string_view value;
};

struct FormLimits {
  size_t fields = 64;
  // Bytes of a value that is no file. The body as a whole is limited by whoever reads it.
  size_t value = size_t{64} << 10;
};

// The fields in their order; a name may be there several times. `content_type` is the header, with
// its boundary. `body` has to outlive the result, and is neither copied nor changed. Errors read
// "form: <where>: got X, expected Y".
absl::StatusOr<std::vector<FormField>> ParseForm(absl::string_view content_type,
                                                 absl::string_view body, const FormLimits& limits);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_FORM_H_
