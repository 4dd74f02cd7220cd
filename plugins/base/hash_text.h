// SHA-256 digests as people and tools write them, and one value for all of them.

#ifndef RULES_INFERENCE_PLUGINS_BASE_HASH_TEXT_H_
#define RULES_INFERENCE_PLUGINS_BASE_HASH_TEXT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"

namespace rules_inference::base {

// Accepts, and nothing beside:
//   64 hexadecimal digits of either case, alone or after "sha256:";
//   52 digits of Nix's base 32, alone or after "sha256:";
//   "sha256-" and 44 characters of padded base64, as in SRI.
// A text that several writers could have meant differently is refused: the length decides which
// form it is, and the bits that a form has beyond 256 must be zero. What is written out again is
// Digest::Hex(), always. Errors read "sha256: '<text>': got X, expected Y".
absl::StatusOr<Digest> ParseSha256(absl::string_view text);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_HASH_TEXT_H_
