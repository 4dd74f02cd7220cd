#include "plugins/launcher/preflight.h"

#include <elf.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/child_process.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::launcher {
namespace {

using Reason = std::optional<std::string>;

// This very test, as a program to change.
std::string OwnBytes() {
  std::ifstream in("/proc/self/exe", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Writes `bytes` as a program, and asks about it.
Reason WhyNot(const std::string& bytes, const std::vector<std::string>& sonames = {}) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/a program");
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  base::RealFileSystem files;
  return WhyNotStart(files, path, sonames);
}

// `text` in place of every `old`, which is as long.
std::string Replace(std::string bytes, absl::string_view old, absl::string_view text) {
  size_t count = 0;
  for (size_t at = bytes.find(old); at != std::string::npos; at = bytes.find(old, at)) {
    bytes.replace(at, text.size(), text);
    ++count;
  }
  EXPECT_GT(count, 0u);
  return bytes;
}

TEST(PreflightTest, AGoodProgram) { EXPECT_EQ(WhyNot(OwnBytes()), std::nullopt); }

TEST(PreflightTest, AGoodScript) { EXPECT_EQ(WhyNot("#! /bin/sh -e\n"), std::nullopt); }

TEST(PreflightTest, AMissingLibrary) {
  EXPECT_EQ(WhyNot(Replace(OwnBytes(), "libc.so.6", "libz.so.9")), "libz.so.9 is missing");
}

TEST(PreflightTest, AMissingLibraryThatIsLoadedLate) {
  EXPECT_EQ(WhyNot(OwnBytes(), {"libc.so.6", "libgone.so.7"}), "libgone.so.7 is missing");
}

TEST(PreflightTest, ABrokenPreloadOfTheUserIsNoReason) {
  setenv("LD_PRELOAD", "libmine.so", 1);
  EXPECT_EQ(WhyNot(OwnBytes()), std::nullopt);
  EXPECT_EQ(WhyNot(OwnBytes(), {"libgone.so.7"}), "libgone.so.7 is missing");
  unsetenv("LD_PRELOAD");
}

TEST(PreflightTest, ALibcThatIsTooOld) {
  base::ChildAnswer answer;
  answer.error =
      "./w: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found "
      "(required by ./w)\n";
  EXPECT_EQ(WhyNotLoad(answer, {}), "libc.so.6 has no GLIBC_2.38");
}

TEST(PreflightTest, WhatLoadersSay) {
  const struct {
    absl::string_view error;
    int exit_code;
    Reason expected;
  } kCases[] = {
      {"p: error while loading shared libraries: libx.so.1: cannot open shared object file: No "
       "such file or directory\n",
       127, "libx.so.1 is missing"},
      {"p: error while loading shared libraries: libx.so.1: wrong ELF class: ELFCLASS32\n", 127,
       "libx.so.1: wrong ELF class: ELFCLASS32"},
      {"Error loading shared library libx.so.1: No such file or directory (needed by p)\n", 127,
       "libx.so.1 is missing"},
      {"\tlibx.so.1 => not found\n", 0, "libx.so.1 is missing"},
      {"/opt/p: CPU ISA level is lower than required\n", 127,
       "p needs a CPU of a higher ISA level"},
      {"something new\n", 1, "something new"},
      {"something new\n", 0, std::nullopt},
      {"", 127, "its loader ends with exit code 127"},
      {"", 0, std::nullopt},
  };
  for (const auto& test : kCases) {
    base::ChildAnswer answer;
    answer.error = std::string(test.error);
    answer.exit_code = test.exit_code;
    EXPECT_EQ(WhyNotLoad(answer, {}), test.expected) << test.error;
  }
}

TEST(PreflightTest, AnotherMachine) {
  std::string bytes = OwnBytes();
  bytes[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_S390);
  EXPECT_EQ(WhyNot(bytes), "wrong machine, its ELF header says 22");
}

TEST(PreflightTest, AnotherClass) {
  std::string bytes = OwnBytes();
  bytes[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(WhyNot(bytes), "wrong ELF class, it is not 64-bit");
}

TEST(PreflightTest, AnotherLoader) {
  EXPECT_EQ(WhyNot(Replace(OwnBytes(), "/ld-linux", "/ld-nowhe")).value_or("").substr(0, 19),
            "its interpreter '/l");
}

TEST(PreflightTest, AScriptOfAnInterpreterThatIsNotThere) {
  EXPECT_EQ(WhyNot("#!/nowhere/python3 -I\n"), "its interpreter '/nowhere/python3' is missing");
}

TEST(PreflightTest, NoProgramAtAll) {
  EXPECT_EQ(WhyNot("text"), "'a program' is neither ELF nor a script");
  EXPECT_EQ(WhyNot(""), "'a program' is neither ELF nor a script");
  EXPECT_EQ(WhyNot(OwnBytes().substr(0, 40)), "the program ends within its ELF header");
  base::RealFileSystem files;
  EXPECT_EQ(WhyNotStart(files, "/nowhere/demo", {}), "'demo' is not in its archive");
  EXPECT_EQ(WhyNotStart(files, "/etc/passwd", {}), "'passwd' is not executable");
}

TEST(PreflightTest, NoHeaderIsTooBroken) {
  const std::string bytes = OwnBytes().substr(0, 8192);
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    std::string changed = bytes;
    for (int j = 0; j < 4; ++j) {
      changed[SELFMAG + random() % 700] = static_cast<char>(random());
    }
    WhyNot(changed);
  }
}

}  // namespace
}  // namespace rules_inference::launcher
