#include "plugins/base/archive/zip.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "libdeflate.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/memory_file.h"

namespace rules_inference::base {
namespace {

constexpr char kData[] = "hello hello hello hello hello";

absl::StatusOr<ZipFile> Read(const std::string& bytes, const ZipLimits& limits = {}) {
  return ZipFile::Read(std::make_shared<base::MemoryFile>("t.zip", bytes), limits);
}

// A deflate stream of one stored block, so that its size depends on no compressor.
std::string StoredBlock(absl::string_view data) {
  return absl::StrCat("\x01", Le16(data.size()), Le16(~data.size()), data);
}

// Two honest entries, "a.py" at offset 0 and "b.py" at 68: headers of 34 bytes, 34 packed bytes, 29
// bytes of data. The directory is at 136, the end record at 236.
TestZip Honest() {
  TestZip zip;
  for (const char* name : {"a.py", "b.py"}) {
    TestEntry entry;
    entry.name = name;
    entry.data = kData;
    entry.packed = StoredBlock(kData);
    zip.entries.push_back(entry);
  }
  return zip;
}

struct Case {
  const char* name;
  std::function<void(TestZip&)> change;
  std::string message;
};

void Expect(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    TestZip zip = Honest();
    c.change(zip);
    EXPECT_EQ(Read(BuildZip(zip)).status().message(), c.message) << c.name;
  }
}

// An entry whose second header says what `lie` makes of it.
std::function<void(TestZip&)> Local(Lie lie) {
  return [lie](TestZip& zip) { zip.entries[1].local = lie; };
}
std::function<void(TestZip&)> Central(Lie lie) {
  return [lie](TestZip& zip) { zip.entries[1].central = lie; };
}
std::function<void(TestZip&)> Both(Lie lie) {
  return [lie](TestZip& zip) { zip.entries[1].local = zip.entries[1].central = lie; };
}
std::function<void(TestZip&)> End(std::function<void(TestEnd&)> lie) {
  return [lie](TestZip& zip) { zip.end = lie; };
}
std::function<void(TestZip&)> Name(const std::string& name) {
  return [name](TestZip& zip) { zip.entries[1].name = name; };
}

const uint32_t kCrc = libdeflate_crc32(0, kData, sizeof(kData) - 1);
const std::string kB = "t.zip: entry 'b.py' (#1)";

std::string Descriptor(uint32_t crc, uint64_t packed, uint64_t size) {
  return absl::StrCat("PK\x07\x08", Le32(crc), Le32(packed), Le32(size));
}

TEST(ZipTest, ReadsWhatIsHonest) {
  TestZip zip = Honest();
  TestEntry directory;
  directory.name = "dir/";
  directory.deflate = false;
  directory.mode = 040755;
  zip.entries.push_back(directory);
  TestEntry stored;
  stored.name = "dir/run.sh";
  stored.data = "#!/bin/sh\n";
  stored.deflate = false;
  stored.mode = 0100755;
  zip.entries.push_back(stored);
  const auto file = Read(BuildZip(zip));
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->entries().size(), 4U);
  const ZipEntry& a = file->entries()[0];
  EXPECT_EQ(a.name, "a.py");
  EXPECT_EQ(a.method, ZipMethod::kDeflated);
  EXPECT_EQ(a.crc32, kCrc);
  EXPECT_EQ(a.size, sizeof(kData) - 1);
  EXPECT_EQ(a.offset, 34U);
  EXPECT_FALSE(a.executable);
  EXPECT_TRUE(file->entries()[2].is_directory);
  EXPECT_EQ(file->entries()[2].name, "dir");
  EXPECT_EQ(file->entries()[3].method, ZipMethod::kStored);
  EXPECT_TRUE(file->entries()[3].executable);
  EXPECT_TRUE(Read(BuildZip(TestZip{})).ok());
}

