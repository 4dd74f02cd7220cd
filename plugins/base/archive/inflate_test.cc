// Differential tests against zlib, which decides what a deflate stream is, and libdeflate.

#include "plugins/base/archive/inflate.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "libdeflate.h"
#include "zlib.h"

namespace rules_inference::base {
namespace {

constexpr size_t kMaxOutput = 400000;

struct Result {
  bool ok = false;
  std::string data;
  size_t consumed = 0;
};

// Feeds `packed` in pieces of `in_size` bytes into pieces of `out_size` bytes.
Result Ours(absl::string_view packed, size_t in_size, size_t out_size) {
  static auto* inflater = new Inflater;
  inflater->Reset();
  Result result;
  std::vector<uint8_t> buffer(Inflater::kWindow + out_size);
  uint8_t* const out_begin = buffer.data() + Inflater::kWindow;
  size_t history = 0;
  std::string input;
  size_t taken = 0;  // Bytes of `input` that are used up.
  size_t given = 0;
  while (result.data.size() <= kMaxOutput) {
    const auto* in = reinterpret_cast<const uint8_t*>(input.data()) + taken;
    const auto* const in_end = in + input.size() - taken;
    uint8_t* out = out_begin;
    const bool last = given == packed.size();
    const Inflater::Step step = inflater->Run(in, in_end, last, out, out_begin + out_size, history);
    const auto made = static_cast<size_t>(out - out_begin);
    result.data.append(reinterpret_cast<char*>(out_begin), made);
    history = std::min(Inflater::kWindow, result.data.size());
    std::memcpy(out_begin - history, result.data.data() + result.data.size() - history, history);
    taken = input.size() - static_cast<size_t>(in_end - in);
    if (step == Inflater::Step::kBad) {
      EXPECT_FALSE(inflater->problem().empty());
      return result;
    }
    if (step == Inflater::Step::kDone) {
      result.ok = true;
      result.consumed = given - (input.size() - taken) - inflater->unread();
      return result;
    }
    if (step == Inflater::Step::kNeedInput) {
      EXPECT_FALSE(last) << "asks for more than there is";
      EXPECT_LE(input.size() - taken, Inflater::kMaxLeftover);
      if (last) return result;
      const absl::string_view more = packed.substr(given, in_size);
      input.erase(0, taken);
      taken = 0;
      input.append(more.data(), more.size());
      given += more.size();
    } else {
      EXPECT_EQ(made, out_size) << "says that the output is full";
    }
  }
  return result;
}

Result Zlib(absl::string_view packed) {
  Result result;
  result.data.resize(kMaxOutput);
  z_stream stream = {};
  inflateInit2(&stream, -15);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data.data());
  stream.avail_out = static_cast<uInt>(kMaxOutput);
  result.ok = inflate(&stream, Z_FINISH) == Z_STREAM_END;
  result.data.resize(stream.total_out);
  result.consumed = stream.total_in;
  inflateEnd(&stream);
  return result;
}

std::string Pack(absl::string_view data, int level, int window_bits, int memory, int strategy) {
  z_stream stream = {};
  deflateInit2(&stream, level, Z_DEFLATED, -window_bits, memory, strategy);
  std::string packed(data.size() * 2 + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  size_t Below(size_t bound) { return static_cast<size_t>(engine_()) % bound; }
  char Byte() { return static_cast<char>(engine_()); }

 private:
  std::mt19937 engine_;
};

// Text of different kinds: noise, few letters, repeated words, skewed bytes, matches of all lengths
// and distances.
std::string Sample(Random& random) {
  std::string data;
  const size_t size = random.Below(random.Below(8) == 0 ? 200000 : 3000);
  const size_t kind = random.Below(5);
  while (data.size() < size) {
    if (kind == 0) {
      data.push_back(random.Byte());
    } else if (kind == 1) {
      data.push_back(static_cast<char>('a' + random.Below(4)));
    } else if (kind == 2) {
      std::string word;
      for (size_t n = 1 + random.Below(9); n > 0; --n) word.push_back(random.Byte());
      for (size_t n = random.Below(60); n > 0; --n) data += word;
    } else if (kind == 3) {
      data.push_back(
          static_cast<char>(std::min({random.Below(256), random.Below(256), random.Below(256)})));
    } else if (data.size() < 10 || random.Below(3) == 0) {
      data.push_back(random.Byte());
    } else {
      const size_t from = data.size() - 1 - random.Below(data.size());
      for (size_t i = 0, n = 3 + random.Below(300); i < n; ++i) data.push_back(data[from + i]);
    }
  }
  return data;
}

constexpr size_t kSizes[] = {1,   2,   3,   7,   8,   31,  32,   33,   64,
                             257, 258, 259, 321, 322, 323, 1000, 4096, 262144};

TEST(InflateTest, AgreesWithZlibOnGoodAndSpoiltStreams) {
  Random random(42);
  int good = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string data = Sample(random);
    std::string packed =
        Pack(data, static_cast<int>(random.Below(10)), 9 + static_cast<int>(random.Below(7)),
             1 + static_cast<int>(random.Below(9)), static_cast<int>(random.Below(5)));
    switch (random.Below(4)) {
      case 0:  // Flip some bits, near the start where the code lengths are, or anywhere.
        for (size_t n = 1 + random.Below(3); n > 0; --n) {
          const size_t range =
              random.Below(2) == 0 ? std::min<size_t>(packed.size(), 40) : packed.size();
          char& byte = packed[random.Below(range)];
          byte = static_cast<char>(byte ^ (1 << random.Below(8)));
        }
        break;
      case 1:
        packed.resize(random.Below(packed.size() + 1));
        break;
      case 2:  // Noise that starts as a dynamic block.
        if (random.Below(2) == 0) {
          for (char& byte : packed) byte = random.Byte();
          packed[0] = static_cast<char>((packed[0] & ~6) | 4);
        }
        break;
      default:
        packed.append(random.Below(20), 'x');
        break;
    }
    const Result zlib = Zlib(packed);
    if (!zlib.ok && zlib.data.size() == kMaxOutput) continue;
    const size_t in_size = kSizes[random.Below(std::size(kSizes))];
    const size_t out_size = kSizes[random.Below(std::size(kSizes))];
    const Result ours = Ours(packed, in_size, out_size);
    ASSERT_EQ(ours.ok, zlib.ok) << "round " << round << " in " << in_size << " out " << out_size;
    if (!zlib.ok) continue;
    ++good;
    ASSERT_TRUE(ours.data == zlib.data)
        << "round " << round << " in " << in_size << " out " << out_size;
    ASSERT_EQ(ours.consumed, zlib.consumed) << "round " << round;
  }
  EXPECT_GT(good, 1000);
}

TEST(InflateTest, EveryPairOfPieceSizes) {
  Random random(7);
  std::string data;
  while (data.size() < 70000) data += Sample(random);
  data.resize(70000);
  const std::string packed = Pack(data, 6, 15, 8, Z_DEFAULT_STRATEGY);
  for (const size_t in_size : kSizes) {
    for (const size_t out_size : kSizes) {
      if (in_size * out_size < 16) continue;  // Slow, and covered above.
      const Result result = Ours(packed, in_size, out_size);
      ASSERT_TRUE(result.ok && result.data == data) << in_size << " " << out_size;
      ASSERT_EQ(result.consumed, packed.size());
    }
  }
}

TEST(InflateTest, EveryTruncationAndEveryBitFlipOfASmallStream) {
  const std::string data =
      "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy cat.";
  for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FIXED}) {
    // Some noise behind makes zlib choose a block with its own codes.
    const std::string packed =
        Pack(absl::StrCat(data, data, "0123456789", data), 9, 15, 9, strategy);
    for (size_t size = 0; size < packed.size(); ++size) {
      EXPECT_FALSE(Ours(packed.substr(0, size), 64, 64).ok) << size;
    }
    for (size_t bit = 0; bit < packed.size() * 8; ++bit) {
      std::string flipped = packed;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      const Result zlib = Zlib(flipped);
      const Result ours = Ours(flipped, 1000, 1000);
      ASSERT_EQ(ours.ok, zlib.ok) << bit;
      if (zlib.ok) {
        ASSERT_TRUE(ours.data == zlib.data) << bit;
      }
    }
  }
}

