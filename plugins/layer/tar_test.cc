#include "plugins/layer/tar.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace rules_inference::layer {
namespace {

std::string HeaderFor(absl::string_view path, TarType type = TarType::kFile, uint64_t size = 0,
                      absl::string_view link = "") {
  TarHeader header;
  header.path = path;
  header.type = type;
  header.mode = type == TarType::kDirectory ? 0755 : 0644;
  header.size = size;
  header.link_target = link;
  std::string blocks;
  AppendTarHeader(header, blocks);
  EXPECT_EQ(blocks.size() % kTarBlock, 0U);
  return blocks;
}

absl::string_view Field(const std::string& blocks, size_t offset, size_t size) {
  const absl::string_view field =
      absl::string_view(blocks).substr(blocks.size() - kTarBlock + offset, size);
  return field.substr(0, field.find('\0'));
}

TEST(TarTest, PlainFile) {
  const std::string block = HeaderFor("usr/bin/tool", TarType::kFile, 1234);
  ASSERT_EQ(block.size(), kTarBlock);
  EXPECT_EQ(Field(block, 0, 100), "usr/bin/tool");
  EXPECT_EQ(Field(block, 100, 8), "0000644");
  EXPECT_EQ(Field(block, 108, 8), "0000000");
  EXPECT_EQ(Field(block, 124, 12), "00000002322");
  EXPECT_EQ(Field(block, 136, 12), "00000000000");
  EXPECT_EQ(Field(block, 156, 1), "0");
  EXPECT_EQ(block.substr(257, 8), absl::string_view("ustar\00000", 8));
  EXPECT_EQ(Field(block, 265, 32), "");
  unsigned sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) {
    sum += i >= 148 && i < 156 ? uint8_t{' '} : static_cast<uint8_t>(block[i]);
  }
  EXPECT_EQ(std::stoul(block.substr(148, 6), nullptr, 8), sum);
  EXPECT_EQ(block.substr(154, 2), absl::string_view("\0 ", 2));
}

TEST(TarTest, DirectoryAndSymlink) {
  EXPECT_EQ(Field(HeaderFor("a", TarType::kDirectory), 0, 100), "a/");
  const std::string link = HeaderFor("a", TarType::kSymlink, 0, "../b");
  EXPECT_EQ(Field(link, 156, 1), "2");
  EXPECT_EQ(Field(link, 157, 100), "../b");
}

TEST(TarTest, LongPathsAreSplitWhenUstarCan) {
  const std::string at_limit = std::string(100, 'n');
  EXPECT_EQ(HeaderFor(at_limit).size(), kTarBlock);
  const std::string split = absl::StrCat(std::string(155, 'd'), "/", std::string(100, 'n'));
  const std::string block = HeaderFor(split);
  ASSERT_EQ(block.size(), kTarBlock);
  EXPECT_EQ(Field(block, 0, 100), std::string(100, 'n'));
  EXPECT_EQ(Field(block, 345, 155), std::string(155, 'd'));
}

TEST(TarTest, PaxHeaderWhereUstarCannot) {
  struct Case {
    const char* name;
    std::string blocks;
    std::string record;
  };
  const std::string one_name = std::string(101, 'n');
  const std::string deep = absl::StrCat(std::string(156, 'd'), "/x");
  const Case cases[] = {
      {"long name", HeaderFor(one_name), absl::StrCat("111 path=", one_name, "\n")},
      {"long directory", HeaderFor(deep), absl::StrCat("168 path=", deep, "\n")},
      {"not ASCII", HeaderFor("na\xc3\xafve"), "15 path=na\xc3\xafve\n"},
      {"long link", HeaderFor("l", TarType::kSymlink, 0, one_name),
       absl::StrCat("115 linkpath=", one_name, "\n")},
      {"8 GiB", HeaderFor("big", TarType::kFile, uint64_t{1} << 33), "19 size=8589934592\n"},
  };
  for (const Case& c : cases) {
    ASSERT_EQ(c.blocks.size(), 3 * kTarBlock) << c.name;
    EXPECT_EQ(c.blocks[156], 'x') << c.name;
    EXPECT_EQ(c.blocks.substr(kTarBlock, c.record.size()), c.record) << c.name;
    EXPECT_EQ(c.blocks[kTarBlock + c.record.size()], '\0') << c.name;
  }
  EXPECT_EQ(HeaderFor("big", TarType::kFile, (uint64_t{1} << 33) - 1).size(), kTarBlock);
  // For readers that do not know PAX: the same size in base 256.
  const std::string big = HeaderFor("big", TarType::kFile, uint64_t{1} << 33);
  EXPECT_EQ(big.substr(2 * kTarBlock + 124, 12),
            absl::string_view("\x80\0\0\0\0\0\0\x02\0\0\0\0", 12));
}

TEST(TarTest, LargeOwners) {
  TarHeader header;
  header.path = "a";
  header.uid = 2097152;
  header.gid = 4294967295;
  std::string blocks;
  AppendTarHeader(header, blocks);
  EXPECT_EQ(blocks.substr(kTarBlock, 33), "15 uid=2097152\n18 gid=4294967295\n");
  header.uid = 2097151;
  header.gid = 1000;
  blocks.clear();
  AppendTarHeader(header, blocks);
  EXPECT_EQ(blocks.size(), kTarBlock);
}

TEST(TarTest, PaddingFillsTheBlock) {
  EXPECT_EQ(TarPadding(0), 0U);
  EXPECT_EQ(TarPadding(1), 511U);
  EXPECT_EQ(TarPadding(512), 0U);
  EXPECT_EQ(TarPadding(513), 511U);
}

}  // namespace
}  // namespace rules_inference::layer
