#include "plugins/infer/audio/test_wav.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

std::string Number(uint64_t value, size_t bytes, bool big_endian) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  if (big_endian) std::reverse(out.begin(), out.end());
  return out;
}

// By the definition of G.711, from 14 bits.
uint8_t MuLaw(float sample) {
  int value = static_cast<int>(std::lround(sample * 8158));
  const int sign = value < 0 ? 0x80 : 0;
  value = std::min(std::abs(value), 8158) + 33;
  int exponent = 7;
  for (int mask = 0x1000; exponent > 0 && (value & mask) == 0; mask >>= 1) --exponent;
  return static_cast<uint8_t>(~(sign | exponent << 4 | (value >> (exponent + 1) & 0x0f)));
}

// From 13 bits.
uint8_t ALaw(float sample) {
  int value = static_cast<int>(std::lround(sample * 4095));
  const int sign = value >= 0 ? 0x80 : 0;
  value = std::min(std::abs(value), 4095);
  int exponent = 7;
  for (int mask = 0x800; exponent > 0 && (value & mask) == 0; mask >>= 1) --exponent;
  const int mantissa = value >> (exponent == 0 ? 1 : exponent) & 0x0f;
  return static_cast<uint8_t>((sign | exponent << 4 | mantissa) ^ 0x55);
}

std::string Encode(const TestWav& wav, float sample) {
  if (wav.encoding == TestWav::Encoding::kMuLaw) return Number(MuLaw(sample), 1, false);
  if (wav.encoding == TestWav::Encoding::kALaw) return Number(ALaw(sample), 1, false);
  if (wav.encoding == TestWav::Encoding::kFloat) {
    uint64_t bits = 0;
    const double wide = sample;
    wav.bits == 64 ? std::memcpy(&bits, &wide, 8) : std::memcpy(&bits, &sample, 4);
    return Number(bits, static_cast<size_t>(wav.bits / 8), false);
  }
  const double full = std::pow(2.0, wav.bits - 1);
  auto value = static_cast<int64_t>(std::clamp(std::round(sample * full), -full, full - 1));
  if (wav.bits == 8) value += 128;
  return Number(static_cast<uint64_t>(value), static_cast<size_t>(wav.bits / 8), wav.big_endian);
}

}  // namespace

std::string MakeWav(const TestWav& wav, absl::Span<const float> samples) {
  std::string data;
  for (const float sample : samples) {
    const std::string one = Encode(wav, sample);
    for (int c = 0; c < wav.channels; ++c) data += one;
  }
  uint64_t tag = 1;
  if (wav.encoding == TestWav::Encoding::kFloat) tag = 3;
  if (wav.encoding == TestWav::Encoding::kALaw) tag = 6;
  if (wav.encoding == TestWav::Encoding::kMuLaw) tag = 7;
  const bool big = wav.big_endian;
  const auto bits = static_cast<uint64_t>(wav.bits);
  const auto rate = static_cast<uint64_t>(wav.rate);
  const auto frame = static_cast<uint64_t>(wav.channels) * bits / 8;
  std::string format =
      absl::StrCat(Number(wav.extensible ? 0xfffe : tag, 2, big),
                   Number(static_cast<uint64_t>(wav.channels), 2, big), Number(rate, 4, big),
                   Number(rate * frame, 4, big), Number(frame, 2, big), Number(bits, 2, big));
  if (wav.extensible) {
    // Size, bits that are valid, where the loudspeakers are, and the tag as a GUID.
    format += Number(22, 2, big) + Number(bits, 2, big) + Number(0, 4, big) + Number(tag, 2, big);
    format += std::string("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 14);
  }
  const auto size = static_cast<uint32_t>(data.size());
  return absl::StrCat(
      big ? "RIFX" : "RIFF",
      Number(wav.riff_size.value_or(static_cast<uint32_t>(20 + format.size()) + size), 4, big),
      "WAVEfmt ", Number(format.size(), 4, big), format, "data",
      Number(wav.data_size.value_or(size), 4, big), data);
}

std::vector<float> Tone(int rate, double seconds, absl::Span<const double> frequencies) {
  std::vector<float> out(static_cast<size_t>(std::lround(seconds * rate)));
  for (size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (const double frequency : frequencies) {
      sum += std::sin(2 * std::numbers::pi * frequency * static_cast<double>(i) / rate);
    }
    out[i] = static_cast<float>(0.9 * sum / static_cast<double>(frequencies.size()));
  }
  return out;
}

}  // namespace rules_inference::infer
