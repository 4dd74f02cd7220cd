#include "plugins/lock/facts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::lock {
namespace {

std::string TestData(absl::string_view name) {
  base::RealFileSystem fs;
  return base::ReadFile(fs, absl::StrCat("plugins/base/elf/testdata/", name), 1 << 20).value_or("");
}

// As text, or the error.
std::string Facts(const std::string& bytes) {
  base::MemoryFileSystem fs;
  fs.files["x"] = bytes;
  const auto facts = ReadFacts("x", fs);
  return facts.ok() ? FormatFacts(*facts) : std::string(facts.status().message());
}

base::TestElf Program() {
  base::TestElf elf;
  elf.interpreter = "/lib64/ld-linux-x86-64.so.2";
  elf.needed = {"libc.so.6", "libcudart.so.13"};
  elf.version_needs = {{"libc.so.6", "GLIBC_2.31"}};
  elf.sections = {{".nv_fatbin", TestData("packed.fatbin")}};
  return elf;
}

TEST(FactsTest, AProgram) {
  EXPECT_EQ(Facts(base::BuildElf(Program())),
            "x: x86_64 program, glibc 2.31\n"
            "  needs libc.so.6, libcudart.so.13\n"
            "  sm_86            -  712 bytes, zstd, 2984 unpacked\n"
            "  compute_86    13.0  95 bytes, zstd, 98 unpacked\n"
            "  sm_120f          -  1061 bytes, zstd, 5016 unpacked\n"
            "  sm_100a          -  1063 bytes, zstd, 5016 unpacked\n");
}

TEST(FactsTest, AFatBinary) {
  EXPECT_EQ(Facts(TestData("concat.fatbin") + std::string(8, '\0')),
            "x: fatbin\n"
            "  compute_75    13.5  98 bytes, zstd, 98 unpacked\n"
            "  sm_75            -  zstd\n"
            "  sm_86            -  zstd\n"
            "  sm_90a           -  zstd\n");
}

TEST(FactsTest, Json) {
  base::MemoryFileSystem fs;
  base::TestElf elf;
  elf.machine = 183;
  elf.soname = "liba.so.1";
  elf.needed = {"libc.musl-x86_64.so.1"};
  fs.files["x"] = base::BuildElf(elf);
  EXPECT_EQ(sdk::ToCanonicalJson(ReadFacts("x", fs).value()),
            R"({"machine":"aarch64","musl":true,"needed":["libc.musl-x86_64.so.1"],"path":"x",)"
            R"("soname":"liba.so.1","type":"library"})");
}

TEST(FactsTest, AnythingElse) {
  EXPECT_EQ(Facts("#!/bin/sh\n"),
            "facts: x: got a file that begins with '#!/b', expected an ELF file or a fat binary");
  EXPECT_EQ(Facts(""),
            "facts: x: got a file that begins with '', expected an ELF file or a fat binary");
}

}  // namespace
}  // namespace rules_inference::lock
