// Numbers of the zip format, and a reader of its little-endian fields. For zip.cc and tests.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_FORMAT_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace rules_inference::base::zip_format {

inline constexpr uint32_t kLocalSignature = 0x04034b50;
inline constexpr uint32_t kDescriptorSignature = 0x08074b50;
inline constexpr uint32_t kCentralSignature = 0x02014b50;
inline constexpr uint32_t kEndSignature = 0x06054b50;
inline constexpr uint32_t kEnd64Signature = 0x06064b50;
inline constexpr uint32_t kEnd64LocatorSignature = 0x07064b50;

inline constexpr size_t kLocalSize = 30;
inline constexpr size_t kCentralSize = 46;
inline constexpr size_t kEndSize = 22;
inline constexpr size_t kEnd64Size = 56;
inline constexpr size_t kEnd64LocatorSize = 20;
inline constexpr size_t kMaxComment = 65535;

inline constexpr uint16_t kFlagEncrypted = 1 << 0;
inline constexpr uint16_t kFlagLevel =
    3 << 1;  // How hard the compressor tried; no meaning for readers.
inline constexpr uint16_t kFlagDescriptor = 1 << 3;
inline constexpr uint16_t kFlagUtf8 = 1 << 11;

inline constexpr uint16_t kExtraZip64 = 0x0001;
inline constexpr uint16_t kExtraUnicodePath = 0x7075;

// Takes fields from the front of some bytes. Taking more than there is gives zeros and clears ok().
class Fields {
 public:
  explicit Fields(absl::string_view data) : data_(data) {}

  bool ok() const { return ok_; }
  size_t left() const { return data_.size(); }
  uint16_t U16() { return static_cast<uint16_t>(Take(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Take(4)); }
  uint64_t U64() { return Take(8); }
  absl::string_view Bytes(size_t size) {
    if (size > data_.size()) {
      ok_ = false;
      size = data_.size();
    }
    const absl::string_view bytes = data_.substr(0, size);
    data_.remove_prefix(size);
    return bytes;
  }

 private:
  uint64_t Take(size_t size) {
    if (size > data_.size()) {
      ok_ = false;
      data_ = {};
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(data_[i])) << (8 * i);
    }
    data_.remove_prefix(size);
    return value;
  }

  absl::string_view data_;
  bool ok_ = true;
};

}  // namespace rules_inference::base::zip_format

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_FORMAT_H_
