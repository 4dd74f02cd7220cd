// JSON for requests and side files: a strict reader into protobuf messages, and one canonical text
// per message.
//
// Protobuf's own JSON reader accepts more than JSON in one of the generations that we support, and
// words its errors differently in each. This one is the same everywhere: RFC 8259 and nothing
// beside it, no unknown field, no field twice, no null, no NUL and no lone surrogate in a string,
// at most 64 levels deep, integers only where integers are meant. Fields may be spelt as in the
// .proto file or in lowerCamelCase. Map fields are refused, and well-known types get no special
// treatment.

#ifndef RULES_INFERENCE_PLUGINS_SDK_JSON_H_
#define RULES_INFERENCE_PLUGINS_SDK_JSON_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/message.h"

namespace rules_inference::sdk {

// Merges one JSON object into `*message`: scalars replace, repeated fields grow, messages are
// merged. A field of a oneof whose other member is set is an error. Errors read "<what>: line L,
// column C: got X, expected Y", where `what` is the name of the file or another word for the text;
// `*message` is then half written.
absl::Status MergeJson(absl::string_view what, absl::string_view text,
                       google::protobuf::Message* message);

// The same for a list of fragments, one object each. Errors read "request: line N, column C: got X,
// expected Y".
absl::Status MergeJsonLinesInto(absl::Span<const std::string> lines,
                                google::protobuf::Message* message);

template <class T>
absl::StatusOr<T> MergeJsonLines(absl::Span<const std::string> lines) {
  T message;
  absl::Status status = MergeJsonLinesInto(lines, &message);
  if (!status.ok()) return status;
  return message;
}

// Reads a document, for example a side file.
template <class T>
absl::StatusOr<T> ParseJson(absl::string_view what, absl::string_view text) {
  T message;
  absl::Status status = MergeJson(what, text, &message);
  if (!status.ok()) return status;
  return message;
}

// One line without a newline: fields as spelt in the .proto file, sorted by name, no white space,
// fields with their default left out, integers of every width as numbers, enums by name, bytes as
// base64. Any protobuf JSON reader takes it, and so does json.decode() of Starlark. Strings must be
// UTF-8, as in any protobuf message; a byte that is not becomes U+FFFD.
std::string ToCanonicalJson(const google::protobuf::Message& message);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_JSON_H_