TEST(InflateTest, ReadsWhatLibdeflateWrites) {
  Random random(3);
  for (const int level : {0, 1, 6, 9, 12}) {
    std::string data;
    while (data.size() < 150000) data += Sample(random);
    data.resize(150000);
    libdeflate_compressor* compressor = libdeflate_alloc_compressor(level);
    std::string packed(libdeflate_deflate_compress_bound(compressor, data.size()), '\0');
    packed.resize(libdeflate_deflate_compress(compressor, data.data(), data.size(), packed.data(),
                                              packed.size()));
    libdeflate_free_compressor(compressor);
    const Result result = Ours(packed, 1000, 4096);
    EXPECT_TRUE(result.ok && result.data == data) << level;
  }
}

TEST(InflateTest, SaysWhatIsWrong) {
  struct Case {
    absl::string_view packed;
    const char* problem;
  };
  const Case cases[] = {
      {"", "the stream ends early"},
      {"\x07", "a block of unknown type"},
      {absl::string_view("\x01\x05\x00\x00\x00", 5), "a stored block with a wrong length"},
      {absl::string_view("\x01\x05\x00\xfa\xff", 5), "the stream ends early"},
      {"\xfd\xff\xff\xff\xff\xff\xff\xff", "too many codes"},
      // A fixed block: the length code 3 (0000001), then distance 1 before any output.
      {absl::string_view("\x03\x02\x00\x00\x00", 5), "a distance beyond the start"},
  };
  for (const Case& c : cases) {
    auto inflater = std::make_unique<Inflater>();
    inflater->Reset();
    uint8_t out[600];
    const auto* in = reinterpret_cast<const uint8_t*>(c.packed.data());
    uint8_t* end = out;
    EXPECT_EQ(inflater->Run(in, in + c.packed.size(), true, end, out + sizeof(out), 0),
              Inflater::Step::kBad);
    EXPECT_EQ(inflater->problem(), c.problem);
  }
}

}  // namespace
}  // namespace rules_inference::base
