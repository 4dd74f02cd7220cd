#include "plugins/release/row.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::release {
namespace {

using base::TestElf;

class RowTest : public testing::Test {
 protected:
  RowTest() {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/row", ++count);
    fs_.RemoveTree(root_).IgnoreError();
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
    request_.set_output(root_ + "/out.row.json");
    request_.set_archive(root_ + "/a.zip");
    request_.set_program(root_ + "/tool");
    request_.set_where("//:release");
    request_.mutable_declared()->set_name("x");
    request_.mutable_declared()->set_platform("linux-x86_64");
  }

  // An archive of the program, and of a library beside it when that has a name.
  void Build(const TestElf& program, const std::string& library = "",
             const TestElf& library_elf = TestElf()) {
    Write(request_.program(), base::BuildElf(program));
    base::TestZip zip;
    zip.entries.push_back({"bin/tool", base::BuildElf(program)});
    if (!library.empty()) zip.entries.push_back({library, base::BuildElf(library_elf)});
    Write(request_.archive(), base::BuildZip(zip));
  }
  void Write(const std::string& path, const std::string& data) {
    EXPECT_TRUE(base::WriteFile(fs_, path, data).ok());
  }
  void Declare(const std::string& properties) {
    EXPECT_TRUE(
        sdk::MergeJson("test", properties, request_.mutable_declared()->mutable_properties()).ok());
  }

  // The properties of the row and the notes, or the error.
  std::string Row() {
    std::string notes;
    const absl::Status status = WriteRow(request_, fs_, &notes);
    EXPECT_FALSE(fs_.Stat(request_.output() + ".unpacked", base::Follow::kNo).ok());
    EXPECT_EQ(fs_.Stat(request_.output(), base::Follow::kNo).ok(), status.ok());
    if (!status.ok()) return std::string(status.message());
    const std::string text = base::ReadFile(fs_, request_.output(), 1 << 20).value_or("");
    const auto row = sdk::ParseJson<sdk::Variant>("row", text);
    EXPECT_TRUE(row.ok()) << row.status();
    EXPECT_EQ(row->size(), base::ReadFile(fs_, request_.archive(), 1 << 20)->size());
    EXPECT_EQ(row->sha256().size(), 64);
    EXPECT_EQ(row->format(), "zip");
    return absl::StrCat(sdk::ToCanonicalJson(row->properties()), notes.empty() ? "" : "\n", notes);
  }

  static TestElf Cpu() {
    TestElf elf;
    elf.needed = {"libc.so.6"};
    elf.version_needs = {{"libc.so.6", "GLIBC_2.31"}};
    return elf;
  }
  // Code for sm_75, sm_86, sm_90a and sm_100f, PTX for 75, 90a and 100f, of toolkit 13.5.
  TestElf Cuda() {
    TestElf elf = Cpu();
    elf.sections = {
        {".nv_fatbin",
         base::ReadFile(fs_, "plugins/base/elf/testdata/empty.fatbin", 1 << 20).value_or("")}};
    return elf;
  }
  // Of what Cuda() has, all.
  static constexpr char kAll[] =
      R"({"accelerator":"cuda","cubins":["sm_75","sm_86","sm_90a","sm_100f"],)"
      R"("ptx":[{"arch":"compute_75"},{"arch":"compute_90a"},{"arch":"compute_100f"}]})";

