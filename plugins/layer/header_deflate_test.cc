#include "plugins/layer/header_deflate.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libdeflate.h"
#include "plugins/layer/tar.h"

namespace rules_inference::layer {
namespace {

std::string Packed(const std::string& data) {
  std::string packed;
  AppendHeaderDeflate(data, packed);
  return packed;
}

// What another decoder makes of it; all of the stream must be used.
std::string Expanded(const std::string& packed, size_t size) {
  libdeflate_decompressor* decoder = libdeflate_alloc_decompressor();
  std::string data(size + 1, '\0');
  size_t used = 0;
  size_t made = 0;
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      decoder, packed.data(), packed.size(), data.data(), data.size(), &used, &made);
  libdeflate_free_decompressor(decoder);
  if (result != LIBDEFLATE_SUCCESS) return absl::StrCat("result ", result);
  if (used != packed.size()) return absl::StrCat("used ", used, " of ", packed.size());
  data.resize(made);
  return data;
}

std::string Header(const std::string& path, uint64_t size) {
  TarHeader header;
  header.path = path;
  header.mode = 0644;
  header.size = size;
  std::string blocks;
  AppendTarHeader(header, blocks);
  return blocks;
}

TEST(HeaderDeflateTest, BytesAreFixed) {
  // Digests of layers depend on them.
  EXPECT_EQ(absl::BytesToHexString(Packed("")), "0300");
  EXPECT_EQ(absl::BytesToHexString(Packed("abc")), "4b4c4a0600");
  EXPECT_EQ(absl::BytesToHexString(Packed(std::string(600, '\0'))), "631805a380060000");
}

TEST(HeaderDeflateTest, EveryLengthOfARun) {
  for (size_t size = 0; size <= 600; ++size) {
    const std::string data = "x" + std::string(size, '\xff');
    ASSERT_EQ(Expanded(Packed(data), data.size()), data) << size;
  }
}

TEST(HeaderDeflateTest, AnyBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string data(random() % 2000, '\0');
    // From one letter to all bytes.
    const unsigned alphabet = 1U << random() % 9;
    for (char& c : data) c = static_cast<char>(random() % alphabet);
    ASSERT_EQ(Expanded(Packed(data), data.size()), data) << round;
  }
}

TEST(HeaderDeflateTest, HeadersTakeNoMoreThanAGeneralCompressorNeeds) {
  std::string gap;
  gap.append(300, '\0');
  gap += Header("usr/lib/python3/site-packages/numpy/_core/tests/test_umath.py", 193712);
  const std::string packed = Packed(gap);
  EXPECT_EQ(Expanded(packed, gap.size()), gap);
  libdeflate_compressor* encoder = libdeflate_alloc_compressor(6);
  std::string other(1000, '\0');
  const size_t general =
      libdeflate_deflate_compress(encoder, gap.data(), gap.size(), other.data(), other.size());
  libdeflate_free_compressor(encoder);
  EXPECT_LE(packed.size(), general + general / 10);
}

TEST(HeaderDeflateTest, ManyHeadersRepeatTheOneBefore) {
  std::string gap;
  for (int i = 0; i < 100; ++i) gap += Header(absl::StrCat("usr/lib/some/directory/", i), 0);
  const std::string packed = Packed(gap);
  EXPECT_EQ(Expanded(packed, gap.size()), gap);
  EXPECT_LT(packed.size(), 100U * 40);
}

}  // namespace
}  // namespace rules_inference::layer
