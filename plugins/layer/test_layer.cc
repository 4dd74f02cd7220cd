#include "plugins/layer/test_layer.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/layer/tar.h"
#include "zlib.h"
#include "zstd.h"

namespace rules_inference::layer {
namespace {

std::string UnpackGzip(absl::string_view blob, int& members) {
  std::string out;
  while (!blob.empty()) {
    // The fixed header: no flags, no time, no hint, unknown system.
    EXPECT_EQ(blob.substr(0, 10), absl::string_view("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
    z_stream stream = {};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(blob.data()));
    stream.avail_in = static_cast<uInt>(blob.size());
    int result = Z_OK;
    while (result == Z_OK) {
      char buffer[65536];
      stream.next_out = reinterpret_cast<Bytef*>(buffer);
      stream.avail_out = sizeof(buffer);
      result = inflate(&stream, Z_NO_FLUSH);
      out.append(buffer, sizeof(buffer) - stream.avail_out);
    }
    const size_t used = stream.total_in;
    inflateEnd(&stream);
    if (result != Z_STREAM_END) {
      ADD_FAILURE() << "gzip member " << members << " is damaged: " << result;
      return out;
    }
    blob.remove_prefix(used);
    ++members;
  }
  return out;
}

std::string UnpackZstd(absl::string_view blob, int& members) {
  std::string out;
  while (!blob.empty()) {
    const size_t size = ZSTD_findFrameCompressedSize(blob.data(), blob.size());
    const unsigned long long content = ZSTD_getFrameContentSize(blob.data(), blob.size());
    if (ZSTD_isError(size) != 0 || content > (8U << 20)) {
      ADD_FAILURE() << "zstd frame " << members << " is damaged";
      return out;
    }
    const size_t start = out.size();
    out.resize(start + content);
    const size_t result = ZSTD_decompress(out.data() + start, content, blob.data(), size);
    EXPECT_EQ(result, content);
    // Bit 2 of the frame header says that there is a checksum.
    EXPECT_NE(blob[4] & 4, 0);
    blob.remove_prefix(size);
    ++members;
  }
  return out;
}

std::string UnpackAll(absl::string_view blob, int& members) {
  if (absl::StartsWith(blob, "\x1f\x8b")) return UnpackGzip(blob, members);
  if (absl::StartsWith(blob, "\x28\xb5\x2f\xfd")) return UnpackZstd(blob, members);
  return std::string(blob);
}

absl::string_view Text(absl::string_view field) { return field.substr(0, field.find('\0')); }

uint64_t Octal(absl::string_view field) {
  uint64_t value = 0;
  for (const char c : Text(field)) {
    EXPECT_TRUE(c >= '0' && c <= '7') << field;
    value = value * 8 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

std::map<std::string, std::string> PaxRecords(absl::string_view data) {
  std::map<std::string, std::string> records;
  while (!data.empty()) {
    size_t size = 0;
    const size_t space = data.find(' ');
    EXPECT_TRUE(absl::SimpleAtoi(data.substr(0, space), &size)) << data;
    const absl::string_view record = data.substr(space + 1, size - space - 2);
    const size_t equals = record.find('=');
    records[std::string(record.substr(0, equals))] = std::string(record.substr(equals + 1));
    data.remove_prefix(size);
  }
  return records;
}

}  // namespace

std::string Unpack(absl::string_view blob) {
  int members = 0;
  return UnpackAll(blob, members);
}

int CountMembers(absl::string_view blob) {
  int members = 0;
  UnpackAll(blob, members);
  return members;
}

std::vector<ListedEntry> List(absl::string_view tar) {
  std::vector<ListedEntry> entries;
  std::set<std::string> directories = {""};
  std::map<std::string, std::string> pax;
  std::string last_path;
  EXPECT_EQ(tar.size() % kTarBlock, 0U);
  while (tar.size() >= kTarBlock) {
    const absl::string_view block = tar.substr(0, kTarBlock);
    if (block[0] == '\0') break;
    unsigned sum = 0;
    for (size_t i = 0; i < kTarBlock; ++i) {
      sum += i >= 148 && i < 156 ? uint8_t{' '} : static_cast<uint8_t>(block[i]);
    }
    EXPECT_EQ(Octal(block.substr(148, 6)), sum);
    EXPECT_EQ(Octal(block.substr(136, 12)), 0U) << "a time";
    EXPECT_EQ(Text(block.substr(265, 64)), "") << "a user";
    uint64_t size = Octal(block.substr(124, 12));
    const char type = block[156];
    if (type == 'x') {
      pax = PaxRecords(tar.substr(kTarBlock, size));
      tar.remove_prefix(kTarBlock + size + TarPadding(size));
      continue;
    }
    ListedEntry entry;
    entry.path = std::string(Text(block.substr(0, 100)));
    if (const absl::string_view prefix = Text(block.substr(345, 155)); !prefix.empty()) {
      entry.path = absl::StrCat(prefix, "/", entry.path);
    }
    entry.link_target = std::string(Text(block.substr(157, 100)));
    entry.mode = static_cast<uint32_t>(Octal(block.substr(100, 8)));
    if (pax.count("path") != 0) entry.path = pax["path"];
    if (pax.count("linkpath") != 0) entry.link_target = pax["linkpath"];
    entry.uid = pax.count("uid") != 0 ? static_cast<uint32_t>(std::stoul(pax["uid"]))
                                      : static_cast<uint32_t>(Octal(block.substr(108, 8)));
    entry.gid = pax.count("gid") != 0 ? static_cast<uint32_t>(std::stoul(pax["gid"]))
                                      : static_cast<uint32_t>(Octal(block.substr(116, 8)));
    pax.clear();
    entry.type = type == '5'   ? "directory"
                 : type == '2' ? "symlink"
                 : type == '0' ? "file"
                               : "unknown";
    if (type == '5') {
      EXPECT_TRUE(absl::EndsWith(entry.path, "/")) << entry.path;
      if (!entry.path.empty()) entry.path.pop_back();
      directories.insert(entry.path);
    }
    EXPECT_LT(last_path, entry.path) << "not sorted, or twice";
    last_path = entry.path;
    const size_t slash = entry.path.rfind('/');
    EXPECT_EQ(directories.count(slash == std::string::npos ? "" : entry.path.substr(0, slash)), 1U)
        << "no parent before " << entry.path;
    entry.data = std::string(tar.substr(kTarBlock, size));
    tar.remove_prefix(kTarBlock);
    if (tar.size() < size + TarPadding(size)) {
      ADD_FAILURE() << "cut off in " << entry.path;
      return entries;
    }
    for (const char c : tar.substr(size, TarPadding(size))) EXPECT_EQ(c, '\0');
    tar.remove_prefix(size + TarPadding(size));
    entries.push_back(std::move(entry));
  }
  EXPECT_EQ(tar, std::string(kTarEndSize, '\0')) << "the end of the archive";
  return entries;
}

std::string Listing(const std::vector<ListedEntry>& entries) {
  std::string listing;
  for (const ListedEntry& entry : entries) {
    absl::StrAppendFormat(&listing, R"({"path":"%s","type":"%s","mode":"%04o")", entry.path,
                          entry.type, entry.mode);
    if (entry.uid != 0 || entry.gid != 0) {
      absl::StrAppendFormat(&listing, R"(,"uid":%u,"gid":%u)", entry.uid, entry.gid);
    }
    if (entry.type == "symlink")
      absl::StrAppendFormat(&listing, R"(,"target":"%s")", entry.link_target);
    if (entry.type == "file") {
      absl::StrAppendFormat(&listing, R"(,"size":%d,"sha256":"%s")", entry.data.size(),
                            base::Sha256::Of(entry.data).Hex());
    }
    listing += "}\n";
  }
  return listing;
}

}  // namespace rules_inference::layer
