#include "plugins/infer/cli/version.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::infer {
namespace {

// The line about GPUs of a program with these bytes.
std::string GpuLine(const std::string& bytes) {
  base::RealFileSystem files;
  const std::string path = absl::StrCat(testing::TempDir(), "/program");
  EXPECT_TRUE(base::WriteFile(files, path, bytes).ok());
  const std::vector<std::string> lines = absl::StrSplit(DescribeCode(files, path), '\n');
  EXPECT_EQ(lines.size(), 3);
  return lines[1];
}

TEST(VersionTest, CpuOfThisMachineIsAmongThoseWithCode) {
  base::RealFileSystem files;
  const std::string text = DescribeCode(files, "/proc/self/exe");
  const absl::string_view line = absl::string_view(text).substr(0, text.find('\n'));
  const std::vector<std::string> parts =
      absl::StrSplit(absl::StripPrefix(line, "CPU: "), "; here ");
  ASSERT_EQ(parts.size(), 2) << line;
  const std::vector<std::string> all = absl::StrSplit(parts[0], ", ");
  EXPECT_TRUE(std::find(all.begin(), all.end(), parts[1]) != all.end()) << line;
#if defined(__x86_64__) && !defined(__AVX__)
  EXPECT_EQ(parts[0], "avx512vnni, avx512, avx2, sse4, sse2");
#elif defined(__aarch64__)
  EXPECT_EQ(parts[0], "neon");
#endif
}

TEST(VersionTest, CodeForGpus) {
  base::RealFileSystem files;
  const auto fatbin =
      base::ReadFile(files, "plugins/base/elf/testdata/packed.fatbin", uint64_t{1} << 20);
  ASSERT_TRUE(fatbin.ok()) << fatbin.status();
  base::TestElf elf;
  elf.sections = {{".nv_fatbin", *fatbin}};
  EXPECT_EQ(GpuLine(base::BuildElf(elf)), "GPU: sm_100a, sm_120f, sm_86, compute_86 (CUDA 13.0)");
}

TEST(VersionTest, NoCodeForGpus) { EXPECT_EQ(GpuLine(base::BuildElf({})), "GPU: none"); }

TEST(VersionTest, AProgramThatCannotBeRead) {
  EXPECT_TRUE(absl::StartsWith(GpuLine("text"), "GPU: unknown: elf: ")) << GpuLine("text");
}

}  // namespace
}  // namespace rules_inference::infer