TEST(ZipTest, HeadersMustAgree) {
  Expect({
      {"name", Local([](TestHeader& h) { h.name = "c.py"; }),
       "zip local header: " + kB + ": got name 'c.py', expected 'b.py'"},
      {"flags", Local([](TestHeader& h) { h.flags = 2; }),
       "zip local header: " + kB + ": got flags 0x2, expected 0x0"},
      {"method", Local([](TestHeader& h) { h.method = 0; }),
       "zip local header: " + kB + ": got method 0, expected 8"},
      {"crc", Local([](TestHeader& h) { h.crc32 = 1; }),
       absl::StrCat("zip local header: ", kB, ": got crc32 1, expected ", kCrc)},
      {"packed size", Local([](TestHeader& h) { ++h.packed_size; }),
       "zip local header: " + kB + ": got packed size 35, expected 34"},
      {"size", Local([](TestHeader& h) { h.size = 7; }),
       "zip local header: " + kB + ": got size 7, expected 29"},
      {"zero without a descriptor", Local([](TestHeader& h) { h.size = 0; }),
       "zip local header: " + kB + ": got size 0, expected 29"},
      {"no local header", Local([](TestHeader& h) { h.signature = 0; }),
       "zip local header: " + kB + ": got signature 0x0 at offset 68, expected 0x4034b50"},
      {"central name", Central([](TestHeader& h) { h.name = "c.py"; }),
       "zip local header: t.zip: entry 'c.py' (#1): got name 'b.py', expected 'c.py'"},
  });
}

TEST(ZipTest, EntriesLieSideBySide) {
  Expect({
      {"prefix", [](TestZip& zip) { zip.entries[0].before = "#!/bin/sh\n"; },
       "bytes between zip entries: t.zip: entry 'a.py' (#0): got offset 10, expected 0, the start "
       "of the file"},
      {"gap", [](TestZip& zip) { zip.entries[1].before = "xx"; },
       "bytes between zip entries: " + kB +
           ": got offset 70, expected 68, the end of the entry before"},
      {"hidden entry",
       [](TestZip& zip) {
         TestZip hidden;
         hidden.entries = {zip.entries[0]};
         zip.entries[1].before = BuildZip(hidden).substr(0, 68);
       },
       "bytes between zip entries: " + kB +
           ": got offset 136, expected 68, the end of the entry before"},
      {"before the directory", [](TestZip& zip) { zip.before_directory = "x"; },
       "bytes between zip entries: t.zip: offset 136: got a directory at 137, expected 136, the "
       "end of the last entry"},
      {"same data twice", Central([](TestHeader& h) { h.offset = 0; }),
       "overlapping zip entries: t.zip: entry 'a.py' (#0): got an end at 68, expected at most 0"},
      {"overlap",
       [](TestZip& zip) {
         zip.entries[0].local = zip.entries[0].central = [](TestHeader& h) { h.packed_size += 9; };
       },
       "overlapping zip entries: t.zip: entry 'a.py' (#0): got an end at 77, expected at most 68"},
      {"beyond the directory", Central([](TestHeader& h) { h.offset = 1000; }),
       "zip entry offset: " + kB + ": got 1000, expected less than 136"},
  });
}

TEST(ZipTest, TheEndIsTheEnd) {
  Expect({
      {"suffix", [](TestZip& zip) { zip.after_end = "junk"; },
       "bytes after the end of a zip file: t.zip: offset 258: got 4 bytes of comment or other "
       "data, expected none"},
      {"zeros", [](TestZip& zip) { zip.after_end = std::string(2, '\0'); },
       "bytes after the end of a zip file: t.zip: offset 258: got 2 bytes of comment or other "
       "data, expected none"},
      {"comment", End([](TestEnd& end) { end.comment = "hi"; }),
       "bytes after the end of a zip file: t.zip: offset 258: got 2 bytes of comment or other "
       "data, expected none"},
      {"zip in the comment", End([](TestEnd& end) { end.comment = BuildZip(TestZip{}); }),
       "zip directory: t.zip: offset 258: got offset 0 and size 0, expected an end at 258"},
      {"two ends", [](TestZip& zip) { zip.after_end = BuildZip(TestZip{}); },
       "zip directory: t.zip: offset 258: got offset 0 and size 0, expected an end at 258"},
      {"no end", End([](TestEnd& end) { end.signature = 0; }),
       "not a zip file: t.zip: got no end record, expected one in the last 22 bytes"},
      {"disk", End([](TestEnd& end) { end.disk = 1; }),
       "zip file in several parts: t.zip: offset 236: got disks 1 and 0, 2 of 2 entries, expected "
       "all entries on disk 0"},
      {"entries on this disk", End([](TestEnd& end) { end.entries_here = 1; }),
       "zip file in several parts: t.zip: offset 236: got disks 0 and 0, 1 of 2 entries, expected "
       "all entries on disk 0"},
      {"fewer entries", End([](TestEnd& end) { end.entries = end.entries_here = 1; }),
       "zip directory: t.zip: offset 186: got 50 bytes after 1 entries, expected none"},
      {"more entries", End([](TestEnd& end) { end.entries = end.entries_here = 3; }),
       "zip directory: t.zip: offset 236: got no entry #2, expected 3 entries"},
      {"size", End([](TestEnd& end) { --end.size; }),
       "zip directory: t.zip: offset 236: got offset 136 and size 99, expected an end at 236"},
      {"offset", End([](TestEnd& end) { ++end.offset; }),
       "zip directory: t.zip: offset 236: got offset 137 and size 100, expected an end at 236"},
      {"central disk", Central([](TestHeader& h) { h.disk = 1; }),
       "zip file in several parts: " + kB + ": got disk 1, expected disk 0"},
      {"central signature", Central([](TestHeader& h) { h.signature = 7; }),
       "zip directory: t.zip: offset 186: got no entry #1, expected 2 entries"},
  });
  EXPECT_EQ(Read("").status().message(),
            "not a zip file: t.zip: got no end record, expected one in the last 22 bytes");
}

