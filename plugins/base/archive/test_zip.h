// Zip files and wheels for tests, honest by default and able to lie in every field.

#ifndef RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_TEST_ZIP_H_
#define RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_TEST_ZIP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace rules_inference::base {

// What both headers of an entry say. A lie changes one of them before it is written.
struct TestHeader {
  uint32_t signature = 0;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t crc32 = 0;
  uint32_t packed_size = 0;
  uint32_t size = 0;
  std::string name;
  std::string extra;
  // In the directory only.
  uint16_t disk = 0;
  uint32_t attributes = 0;
  uint32_t offset = 0;
};

using Lie = std::function<void(TestHeader&)>;

struct TestEntry {
  std::string name;
  std::string data;
  bool deflate = true;
  uint32_t mode = 0100644;
  uint16_t flags = 0;
  Lie local;
  Lie central;
  // Raw bytes before the local header and after the data.
  std::string before;
  std::string after;
  // Instead of the compressed data.
  std::optional<std::string> packed;
};

struct TestEnd {
  uint32_t signature = 0;
  uint16_t disk = 0;
  uint16_t directory_disk = 0;
  uint16_t entries_here = 0;
  uint16_t entries = 0;
  uint32_t size = 0;
  uint32_t offset = 0;
  std::string comment;
};

struct TestZip {
  std::vector<TestEntry> entries;
  // Raw bytes after the last entry, after the directory (with access to the honest end record), and
  // after everything.
  std::string before_directory;
  std::function<std::string(const TestEnd&)> before_end;
  std::string after_end;
  std::function<void(TestEnd&)> end;
};

std::string BuildZip(const TestZip& zip);

// `data` as a raw deflate stream made by zlib.
std::string Deflate(absl::string_view data);
// Little-endian numbers.
std::string Le16(uint64_t value);
std::string Le32(uint64_t value);
std::string Le64(uint64_t value);
// The zip64 end record and its locator for a directory that `end` describes.
std::string Zip64End(const TestEnd& end);

// The RECORD file for some files, with its own row.
std::string RecordFor(const std::vector<TestEntry>& files, absl::string_view record_name);

// A wheel of version 1.0 with the given files, its METADATA, WHEEL and a right RECORD. `change` may
// spoil it before it is packed; its last entry is RECORD.
std::string BuildWheel(const std::vector<TestEntry>& files,
                       const std::function<void(TestZip&)>& change = nullptr,
                       absl::string_view project = "demo");

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_ARCHIVE_TEST_ZIP_H_
