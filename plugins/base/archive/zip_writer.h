// Writes zip files that are a function of what is put into them: no times, no owners, no machine.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_WRITER_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

class ZipWriter {
 public:
  // What does not fit in the fields of the first format.
  static constexpr uint64_t kLimit = 0xFFFFFFFF;

  // `out` must outlive it. Sizes and offsets from `limit` on are written in zip64 fields; only
  // tests have another one than kLimit.
  explicit ZipWriter(OutputFile& out, uint64_t limit = kLimit) : out_(out), limit_(limit) {}

  // A file with `data`, deflated where that makes it smaller.
  absl::Status Add(absl::string_view name, absl::string_view data, bool executable);
  // The file `entry` of another zip file: its packed bytes as they are.
  absl::Status Copy(const ZipFile& zip, const ZipEntry& entry);
  // The directory at the end. No other call may follow; `out` is not published.
  absl::Status Finish();

 private:
  absl::Status Append(absl::string_view data);
  // Appends the local header of `entry`, whose offset becomes that of the header, and remembers it.
  absl::Status Begin(ZipEntry entry);
  std::string Header(const ZipEntry& entry, bool central) const;

  OutputFile& out_;
  const uint64_t limit_;
  uint64_t offset_ = 0;
  uint64_t entries_ = 0;
  std::string directory_;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_WRITER_H_
