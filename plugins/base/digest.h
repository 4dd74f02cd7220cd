// SHA-256 digests: a value type that cannot hold anything else, and a streaming hasher.

#ifndef RULES_INFERENCE_PLUGINS_BASE_DIGEST_H_
#define RULES_INFERENCE_PLUGINS_BASE_DIGEST_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rules_inference::base {

// The SHA-256 digest of some bytes.
class Digest {
 public:
  static constexpr size_t kSize = 32;
  using Bytes = std::array<uint8_t, kSize>;

  // The digest of nothing is not all zeros; a default value equals no real digest.
  Digest() : bytes_{} {}
  explicit Digest(const Bytes& bytes) : bytes_(bytes) {}

  // Accepts "sha256:" and exactly 64 lower-case hexadecimal digits.
  static absl::StatusOr<Digest> Parse(absl::string_view text);
  // Accepts exactly 64 lower-case hexadecimal digits.
  static absl::StatusOr<Digest> FromHex(absl::string_view hex);
  // Accepts exactly 32 bytes.
  static absl::StatusOr<Digest> FromRaw(absl::string_view raw);

  // 64 lower-case hexadecimal digits.
  std::string Hex() const;
  // "sha256:" and Hex().
  std::string ToString() const;
  const Bytes& bytes() const { return bytes_; }

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  Bytes bytes_;
};

// Streaming SHA-256. Copying an object forks the stream.
class Sha256 {
 public:
  Sha256();

  void Update(absl::string_view data);
  // The digest of all data so far; the object is as new afterwards.
  Digest Finish();

  // Feeds the same data to both hashers. When both stand at a multiple of 64 bytes, as the tar
  // stream and the hash of the file in it do, the message schedule is computed once and the rounds
  // of both states overlap in the processor: with SHA instructions this takes little more time than
  // one hash.
  static void UpdateBoth(Sha256& first, Sha256& second, absl::string_view data);

  static Digest Of(absl::string_view data);

 private:
  std::array<uint32_t, 8> state_;
  std::array<uint8_t, 64> buffer_;
  uint64_t size_ = 0;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_DIGEST_H_
