// The compression function of SHA-256 over whole blocks of 64 bytes, by the fastest means of the
// machine. Only digest.cc and tests need this.

#ifndef RULES_INFERENCE_PLUGINS_BASE_SHA256_BLOCKS_H_
#define RULES_INFERENCE_PLUGINS_BASE_SHA256_BLOCKS_H_

#include <cstddef>
#include <cstdint>

namespace rules_inference::base {

struct Sha256Blocks {
  const char* name;
  // state = f(state, data[0..64 * count)).
  void (*one)(uint32_t state[8], const uint8_t* data, size_t count);
  // The same for two states over the same data.
  void (*two)(uint32_t first[8], uint32_t second[8], const uint8_t* data, size_t count);
};

// BoringSSL's function: works everywhere, and uses what it knows of the machine.
const Sha256Blocks& PortableSha256Blocks();
// With the SHA extensions of x86-64; nullptr when this machine has none.
const Sha256Blocks* ShaNiSha256Blocks();
// The best of the above.
const Sha256Blocks& BestSha256Blocks();

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_SHA256_BLOCKS_H_
