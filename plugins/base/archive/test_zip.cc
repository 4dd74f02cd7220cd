#include "plugins/base/archive/test_zip.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libdeflate.h"
#include "plugins/base/archive/zip_format.h"
#include "plugins/base/digest.h"
#include "zlib.h"

namespace rules_inference::base {
namespace {

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

std::string Local(const TestHeader& header) {
  return absl::StrCat(Le32(header.signature), Le16(20), Le16(header.flags), Le16(header.method),
                      Le32(0x00210000), Le32(header.crc32), Le32(header.packed_size),
                      Le32(header.size), Le16(header.name.size()), Le16(header.extra.size()),
                      header.name, header.extra);
}

std::string Central(const TestHeader& header) {
  return absl::StrCat(
      absl::StrCat(Le32(header.signature), Le16(0x0314), Le16(20), Le16(header.flags)),
      Le16(header.method), Le32(0x00210000), Le32(header.crc32),
      absl::StrCat(Le32(header.packed_size), Le32(header.size), Le16(header.name.size())),
      absl::StrCat(Le16(header.extra.size()), Le16(0), Le16(header.disk), Le16(0)),
      absl::StrCat(Le32(header.attributes), Le32(header.offset)), header.name, header.extra);
}

}  // namespace

std::string Le16(uint64_t value) { return LittleEndian(value, 2); }
std::string Le32(uint64_t value) { return LittleEndian(value, 4); }
std::string Le64(uint64_t value) { return LittleEndian(value, 8); }

std::string Deflate(absl::string_view data) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string BuildZip(const TestZip& zip) {
  std::string file;
  std::string directory;
  for (const TestEntry& entry : zip.entries) {
    file += entry.before;
    TestHeader header;
    header.signature = zip_format::kLocalSignature;
    header.flags = entry.flags;
    header.method = entry.deflate ? 8 : 0;
    header.crc32 = libdeflate_crc32(0, entry.data.data(), entry.data.size());
    const std::string packed = entry.packed.has_value() ? *entry.packed
                               : entry.deflate          ? Deflate(entry.data)
                                                        : entry.data;
    header.packed_size = static_cast<uint32_t>(packed.size());
    header.size = static_cast<uint32_t>(entry.data.size());
    header.name = entry.name;
    header.attributes = entry.mode << 16;
    header.offset = static_cast<uint32_t>(file.size());
    TestHeader local = header;
    if (entry.local) entry.local(local);
    file += Local(local);
    file += packed;
    file += entry.after;
    header.signature = zip_format::kCentralSignature;
    if (entry.central) entry.central(header);
    directory += Central(header);
  }
  file += zip.before_directory;
  TestEnd end;
  end.signature = zip_format::kEndSignature;
  end.entries = end.entries_here = static_cast<uint16_t>(zip.entries.size());
  end.offset = static_cast<uint32_t>(file.size());
  end.size = static_cast<uint32_t>(directory.size());
  file += directory;
  if (zip.before_end) file += zip.before_end(end);
  if (zip.end) zip.end(end);
  absl::StrAppend(&file, Le32(end.signature), Le16(end.disk), Le16(end.directory_disk));
  absl::StrAppend(&file, Le16(end.entries_here), Le16(end.entries), Le32(end.size),
                  Le32(end.offset));
  absl::StrAppend(&file, Le16(end.comment.size()), end.comment);
  return file + zip.after_end;
}

std::string Zip64End(const TestEnd& end) {
  const uint64_t offset = uint64_t{end.offset} + end.size;
  return absl::StrCat(
      absl::StrCat(Le32(zip_format::kEnd64Signature), Le64(44), Le16(45), Le16(45), Le32(0)),
      absl::StrCat(Le32(0), Le64(end.entries), Le64(end.entries), Le64(end.size), Le64(end.offset)),
      absl::StrCat(Le32(zip_format::kEnd64LocatorSignature), Le32(0), Le64(offset), Le32(1)));
}

std::string RecordFor(const std::vector<TestEntry>& files, absl::string_view record_name) {
  std::string record;
  for (const TestEntry& file : files) {
    if (file.name.empty() || file.name.back() == '/') continue;
    const base::Digest::Bytes bytes = base::Sha256::Of(file.data).bytes();
    const std::string raw(bytes.begin(), bytes.end());
    const bool quoted = file.name.find(',') != std::string::npos;
    const absl::string_view quote = quoted ? "\"" : "";
    absl::StrAppend(&record, quote, file.name, quote, ",sha256=", absl::WebSafeBase64Escape(raw),
                    ",", file.data.size(), "\n");
  }
  absl::StrAppend(&record, record_name, ",,\n");
  return record;
}

std::string BuildWheel(const std::vector<TestEntry>& files,
                       const std::function<void(TestZip&)>& change, absl::string_view project) {
  const auto plain = [](absl::string_view name, absl::string_view data) {
    TestEntry entry;
    entry.name = std::string(name);
    entry.data = std::string(data);
    return entry;
  };
  TestZip zip;
  zip.entries = files;
  const std::string dist_info = absl::StrCat(project, "-1.0.dist-info");
  zip.entries.push_back(
      plain(absl::StrCat(dist_info, "/METADATA"),
            absl::StrCat("Metadata-Version: 2.1\nName: ", project, "\nVersion: 1.0\n")));
  zip.entries.push_back(plain(absl::StrCat(dist_info, "/WHEEL"),
                              "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"));
  const std::string record = absl::StrCat(dist_info, "/RECORD");
  zip.entries.push_back(plain(record, RecordFor(zip.entries, record)));
  if (change) change(zip);
  return BuildZip(zip);
}

}  // namespace rules_inference::base
