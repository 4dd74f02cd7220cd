#include "plugins/base/elf/elf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::base {
namespace {

using testing::ElementsAre;

absl::StatusOr<Elf> Read(const std::string& bytes) {
  MemoryFile file("x.so", bytes);
  return ReadElf(file);
}

std::string Message(const std::string& bytes) {
  return std::string(Read(bytes).status().message());
}

// Puts `size` bytes of `value` at `at`.
std::string Put(std::string bytes, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
  return bytes;
}

TestElf Full() {
  TestElf elf;
  elf.interpreter = "/lib64/ld-linux-x86-64.so.2";
  elf.needed = {"libc.so.6", "libcudart.so.12"};
  elf.soname = "libx.so.1";
  elf.rpath = "$ORIGIN/..";
  elf.runpath = "$ORIGIN";
  elf.version_needs = {{"libm.so.6", "GLIBC_2.29"},
                       {"libc.so.6", "GLIBC_2.2.5"},
                       {"libc.so.6", "GLIBC_2.17"},
                       {"libc.so.6", "GLIBC_PRIVATE"},
                       {"libstdc++.so.6", "GLIBCXX_3.4.30"}};
  elf.sections = {{".text", "code"}, {".nv_fatbin", "fat"}};
  return elf;
}

TEST(ElfTest, Everything) {
  const absl::StatusOr<Elf> elf = Read(BuildElf(Full()));
  ASSERT_TRUE(elf.ok()) << elf.status();
  EXPECT_EQ(elf->machine, ElfMachine::kX86_64);
  EXPECT_EQ(elf->type, ElfType::kShared);
  EXPECT_EQ(elf->interpreter, "/lib64/ld-linux-x86-64.so.2");
  EXPECT_THAT(elf->needed, ElementsAre("libc.so.6", "libcudart.so.12"));
  EXPECT_EQ(elf->soname, "libx.so.1");
  EXPECT_EQ(elf->rpath, "$ORIGIN/..");
  EXPECT_EQ(elf->runpath, "$ORIGIN");
  ASSERT_EQ(elf->version_needs.size(), 5);
  EXPECT_EQ(elf->version_needs[4].library, "libstdc++.so.6");
  EXPECT_EQ(elf->version_needs[4].version, "GLIBCXX_3.4.30");
  EXPECT_EQ(NeededGlibc(*elf), std::make_pair(2, 29));
  EXPECT_FALSE(NeedsMusl(*elf));
  ASSERT_NE(elf->Find(".nv_fatbin"), nullptr);
  EXPECT_EQ(elf->Find(".nv_fatbin")->size, 3);
  EXPECT_EQ(elf->Find(".nv_fat"), nullptr);
  EXPECT_EQ(elf->Find("fatbin"), nullptr);
}

TEST(ElfTest, Machines) {
  TestElf elf;
  elf.machine = 183;
  EXPECT_EQ(Read(BuildElf(elf))->machine, ElfMachine::kAarch64);
  elf.machine = 243;
  elf.type = 1;
  EXPECT_EQ(Read(BuildElf(elf))->machine, ElfMachine::kOther);
  EXPECT_EQ(Read(BuildElf(elf))->machine_number, 243);
  EXPECT_EQ(Read(BuildElf(elf))->type, ElfType::kRelocatable);
}

TEST(ElfTest, GlibcVersions) {
  const auto needed = [](const std::string& version) {
    TestElf elf;
    elf.version_needs = {{"libc.so.6", version}};
    return NeededGlibc(*Read(BuildElf(elf)));
  };
  EXPECT_EQ(needed("GLIBC_2.9"), std::make_pair(2, 9));
  EXPECT_EQ(needed("GLIBC_2.3.4"), std::make_pair(2, 3));
  EXPECT_EQ(needed("GLIBC_ABI_DT_RELR"), std::make_pair(2, 36));
  EXPECT_EQ(needed("GLIBC_PRIVATE"), std::nullopt);
  EXPECT_EQ(needed("GLIBC_2.x"), std::nullopt);
  EXPECT_EQ(needed("GLIBC_-2.1"), std::nullopt);
  EXPECT_EQ(NeededGlibc(*Read(BuildElf(TestElf()))), std::nullopt);
}

TEST(ElfTest, Musl) {
  TestElf by_interpreter;
  by_interpreter.interpreter = "/lib/ld-musl-x86_64.so.1";
  EXPECT_TRUE(NeedsMusl(*Read(BuildElf(by_interpreter))));
  TestElf by_library;
  by_library.needed = {"libc.musl-x86_64.so.1"};
  EXPECT_TRUE(NeedsMusl(*Read(BuildElf(by_library))));
}

TEST(ElfTest, NotOne) {
  EXPECT_EQ(Message(""), "elf: x.so: header: got a file of 0 bytes, expected at least 64");
  EXPECT_EQ(Message(std::string(64, 'x')),
            "elf: x.so: header: got 'xxxx', expected the magic bytes of ELF");
  EXPECT_EQ(Message(Put(BuildElf(TestElf()), 4, 1, 1)),
            "elf: x.so: header: got 32 bits, little-endian, expected 64 bits, little-endian");
}

TEST(ElfTest, NumbersThatPointOutside) {
  const std::string good = BuildElf(Full());
  const std::string size = absl::StrCat(good.size());
  EXPECT_EQ(Message(Put(good, 40, ~uint64_t{0}, 8)),
            absl::StrCat("elf: x.so: section headers: got 256 bytes at 18446744073709551615, "
                         "expected bytes of the file, which has ",
                         size));
  EXPECT_EQ(Message(Put(good, 32, good.size() - 10, 8)),
            absl::StrCat("elf: x.so: program headers: got 168 bytes at ", good.size() - 10,
                         ", expected bytes of the file, which has ", size));
  EXPECT_EQ(Message(Put(good, 54, 55, 2)),
            "elf: x.so: program headers: got 55 bytes each, expected 56");
  EXPECT_EQ(Message(Put(good, 58, 40, 2)),
            "elf: x.so: section headers: got 40 bytes each, expected 64");
  EXPECT_EQ(Message(Put(good, 62, 900, 2)),
            "elf: x.so: section headers: got names in section 900, expected one of 4 sections");
  // The size of the first segment.
  EXPECT_EQ(Message(Put(good, 64 + 32, ~uint64_t{0}, 8)),
            absl::StrCat("elf: x.so: segment 0: got 18446744073709551615 bytes at 0, expected "
                         "bytes of the file, which has ",
                         size));
  // Loaded elsewhere: the addresses of the dynamic segment are nowhere.
  EXPECT_THAT(Message(Put(good, 64 + 16, 0x900000, 8)),
              testing::MatchesRegex("elf: x.so: dynamic names: got address [0-9]+, expected an "
                                    "address in a loaded segment"));
}

TEST(ElfTest, EveryTruncationIsAnError) {
  const std::string good = BuildElf(Full());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Read(good.substr(0, size)).ok()) << size;
  }
}

