// JSON documents of images: a strict reader and a compact writer.
//
// Problem: a digest covers the exact bytes of a document, and two readers must never see two
// meanings in the same bytes. Libraries that keep the last of two equal keys, round big numbers or
// forget the order of members cannot give that. Invariant: what ParseJson accepts has one meaning
// (UTF-8, every key once, no lone surrogate, no NUL, numbers that a double can hold), and
// JsonText(ParseJson(x)) has the same members in the same order and the same number texts as x.
// Example: {"a":1,"a":2} is refused; {"size":12345678901234567890} comes out as it went in.
// Cost: one pass, linear in the text; nesting is limited to kMaxJsonDepth, so that the stack is
// bounded too.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_JSON_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::layer::oci {

inline constexpr int kMaxJsonDepth = 64;

class Json {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  using Member = std::pair<std::string, Json>;

  Json() = default;
  static Json Bool(bool value);
  static Json Number(uint64_t value);
  // `text` must be a JSON number; it is written as it is.
  static Json NumberText(absl::string_view text);
  static Json String(absl::string_view value);
  static Json Array() { return Json(Kind::kArray); }
  static Json Object() { return Json(Kind::kObject); }
  // An array of strings.
  template <typename Range>
  static Json Strings(const Range& values) {
    Json result = Array();
    for (const auto& value : values) result.Append(String(value));
    return result;
  }

  Kind kind() const { return kind_; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_number() const { return kind_ == Kind::kNumber; }
  // The value of a string, the text of a number, "true" or "false" of a bool; else empty.
  const std::string& text() const { return text_; }
  // Items of an array; empty for everything else.
  const std::vector<Json>& items() const { return items_; }
  std::vector<Json>& items() { return items_; }
  // Members of an object in document order; empty for everything else.
  const std::vector<Member>& members() const { return members_; }

  // The member `key` of an object, or null.
  const Json* Find(absl::string_view key) const;
  // Sets `key`: in place when it exists, else as the last member. Makes an object of a null value.
  Json& Set(absl::string_view key, Json value);
  // Adds a member that the caller knows to be new.
  void AddMember(std::string key, Json value);
  void Remove(absl::string_view key);
  void Append(Json value) { items_.push_back(std::move(value)); }

 private:
  explicit Json(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::kNull;
  std::string text_;
  std::vector<Json> items_;
  std::vector<Member> members_;
};

// Reads one document; `where` names it in errors, which tell the byte offset too.
absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view where);

// Compact text: no blanks, members in order, only '"', '\' and control characters escaped.
std::string JsonText(const Json& json);

// The word for `kind` in errors: "an object", "a string", ...
absl::string_view JsonKindName(Json::Kind kind);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_JSON_H_