  std::string root_;
  base::RealFileSystem fs_;
  sdk::ReleaseRowRequest request_;
};

TEST_F(RowTest, Cpu) {
  Build(Cpu());
  Declare(R"({"accelerator":"cpu"})");
  EXPECT_EQ(Row(), R"({"accelerator":"cpu","libc":"glibc-2.31"})");
}

TEST_F(RowTest, ToolkitsAreRead) {
  Build(Cuda());
  Declare(kAll);
  EXPECT_EQ(
      Row(),
      R"({"accelerator":"cuda","cubins":["sm_75","sm_86","sm_90a","sm_100f"],)"
      R"("cuda":"13.5","libc":"glibc-2.31","ptx":[{"arch":"compute_75","toolkit":"13.5"},)"
      R"({"arch":"compute_90a","toolkit":"13.5"},{"arch":"compute_100f","toolkit":"13.5"}]})");
}

TEST_F(RowTest, LibrariesAreReadFromTheProgram) {
  TestElf program = Cuda();
  program.needed = {"libc.so.6", "libcudart.so.13", "libcudnn.so.9", "libown.so"};
  Build(program, "lib/libown.so", Cpu());
  Declare(kAll);
  EXPECT_TRUE(absl::StrContains(Row(), R"("cuda":"13.5","cudnn":"9","libc":"glibc-2.31")"));
  EXPECT_TRUE(absl::StrContains(Row(), R"("sonames":["libcudart.so.13","libcudnn.so.9"])"));
}

TEST_F(RowTest, LibrariesThatAreOpenedByNameAreDeclared) {
  TestElf program = Cuda();
  program.needed = {"libc.so.6", "libcudnn.so.9"};
  Build(program);
  std::string declared = kAll;
  declared.pop_back();
  Declare(declared + R"(,"sonames":["libcublasLt.so.13","libcudnn.so.9"]})");
  EXPECT_TRUE(absl::StrContains(Row(), R"("sonames":["libcublasLt.so.13","libcudnn.so.9"])"));
}

// A library that runs on more devices than the program does not make the program run there.
TEST_F(RowTest, CodeOfALibraryIsNotThatOfTheProgram) {
  Build(Cpu(), "lib/libbig.so", Cuda());
  Declare(R"({"accelerator":"cuda","cubins":["sm_86"]})");
  EXPECT_EQ(Row(),
            R"({"accelerator":"cuda","cubins":["sm_86"],"cuda":"13.5","libc":"glibc-2.31"})");
}

TEST_F(RowTest, CodeThatIsMissing) {
  Build(Cuda());
  Declare(R"({"accelerator":"cuda","cubins":["sm_80"]})");
  EXPECT_EQ(
      Row(),
      "variants lock: //:release: x for linux-x86_64: got no code for sm_80 in the archive, "
      "which has sm_75, sm_86, sm_90a, sm_100f, compute_75, compute_90a, compute_100f, expected "
      "cubins sm_80 as the row says");
}

TEST_F(RowTest, PtxThatIsMissing) {
  Build(Cuda());
  Declare(R"({"accelerator":"cuda","cubins":["sm_75"],"ptx":[{"arch":"compute_80"}]})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got no PTX for compute_80 in the "
            "archive, which has sm_75, sm_86, sm_90a, sm_100f, compute_75, compute_90a, "
            "compute_100f, expected PTX compute_80 as the row says");
}

TEST_F(RowTest, CodeThatNobodyDeclared) {
  Build(Cuda());
  Declare(R"({"accelerator":"cuda","cubins":["sm_75","sm_86","sm_90a","sm_100f"],)"
          R"("ptx":[{"arch":"compute_75"},{"arch":"compute_90a"}]})");
  EXPECT_EQ(
      Row(),
      "release: //:release: x for linux-x86_64: got code for compute_100f in 'tool', expected "
      "code for compute_75, compute_90a, sm_100f, sm_75, sm_86, sm_90a only");
}

TEST_F(RowTest, CudaWithoutCode) {
  Build(Cpu());
  Declare(R"({"accelerator":"cuda","cubins":["sm_86"],"cuda":"13.0"})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got an archive without CUDA code, "
            "expected code for sm_86 as the row says");
}

TEST_F(RowTest, CpuWithCode) {
  Build(Cuda());
  Declare(R"({"accelerator":"cpu"})");
  EXPECT_EQ(
      Row(),
      "variants lock: //:release: x for linux-x86_64: got an archive with CUDA code, expected "
      "accelerator cpu as the row says");
}

TEST_F(RowTest, CpuWithACudaLibrary) {
  TestElf program = Cpu();
  program.needed = {"libcudart.so.13"};
  Build(program);
  Declare(R"({"accelerator":"cpu"})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got an archive that needs CUDA "
            "libraries, expected accelerator cpu as the row says");
}

TEST_F(RowTest, AnotherToolkit) {
  TestElf program = Cuda();
  program.needed = {"libcudart.so.13"};
  Build(program);
  Declare(kAll);
  Declare(R"({"cuda":"12.8"})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got an archive of CUDA 13.5, expected "
            "CUDA 12.8 as the row says");
}

TEST_F(RowTest, AnotherCudnn) {
  TestElf program = Cuda();
  program.needed = {"libcudnn.so.9"};
  Build(program);
  Declare(kAll);
  Declare(R"({"cudnn":"8"})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got an archive of cuDNN 9, expected "
            "cuDNN 8 as the row says");
}

TEST_F(RowTest, AnotherMachine) {
  TestElf program = Cpu();
  program.machine = 183;
  Build(program);
  Declare(R"({"accelerator":"cpu"})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got an archive with programs for "
            "linux-aarch64, expected programs for linux-x86_64");
}

TEST_F(RowTest, AToolkitThatNothingTells) {
  TestElf program = Cpu();
  program.sections = {
      {".nv_fatbin",
       base::ReadFile(fs_, "plugins/base/elf/testdata/concat.fatbin", 1 << 20).value_or("")}};
  Build(Cpu(), "lib/libcode.so", program);
  Declare(R"({"accelerator":"cuda","cubins":["sm_86"]})");
  EXPECT_EQ(Row(),
            R"({"accelerator":"cuda","cubins":["sm_86"],"cuda":"13.5","libc":"glibc-2.31"})");
}

// The note that a linker writes with -z x86-64-v3.
TEST_F(RowTest, CpuLevel) {
  TestElf program = Cpu();
  program.sections = {
      {".note.gnu.property", std::string("\4\0\0\0\x20\0\0\0\5\0\0\0GNU\0", 16) +
                                 std::string("\2\0\0\xc0\4\0\0\0\3\0\0\0\0\0\0\0", 16) +
                                 std::string("\2\x80\0\xc0\4\0\0\0\5\0\0\0\0\0\0\0", 16)}};
  Build(program);
  Declare(R"({"accelerator":"cpu"})");
  EXPECT_EQ(Row(), R"({"accelerator":"cpu","cpu_level":"x86-64-v3","libc":"glibc-2.31"})");
  Declare(R"({"cpu_level":"x86-64-v4"})");
  EXPECT_EQ(Row(), R"({"accelerator":"cpu","cpu_level":"x86-64-v4","libc":"glibc-2.31"})");
  ASSERT_TRUE(fs_.RemoveTree(request_.output()).ok());
  Declare(R"({"cpu_level":"x86-64-v2"})");
  EXPECT_EQ(Row(),
            "variants lock: //:release: x for linux-x86_64: got programs that need x86-64-v3, "
            "expected cpu_level x86-64-v2 as the row says");
}

TEST_F(RowTest, ScriptsAreProgramsToo) {
  Build(Cpu());
  Write(request_.program(), "#!/bin/sh\n");
  Declare(R"({"accelerator":"cpu"})");
  EXPECT_EQ(Row(), R"({"accelerator":"cpu","libc":"glibc-2.31"})");
}

TEST_F(RowTest, EveryFailureLeavesNothing) {
  Build(Cuda());
  Declare(kAll);
  const std::string good = Row();
  for (int n = 1;; ++n) {
    ASSERT_TRUE(fs_.RemoveTree(request_.output()).ok());
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    std::string notes;
    const absl::Status status = WriteRow(request_, faulty, &notes);
    EXPECT_EQ(fs_.Stat(request_.output(), base::Follow::kNo).ok(), status.ok()) << n;
    if (!faulty.failed()) break;
    EXPECT_EQ(Row(), good) << n;
  }
}

}  // namespace
}  // namespace rules_inference::release
