// Prints the speed of each SHA-256 implementation of this machine, by processor time.

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <vector>

#include "plugins/base/sha256_blocks.h"

int main() {
  using rules_inference::base::Sha256Blocks;
  const Sha256Blocks* all[] = {&rules_inference::base::PortableSha256Blocks(),
                               rules_inference::base::ShaNiSha256Blocks()};
  std::vector<uint8_t> data(1 << 20, 42);
  constexpr int kRounds = 1000;
  for (const Sha256Blocks* blocks : all) {
    if (blocks == nullptr) continue;
    uint32_t first[8] = {};
    uint32_t second[8] = {};
    for (const bool two : {false, true}) {
      const std::clock_t start = std::clock();
      for (int i = 0; i < kRounds; ++i) {
        if (two) {
          blocks->two(first, second, data.data(), data.size() / 64);
        } else {
          blocks->one(first, data.data(), data.size() / 64);
        }
      }
      const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      std::printf("%-10s %s %7.0f MB/s  (%08x)\n", blocks->name, two ? "two" : "one",
                  static_cast<double>(data.size()) * kRounds / 1e6 / seconds, first[0]);
    }
  }
  return 0;
}
