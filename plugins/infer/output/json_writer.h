// JSON text, written value by value, for documents whose fields are there also when they are 0:
// clients of OpenAI's format rely on that, and protobuf's text leaves them out.

#ifndef RULES_INFERENCE_PLUGINS_INFER_OUTPUT_JSON_WRITER_H_
#define RULES_INFERENCE_PLUGINS_INFER_OUTPUT_JSON_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::infer {

// Calls follow the document: Object() ... Key("a").Number(1) ... End(). What is written is valid
// UTF-8 and valid JSON whatever the values are: bytes that are no UTF-8 become U+FFFD, numbers that
// are none null.
class JsonWriter {
 public:
  enum class Layout {
    kLine,      // No white space.
    kReadable,  // A line a value, indented by two spaces; lists of numbers on one line.
  };
  explicit JsonWriter(Layout layout) : layout_(layout) {}

  JsonWriter& Object() { return Open('{', '}'); }
  JsonWriter& List() { return Open('[', ']'); }
  // Of numbers: stays on one line.
  JsonWriter& ShortList();
  // Ends the innermost object or list.
  JsonWriter& End();

  // In an object, before each value.
  JsonWriter& Key(absl::string_view key);

  JsonWriter& String(absl::string_view value);
  JsonWriter& Integer(int64_t value);
  // The shortest text that reads back as the same number.
  JsonWriter& Number(double value);
  JsonWriter& Number(float value);
  // Seconds, rounded to milliseconds.
  JsonWriter& Seconds(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();

  // The document; all that was opened has to be ended. Readable documents end with a newline.
  std::string Take();

 private:
  JsonWriter& Open(char open, char close);
  // The comma, line break and indentation in front of a value or key.
  void Begin();
  void Value(absl::string_view text);
  void BreakLine();

  const Layout layout_;
  std::string out_;
  // The closing character of all that is open, outermost first.
  std::string open_;
  bool first_ = true;
  bool after_key_ = false;
  // Depth of a list that stays on its line; 0: none is open.
  size_t short_ = 0;
};

// As a JSON string, with quotes.
std::string JsonString(absl::string_view text);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_OUTPUT_JSON_WRITER_H_
