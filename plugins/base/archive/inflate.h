// A fast decoder of raw deflate streams (RFC 1951) that can stop and go on at any byte of its input
// and output.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_INFLATE_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_INFLATE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace rules_inference::base {

class Inflater {
 public:
  enum class Step {
    kNeedInput,   // Call again with the bytes that were not taken, followed by more.
    kOutputFull,  // Call again with more room. Also the answer when there is no room and the stream
                  // has not ended.
    kDone,        // The last block has ended.
    kBad,         // Not a deflate stream; see problem().
  };

  // How far matches reach back.
  static constexpr size_t kWindow = 32768;
  // Never more than this many bytes are left in the input when the answer is kNeedInput.
  static constexpr size_t kMaxLeftover = 512;

  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Starts a new stream.
  void Reset();

  // Decodes from [in, in_end) to [out, out_end) and moves both pointers. `last`: no input follows
  // in_end. The `history` bytes before `out` must be the output so far, or at least its last
  // kWindow bytes.
  Step Run(const uint8_t*& in, const uint8_t* in_end, bool last, uint8_t*& out, uint8_t* out_end,
           size_t history);

  // After kDone: how many of the bytes taken from the input lie behind the end of the stream.
  size_t unread() const { return bits_left_ / 8; }
  // After kBad: what is wrong, a short text.
  absl::string_view problem() const { return problem_; }

 private:
  enum class State : uint8_t { kBlockHeader, kStored, kCodes, kDone };

  static constexpr unsigned kLengthBits = 11;
  static constexpr unsigned kDistanceBits = 8;
  static constexpr size_t kMaxLengthSymbols = 288;
  static constexpr size_t kMaxDistanceSymbols = 32;
  // A first-level table, and as many second-level tables as there are pairs of longer codes, each
  // as wide as the longest.
  static constexpr size_t kLengthTable =
      (1U << kLengthBits) + kMaxLengthSymbols / 2 * (1U << (15 - kLengthBits));
  static constexpr size_t kDistanceTable =
      (1U << kDistanceBits) + kMaxDistanceSymbols / 2 * (1U << (15 - kDistanceBits));

  struct Cursor;

  Step Bad(absl::string_view problem);
  Step ReadBlockHeader(Cursor& cursor);
  Step ReadDynamicCodes(Cursor& cursor);
  Step CopyStored(Cursor& cursor);
  Step DecodeCarefully(Cursor& cursor);
  bool CopyPending(Cursor& cursor);
  template <typename Flavor>
  Step DecodeFastImpl(Cursor& cursor);
  Step DecodeFast(Cursor& cursor);
  Step DecodeFastBmi2(Cursor& cursor);

  uint64_t bits_ =
      0;  // Unused bits of the input, the next one lowest. Zero above bits_left_ between calls.
  unsigned bits_left_ = 0;  // How many they are.
  State state_ = State::kBlockHeader;
  bool last_block_ = false;
  bool fixed_codes_ = false;  // The tables hold the fixed codes.
  uint32_t stored_left_ = 0;
  uint32_t match_left_ = 0;  // A match that did not fit in the output.
  uint32_t match_distance_ = 0;
  unsigned length_bits_ =
      0;  // Longest code minus table bits, or 0: width of the second-level tables.
  unsigned distance_bits_ = 0;
  absl::string_view problem_;
  uint32_t length_table_[kLengthTable];
  uint32_t distance_table_[kDistanceTable];
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_INFLATE_H_