TEST(ZipTest, Zip64MustNotContradict) {
  const auto zip64 = [](std::function<void(std::string&)> change) {
    return [change](TestZip& zip) {
      zip.before_end = [change](const TestEnd& end) {
        std::string records = Zip64End(end);
        if (change) change(records);
        return records;
      };
    };
  };
  const auto saturated = [](TestZip& zip) {
    zip.before_end = [](const TestEnd& end) { return Zip64End(end); };
    zip.end = [](TestEnd& end) { end.entries = end.entries_here = 0xFFFF; };
  };
  // Agreeing zip64 records are needless and right.
  TestZip honest = Honest();
  zip64(nullptr)(honest);
  EXPECT_TRUE(Read(BuildZip(honest)).ok()) << Read(BuildZip(honest)).status();
  Expect({
      {"entries", zip64([](std::string& r) { r[24] = r[32] = 1; }),
       "zip64 end: t.zip: offset 236: got entries 1, expected 2 as in the end record"},
      {"directory size", zip64([](std::string& r) { r[40] = 1; }),
       "zip64 end: t.zip: offset 236: got directory size 1, expected 100 as in the end record"},
      {"directory offset", zip64([](std::string& r) { r[48] = 1; }),
       "zip64 end: t.zip: offset 236: got directory offset 1, expected 136 as in the end record"},
      {"saturated for a small value", saturated,
       "zip64 end: t.zip: offset 236: got entries 2, expected 65535 as in the end record"},
      {"saturated without zip64",
       End([](TestEnd& end) { end.entries = end.entries_here = 0xFFFF; }),
       "zip64 end: t.zip: offset 236: got no locator before the end record, expected one, for "
       "saturated fields"},
      {"record size", zip64([](std::string& r) { r[4] = 45; }),
       "zip64 end: t.zip: offset 236: got signature 0x6064b50 and size 45, expected 0x6064b50 and "
       "44"},
      {"record signature", zip64([](std::string& r) { r[0] = 0; }),
       "zip64 end: t.zip: offset 236: got signature 0x6064b00 and size 44, expected 0x6064b50 and "
       "44"},
      {"disk", zip64([](std::string& r) { r[16] = 1; }),
       "zip file in several parts: t.zip: offset 236: got disks 1 and 0, 2 of 2 entries, expected "
       "all entries on disk 0"},
      {"locator offset", zip64([](std::string& r) { r[56 + 8] = 1; }),
       "zip64 end: t.zip: offset 292: got a record at 1, expected one at 236"},
      {"locator disks", zip64([](std::string& r) { r[56 + 16] = 2; }),
       "zip file in several parts: t.zip: offset 292: got disk 0 of 2, expected disk 0 of 1"},
      {"locator without a record",
       [](TestZip& zip) {
         zip.before_end = [](const TestEnd& end) { return Zip64End(end).substr(56); };
       },
       "zip64 end: t.zip: offset 236: got a record at 236, expected one at 180"},
  });
}

