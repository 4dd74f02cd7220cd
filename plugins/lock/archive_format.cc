#include "plugins/lock/archive_format.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/archive/byte_source.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::lock {
namespace {

constexpr size_t kTarBlock = 512;
constexpr size_t kChecksumAt = 148;
constexpr size_t kChecksumSize = 8;

// The first block of a tar file has a checksum over itself, with spaces in the place of the sum.
// Old archives have no other mark.
bool IsTarHeader(absl::string_view block) {
  if (block.size() < kTarBlock) return false;
  uint32_t sum = 0;
  bool named = false;
  for (size_t i = 0; i < kTarBlock; ++i) {
    const bool in_sum = i >= kChecksumAt && i < kChecksumAt + kChecksumSize;
    sum += in_sum ? uint32_t{' '} : static_cast<uint8_t>(block[i]);
    named = named || (i < 100 && block[i] != '\0');
  }
  uint32_t expected = 0;
  for (const char c : block.substr(kChecksumAt, kChecksumSize)) {
    if (c >= '0' && c <= '7') expected = expected * 8 + static_cast<uint32_t>(c - '0');
  }
  return named && sum == expected;
}

// Whether a tar file begins there. What cannot be decoded is none; a disk that fails says nothing.
absl::StatusOr<bool> BeginsTar(base::ByteSource& source) {
  std::string block(kTarBlock, '\0');
  size_t size = 0;
  while (size < block.size()) {
    const absl::StatusOr<size_t> count = source.Read(absl::MakeSpan(block).subspan(size));
    if (!count.ok() && count.status().code() != absl::StatusCode::kInvalidArgument) {
      return count.status();
    }
    if (!count.ok() || *count == 0) return false;
    size += *count;
  }
  return IsTarHeader(block);
}

}  // namespace

absl::StatusOr<std::string> ArchiveFormat(std::shared_ptr<base::InputFile> file) {
  std::string start(kTarBlock, '\0');
  ASSIGN_OR_RETURN(const size_t size, file->ReadAt(0, absl::MakeSpan(start)));
  start.resize(size);
  if (absl::StartsWith(start, "PK\x03\x04") || absl::StartsWith(start, "PK\x05\x06")) return "zip";
  if (IsTarHeader(start)) return "tar";
  base::HashingSource bytes(std::move(file));
  const auto with_tar = [](const std::unique_ptr<base::ByteSource>& source,
                           const std::string& format) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const bool tar, BeginsTar(*source));
    return tar ? format : "file";
  };
  if (absl::StartsWith(start, "\x1f\x8b")) return with_tar(base::GunzipSource(bytes), "tar.gz");
  if (absl::StartsWith(start,
                       "\xfd"
                       "7zXZ"))
    return with_tar(base::UnxzSource(bytes), "tar.xz");
  if (absl::StartsWith(start, "\x28\xb5\x2f\xfd")) {
    return with_tar(base::UnzstdSource(bytes), "tar.zst");
  }
  return "file";
}

}  // namespace rules_inference::lock
