#include "plugins/base/archive/zip_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::base {
namespace {

class ZipWriterTest : public testing::Test {
 protected:
  ZipWriterTest() : fs_(testing::TempDir()) {}

  // Writes the same three files; with a small limit in zip64 fields.
  void Write(const std::string& path, uint64_t limit) {
    std::unique_ptr<OutputFile> out = fs_.Create(path, FileMode::kData).value();
    ZipWriter zip(*out, limit);
    ASSERT_TRUE(zip.Add("empty", "", false).ok());
    ASSERT_TRUE(zip.Add("a/text", std::string(5000, 'x'), true).ok());
    ASSERT_TRUE(zip.Add("\xc3\xb6", "short", false).ok());
    ASSERT_TRUE(zip.Finish().ok());
    ASSERT_TRUE(out->Publish().ok());
  }
  // "name method size mode: data", for each entry.
  std::vector<std::string> List(const std::string& path) {
    const auto zip = ZipFile::Read(fs_.Open(path, Follow::kYes).value(), ZipLimits());
    if (!zip.ok()) return {std::string(zip.status().message())};
    std::vector<std::string> rows;
    for (const ZipEntry& entry : zip->entries()) {
      const std::string data = ReadEntry(*zip, entry, 1 << 20).value_or("damaged");
      rows.push_back(absl::StrCat(entry.name,
                                  entry.method == ZipMethod::kStored ? " stored " : " deflated ",
                                  entry.size, entry.executable ? " x: " : ": ", data.substr(0, 8)));
    }
    return rows;
  }
  std::string Bytes(const std::string& path) {
    return ReadFile(fs_, path, 1 << 20).value_or("(no file)");
  }

  RealFileSystem fs_;
};

const std::vector<std::string>& Expected() {
  static const auto* const rows = new std::vector<std::string>{
      "empty stored 0: ", "a/text deflated 5000 x: xxxxxxxx", "\xc3\xb6 stored 5: short"};
  return *rows;
}

TEST_F(ZipWriterTest, TheStrictReaderAcceptsIt) {
  Write("plain.zip", ZipWriter::kLimit);
  EXPECT_EQ(List("plain.zip"), Expected());
}

TEST_F(ZipWriterTest, SoItDoesInZip64Fields) {
  for (const uint64_t limit : {uint64_t{1}, uint64_t{40}, uint64_t{1000}}) {
    Write("large.zip", limit);
    EXPECT_EQ(List("large.zip"), Expected()) << limit;
  }
  Write("plain.zip", ZipWriter::kLimit);
  EXPECT_GT(Bytes("large.zip").size(), Bytes("plain.zip").size());
}

TEST_F(ZipWriterTest, ManyEntries) {
  std::unique_ptr<OutputFile> out = fs_.Create("many.zip", FileMode::kData).value();
  ZipWriter zip(*out);
  for (int i = 0; i < 70000; ++i) ASSERT_TRUE(zip.Add(absl::StrCat("f", i), "", false).ok());
  ASSERT_TRUE(zip.Finish().ok());
  ASSERT_TRUE(out->Publish().ok());
  const auto read = ZipFile::Read(fs_.Open("many.zip", Follow::kYes).value(), ZipLimits());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->entries().size(), 70000U);
}

TEST_F(ZipWriterTest, CopiesStreamsAsTheyAre) {
  TestZip source;
  TestEntry file;
  file.name = "a.py";
  // Larger than a piece of the copy, packed too.
  for (uint32_t i = 0, x = 7; i < 3000000; ++i, x = x * 1664525 + 1013904223) {
    file.data.push_back(static_cast<char>(x >> 24));
  }
  file.mode = 0100755;
  source.entries = {file};
  const std::string packed = Deflate(file.data);
  ASSERT_TRUE(WriteFile(fs_, "source.zip", BuildZip(source)).ok());
  const auto zip = ZipFile::Read(fs_.Open("source.zip", Follow::kYes).value(), ZipLimits());
  ASSERT_TRUE(zip.ok()) << zip.status();
  std::unique_ptr<OutputFile> out = fs_.Create("copy.zip", FileMode::kData).value();
  ZipWriter writer(*out);
  ASSERT_TRUE(writer.Copy(*zip, zip->entries()[0]).ok());
  ASSERT_TRUE(writer.Finish().ok());
  ASSERT_TRUE(out->Publish().ok());
  const std::vector<std::string> rows = List("copy.zip");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].substr(0, 24), "a.py deflated 3000000 x:");
  EXPECT_EQ(ReadFile(fs_, "copy.zip", 1 << 24).value().substr(34, packed.size()), packed);
}

}  // namespace
}  // namespace rules_inference::base
