// A strict reader of zip files: what it accepts, every reader of zip files understands in the same
// way.
//
// A zip file describes its entries twice, before their data and in the directory at its end, and
// its readers choose what to believe. This one believes nothing that is not said twice: both
// descriptions must agree, entries must lie one after the other without a gap from the first byte
// of the file to the directory, and the directory must reach to the end record, which ends the
// file.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

enum class ZipMethod : uint8_t { kStored, kDeflated };

struct ZipEntry {
  // A valid base::EntryName, without the '/' at the end of directories.
  std::string name;
  bool is_directory = false;
  // The owner may execute it, says its Unix mode.
  bool executable = false;
  ZipMethod method = ZipMethod::kStored;
  uint32_t crc32 = 0;
  uint64_t packed_size = 0;
  uint64_t size = 0;
  // Where the packed data starts.
  uint64_t offset = 0;
  // Position in the directory; the first one is 0.
  uint32_t index = 0;
};

struct ZipLimits {
  // Sum of the sizes of all entries.
  uint64_t max_unpacked_bytes = uint64_t{64} << 30;
  // Accept names that differ by case or by the encoding of accents only.
  bool allow_case_collisions = false;
};

class ZipFile {
 public:
  static absl::StatusOr<ZipFile> Read(std::shared_ptr<base::InputFile> file,
                                      const ZipLimits& limits);

  base::InputFile& file() const { return *file_; }
  const std::shared_ptr<base::InputFile>& shared_file() const { return file_; }
  // In the order of the directory.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  // "<file>: entry '<name>' (#<index>)", for messages.
  std::string Where(const ZipEntry& entry) const;

 private:
  ZipFile(std::shared_ptr<base::InputFile> file, std::vector<ZipEntry> entries)
      : file_(std::move(file)), entries_(std::move(entries)) {}

  std::shared_ptr<base::InputFile> file_;
  std::vector<ZipEntry> entries_;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_ZIP_H_
