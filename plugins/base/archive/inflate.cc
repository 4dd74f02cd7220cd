// Problem. The diff_id of a layer is the hash of what the wheels' deflate streams expand to, so
// every byte must be inflated once. zlib can stop anywhere but is slow on machine code (about 350
// MB/s); libdeflate is more than twice as fast but wants input and output whole in memory, and one
// member of a wheel can be 2 GB.
//
// Idea. Two loops share the tables and the state, which always stands between two symbols:
//  - the fast loop runs while at least 32 bytes of input and kFastRoom bytes of output are left.
//    It tests no bound inside an iteration: one refill of the 64-bit buffer covers up to three
//    literals, or a length and, after another refill, a distance, and copies may write too far;
//  - the careful loop takes one symbol at a time near the ends, counts bits, and parks a match
//    that does not fit.
//
// Tables map the next 11 (lengths) or 8 (distances) bits to a 32-bit entry that holds all one needs
// to know: how many bits to drop, base value, extra bits. Longer codes go through a second-level
// table.
//
// Invariants. Bits of bits_ at or above bits_left_ are zero or repeat the bytes at `in`, so that
// OR-ing those in again does no harm; they are cleared before the careful loop. A distance is
// compared with the history before each copy. The same streams are accepted as by zlib:
// over-subscribed and incomplete codes are refused but for a single one-bit code.
//
// Cost: on shared libraries about as fast as libdeflate on whole buffers, and two to three times as
// fast as zlib; the tables take 27 KB and stay in the first-level cache.

