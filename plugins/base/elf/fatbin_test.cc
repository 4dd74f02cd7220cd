// The files of testdata/ are what nvcc 13.5 (V13.5.37) made of `__global__ void Empty() {}`:
//
//   nvcc -fatbin empty.cu -o empty.fatbin -gencode arch=compute_75,code=[sm_75,compute_75]
//       -gencode arch=compute_86,code=sm_86 -gencode arch=compute_90a,code=[sm_90a,compute_90a]
//       -gencode arch=compute_100f,code=[sm_100f,compute_100f]
//   nvcc -fatbin -Xfatbin -compress-all,-concat empty.cu -o concat.fatbin
//       -gencode arch=compute_75,code=[sm_75,compute_75] -gencode arch=compute_86,code=sm_86
//       -gencode arch=compute_90a,code=sm_90a
//   nvcc -cubin -arch=sm_90a empty.cu -o empty.cubin
//
// and, of nvcc 13.0 (V13.0.88):
//
//   nvcc -fatbin --compress-mode=size empty.cu -o packed.fatbin
//       -gencode arch=compute_86,code=[sm_86,compute_86] -gencode arch=compute_120f,code=sm_120f
//       -gencode arch=compute_100a,code=sm_100a
//   nvcc -c empty.cu -o empty.o -gencode arch=compute_80,code=sm_80
//
// and the expectations are what `cuobjdump` of the same release prints of them.

#include "plugins/base/elf/fatbin.h"

#include <cstdint>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/elf/little_endian.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::base {
namespace {

std::string TestData(absl::string_view name) {
  RealFileSystem fs;
  const auto data = ReadFile(fs, absl::StrCat("plugins/base/elf/testdata/", name), 1 << 20);
  EXPECT_TRUE(data.ok()) << data.status();
  return data.value_or("");
}

// "sm_75 13.5; compute_75 13.5; note: ..."
std::string Text(const absl::StatusOr<GpuCodes>& codes) {
  if (!codes.ok()) return std::string(codes.status().message());
  std::string out;
  const auto add = [&](absl::string_view a, absl::string_view b) {
    absl::StrAppend(&out, out.empty() ? "" : "; ", a, b.empty() ? "" : " ", b);
  };
  for (const GpuCode& code : codes->code) add(code.arch, code.toolkit);
  for (const std::string& note : codes->notes) add("note:", note);
  return out;
}

std::string OfFatbin(const std::string& bytes) {
  MemoryFile file("x.fatbin", bytes);
  return Text(ReadFatbin(file, 0, bytes.size()));
}

std::string OfElf(const std::string& bytes) {
  MemoryFile file("x.so", bytes);
  const absl::StatusOr<Elf> elf = ReadElf(file);
  if (!elf.ok()) return std::string(elf.status().message());
  return Text(ReadGpuCode(file, *elf));
}

std::string Put(std::string bytes, size_t at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    bytes.replace(at + i, 1, 1, static_cast<char>(value >> (8 * i) & 0xff));
  }
  return bytes;
}

// An entry without a payload.
std::string EntryOf(uint64_t kind, uint64_t major, uint64_t minor, uint64_t capability,
                    uint64_t flags) {
  std::string entry(64, '\0');
  entry = Put(entry, 0, kind, 2);
  entry = Put(entry, 2, 0x101, 2);
  entry = Put(entry, 4, 64, 4);
  entry = Put(entry, 24, minor, 2);
  entry = Put(entry, 26, major, 2);
  entry = Put(entry, 28, capability, 4);
  return Put(entry, 40, flags, 8);
}

std::string Container(const std::string& entries) {
  std::string header(16, '\0');
  header = Put(header, 0, 0xba55ed50, 4);
  header = Put(header, 4, 1, 2);
  header = Put(header, 6, 16, 2);
  return Put(header, 8, entries.size(), 8) + entries;
}

TEST(FatbinTest, WhatNvccMakes) {
  EXPECT_EQ(OfFatbin(TestData("empty.fatbin")),
            "sm_100f 13.5; sm_75 13.5; sm_86 13.5; sm_90a 13.5; compute_100f 13.5; compute_75 "
            "13.5; compute_90a 13.5");
}

