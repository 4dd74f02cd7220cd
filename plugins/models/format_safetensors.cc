// Problem. A reader of safetensors maps the file and believes its header: offsets beyond the file,
// or shapes that are larger than their bytes, are reads out of bounds; overlaps and holes hide
// data.
//
// Idea. The header is read once, as a stream of JSON; of each tensor its range is kept. Sorted, the
// ranges have to follow one another from the first byte of the data to the last one.
//
// Cost. The header (at most 100 MB, as in the reference implementation), and 40 bytes and a name a
// tensor.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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
#include "plugins/models/json_reader.h"

namespace rules_inference::models {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;

struct Tensor {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string name;
};

struct Dtype {
  absl::string_view name;
  uint64_t bits;
};
constexpr std::array<Dtype, 23> kDtypes = {
    {{"BOOL", 8},    {"U8", 8},          {"I8", 8},          {"F8_E4M3", 8}, {"F8_E5M2", 8},
     {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},
     {"F16", 16},    {"BF16", 16},       {"I32", 32},        {"U32", 32},    {"F32", 32},
     {"I64", 64},    {"U64", 64},        {"F64", 64},        {"C64", 64},    {"C128", 128},
     {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6}}};

class Checker {
 public:
  Checker(absl::string_view path, absl::string_view header, uint64_t data)
      : where_(absl::StrCat("safetensors: ", path)), json_(where_, header), data_(data) {}

  absl::Status Run();

 private:
  absl::Status Bad(absl::string_view name, absl::string_view got,
                   absl::string_view expected) const {
    return base::Mismatch(where_, absl::StrCat("tensor ", base::Quoted(name)), got, expected);
  }
  absl::Status ReadTensor(const std::string& name);
  absl::Status CheckRanges();

  const std::string where_;
  JsonReader json_;
  // Bytes behind the header.
  const uint64_t data_;
  std::vector<Tensor> tensors_;
};

absl::Status Checker::ReadTensor(const std::string& name) {
  uint64_t bits = 0;
  bool shaped = false;
  bool overflow = false;
  uint64_t count = 1;
  std::vector<uint64_t> offsets;
  RETURN_IF_ERROR(json_.Object([&](const std::string& key) -> absl::Status {
    // Readers differ in which one they take.
    if ((key == "dtype" && bits != 0) || (key == "shape" && shaped) ||
        (key == "data_offsets" && !offsets.empty())) {
      return Bad(name, absl::StrCat(key, " a second time"), "each field once");
    }
    if (key == "dtype") {
      ASSIGN_OR_RETURN(const std::string dtype, json_.String());
      for (const Dtype& item : kDtypes) {
        if (item.name == dtype) bits = item.bits;
      }
      if (bits == 0) {
        return Bad(name, absl::StrCat("dtype ", base::Quoted(dtype)), "one of safetensors");
      }
      return absl::OkStatus();
    }
    if (key == "shape") {
      shaped = true;
      return json_.Array([&]() -> absl::Status {
        ASSIGN_OR_RETURN(const uint64_t size, json_.Number());
        overflow = __builtin_mul_overflow(count, size, &count) || overflow;
        return absl::OkStatus();
      });
    }
    if (key == "data_offsets") {
      return json_.Array([&]() -> absl::Status {
        ASSIGN_OR_RETURN(const uint64_t offset, json_.Number());
        if (offsets.size() == 2) return Bad(name, "more than two offsets", "begin and end");
        offsets.push_back(offset);
        return absl::OkStatus();
      });
    }
    return Bad(name, absl::StrCat("field ", base::Quoted(key)), "dtype, shape and data_offsets");
  }));
  if (bits == 0 || !shaped || offsets.size() != 2) {
    return Bad(name, "not all of them", "dtype, shape and data_offsets");
  }
  if (offsets[0] > offsets[1] || offsets[1] > data_) {
    return Bad(name, absl::StrCat("bytes ", offsets[0], " to ", offsets[1]),
               absl::StrCat("a range of the ", data_, " bytes of data"));
  }
  overflow = __builtin_mul_overflow(count, bits, &count) || overflow;
  if (overflow) return Bad(name, "a shape of 2^64 bits and more", "one that fits into the file");
  if (count % 8 != 0 || count / 8 != offsets[1] - offsets[0]) {
    return Bad(name, absl::StrCat(offsets[1] - offsets[0], " bytes"),
               absl::StrCat(count / 8, ", as dtype and shape say"));
  }
  tensors_.push_back({offsets[0], offsets[1], name});
  return absl::OkStatus();
}

absl::Status Checker::CheckRanges() {
  std::sort(tensors_.begin(), tensors_.end(),
            [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
  for (size_t i = 1; i < tensors_.size(); ++i) {
    if (tensors_[i].name == tensors_[i - 1].name) {
      return Bad(tensors_[i].name, "it a second time", "each tensor once");
    }
  }
  // By their ends too: empty tensors share their offset with others.
  std::sort(tensors_.begin(), tensors_.end(), [](const Tensor& a, const Tensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Tensor& tensor : tensors_) {
    if (tensor.begin != end) {
      return Bad(tensor.name,
                 absl::StrCat(tensor.begin < end ? "an overlap" : "a hole", " before byte ",
                              tensor.begin < end ? end : tensor.begin),
                 absl::StrCat("to begin at ", end));
    }
    end = tensor.end;
  }
  if (end == data_) return absl::OkStatus();
  return base::Mismatch(where_, "data", absl::StrCat("a hole from byte ", end),
                        absl::StrCat("tensors up to the end at ", data_));
}

absl::Status Checker::Run() {
  RETURN_IF_ERROR(json_.Object([&](const std::string& name) -> absl::Status {
    if (name != "__metadata__") return ReadTensor(name);
    return json_.Object([&](const std::string&) { return json_.String().status(); });
  }));
  RETURN_IF_ERROR(json_.End());
  return CheckRanges();
}

}  // namespace

absl::Status CheckSafetensors(base::InputFile& file, absl::string_view path) {
  const auto bad = [&](absl::string_view got, absl::string_view expected) {
    return base::Mismatch("safetensors", path, got, expected);
  };
  if (file.size() < 10) return bad(absl::StrCat(file.size(), " bytes"), "a header of 10 at least");
  std::string length(8, '\0');
  RETURN_IF_ERROR(base::ReadExactly(file, 0, absl::MakeSpan(length)));
  uint64_t size = 0;
  for (size_t i = 8; i-- > 0;) size = size << 8 | static_cast<uint8_t>(length[i]);
  if (size > kMaxHeader) {
    return bad(absl::StrCat("a header of ", size, " bytes"), absl::StrCat("at most ", kMaxHeader));
  }
  if (size > file.size() - 8) {
    return bad(absl::StrCat("a header of ", size, " bytes"),
               absl::StrCat("at most ", file.size() - 8, ", which the file has"));
  }
  std::string header(static_cast<size_t>(size), '\0');
  RETURN_IF_ERROR(base::ReadExactly(file, 8, absl::MakeSpan(header)));
  return Checker(path, header, file.size() - 8 - size).Run();
}

}  // namespace rules_inference::models
