// A JSON document as a tree, for files whose keys are data, so that no message can describe them.
// The protobuf reader (plugins/sdk/json.h) reads all others.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_JSON_VALUE_H_
#define RULES_INFERENCE_PLUGINS_PYPI_JSON_VALUE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::pypi {

struct JsonValue {
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kList, kObject };

  Kind kind = Kind::kNull;
  std::string text;  // A string; or a number or true or false, as it is written.
  std::vector<JsonValue> list;
  std::map<std::string, JsonValue> object;

  // The value of a key; null when there is none, or this is no object.
  const JsonValue& operator[](const std::string& key) const;
  // A whole number that is not negative; 0 for anything else.
  uint64_t Number() const;
};

// RFC 8259, no key twice, at most 64 levels deep. Errors read "<what>: <where>: got X, expected Y".
absl::StatusOr<JsonValue> ParseJsonValue(absl::string_view what, absl::string_view where,
                                         absl::string_view text);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_JSON_VALUE_H_