TEST(ZipTest, Zip64FieldsOfEntries) {
  const auto field = [](uint64_t size, uint64_t packed) {
    return absl::StrCat(Le16(1), Le16(16), Le64(size), Le64(packed));
  };
  const auto saturate = [](TestHeader& h) { h.size = h.packed_size = 0xFFFFFFFF; };
  TestZip honest = Honest();
  honest.entries[1].local = honest.entries[1].central = [=](TestHeader& h) {
    h.extra = field(h.size, h.packed_size);
    saturate(h);
  };
  const auto file = Read(BuildZip(honest));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->entries()[1].size, 29U);
  Expect({
      {"needless", Central([=](TestHeader& h) { h.extra = field(h.size, h.packed_size); }),
       "zip64 field: " + kB + ": got 16 bytes in the directory, expected 0 bytes"},
      {"absent", Both(saturate),
       "zip64 field: " + kB + ": got none in the directory, expected 16 bytes"},
      {"short", Both([=](TestHeader& h) {
         h.extra = absl::StrCat(Le16(1), Le16(8), Le64(h.size));
         saturate(h);
       }),
       "zip64 field: " + kB + ": got 8 bytes in the directory, expected 16 bytes"},
      {"twice", Both([=](TestHeader& h) {
         h.extra = field(h.size, h.packed_size) + field(h.size, h.packed_size);
         saturate(h);
       }),
       "zip64 field: " + kB + ": got a second one in the directory, expected 16 bytes"},
      {"local differs",
       [=](TestZip& zip) {
         zip.entries[1].local = [=](TestHeader& h) {
           h.extra = field(30, h.packed_size);
           saturate(h);
         };
       },
       "zip local header: " + kB + ": got size 30, expected 29"},
      {"negative", Both([=](TestHeader& h) {
         h.extra = field(uint64_t{1} << 63, h.packed_size);
         saturate(h);
       }),
       "zip64 field: " + kB + ": got 9223372036854775808, expected at most 2^62"},
      {"extra too long", Both([](TestHeader& h) { h.extra = absl::StrCat(Le16(9), Le16(9), "x"); }),
       "zip extra fields: " + kB +
           ": got a directory field beyond their end, expected whole fields"},
      {"extra torn", Both([](TestHeader& h) { h.extra = "x"; }),
       "zip extra fields: " + kB +
           ": got a directory field beyond their end, expected whole fields"},
  });
}

TEST(ZipTest, UnicodePathMustRepeatTheName) {
  const auto path = [](absl::string_view name, absl::string_view header_name, char version = 1) {
    const std::string body =
        absl::StrCat(std::string(1, version),
                     Le32(libdeflate_crc32(0, header_name.data(), header_name.size())), name);
    return absl::StrCat(Le16(0x7075), Le16(body.size()), body);
  };
  TestZip honest = Honest();
  honest.entries[1].local =
      honest.entries[1].central = [=](TestHeader& h) { h.extra = path("b.py", "b.py"); };
  EXPECT_TRUE(Read(BuildZip(honest)).ok());
  const std::string prefix = "zip Unicode path: " + kB + ": got ";
  Expect({
      {"other name", Both([=](TestHeader& h) { h.extra = path("evil", "b.py"); }),
       prefix + "'evil', expected the name of the entry"},
      {"wrong crc", Both([=](TestHeader& h) { h.extra = path("b.py", "x"); }),
       prefix + "'b.py', expected the name of the entry"},
      {"version", Both([=](TestHeader& h) { h.extra = path("b.py", "b.py", 2); }),
       prefix + "'b.py', expected the name of the entry"},
      {"chain", Both([=](TestHeader& h) { h.extra = path("b.py", "b.py") + path("b.py", "b.py"); }),
       prefix + "'b.py', expected the name of the entry"},
      {"empty", Both([](TestHeader& h) { h.extra = absl::StrCat(Le16(0x7075), Le16(0)); }),
       prefix + "'', expected the name of the entry"},
  });
}