// Names and lists may be wrong then; what matters is that nothing else is read.
TEST(ElfTest, MutationsAreHarmless) {
  const std::string good = BuildElf(Full());
  std::mt19937 random(1);
  const std::array<uint64_t, 8> extremes = {0,      1,          0x7f,       0xff,
                                            0xffff, 0x7fffffff, 0xffffffff, ~uint64_t{0}};
  int errors = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    for (int j = 0; j < 1 + i % 4; ++j) {
      const size_t at = random() % bytes.size();
      const size_t size = std::min<size_t>(size_t{1} << random() % 4, bytes.size() - at);
      bytes = Put(bytes, at, random() % 2 == 0 ? extremes[random() % 8] : random(), size);
    }
    const absl::StatusOr<Elf> elf = Read(bytes);
    if (!elf.ok()) {
      EXPECT_TRUE(absl::StartsWith(elf.status().message(), "elf: x.so: ")) << elf.status();
      ++errors;
      continue;
    }
    for (const ElfSection& section : elf->sections) {
      EXPECT_LE(section.offset + section.size, bytes.size());
    }
    elf->Find(".nv_fatbin");
    NeededGlibc(*elf);
  }
  EXPECT_GT(errors, 1000);
}

TEST(ElfTest, LoopOfVersionNeedsEnds) {
  TestElf elf;
  for (int i = 0; i < 5000; ++i) elf.version_needs.push_back({"libc.so.6", "GLIBC_2.2"});
  EXPECT_EQ(Message(BuildElf(elf)),
            "elf: x.so: version needs: got more than that, expected at most 4096");
}

TEST(ElfTest, ThisProgram) {
  RealFileSystem fs;
  const auto file = fs.Open("/proc/self/exe", Follow::kYes);
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::StatusOr<Elf> elf = ReadElf(**file);
  ASSERT_TRUE(elf.ok()) << elf.status();
  EXPECT_NE(elf->machine, ElfMachine::kOther);
  EXPECT_NE(elf->Find(".text"), nullptr);
  EXPECT_TRUE(NeededGlibc(*elf).has_value() || NeedsMusl(*elf));
}

TEST(ElfTest, Shell) {
  RealFileSystem fs;
  const auto file = fs.Open("/bin/sh", Follow::kYes);
  if (!file.ok()) GTEST_SKIP() << "no /bin/sh here";
  const absl::StatusOr<Elf> elf = ReadElf(**file);
  ASSERT_TRUE(elf.ok()) << elf.status();
  EXPECT_NE(elf->machine, ElfMachine::kOther);
}

}  // namespace
}  // namespace rules_inference::base
