// Problem. Every count and length in a GGUF file is what its author wrote, and readers have
// allocated what they said.
//
// Idea. The header is walked with a cursor that knows how many bytes the file has. Whatever is
// counted takes some bytes each, so a count that needs more bytes than there are is wrong before
// anything is made for it; nothing is kept but the ranges of the tensors.
//
// Cost. The header in pieces of 64 KiB, and 24 bytes a tensor.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/models/format.h"

namespace rules_inference::models {
namespace {

constexpr size_t kPiece = 64 << 10;
constexpr uint64_t kMaxCount = 1 << 20;
constexpr uint64_t kMaxKey = 65535;
constexpr uint64_t kMaxTensorName = 1024;
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr uint32_t kMaxDimensions = 4;
constexpr int kMaxDepth = 4;
constexpr uint64_t kKeyValueBytes = 13;  // Length, type, and a value of a byte.
constexpr uint64_t kTensorBytes = 24;

enum ValueType : uint32_t { kU32 = 4, kString = 8, kArray = 9 };

// 0 for what has no fixed size.
uint64_t SizeOfValue(uint32_t type) {
  constexpr uint64_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

struct Block {
  uint64_t values;
  uint64_t bytes;
};
// ggml_type -> values and bytes of a block. What is not here may come with the next release of
// ggml: of such a tensor only the beginning is checked.
const Block* BlockOf(uint32_t type) {
  static const auto* const blocks = new std::map<uint32_t, Block>{
      {0, {1, 4}},      {1, {1, 2}},      {2, {32, 18}},    {3, {32, 20}},    {6, {32, 22}},
      {7, {32, 24}},    {8, {32, 34}},    {10, {256, 84}},  {11, {256, 110}}, {12, {256, 144}},
      {13, {256, 176}}, {14, {256, 210}}, {15, {256, 292}}, {16, {256, 66}},  {17, {256, 74}},
      {18, {256, 98}},  {19, {256, 50}},  {20, {32, 18}},   {21, {256, 110}}, {22, {256, 82}},
      {23, {256, 136}}, {24, {1, 1}},     {25, {1, 2}},     {26, {1, 4}},     {27, {1, 8}},
      {28, {1, 8}},     {29, {256, 56}},  {30, {1, 2}},     {34, {256, 54}},  {35, {256, 66}},
      {39, {32, 17}}};
  const auto found = blocks->find(type);
  return found == blocks->end() ? nullptr : &found->second;
}

class Checker {
 public:
  Checker(base::InputFile& file, absl::string_view path)
      : file_(file), where_(absl::StrCat("gguf: ", path)) {}

  absl::Status Run();

 private:
  absl::Status Bad(absl::string_view got, absl::string_view expected) const {
    return base::Mismatch(where_, absl::StrCat("byte ", pos_), got, expected);
  }
  uint64_t Left() const { return file_.size() - pos_; }
  absl::Status Skip(uint64_t size, absl::string_view what);
  absl::StatusOr<std::string> Take(uint64_t size, absl::string_view what);
  absl::StatusOr<uint64_t> Number(size_t size, absl::string_view what);
  absl::StatusOr<std::string> Text(uint64_t max, absl::string_view what);
  absl::Status CheckCount(uint64_t count, uint64_t bytes, absl::string_view what) const;
  absl::Status SkipValue(uint32_t type, int depth);
  absl::Status ReadKeyValue();
  absl::Status ReadTensor();
  absl::Status CheckTensors();

  struct Tensor {
    uint64_t begin;
    uint64_t end;
    uint64_t number;
  };

  base::InputFile& file_;
  const std::string where_;
  uint64_t pos_ = 0;
  std::string piece_;
  uint64_t piece_at_ = 0;
  uint64_t alignment_ = 32;
  std::vector<Tensor> tensors_;
};

absl::Status Checker::Skip(uint64_t size, absl::string_view what) {
  if (size > Left()) {
    return Bad(absl::StrCat(what, " of ", size, " bytes"),
               absl::StrCat("at most ", Left(), ", which the file has"));
  }
  pos_ += size;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Checker::Take(uint64_t size, absl::string_view what) {
  const uint64_t begin = pos_;
  RETURN_IF_ERROR(Skip(size, what));
  if (begin < piece_at_ || begin + size > piece_at_ + piece_.size()) {
    piece_.resize(
        static_cast<size_t>(std::max(size, std::min<uint64_t>(kPiece, file_.size() - begin))));
    piece_at_ = begin;
    RETURN_IF_ERROR(base::ReadExactly(file_, begin, absl::MakeSpan(piece_)));
  }
  return piece_.substr(static_cast<size_t>(begin - piece_at_), static_cast<size_t>(size));
}

absl::StatusOr<uint64_t> Checker::Number(size_t size, absl::string_view what) {
  ASSIGN_OR_RETURN(const std::string bytes, Take(size, what));
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

absl::StatusOr<std::string> Checker::Text(uint64_t max, absl::string_view what) {
  ASSIGN_OR_RETURN(const uint64_t size, Number(8, what));
  if (size > max) {
    return Bad(absl::StrCat(what, " of ", size, " bytes"), absl::StrCat("at most ", max));
  }
  return Take(size, what);
}

absl::Status Checker::CheckCount(uint64_t count, uint64_t bytes, absl::string_view what) const {
  const uint64_t most = std::min(kMaxCount, Left() / bytes);
  if (count <= most) return absl::OkStatus();
  return Bad(absl::StrCat(count, " ", what),
             absl::StrCat("at most ", most, " in a file of ", file_.size(), " bytes"));
}

absl::Status Checker::SkipValue(uint32_t type, int depth) {
  if (const uint64_t size = SizeOfValue(type); size > 0) return Skip(size, "a value");
  if (type == kString) {
    ASSIGN_OR_RETURN(const uint64_t size, Number(8, "a string"));
    return Skip(size, "a string");
  }
  if (type != kArray) return Bad(absl::StrCat("value type ", type), "0 to 12");
  if (depth >= kMaxDepth)
    return Bad("a deeper array", absl::StrCat("at most ", kMaxDepth, " levels"));
  ASSIGN_OR_RETURN(const uint64_t item, Number(4, "an array"));
  ASSIGN_OR_RETURN(const uint64_t count, Number(8, "an array"));
  const uint64_t fixed = SizeOfValue(static_cast<uint32_t>(item));
  // A string is a length at least, an array a type and a count.
  const uint64_t least = fixed > 0 ? fixed : item == kArray ? 12 : 8;
  if (count > Left() / least) {
    return Bad(absl::StrCat("an array of ", count, " items"),
               absl::StrCat("at most ", Left() / least, ", for which the file has the bytes"));
  }
  if (fixed > 0) return Skip(count * fixed, "an array");
  for (uint64_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(SkipValue(static_cast<uint32_t>(item), depth + 1));
  }
  return absl::OkStatus();
}

absl::Status Checker::ReadKeyValue() {
  ASSIGN_OR_RETURN(const std::string key, Text(kMaxKey, "a key"));
  ASSIGN_OR_RETURN(const uint64_t type, Number(4, "a type"));
  if (key != "general.alignment") return SkipValue(static_cast<uint32_t>(type), 0);
  if (type != kU32) return Bad(absl::StrCat("general.alignment of type ", type), "4, a number");
  ASSIGN_OR_RETURN(alignment_, Number(4, "general.alignment"));
  if (alignment_ < 8 || alignment_ > kMaxAlignment || (alignment_ & (alignment_ - 1)) != 0) {
    return Bad(absl::StrCat("general.alignment ", alignment_),
               absl::StrCat("a power of 2 from 8 to ", kMaxAlignment));
  }
  return absl::OkStatus();
}

absl::Status Checker::ReadTensor() {
  ASSIGN_OR_RETURN(const std::string name, Text(kMaxTensorName, "a tensor name"));
  ASSIGN_OR_RETURN(const uint64_t dimensions, Number(4, "dimensions"));
  if (dimensions > kMaxDimensions) {
    return Bad(absl::StrCat(dimensions, " dimensions of tensor ", base::Quoted(name)),
               absl::StrCat("at most ", kMaxDimensions));
  }
  uint64_t values = 1;
  bool overflow = false;
  uint64_t first = 1;
  for (uint64_t i = 0; i < dimensions; ++i) {
    ASSIGN_OR_RETURN(const uint64_t size, Number(8, "a dimension"));
    if (i == 0) first = size;
    overflow = __builtin_mul_overflow(values, size, &values) || overflow;
  }
  ASSIGN_OR_RETURN(const uint64_t type, Number(4, "a tensor type"));
  ASSIGN_OR_RETURN(const uint64_t offset, Number(8, "a tensor offset"));
  uint64_t bytes = 0;
  if (const Block* block = BlockOf(static_cast<uint32_t>(type)); block != nullptr && !overflow) {
    if (first % block->values != 0) {
      return Bad(absl::StrCat("rows of ", first, " values in tensor ", base::Quoted(name)),
                 absl::StrCat("whole blocks of ", block->values));
    }
    overflow = __builtin_mul_overflow(values / block->values, block->bytes, &bytes);
  }
  uint64_t end = 0;
  overflow = __builtin_add_overflow(offset, bytes, &end) || overflow;
  if (overflow)
    return Bad(absl::StrCat("2^64 bytes and more in tensor ", base::Quoted(name)),
               "what fits into the file");
  if (offset % alignment_ != 0) {
    return Bad(absl::StrCat("offset ", offset, " of tensor ", base::Quoted(name)),
               absl::StrCat("a multiple of ", alignment_));
  }
  tensors_.push_back({offset, end, tensors_.size()});
  return absl::OkStatus();
}

absl::Status Checker::CheckTensors() {
  const uint64_t data_at = (pos_ + alignment_ - 1) / alignment_ * alignment_;
  const uint64_t data = data_at > file_.size() ? 0 : file_.size() - data_at;
  std::sort(tensors_.begin(), tensors_.end(), [](const Tensor& a, const Tensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Tensor& tensor : tensors_) {
    const std::string where = absl::StrCat("tensor ", tensor.number);
    const std::string range = absl::StrCat("bytes ", tensor.begin, " to ", tensor.end);
    if (tensor.end > data) {
      return base::Mismatch(where_, where, range,
                            absl::StrCat("a range of the ", data, " bytes of data"));
    }
    if (tensor.begin < end) {
      return base::Mismatch(where_, where, absl::StrCat(range, ", an overlap"),
                            absl::StrCat("to begin at ", end, " or later"));
    }
    end = tensor.end;
  }
  return absl::OkStatus();
}

absl::Status Checker::Run() {
  ASSIGN_OR_RETURN(const std::string magic, Take(4, "a magic number"));
  if (magic != "GGUF") return Bad(base::Quoted(magic), "GGUF");
  ASSIGN_OR_RETURN(const uint64_t version, Number(4, "a version"));
  if (version != 2 && version != 3) return Bad(absl::StrCat("version ", version), "2 or 3");
  ASSIGN_OR_RETURN(const uint64_t tensors, Number(8, "a count"));
  ASSIGN_OR_RETURN(const uint64_t key_values, Number(8, "a count"));
  RETURN_IF_ERROR(CheckCount(key_values, kKeyValueBytes, "key-value pairs"));
  RETURN_IF_ERROR(CheckCount(tensors, kTensorBytes, "tensors"));
  for (uint64_t i = 0; i < key_values; ++i) RETURN_IF_ERROR(ReadKeyValue());
  for (uint64_t i = 0; i < tensors; ++i) RETURN_IF_ERROR(ReadTensor());
  return CheckTensors();
}

}  // namespace

absl::Status CheckGguf(base::InputFile& file, absl::string_view path) {
  return Checker(file, path).Run();
}

}  // namespace rules_inference::models
