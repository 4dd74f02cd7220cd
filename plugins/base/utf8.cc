#include "plugins/base/utf8.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::base {

bool ConsumeUtf8(absl::string_view& text, uint32_t& code_point) {
  if (text.empty()) return false;
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) {
    code_point = lead;
    text.remove_prefix(1);
    return true;
  }
  size_t length = 0;
  uint32_t value = 0;
  uint32_t least = 0;  // The smallest code point that needs this length.
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2, value = lead & 0x1FU, least = 0x80;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3, value = lead & 0x0FU, least = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4, value = lead & 0x07U, least = 0x10000;
  } else {
    return false;
  }
  if (text.size() < length) return false;
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0U) != 0x80) return false;
    value = value << 6 | (byte & 0x3FU);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
  code_point = value;
  text.remove_prefix(length);
  return true;
}

bool IsValidUtf8(absl::string_view text) {
  uint32_t code_point = 0;
  while (!text.empty()) {
    if (!ConsumeUtf8(text, code_point)) return false;
  }
  return true;
}

void AppendUtf8(uint32_t code_point, std::string& out) {
  const auto tail = [&](uint32_t bits) { out.push_back(static_cast<char>(0x80 | (bits & 0x3F))); };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code_point >> 6));
    tail(code_point);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code_point >> 12));
    tail(code_point >> 6);
    tail(code_point);
  } else {
    out.push_back(static_cast<char>(0xF0 | code_point >> 18));
    tail(code_point >> 12);
    tail(code_point >> 6);
    tail(code_point);
  }
}

}  // namespace rules_inference::base