TEST(ZipTest, DataDescriptors) {
  const auto with = [](const std::string& after, Lie local = nullptr) {
    return [=](TestZip& zip) {
      zip.entries[1].flags = 8;
      zip.entries[1].after = after;
      zip.entries[1].local = local;
    };
  };
  const auto unknown = [](TestHeader& h) { h.crc32 = h.size = h.packed_size = 0; };
  const std::string right = Descriptor(kCrc, 34, 29);
  for (const auto& change : {with(right, unknown), with(right), with(right.substr(4), unknown)}) {
    TestZip zip = Honest();
    change(zip);
    EXPECT_TRUE(Read(BuildZip(zip)).ok()) << Read(BuildZip(zip)).status();
  }
  const std::string prefix = "zip data descriptor: " + kB + ": got ";
  const std::string honest = absl::StrCat(", expected crc32 ", kCrc, ", sizes 34 and 29");
  Expect({
      {"missing", with(""), prefix + "0 bytes, expected 12 or 16"},
      {"unexpected", [=](TestZip& zip) { zip.entries[1].after = right; },
       "bytes between zip entries: t.zip: offset 136: got a directory at 152, expected 136, the "
       "end of the last entry"},
      {"crc", with(Descriptor(1, 34, 29)), prefix + "crc32 1, sizes 34 and 29" + honest},
      {"packed size", with(Descriptor(kCrc, 9, 29)),
       absl::StrCat(prefix, "crc32 ", kCrc, ", sizes 9 and 29", honest)},
      {"size", with(Descriptor(kCrc, 34, 28)),
       absl::StrCat(prefix, "crc32 ", kCrc, ", sizes 34 and 28", honest)},
      {"signature", with(absl::StrCat("PK\x07\x09", right.substr(4))),
       prefix + "signature 0x9074b50, expected 0x8074b50"},
      {"zip64 form", with(absl::StrCat("PK\x07\x08", Le32(kCrc), Le64(34), Le64(29))),
       prefix + "24 bytes, expected 12 or 16"},
      {"stored",
       [=](TestZip& zip) {
         with(right)(zip);
         zip.entries[1].deflate = false;
         zip.entries[1].packed.reset();
       },
       prefix + "one after stored data, expected one after deflated data"},
  });
}

TEST(ZipTest, KindsOfEntries) {
  Expect({
      {"encrypted", [](TestZip& zip) { zip.entries[1].flags = 1; },
       "zip entry: " + kB + ": got an encrypted entry, expected a plain one"},
      {"strong encryption", [](TestZip& zip) { zip.entries[1].flags = 0x40; },
       "zip flags: " + kB + ": got 0x40, expected bits of 0x80e"},
      {"masked headers", [](TestZip& zip) { zip.entries[1].flags = 0x2000; },
       "zip flags: " + kB + ": got 0x2000, expected bits of 0x80e"},
      {"bzip2", Both([](TestHeader& h) { h.method = 12; }),
       "zip method: " + kB + ": got 12, expected 0 (stored) or 8 (deflated)"},
      {"symlink", [](TestZip& zip) { zip.entries[1].mode = 0120777; },
       "zip entry: " + kB + ": got a symlink, expected a regular file or a directory"},
      {"device", [](TestZip& zip) { zip.entries[1].mode = 020666; },
       "zip entry: " + kB + ": got file type 0x2, expected a regular file or a directory"},
      {"directory by mode", [](TestZip& zip) { zip.entries[1].mode = 040755; },
       "zip entry: " + kB +
           ": got a directory without '/' at the end of its name, expected a name that tells the "
           "type"},
      {"file by mode", Name("d/"),
       "zip entry: t.zip: entry 'd' (#1): got a regular file with '/' at the end of its name, "
       "expected a name that tells the type"},
      {"directory with data",
       [](TestZip& zip) {
         zip.entries[1].name = "d/";
         zip.entries[1].mode = 0;
       },
       "zip entry: t.zip: entry 'd' (#1): got a directory of 29 bytes, expected none"},
      {"stored sizes", Both([](TestHeader& h) { h.method = 0; }),
       "zip entry size: " + kB + ": got 34 stored bytes for 29, expected as many"},
      {"padded stream", [](TestZip& zip) { zip.entries[1].packed = std::string(2000, '\0'); },
       "zip entry size: " + kB +
           ": got 2000 deflated bytes for 29, expected hardly more than there are"},
  });
}

