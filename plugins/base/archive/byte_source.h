// A stream of bytes: a file that is hashed while it is read, and what a decoder makes of another
// stream. Memory is bounded whatever the stream holds.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_BYTE_SOURCE_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // What it is, for messages.
  virtual const std::string& name() const = 0;
  // Up to `buffer.size()` bytes; 0 at the end and nowhere else.
  virtual absl::StatusOr<size_t> Read(absl::Span<char> buffer) = 0;
};

// Reads a file from its start.
class HashingSource final : public ByteSource {
 public:
  explicit HashingSource(std::shared_ptr<InputFile> file) : file_(std::move(file)) {}

  const std::string& name() const override { return file_->path(); }
  absl::StatusOr<size_t> Read(absl::Span<char> buffer) override;

  // Reads what is left, and checks size (0: any) and digest of the whole: "hash mismatch: <file>:
  // got sha256:..., expected sha256:... as specified".
  absl::Status Finish(uint64_t size, const Digest& digest);

 private:
  std::shared_ptr<InputFile> file_;
  uint64_t done_ = 0;
  Sha256 sha_;
};

// The data of a compressed stream, of all members or frames of it. Damaged or truncated input and
// anything after the end is an error. `in` must outlive it.
std::unique_ptr<ByteSource> GunzipSource(ByteSource& in);
// Needs up to 256 MiB for the dictionary that the file asks for.
std::unique_ptr<ByteSource> UnxzSource(ByteSource& in);
// Windows of up to 128 MiB (zstd --long=27).
std::unique_ptr<ByteSource> UnzstdSource(ByteSource& in);

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_BYTE_SOURCE_H_
