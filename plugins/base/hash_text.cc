#include "plugins/base/hash_text.h"

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr size_t kHexSize = 64;
constexpr size_t kNixSize = 52;
constexpr size_t kBase64Size = 44;
constexpr absl::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// Without e, o, t and u, so that no digest spells a word.
constexpr absl::string_view kNix = "0123456789abcdfghijklmnpqrsvwxyz";

constexpr absl::string_view kForms =
    "64 hexadecimal digits, 52 digits of Nix's base 32, or 'sha256-' and 44 of base64";

class Text {
 public:
  explicit Text(absl::string_view whole) : whole_(whole) {}

  absl::Status Bad(absl::string_view got, absl::string_view expected) const {
    return Mismatch("sha256", Quoted(whole_), got, expected);
  }
  // Value of the character at `index` of `text`, which is a part of the whole.
  absl::StatusOr<uint32_t> Value(absl::string_view text, size_t index, absl::string_view alphabet,
                                 absl::string_view expected) const {
    const size_t value = alphabet.find(text[index]);
    if (value != absl::string_view::npos) return static_cast<uint32_t>(value);
    const size_t at = static_cast<size_t>(text.data() - whole_.data()) + index + 1;
    return Bad(absl::StrCat(Quoted(text.substr(index, 1)), " as character ", at), expected);
  }

 private:
  const absl::string_view whole_;
};

absl::StatusOr<Digest> FromAnyHex(const Text& where, absl::string_view hex) {
  Digest::Bytes bytes = {};
  for (size_t i = 0; i < hex.size(); ++i) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(hex[i]));
    const size_t value = absl::string_view("0123456789abcdef").find(lower);
    if (value == absl::string_view::npos) {
      return where.Value(hex, i, "", "hexadecimal digits").status();
    }
    bytes[i / 2] = static_cast<uint8_t>(bytes[i / 2] << 4 | value);
  }
  return Digest(bytes);
}

// Nix writes the number whose lowest byte is the first one, highest digit first. 52 digits have 260
// bits; the first digit holds one bit only.
absl::StatusOr<Digest> FromNix(const Text& where, absl::string_view text) {
  Digest::Bytes bytes = {};
  for (size_t i = 0; i < text.size(); ++i) {
    ASSIGN_OR_RETURN(const uint32_t digit,
                     where.Value(text, i, kNix, "digits and letters without e, o, t and u"));
    const size_t bit = (kNixSize - 1 - i) * 5;
    const uint32_t shifted = digit << (bit % 8);
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] | (shifted & 0xff));
    if (shifted >> 8 == 0) continue;
    if (bit / 8 + 1 == Digest::kSize) {
      return where.Bad("more than 256 bits", "'0' or '1' as first digit of Nix's base 32");
    }
    bytes[bit / 8 + 1] = static_cast<uint8_t>(bytes[bit / 8 + 1] | shifted >> 8);
  }
  return Digest(bytes);
}

absl::StatusOr<Digest> FromBase64(const Text& where, absl::string_view text) {
  if (text.size() != kBase64Size) {
    return where.Bad(absl::StrCat(text.size(), " characters after 'sha256-'"),
                     "44 of base64, the last one '='");
  }
  if (text.back() != '=') {
    return where.Bad("no '=' at the end", "44 characters of base64, the last one '='");
  }
  text.remove_suffix(1);
  Digest::Bytes bytes = {};
  uint32_t bits = 0;
  unsigned count = 0;
  size_t done = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    ASSIGN_OR_RETURN(
        const uint32_t value,
        where.Value(text, i, kBase64, "letters, digits, '+' and '/', then one '=' at the end"));
    bits = (bits << 6 | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[done++] = static_cast<uint8_t>(bits >> count);
  }
  // 43 characters have 258 bits.
  if ((bits & 3) != 0) {
    return where.Bad("bits after the 256th", "zeros there: a canonical base64");
  }
  return Digest(bytes);
}

}  // namespace

absl::StatusOr<Digest> ParseSha256(absl::string_view text) {
  const Text where(text);
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "sha256-")) return FromBase64(where, rest);
  if (!absl::ConsumePrefix(&rest, "sha256:")) {
    for (const absl::string_view other : {"md5", "sha1", "sha384", "sha512", "blake3"}) {
      if (absl::StartsWith(rest, absl::StrCat(other, "-")) ||
          absl::StartsWith(rest, absl::StrCat(other, ":"))) {
        return where.Bad(other, "sha256");
      }
    }
  }
  if (rest.size() == kHexSize) return FromAnyHex(where, rest);
  if (rest.size() == kNixSize) return FromNix(where, rest);
  return where.Bad(absl::StrCat(rest.size(), rest.size() == 1 ? " character" : " characters"),
                   kForms);
}

}  // namespace rules_inference::base
