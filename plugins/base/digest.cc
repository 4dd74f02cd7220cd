#include "plugins/base/digest.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/sha256_blocks.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr absl::string_view kPrefix = "sha256:";
constexpr size_t kBlock = 64;

constexpr std::array<uint32_t, 8> kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Value of a lower-case hexadecimal digit, or -1.
int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

const uint8_t* AsBytes(absl::string_view data) {
  return reinterpret_cast<const uint8_t*>(data.data());
}

}  // namespace

absl::StatusOr<Digest> Digest::FromHex(absl::string_view hex) {
  if (hex.size() != 2 * kSize) {
    return Mismatch("digest", Quoted(hex), absl::StrCat(hex.size(), " digits"),
                    "64 lower-case hexadecimal digits");
  }
  Bytes bytes;
  for (size_t i = 0; i < kSize; ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Mismatch("digest", Quoted(hex), Quoted(hex.substr(2 * i, 2)),
                      "64 lower-case hexadecimal digits");
    }
    bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return Digest(bytes);
}

absl::StatusOr<Digest> Digest::Parse(absl::string_view text) {
  if (!absl::StartsWith(text, kPrefix)) {
    return Mismatch("digest", Quoted(text), Quoted(text.substr(0, kPrefix.size())),
                    "'sha256:' and 64 lower-case hexadecimal digits");
  }
  return FromHex(text.substr(kPrefix.size()));
}

absl::StatusOr<Digest> Digest::FromRaw(absl::string_view raw) {
  if (raw.size() != kSize) {
    return Mismatch("digest", "raw bytes", absl::StrCat(raw.size(), " bytes"), "32 bytes");
  }
  Bytes bytes;
  std::memcpy(bytes.data(), raw.data(), kSize);
  return Digest(bytes);
}

std::string Digest::Hex() const {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes_.data()), kSize));
}

std::string Digest::ToString() const { return absl::StrCat(kPrefix, Hex()); }

Sha256::Sha256() : state_(kInitial), buffer_{} {}

void Sha256::Update(absl::string_view data) {
  if (data.empty()) return;
  const size_t filled = size_ % kBlock;
  size_ += data.size();
  if (filled > 0) {
    const size_t taken = std::min(kBlock - filled, data.size());
    std::memcpy(buffer_.data() + filled, data.data(), taken);
    data.remove_prefix(taken);
    if (filled + taken < kBlock) return;
    BestSha256Blocks().one(state_.data(), buffer_.data(), 1);
  }
  const size_t blocks = data.size() / kBlock;
  if (blocks > 0) BestSha256Blocks().one(state_.data(), AsBytes(data), blocks);
  data.remove_prefix(blocks * kBlock);
  if (!data.empty()) std::memcpy(buffer_.data(), data.data(), data.size());
}

void Sha256::UpdateBoth(Sha256& first, Sha256& second, absl::string_view data) {
  if (first.size_ % kBlock == 0 && second.size_ % kBlock == 0) {
    const size_t blocks = data.size() / kBlock;
    if (blocks > 0) {
      BestSha256Blocks().two(first.state_.data(), second.state_.data(), AsBytes(data), blocks);
    }
    first.size_ += blocks * kBlock;
    second.size_ += blocks * kBlock;
    data.remove_prefix(blocks * kBlock);
  }
  first.Update(data);
  second.Update(data);
}

Digest Sha256::Finish() {
  // Padding: a one bit, zeros, and the length in bits as 64-bit big-endian number, up to a multiple
  // of 64 bytes.
  const uint64_t bits = size_ * 8;
  char padding[2 * kBlock] = {'\x80'};
  const size_t filled = size_ % kBlock;
  const size_t length = (filled < 56 ? 56 : 120) - filled;
  for (size_t i = 0; i < 8; ++i) padding[length + i] = static_cast<char>(bits >> (56 - 8 * i));
  Update(absl::string_view(padding, length + 8));
  Digest::Bytes bytes;
  for (size_t i = 0; i < 8; ++i) {
    for (size_t j = 0; j < 4; ++j) {
      bytes[4 * i + j] = static_cast<uint8_t>(state_[i] >> (24 - 8 * j));
    }
  }
  *this = Sha256();
  return Digest(bytes);
}

Digest Sha256::Of(absl::string_view data) {
  Sha256 hasher;
  hasher.Update(data);
  return hasher.Finish();
}

}  // namespace rules_inference::base