// Compressed together: the headers still tell all but the toolkit.
TEST(FatbinTest, Concatenation) {
  EXPECT_EQ(OfFatbin(TestData("concat.fatbin")), "sm_75; sm_86; sm_90a; compute_75 13.5");
}

TEST(FatbinTest, SectionsOfALibrary) {
  TestElf elf;
  elf.sections = {{".nv_fatbin", TestData("concat.fatbin") + std::string(64, '\0') +
                                     Container(EntryOf(2, 1, 7, 80, 0x11))},
                  {".other", Container(EntryOf(2, 1, 7, 89, 0x11))},
                  {"__nv_relfatbin", Container(EntryOf(1, 8, 5, 60, 0x2011))}};
  EXPECT_EQ(OfElf(BuildElf(elf)), "sm_75; sm_80; sm_86; sm_90a; compute_60 12.5; compute_75 13.5");
  EXPECT_EQ(OfElf(BuildElf(TestElf())), "");
}

TEST(FatbinTest, Cubin) {
  EXPECT_EQ(OfElf(TestData("empty.cubin")), "sm_90a 13.5");
  TestElf silent;
  silent.machine = 190;
  EXPECT_EQ(OfElf(BuildElf(silent)), "note: a cubin that does not tell its architecture");
}

TEST(FatbinTest, OneOfEachWithTheNewestToolkit) {
  EXPECT_EQ(OfFatbin(Container(EntryOf(1, 8, 7, 75, 0x11) + EntryOf(1, 7, 8, 75, 0x11)) +
                     Container(EntryOf(1, 8, 0, 75, 0x2011))),
            "compute_75 12.8");
}

TEST(FatbinTest, WhatIsNotKnownIsSaid) {
  EXPECT_EQ(OfFatbin(Container(EntryOf(1, 47, 11, 75, 0x11) + EntryOf(8, 1, 67, 90, 0x18011) +
                               EntryOf(77, 1, 0, 90, 0x11))),
            "compute_75; note: an entry of the unknown kind 77; note: intermediate code for the "
            "device linker, which no driver runs; note: the toolkit of PTX ISA 47.11 is unknown");
}

// As candle and other Rust programs hold their kernels.
TEST(FatbinTest, PtxAsText) {
  const auto with = [](const std::string& text) {
    TestElf elf;
    elf.sections = {{".rodata", text}};
    return OfElf(BuildElf(elf));
  };
  EXPECT_EQ(with("//\n// Generated\n//\n\n.version 8.7\n.target sm_86\n.address_size 64\n"),
            "compute_86 12.8; note: PTX for compute_86 as text");
  EXPECT_EQ(with(".version 9.0\n.target sm_90a, debug\n.version 8.0\r\n.target sm_75\r\n"),
            "compute_75 12.0; compute_90a 13.0; note: PTX for compute_75 as text; note: PTX for "
            "compute_90a as text");
  // Across the border of two pieces.
  EXPECT_EQ(with(std::string((1 << 20) - 20, 'x') + ".version 8.7\n.target sm_86\n"),
            "compute_86 12.8; note: PTX for compute_86 as text");
  for (const char* const other :
       {".version 8.7", ".version 8.7\n.target sm_86", ".version 8.7\n.target sm_%d\n",
        ".version %s\n.target sm_86\n", ".version 8.7 .target sm_86\n",
        ".version 8.7\n.target sm_86x\n", ".version 8.7\n.target sm_8\n",
        ".version 8.7\n.target sm_86666\n"}) {
    EXPECT_EQ(with(other), "") << other;
  }
}

// "0 sm_75 none 2856/2856"
std::string Entries(const absl::StatusOr<GpuCodes>& codes) {
  if (!codes.ok()) return std::string(codes.status().message());
  std::string out;
  for (const GpuEntry& entry : codes->entries) {
    absl::StrAppend(&out, out.empty() ? "" : "; ", entry.module, " ", entry.code.arch,
                    entry.compression == Compression::kZstd  ? " zstd "
                    : entry.compression == Compression::kLz4 ? " lz4 "
                                                             : " none ",
                    entry.size, "/", entry.unpacked_size);
  }
  return out;
}

