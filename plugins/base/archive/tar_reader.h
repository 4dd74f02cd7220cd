// A strict reader of tar files: ustar with the extensions of PAX and GNU tar that name files.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_TAR_READER_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_TAR_READER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/archive/byte_source.h"

namespace rules_inference::base {

struct TarMember {
  enum class Type : uint8_t { kFile, kDirectory, kSymlink, kHardLink };

  // As it is in the archive: nothing is known about it but that it has no NUL.
  std::string name;
  Type type = Type::kFile;
  bool executable = false;
  uint64_t size = 0;  // Of a file.
  std::string link;   // Of a link.
};

class TarReader {
 public:
  explicit TarReader(ByteSource& in) : in_(in) {}

  // The next member, or nothing at the end. What is left of the data before is skipped. A header
  // with a wrong checksum, an unknown type (devices, fifos, sparse files) and an archive that stops
  // without its end blocks are errors: "tar: <file>: entry '<name>': got X, expected Y".
  absl::StatusOr<std::optional<TarMember>> Next();
  // Data of the member; 0 at its end.
  absl::StatusOr<size_t> Read(absl::Span<char> buffer);

 private:
  absl::Status ReadExactly(char* to, size_t size);
  absl::Status Skip();
  absl::StatusOr<std::string> ReadText(uint64_t size);
  absl::Status ReadPax(uint64_t size, std::map<std::string, std::string>& records);
  absl::Status Bad(absl::string_view name, absl::string_view got, absl::string_view expected) const;

  ByteSource& in_;
  uint64_t left_ = 0;     // Of the data of the member.
  uint64_t padding_ = 0;  // After it.
  std::map<std::string, std::string> global_;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_TAR_READER_H_
