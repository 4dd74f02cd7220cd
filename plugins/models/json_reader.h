// Reads JSON of other people: answers of hubs, indexes of shards, headers of safetensors. Nothing
// is kept of it but what the caller keeps, so memory is bounded whatever the text is.

#ifndef RULES_INFERENCE_PLUGINS_MODELS_JSON_READER_H_
#define RULES_INFERENCE_PLUGINS_MODELS_JSON_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::models {

// RFC 8259, at most 64 levels deep. Errors read "<what>: byte N: got X, expected Y". Each call
// takes one value from the front of what is left.
class JsonReader {
 public:
  // `text` has to outlive the object.
  JsonReader(absl::string_view what, absl::string_view text) : what_(what), text_(text) {}

  // `member` is called for each name, and has to take its value.
  absl::Status Object(const std::function<absl::Status(const std::string& name)>& member);
  // `item` is called in front of each item, and has to take it.
  absl::Status Array(const std::function<absl::Status()>& item);
  absl::StatusOr<std::string> String();
  // A whole number from 0 to 2^64 - 1.
  absl::StatusOr<uint64_t> Number();
  // The first byte of the next value: '{', '[', '"', ...; 0 at the end.
  char Peek();
  // Takes any value.
  absl::Status Skip();
  // Nothing but white space may be left.
  absl::Status End();

 private:
  absl::Status Unexpected(absl::string_view expected);
  absl::Status Bad(size_t at, absl::string_view got, absl::string_view expected) const;
  void SkipSpace();
  bool Take(char c);
  absl::StatusOr<uint32_t> Hex4();

  const std::string what_;
  const absl::string_view text_;
  size_t pos_ = 0;
  int depth_ = 0;
};

}  // namespace rules_inference::models

#endif  // RULES_INFERENCE_PLUGINS_MODELS_JSON_READER_H_