TEST(FatbinTest, EntriesAsTheyLie) {
  const auto entries = [](const std::string& bytes) {
    MemoryFile file("x.fatbin", bytes);
    return Entries(ReadFatbin(file, 0, bytes.size()));
  };
  EXPECT_EQ(entries(TestData("packed.fatbin") + Container(EntryOf(2, 1, 7, 80, 0x11))),
            "0 sm_86 zstd 712/2984; 0 compute_86 zstd 95/98; 0 sm_120f zstd 1061/5016; 0 sm_100a "
            "zstd 1063/5016; 1 sm_80 none 0/0");
  EXPECT_EQ(entries(TestData("concat.fatbin")),
            "0 compute_75 zstd 98/98; 0 sm_75 zstd 0/0; 0 sm_86 zstd 0/0; 0 sm_90a zstd 0/0");
}

// Nothing in it but cubins under zstd: one of them is unpacked.
TEST(FatbinTest, ToolkitOfACompressedCubin) {
  const std::string packed = TestData("packed.fatbin");
  // Its second entry is PTX, which would tell.
  const size_t second = 16 + 64 + 712;
  EXPECT_EQ(OfFatbin(Put(packed, second, 77, 2)),
            "sm_100a; sm_120f; sm_86 13.0; note: an entry of the unknown kind 77");
  // Damaged, it is only silent.
  EXPECT_EQ(OfFatbin(Put(Put(packed, second, 77, 2), 16 + 64 + 100, ~uint64_t{0}, 8)),
            "sm_100a; sm_120f; sm_86; note: an entry of the unknown kind 77");
}

TEST(FatbinTest, Object) {
  const std::string object = TestData("empty.o");
  EXPECT_EQ(OfElf(object), "sm_80 13.0");
}

// The header of a cubin tells its capability where no note does.
TEST(FatbinTest, CubinWithoutANote) {
  const auto cubin = [](uint8_t abi_version, uint32_t flags) {
    TestElf silent;
    silent.machine = 190;
    return OfElf(Put(Put(BuildElf(silent), 8, abi_version, 1), 48, flags, 4));
  };
  EXPECT_EQ(cubin(8, 0x6005604),
            "sm_86; note: a cubin for sm_86, or for that device only: it does not tell");
  EXPECT_EQ(cubin(7, 0x500550),
            "sm_80; note: a cubin for sm_80, or for that device only: it does not tell");
}

TEST(FatbinTest, ACubinUnderAnotherHeader) {
  const std::string other = Put(TestData("empty.fatbin"), 16 + 28, 80, 4);
  EXPECT_TRUE(
      absl::StrContains(OfFatbin(other), "note: a cubin for sm_75 under the header of sm_80"))
      << OfFatbin(other);
}

TEST(FatbinTest, Empty) {
  EXPECT_EQ(OfFatbin(""), "");
  EXPECT_EQ(OfFatbin(std::string(24, '\0')), "");
  EXPECT_EQ(OfFatbin(Container("")), "");
}