TEST(ZipTest, Bombs) {
  Expect({
      {"impossible ratio", Both([](TestHeader& h) { h.size = 1 << 30; }),
       "zip bomb: " + kB + ": got 1073741824 bytes from 34, expected a ratio of at most 1032"},
      {"ratio",
       [](TestZip& zip) {
         zip.entries[1].packed = std::string(100000, '\0');
         zip.entries[1].local = zip.entries[1].central = [](TestHeader& h) { h.size = 100000000; };
       },
       "zip bomb: t.zip: got 100000029 unpacked bytes from 100224, expected a ratio of at most 50 "
       "above 67108864 bytes"},
  });
  ZipLimits limits;
  limits.max_unpacked_bytes = 57;
  EXPECT_EQ(Read(BuildZip(Honest()), limits).status().message(),
            "zip too large: t.zip: got 58 unpacked bytes or more, expected at most 57");
  limits.max_unpacked_bytes = 58;
  EXPECT_TRUE(Read(BuildZip(Honest()), limits).ok());
}

TEST(ZipTest, Names) {
  const std::string bad = "zip entry name: t.zip: entry #1: got bad path: ";
  Expect({
      {"empty", Name(""),
       bad + "'': got an empty path, expected a relative path, expected a portable relative path"},
      {"dot dot", Name("../b"),
       bad + "'../b': got component '..', expected no '.' and no '..', expected a portable "
             "relative path"},
      {"absolute", Name("/b"),
       bad + "'/b': got an absolute path, expected a relative path, expected a portable relative "
             "path"},
      {"drive", Name("C:b"),
       bad + "'C:b': got a drive letter, expected a relative path, expected a portable relative "
             "path"},
      {"backslash", Name("a\\b"),
       bad + "'a\\\\b' at byte 1: got a backslash, expected '/' between components, expected a "
             "portable relative path"},
      {"NUL", Name(std::string("a\0b", 3)),
       bad + "'a\\000b' at byte 1: got control character 0, expected printable characters, "
             "expected a portable relative path"},
      {"device", Name("nul.py"),
       bad + "'nul.py': got component 'nul.py', expected no reserved device name, expected a "
             "portable relative path"},
      {"no UTF-8 flag", Name("na\xc3\xafve.py"),
       "zip entry name: t.zip: entry 'na\xc3\xafve.py' (#1): got characters beyond ASCII without "
       "the UTF-8 flag, expected the flag"},
      {"twice", Name("a.py"),
       "zip entry names: t.zip: entry 'a.py' (#1): got the name of entry #0, expected every name "
       "once"},
      {"case", Name("A.PY"),
       "zip entry names: t.zip: entry 'A.PY' (#1): got 'A.PY' beside 'a.py' (#0), expected names "
       "that differ by more than case or accents' encoding"},
      {"file and directory", Name("a.py/b"),
       "zip entry names: t.zip: entry 'a.py/b' (#1): got 'a.py' (#0) as a file and as a directory, "
       "expected one of both"},
      {"case of a directory",
       [](TestZip& zip) {
         zip.entries[0].name = "Lib/x/a";
         zip.entries[1].name = "lib/x/b";
       },
       "zip entry names: t.zip: entry 'lib/x/b' (#1): got 'lib' beside 'Lib' (#0), expected names "
       "that differ by more than case or accents' encoding"},
      {"directory twice",
       [](TestZip& zip) {
         for (TestEntry& entry : zip.entries) {
           entry.name = "d/";
           entry.data = "";
           entry.deflate = false;
           entry.packed = "";
           entry.mode = 040755;
         }
       },
       "zip entry names: t.zip: entry 'd' (#1): got the name of entry #0, expected every name "
       "once"},
  });
}

TEST(ZipTest, EveryTruncationIsRefused) {
  const std::string bytes = BuildZip(Honest());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Read(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(ZipTest, NoBitFlipCrashesOrHidesAnEntry) {
  const std::string bytes = BuildZip(Honest());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto file = Read(flipped);
    if (!file.ok()) continue;
    ASSERT_EQ(file->entries().size(), 2U);
    // Nothing that the data depends on may differ.
    for (const ZipEntry& entry : file->entries()) {
      EXPECT_EQ(entry.crc32, kCrc) << bit;
      EXPECT_EQ(entry.size, 29U) << bit;
      EXPECT_EQ(entry.packed_size, 34U) << bit;
    }
  }
}

}  // namespace
}  // namespace rules_inference::base