#include "plugins/base/archive/inflate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace rules_inference::base {
namespace {

// Entry of a table. Bits 0..7: how many bits of input it takes, extra bits included.
constexpr uint32_t kLiteral = 1U << 31;  // Bits 16..23: the literal.
constexpr uint32_t kSpecial =
    1U << 15;  // One of the next two, or (neither) a code that is not in use.
constexpr uint32_t kSecondLevel = 1U << 14;  // Bits 16..30: where the second-level table starts.
constexpr uint32_t kEndOfBlock = 1U << 13;
// Else a length or a distance. Bits 16..30: base value, bits 8..11: bits of the code itself.

constexpr size_t kMaxMatch = 258;
constexpr size_t kFastRoom = kMaxMatch + 64;
constexpr size_t kFastInput = 32;
constexpr size_t kMaxCodeBits = 15;

constexpr uint16_t kLengthBase[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                      15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                      67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr uint8_t kLengthExtra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr uint16_t kDistanceBase[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr uint8_t kDistanceExtra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                        6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
constexpr uint8_t kPrecodeOrder[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                       11, 4,  12, 3, 13, 2, 14, 1, 15};

enum class Alphabet { kPrecode, kLengths, kDistances };

// The entry of a symbol, without the bits of its code.
uint32_t SymbolEntry(Alphabet alphabet, unsigned symbol) {
  switch (alphabet) {
    case Alphabet::kPrecode:
      return symbol << 16;
    case Alphabet::kLengths:
      if (symbol < 256) return kLiteral | symbol << 16;
      if (symbol == 256) return kSpecial | kEndOfBlock;
      if (symbol > 285) return kSpecial;
      return static_cast<uint32_t>(kLengthBase[symbol - 257]) << 16 | kLengthExtra[symbol - 257];
    case Alphabet::kDistances:
      if (symbol > 29) return kSpecial;
      return static_cast<uint32_t>(kDistanceBase[symbol]) << 16 | kDistanceExtra[symbol];
  }
  return kSpecial;
}

// Adds the bits of the code to an entry: to those to drop, and where the extra bits start.
uint32_t WithCode(uint32_t entry, unsigned bits) { return entry + (bits << 8) + bits; }

// Fills `table` from the code lengths of `count` symbols. False when they make no prefix code that
// zlib accepts. `second_bits` is set to the width of the second-level tables.
bool BuildTable(const uint8_t* lengths, unsigned count, Alphabet alphabet, unsigned table_bits,
                uint32_t* table, unsigned& second_bits) {
  std::array<unsigned, kMaxCodeBits + 1> count_of = {};
  for (unsigned i = 0; i < count; ++i) ++count_of[lengths[i]];
  unsigned longest = kMaxCodeBits;
  while (longest > 0 && count_of[longest] == 0) --longest;
  second_bits = longest > table_bits ? longest - table_bits : 0;

  // How much of the code space is free, in units of the longest code.
  int free_space = 1;
  for (unsigned bits = 1; bits <= kMaxCodeBits; ++bits) {
    free_space = free_space * 2 - static_cast<int>(count_of[bits]);
    if (free_space < 0) return false;
  }
  const bool incomplete = free_space > 0;
  if (incomplete && longest > (alphabet == Alphabet::kPrecode ? 0 : 1)) return false;
  if (incomplete && alphabet == Alphabet::kPrecode) return false;

  // Symbols in the order of their codes.
  std::array<unsigned, kMaxCodeBits + 2> start = {};
  for (unsigned bits = 1; bits <= kMaxCodeBits; ++bits)
    start[bits + 1] = start[bits] + count_of[bits];
  std::array<uint16_t, 320> sorted;
  for (unsigned i = 0; i < count; ++i) {
    if (lengths[i] != 0) sorted[start[lengths[i]]++] = static_cast<uint16_t>(i);
  }

  // Codes are read from the lowest bit, so they are kept reversed; adding one works from the top
  // bit down. The table grows with the length of the codes: doubling it repeats what is there for
  // both values of the next bit.
  table[0] = kSpecial;
  unsigned code = 0;
  unsigned next = 0;
  const auto advance = [&](unsigned bits) {
    unsigned bit = 1U << (bits - 1);
    while ((code & bit) != 0) {
      code ^= bit;
      bit >>= 1;
    }
    code |= bit;
  };
  for (unsigned bits = 1; bits <= table_bits; ++bits) {
    const size_t half = size_t{1} << (bits - 1);
    std::memcpy(table + half, table, half * sizeof(table[0]));
    for (unsigned i = 0; i < count_of[bits]; ++i) {
      table[code] = WithCode(SymbolEntry(alphabet, sorted[next++]), bits);
      advance(bits);
    }
  }
  const unsigned first_mask = (1U << table_bits) - 1;
  unsigned end = 1U << table_bits;
  unsigned second_start = 0;
  unsigned prefix = ~0U;
  for (unsigned bits = table_bits + 1; bits <= longest; ++bits) {
    for (unsigned i = 0; i < count_of[bits]; ++i) {
      if ((code & first_mask) != prefix) {
        prefix = code & first_mask;
        second_start = end;
        end += 1U << second_bits;
        table[prefix] = kSpecial | kSecondLevel | second_start << 16 | table_bits;
      }
      const unsigned rest = bits - table_bits;
      const uint32_t entry = WithCode(SymbolEntry(alphabet, sorted[next++]), rest);
      for (unsigned at = code >> table_bits; at < 1U << second_bits; at += 1U << rest) {
        table[second_start + at] = entry;
      }
      advance(bits);
    }
  }
  return true;
}

uint64_t LoadLittleEndian64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

void StoreLittleEndian64(uint8_t* to, uint64_t value) {
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace

struct Inflater::Cursor {
  const uint8_t* in;
  const uint8_t* in_end;
  bool last;
  uint8_t* out;
  uint8_t* out_end;
  const uint8_t* history;  // The first byte that a match may refer to.

  size_t in_left() const { return static_cast<size_t>(in_end - in); }
  size_t out_left() const { return static_cast<size_t>(out_end - out); }

  // Moves whole bytes into the buffer until it holds 56 bits or more, or the input ends.
  void Refill(uint64_t& bits, unsigned& bits_left) {
    while (bits_left < 56 && in < in_end) {
      bits |= static_cast<uint64_t>(*in++) << bits_left;
      bits_left += 8;
    }
  }
};

void Inflater::Reset() {
  bits_ = 0;
  bits_left_ = 0;
  state_ = State::kBlockHeader;
  last_block_ = false;
  match_left_ = 0;
  problem_ = {};
}

Inflater::Step Inflater::Bad(absl::string_view problem) {
  problem_ = problem;
  return Step::kBad;
}

Inflater::Step Inflater::Run(const uint8_t*& in, const uint8_t* in_end, bool last, uint8_t*& out,
                             uint8_t* out_end, size_t history) {
  Cursor cursor = {in, in_end, last, out, out_end, out - history};
  Step step = Step::kDone;
  while (state_ != State::kDone) {
    if (state_ == State::kBlockHeader) {
      step = ReadBlockHeader(cursor);
    } else if (state_ == State::kStored) {
      step = CopyStored(cursor);
    } else if (!CopyPending(cursor)) {
      step = Step::kOutputFull;
    } else {
      step = Step::kDone;
      if (cursor.in_left() >= kFastInput && cursor.out_left() >= kFastRoom)
        step = DecodeFast(cursor);
      if (step == Step::kDone && state_ == State::kCodes) step = DecodeCarefully(cursor);
    }
    if (step != Step::kDone) break;
  }
  in = cursor.in;
  out = cursor.out;
  return step;
}

// Below, kDone means: go on with the state that is set now.

Inflater::Step Inflater::ReadBlockHeader(Cursor& cursor) {
  if (last_block_) {
    // What is left of the current byte is not looked at, as in every other decoder.
    bits_ >>= bits_left_ % 8;
    bits_left_ -= bits_left_ % 8;
    state_ = State::kDone;
    return Step::kDone;
  }
  // No header is longer than 300 bytes: with that much at hand it needs no state of its own.
  if (cursor.in_left() < kMaxLeftover && !cursor.last) return Step::kNeedInput;
  cursor.Refill(bits_, bits_left_);
  if (bits_left_ < 3) return Bad("the stream ends early");
  last_block_ = (bits_ & 1) != 0;
  const auto type = static_cast<unsigned>(bits_ >> 1 & 3);
  bits_ >>= 3;
  bits_left_ -= 3;
  if (type == 3) return Bad("a block of unknown type");
  if (type == 2) {
    fixed_codes_ = false;
    return ReadDynamicCodes(cursor);
  }
  if (type == 1) {
    if (!fixed_codes_) {
      uint8_t lengths[kMaxLengthSymbols];
      std::fill(lengths, lengths + 144, uint8_t{8});
      std::fill(lengths + 144, lengths + 256, uint8_t{9});
      std::fill(lengths + 256, lengths + 280, uint8_t{7});
      std::fill(lengths + 280, lengths + 288, uint8_t{8});
      BuildTable(lengths, 288, Alphabet::kLengths, kLengthBits, length_table_, length_bits_);
      std::fill(lengths, lengths + 32, uint8_t{5});
      BuildTable(lengths, 32, Alphabet::kDistances, kDistanceBits, distance_table_, distance_bits_);
      fixed_codes_ = true;
    }
    state_ = State::kCodes;
    return Step::kDone;
  }
  bits_ >>= bits_left_ % 8;
  bits_left_ -= bits_left_ % 8;
  cursor.Refill(bits_, bits_left_);
  if (bits_left_ < 32) return Bad("the stream ends early");
  stored_left_ = static_cast<uint32_t>(bits_ & 0xFFFF);
  if (stored_left_ != (~(bits_ >> 16) & 0xFFFF)) return Bad("a stored block with a wrong length");
  bits_ >>= 32;
  bits_left_ -= 32;
  state_ = State::kStored;
  return Step::kDone;
}

Inflater::Step Inflater::ReadDynamicCodes(Cursor& cursor) {
  cursor.Refill(bits_, bits_left_);
  if (bits_left_ < 14) return Bad("the stream ends early");
  const auto lengths_count = static_cast<unsigned>(bits_ & 31) + 257;
  const auto distances_count = static_cast<unsigned>(bits_ >> 5 & 31) + 1;
  const auto precode_count = static_cast<unsigned>(bits_ >> 10 & 15) + 4;
  bits_ >>= 14;
  bits_left_ -= 14;
  if (lengths_count > 286 || distances_count > 30) return Bad("too many codes");

  std::array<uint8_t, 19> precode = {};
  for (unsigned i = 0; i < precode_count; ++i) {
    cursor.Refill(bits_, bits_left_);
    if (bits_left_ < 3) return Bad("the stream ends early");
    precode[kPrecodeOrder[i]] = static_cast<uint8_t>(bits_ & 7);
    bits_ >>= 3;
    bits_left_ -= 3;
  }
  uint32_t precode_table[128];
  unsigned unused = 0;
  if (!BuildTable(precode.data(), 19, Alphabet::kPrecode, 7, precode_table, unused)) {
    return Bad("a wrong code of code lengths");
  }

  std::array<uint8_t, 320> lengths = {};
  const unsigned total = lengths_count + distances_count;
  for (unsigned i = 0; i < total;) {
    cursor.Refill(bits_, bits_left_);
    const uint32_t entry = precode_table[bits_ & 127];
    const unsigned code_bits = entry & 0xFF;
    const unsigned symbol = entry >> 16;
    const unsigned extra_bits = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (code_bits + extra_bits > bits_left_) return Bad("the stream ends early");
    const auto extra = static_cast<unsigned>(bits_ >> code_bits) & ((1U << extra_bits) - 1);
    bits_ >>= code_bits + extra_bits;
    bits_left_ -= code_bits + extra_bits;
    if (symbol < 16) {
      lengths[i++] = static_cast<uint8_t>(symbol);
      continue;
    }
    if (symbol == 16 && i == 0) return Bad("a repeated code length without one before");
    const uint8_t value = symbol == 16 ? lengths[i - 1] : uint8_t{0};
    const unsigned repeat = extra + (symbol == 18 ? 11 : 3);
    if (repeat > total - i) return Bad("too many code lengths");
    std::fill_n(lengths.begin() + i, repeat, value);
    i += repeat;
  }
  if (lengths[256] == 0) return Bad("a block without end");
  if (!BuildTable(lengths.data(), lengths_count, Alphabet::kLengths, kLengthBits, length_table_,
                  length_bits_)) {
    return Bad("a wrong code of literals and lengths");
  }
  if (!BuildTable(lengths.data() + lengths_count, distances_count, Alphabet::kDistances,
                  kDistanceBits, distance_table_, distance_bits_)) {
    return Bad("a wrong code of distances");
  }
  state_ = State::kCodes;
  return Step::kDone;
}

Inflater::Step Inflater::CopyStored(Cursor& cursor) {
  while (stored_left_ > 0 && bits_left_ > 0) {
    if (cursor.out_left() == 0) return Step::kOutputFull;
    *cursor.out++ = static_cast<uint8_t>(bits_);
    bits_ >>= 8;
    bits_left_ -= 8;
    --stored_left_;
  }
  const size_t count = std::min({size_t{stored_left_}, cursor.in_left(), cursor.out_left()});
  if (count > 0) std::memcpy(cursor.out, cursor.in, count);
  cursor.in += count;
  cursor.out += count;
  stored_left_ -= static_cast<uint32_t>(count);
  if (stored_left_ == 0) {
    state_ = State::kBlockHeader;
    return Step::kDone;
  }
  if (cursor.out_left() == 0) return Step::kOutputFull;
  return cursor.last ? Bad("the stream ends early") : Step::kNeedInput;
}

// Goes on with a parked match; false when it still does not fit.
bool Inflater::CopyPending(Cursor& cursor) {
  while (match_left_ > 0 && cursor.out < cursor.out_end) {
    *cursor.out = *(cursor.out - match_distance_);
    ++cursor.out;
    --match_left_;
  }
  return match_left_ == 0;
}

Inflater::Step Inflater::DecodeCarefully(Cursor& cursor) {
  const uint32_t length_mask = (1U << kLengthBits) - 1;
  const uint32_t distance_mask = (1U << kDistanceBits) - 1;
  while (true) {
    if (cursor.in_left() >= kFastInput && cursor.out_left() >= kFastRoom) return Step::kDone;
    cursor.Refill(bits_, bits_left_);
    // A symbol takes 48 bits at most. With fewer, wait for more, or look whether it fits in what is
    // there.
    if (bits_left_ < 48 && !cursor.last) return Step::kNeedInput;
    uint64_t bits = bits_;
    unsigned used = 0;
    uint32_t entry = length_table_[bits & length_mask];
    if ((entry & kSecondLevel) != 0 && (entry & (kSpecial | kLiteral)) == kSpecial) {
      used = kLengthBits;
      entry = length_table_[(entry >> 16) + (bits >> kLengthBits & ((1U << length_bits_) - 1))];
    }
    const uint64_t at_code = bits >> used;
    used += entry & 0xFF;
    if ((entry & (kSpecial | kEndOfBlock | kLiteral)) == kSpecial) {
      return Bad(used > bits_left_ || bits_left_ == 0 ? "the stream ends early"
                                                      : "a code that is not in use");
    }
    if (used > bits_left_) return Bad("the stream ends early");
    if ((entry & kLiteral) != 0) {
      if (cursor.out_left() == 0) return Step::kOutputFull;
      *cursor.out++ = static_cast<uint8_t>(entry >> 16);
      bits_ >>= used;
      bits_left_ -= used;
      continue;
    }
    if ((entry & kSpecial) != 0) {
      bits_ >>= used;
      bits_left_ -= used;
      state_ = State::kBlockHeader;
      return Step::kDone;
    }
    if (cursor.out_left() == 0) return Step::kOutputFull;
    const uint64_t length_field = at_code & ((uint64_t{1} << (entry & 0xFF)) - 1);
    const auto length = static_cast<uint32_t>((entry >> 16) + (length_field >> (entry >> 8 & 0xF)));

    bits >>= used;
    unsigned distance_used = 0;
    entry = distance_table_[bits & distance_mask];
    if ((entry & kSecondLevel) != 0 && (entry & kSpecial) != 0) {
      distance_used = kDistanceBits;
      entry =
          distance_table_[(entry >> 16) + (bits >> kDistanceBits & ((1U << distance_bits_) - 1))];
    }
    const uint64_t at_distance = bits >> distance_used;
    distance_used += entry & 0xFF;
    if (used + distance_used > bits_left_) return Bad("the stream ends early");
    if ((entry & kSpecial) != 0) {
      return Bad(used == bits_left_ ? "the stream ends early" : "a code that is not in use");
    }
    const uint64_t distance_field = at_distance & ((uint64_t{1} << (entry & 0xFF)) - 1);
    const auto distance =
        static_cast<uint32_t>((entry >> 16) + (distance_field >> (entry >> 8 & 0xF)));
    if (distance > static_cast<size_t>(cursor.out - cursor.history)) {
      return Bad("a distance beyond the start");
    }
    bits_ >>= used + distance_used;
    bits_left_ -= used + distance_used;
    match_left_ = length;
    match_distance_ = distance;
    if (!CopyPending(cursor)) return Step::kOutputFull;
  }
}

namespace {

// How the fast loop extracts the low bits of a word; BMI2 has an instruction for it.
struct PortableFlavor {
  static uint64_t LowBits(uint64_t value, uint32_t count) {
    return value & ((uint64_t{1} << (count & 63)) - 1);
  }
};

}  // namespace

template <typename Flavor>
[[gnu::always_inline]] inline Inflater::Step Inflater::DecodeFastImpl(Cursor& cursor) {
  const uint8_t* in = cursor.in;
  uint8_t* out = cursor.out;
  const uint8_t* const in_limit = cursor.in_end - kFastInput;
  uint8_t* const out_limit = cursor.out_end - kFastRoom;
  const uint8_t* const history = cursor.history;
  const uint32_t* const lengths = length_table_;
  const uint32_t* const distances = distance_table_;
  const uint32_t length_mask = (1U << kLengthBits) - 1;
  const uint32_t distance_mask = (1U << kDistanceBits) - 1;
  const unsigned second_length_bits = length_bits_;
  const unsigned second_distance_bits = distance_bits_;
  uint64_t bits = bits_;
  unsigned bits_left = bits_left_;
  Step step = Step::kDone;

  // 56 bits or more afterwards. Reads 8 bytes, takes as many as fit whole.
  const auto refill = [&]() __attribute__((always_inline)) {
    bits |= LoadLittleEndian64(in) << bits_left;
    in += (63 - bits_left) >> 3;
    bits_left |= 56;
  };
  const auto drop = [&](uint32_t entry) __attribute__((always_inline)) {
    bits >>= entry & 0xFF;
    bits_left -= entry & 0xFF;
  };

  refill();
  uint32_t entry = lengths[bits & length_mask];
  while (in <= in_limit && out <= out_limit) {
    // Here: 56 bits at least but for those that preloading `entry` has not dropped yet.
    uint64_t before = bits;
    drop(entry);
    if ((entry & kLiteral) != 0) {
      *out++ = static_cast<uint8_t>(entry >> 16);
      entry = lengths[bits & length_mask];
      before = bits;
      drop(entry);
      if ((entry & kLiteral) != 0) {
        *out++ = static_cast<uint8_t>(entry >> 16);
        entry = lengths[bits & length_mask];
        before = bits;
        drop(entry);
        if ((entry & kLiteral) != 0) {
          *out++ = static_cast<uint8_t>(entry >> 16);
          refill();
          entry = lengths[bits & length_mask];
          continue;
        }
      }
    }
    // At most 33 bits are gone: 23 are left, a second-level code takes 4 and a length 5 extra bits
    // of them.
    if ((entry & kSpecial) != 0) [[unlikely]] {
      if ((entry & kSecondLevel) != 0) {
        entry = lengths[(entry >> 16) + Flavor::LowBits(bits, second_length_bits)];
        before = bits;
        drop(entry);
        if ((entry & kLiteral) != 0) {
          *out++ = static_cast<uint8_t>(entry >> 16);
          refill();
          entry = lengths[bits & length_mask];
          continue;
        }
      }
      if ((entry & kSpecial) != 0) {
        if ((entry & kEndOfBlock) != 0) {
          state_ = State::kBlockHeader;
        } else {
          step = Bad("a code that is not in use");
        }
        goto finished;
      }
    }
    {
      const uint32_t length =
          (entry >> 16) +
          static_cast<uint32_t>(Flavor::LowBits(before, entry & 0xFF) >> (entry >> 8 & 0xF));
      refill();
      entry = distances[bits & distance_mask];
      if ((entry & kSpecial) != 0) [[unlikely]] {
        if ((entry & kSecondLevel) != 0) {
          drop(entry);
          entry = distances[(entry >> 16) + Flavor::LowBits(bits, second_distance_bits)];
        }
        if ((entry & kSpecial) != 0) {
          step = Bad("a code that is not in use");
          goto finished;
        }
      }
      const uint32_t distance =
          (entry >> 16) +
          static_cast<uint32_t>(Flavor::LowBits(bits, entry & 0xFF) >> (entry >> 8 & 0xF));
      drop(entry);
      if (distance > static_cast<size_t>(out - history)) [[unlikely]] {
        step = Bad("a distance beyond the start");
        goto finished;
      }
      // 28 bits are gone: enough are left to look the next symbol up while the copy is under way.
      entry = lengths[bits & length_mask];
      refill();
      const uint8_t* from = out - distance;
      uint8_t* to = out;
      out += length;
      if (distance >= 8) [[likely]] {
        // Most matches are short: three words cover 24 bytes without a branch that depends on the
        // data.
        std::memcpy(to, from, 8);
        std::memcpy(to + 8, from + 8, 8);
        std::memcpy(to + 16, from + 16, 8);
        to += 24;
        from += 24;
        while (to < out) {
          std::memcpy(to, from, 8);
          std::memcpy(to + 8, from + 8, 8);
          to += 16;
          from += 16;
        }
      } else if (distance == 1) {
        const uint64_t word = uint64_t{0x0101010101010101} * *from;
        do {
          std::memcpy(to, &word, 8);
          std::memcpy(to + 8, &word, 8);
          to += 16;
        } while (to < out);
      } else {
        // A word of the repeated pattern, written again and again at the largest step that keeps it
        // in phase.
        uint64_t word = LoadLittleEndian64(from) & ((uint64_t{1} << (8 * distance)) - 1);
        for (uint32_t bytes = distance; bytes < 8; bytes *= 2) word |= word << (8 * bytes);
        const uint32_t step_size = 8 / distance * distance;
        do {
          StoreLittleEndian64(to, word);
          to += step_size;
        } while (to < out);
      }
    }
  }
finished:
  // Bits that were read ahead stand for bytes from `in` on; the careful loop wants zeros there.
  bits_ = Flavor::LowBits(bits, bits_left);
  bits_left_ = bits_left;
  cursor.in = in;
  cursor.out = out;
  return step;
}

#if defined(__x86_64__)
namespace {

struct Bmi2Flavor {
  // The compiler makes this one BZHI where the target allows it.
  static uint64_t LowBits(uint64_t value, uint32_t count) {
    return value & ~(~uint64_t{0} << (count & 63));
  }
};

}  // namespace

__attribute__((target("bmi,bmi2"))) Inflater::Step Inflater::DecodeFastBmi2(Cursor& cursor) {
  return DecodeFastImpl<Bmi2Flavor>(cursor);
}
#endif

Inflater::Step Inflater::DecodeFast(Cursor& cursor) {
#if defined(__x86_64__)
  static const bool has_bmi2 =
      __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0;
  if (has_bmi2) return DecodeFastBmi2(cursor);
#endif
  return DecodeFastImpl<PortableFlavor>(cursor);
}

}  // namespace rules_inference::base