TEST(FatbinTest, Hostile) {
  EXPECT_EQ(OfFatbin("garbage!"),
            "fatbin: x.fatbin: byte 0: got 0x62726167, expected 0xba55ed50, where a container "
            "begins");
  const std::string good = Container(EntryOf(2, 1, 7, 80, 0x11));
  EXPECT_EQ(OfFatbin(good.substr(0, 12)),
            "fatbin: x.fatbin: byte 0: got 12 bytes, expected a header of 16 bytes");
  EXPECT_EQ(OfFatbin(Put(good, 4, 9, 2)),
            "fatbin: x.fatbin: byte 0: got container version 9, expected 1");
  EXPECT_EQ(OfFatbin(Put(good, 8, ~uint64_t{0}, 8)),
            "fatbin: x.fatbin: byte 0: got a container of 16 and 18446744073709551615 bytes, "
            "expected one in the 80 bytes that are left");
  EXPECT_EQ(OfFatbin(Put(good, 16 + 8, ~uint64_t{0}, 8)),
            "fatbin: x.fatbin: byte 16: got an entry of 64 and 18446744073709551615 bytes, "
            "expected one in the 64 bytes that are left");
  EXPECT_EQ(OfFatbin(Put(good, 16 + 4, 0, 4)),
            "fatbin: x.fatbin: byte 16: got an entry of 0 and 0 bytes, expected one in the 64 "
            "bytes that are left");
  EXPECT_EQ(OfFatbin(Container(EntryOf(2, 1, 7, 80, 0x11) + "12345678")),
            "fatbin: x.fatbin: byte 80: got 8 bytes, expected a header of at least 48 bytes");
  EXPECT_EQ(OfFatbin(Container(EntryOf(2, 1, 7, 123456, 0x11))),
            "fatbin: x.fatbin: byte 16: got code for capability 123456, expected 10 to 999");
  EXPECT_EQ(OfFatbin(Container(EntryOf(2, 1, 7, 100, 0x300011))),
            "fatbin: x.fatbin: byte 16: got code for one capability and for a family, expected "
            "one or the other");
  EXPECT_EQ(OfFatbin(Container(EntryOf(256, 0, 1, 0, 0x8011))),
            "fatbin: x.fatbin: byte 16: got 0 entries together in a header of 64 bytes, expected a "
            "header that holds theirs");
}

// The header of the second section says what that of the first does.
TEST(FatbinTest, SectionsThatOverlap) {
  TestElf elf;
  elf.sections = {{".nv_fatbin", TestData("concat.fatbin")}, {".nv_fatbin", std::string(64, '\0')}};
  std::string bytes = BuildElf(elf);
  const size_t table = static_cast<size_t>(LoadLe<uint64_t>(bytes, 40));
  const size_t count = LoadLe<uint16_t>(bytes, 60);
  uint64_t first = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t header = table + 64 * i;
    const uint64_t size = LoadLe<uint64_t>(bytes, header + 32);
    if (size == 1728) first = LoadLe<uint64_t>(bytes, header + 24);
    if (size == 64) bytes = Put(bytes, header + 24, first, 8);
  }
  EXPECT_EQ(OfElf(bytes),
            absl::StrCat("fatbin: x.so: byte ", first,
                         ": got .nv_fatbin in a section before it, expected sections apart"));
}

TEST(FatbinTest, TruncationsAreErrorsOrLess) {
  for (const char* const name : {"concat.fatbin", "packed.fatbin"}) {
    const std::string good = TestData(name);
    for (size_t size = 0; size < good.size(); ++size) {
      // Fewer than 8 bytes are what a section is filled up with.
      const std::string got = OfFatbin(good.substr(0, size));
      if (size < 8) {
        EXPECT_EQ(got, "") << size;
      } else {
        EXPECT_TRUE(absl::StartsWith(got, "fatbin: x.fatbin: byte 0: got ")) << size << ": " << got;
      }
    }
  }
}

TEST(FatbinTest, MutationsAndTruncationsAreHarmless) {
  std::mt19937 random(2);
  for (const char* const name : {"empty.fatbin", "concat.fatbin", "packed.fatbin"}) {
    const std::string good = TestData(name);
    for (int i = 0; i < 10000; ++i) {
      std::string bytes = good;
      // Headers, where it hurts, as often as the rest.
      const size_t range = i % 2 == 0 ? 300 : bytes.size();
      for (int j = 0; j < 1 + i % 3; ++j) {
        const size_t at = random() % (range - 8);
        bytes = Put(bytes, at, i % 5 == 0 ? 0xffffffff : random(), size_t{1} << random() % 4);
      }
      if (i % 7 == 0) bytes.resize(random() % bytes.size());
      MemoryFile file("x", bytes);
      const absl::StatusOr<GpuCodes> codes = ReadFatbin(file, 0, bytes.size());
      if (!codes.ok()) {
        EXPECT_TRUE(absl::StartsWith(codes.status().message(), "fatbin: x: byte "))
            << codes.status();
      }
    }
  }
}

}  // namespace
}  // namespace rules_inference::base
