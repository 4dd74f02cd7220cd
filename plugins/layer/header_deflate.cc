// Problem. A spliced layer of wheels has a gzip member of our own before every file: a tar header,
// 512 bytes that are mostly zeros. A general compressor spends more time on searching and on
// counting symbols for a code that such a short stream cannot pay for than on anything else, and
// its next version may choose other bytes, which would change the digest of every layer.
//
// Idea. Fixed codes, and matches at three distances only: runs of one byte (1), equal number fields
// (8), and the header before (512).
//
// Invariant. The output depends on the data alone: no version of any library has a say in it.
//
// Cost. About the size that libdeflate reaches at level 6, in a twentieth of its time.

#include "plugins/layer/header_deflate.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rules_inference::layer {
namespace {

constexpr size_t kMinMatch = 3;
constexpr size_t kMaxMatch = 258;

// A code with its extra bits, the first bit lowest.
struct Code {
  uint32_t bits = 0;
  unsigned count = 0;
};

constexpr uint32_t Reversed(uint32_t value, unsigned count) {
  uint32_t reversed = 0;
  for (unsigned i = 0; i < count; ++i) reversed |= (value >> i & 1) << (count - 1 - i);
  return reversed;
}

// The fixed code of a literal or of the symbol of a length (RFC 1951, 3.2.6).
constexpr Code FixedCode(unsigned symbol) {
  if (symbol < 144) return {Reversed(0x30 + symbol, 8), 8};
  if (symbol < 256) return {Reversed(0x190 + symbol - 144, 9), 9};
  if (symbol < 280) return {Reversed(symbol - 256, 7), 7};
  return {Reversed(0xC0 + symbol - 280, 8), 8};
}

constexpr std::array<Code, 256> LiteralCodes() {
  std::array<Code, 256> codes;
  for (unsigned i = 0; i < 256; ++i) codes[i] = FixedCode(i);
  return codes;
}

// Indexed by length. Symbols 257..264 are the lengths 3..10; then each four symbols have one extra
// bit more; 285 is 258.
constexpr std::array<Code, kMaxMatch + 1> LengthCodes() {
  std::array<Code, kMaxMatch + 1> codes = {};
  unsigned length = kMinMatch;
  for (unsigned symbol = 257; symbol < 285; ++symbol) {
    const unsigned extra = symbol < 261 ? 0 : (symbol - 261) / 4;
    const Code code = FixedCode(symbol);
    for (uint32_t i = 0; i < 1U << extra && length < kMaxMatch; ++i) {
      codes[length++] = {code.bits | i << code.count, code.count + extra};
    }
  }
  codes[kMaxMatch] = FixedCode(285);
  return codes;
}

struct Distance {
  size_t distance;
  Code code;
};

// Nearest first: of two matches of one length, the shorter code wins. Distance codes have 5 bits:
// 0 is 1; 5 is 7..8 with one extra bit; 17 is 385..512 with seven.
constexpr std::array<Distance, 3> kDistances = {{
    {1, {Reversed(0, 5), 5}},
    {8, {Reversed(5, 5) | (8 - 7) << 5, 6}},
    {512, {Reversed(17, 5) | (512 - 385) << 5, 12}},
}};

constexpr std::array<Code, 256> kLiteralCodes = LiteralCodes();
constexpr std::array<Code, kMaxMatch + 1> kLengthCodes = LengthCodes();

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}

  void Write(Code code) {
    bits_ |= uint64_t{code.bits} << count_;
    count_ += code.count;
    while (count_ >= 8) {
      out_.push_back(static_cast<char>(bits_));
      bits_ >>= 8;
      count_ -= 8;
    }
  }
  void Finish() {
    if (count_ > 0) out_.push_back(static_cast<char>(bits_));
  }

 private:
  std::string& out_;
  uint64_t bits_ = 0;
  unsigned count_ = 0;
};

// How many bytes from `at` on repeat those `distance` before.
size_t MatchLength(absl::string_view data, size_t at, size_t distance) {
  if (distance > at) return 0;
  const size_t limit = std::min(kMaxMatch, data.size() - at);
  size_t length = 0;
  while (length < limit && data[at + length] == data[at + length - distance]) ++length;
  return length;
}

}  // namespace

void AppendHeaderDeflate(absl::string_view data, std::string& out) {
  BitWriter writer(out);
  writer.Write({0b011, 3});  // The last block, with fixed codes.
  for (size_t at = 0; at < data.size();) {
    size_t best = kMinMatch - 1;
    const Distance* chosen = nullptr;
    for (const Distance& candidate : kDistances) {
      const size_t length = MatchLength(data, at, candidate.distance);
      if (length <= best) continue;
      best = length;
      chosen = &candidate;
    }
    if (chosen == nullptr) {
      writer.Write(kLiteralCodes[static_cast<uint8_t>(data[at++])]);
      continue;
    }
    writer.Write(kLengthCodes[best]);
    writer.Write(chosen->code);
    at += best;
  }
  writer.Write(FixedCode(256));
  writer.Finish();
}

}  // namespace rules_inference::layer
