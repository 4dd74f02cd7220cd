#include "plugins/lock/inspect.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"

namespace rules_inference::lock {
namespace {

using base::BuildElf;
using base::TestElf;

class InspectTest : public testing::Test {
 protected:
  InspectTest() {
    static int count = 0;
    root_ = absl::StrCat(testing::TempDir(), "/inspect", ++count);
    fs_.RemoveTree(root_).IgnoreError();
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
  }

  void Put(absl::string_view path, const std::string& bytes) {
    const std::string full = base::JoinPath(root_, path);
    EXPECT_TRUE(fs_.CreateDirectories(full.substr(0, full.rfind('/'))).ok());
    const absl::Status status = base::WriteFile(fs_, full, bytes);
    EXPECT_TRUE(status.ok()) << status;
  }
  void Put(absl::string_view path, const TestElf& elf) { Put(path, BuildElf(elf)); }

  // The properties as JSON, the platform, and the notes; or the error.
  std::string Result() {
    const absl::StatusOr<Inspection> found = Inspect(root_, fs_);
    if (!found.ok()) {
      return absl::StrReplaceAll(found.status().message(), {{root_, "ROOT"}});
    }
    std::string out = sdk::ToCanonicalJson(found->properties);
    if (found->has_programs()) absl::StrAppend(&out, " on linux-", found->cpu);
    for (const std::string& note : found->notes) absl::StrAppend(&out, "\n", note);
    return out;
  }

  static std::string Fatbin() {
    base::RealFileSystem fs;
    return base::ReadFile(fs, "plugins/base/elf/testdata/empty.fatbin", 1 << 20).value_or("");
  }
  // A container with one cubin, without anything in it.
  static std::string Cubin(int capability) {
    std::string out("\x50\xed\x55\xba\x01\0\x10\0\x40\0\0\0\0\0\0\0", 16);
    std::string entry(64, '\0');
    entry[0] = 2;
    entry[4] = 64;
    entry[28] = static_cast<char>(capability);
    return out + entry;
  }

  std::string root_;
  base::RealFileSystem fs_;
};

TEST_F(InspectTest, NothingToRead) {
  EXPECT_EQ(Result(), "{}");
  Put("data.json", "{}");
  Put("run.sh", "#!/bin/sh\n");
  Put("empty", "");
  EXPECT_EQ(Result(), "{}");
  EXPECT_TRUE(Inspect(root_, fs_)->RunsOn("macos-aarch64"));
}

TEST_F(InspectTest, CpuProgram) {
  TestElf program;
  program.interpreter = "/lib64/ld-linux-x86-64.so.2";
  program.needed = {"libc.so.6",      "libm.so.6",   "libgcc_s.so.1",
                    "libstdc++.so.6", "libssl.so.3", "ld-linux-x86-64.so.2"};
  program.version_needs = {{"libc.so.6", "GLIBC_2.17"}, {"libc.so.6", "GLIBC_2.31"}};
  Put("bin/tool", program);
  TestElf library;
  library.soname = "libhelp.so.1";
  library.version_needs = {{"libm.so.6", "GLIBC_2.29"}};
  Put("lib/libhelp.so.1", library);
  EXPECT_EQ(Result(),
            R"({"libc":"glibc-2.31","sonames":["libgcc_s.so.1","libssl.so.3","libstdc++.so.6"]})"
            " on linux-x86_64");
  const Inspection found = *Inspect(root_, fs_);
  EXPECT_TRUE(found.RunsOn("linux-x86_64"));
  EXPECT_FALSE(found.RunsOn("linux-aarch64"));
  EXPECT_FALSE(found.RunsOn("windows-x86_64"));
}

TEST_F(InspectTest, LibrariesThatItBrings) {
  TestElf program;
  program.needed = {"$ORIGIN/../lib/libby_file.so.1", "libby_link.so.2", "libby_soname.so.3",
                    "$ORIGIN/libnone.so.4"};
  Put("tool", program);
  Put("lib/libby_file.so.1", TestElf());
  Put("lib/libby_link.so.2.0.1", TestElf());
  ASSERT_TRUE(fs_.Symlink("libby_link.so.2.0.1", root_ + "/lib/libby_link.so.2").ok());
  ASSERT_TRUE(fs_.Symlink("nowhere", root_ + "/lib/libnone.so.4").ok());
  TestElf other;
  other.soname = "libby_soname.so.3";
  Put("lib/other", other);
  EXPECT_EQ(Result(), R"({"sonames":["libnone.so.4"]} on linux-x86_64)");
}

TEST_F(InspectTest, CudaProgram) {
  TestElf program;
  program.needed = {"libcuda.so.1", "libcudart.so.13", "libcudnn.so.9", "libcublas.so.13"};
  program.sections = {{".nv_fatbin", Fatbin()}};
  Put("tool", program);
  EXPECT_EQ(Result(),
            R"({"accelerator":"cuda","cubins":["sm_75","sm_86","sm_90a","sm_100f"],"cuda":"13.5",)"
            R"("cudnn":"9","ptx":[{"arch":"compute_75","toolkit":"13.5"},)"
            R"({"arch":"compute_90a","toolkit":"13.5"},{"arch":"compute_100f","toolkit":"13.5"}],)"
            R"("sonames":["libcublas.so.13","libcudart.so.13","libcudnn.so.9"]} on linux-x86_64)");
}

TEST_F(InspectTest, CudaByLibrariesOnly) {
  TestElf program;
  program.needed = {"libcublasLt.so.12"};
  Put("tool", program);
  EXPECT_EQ(
      Result(),
      R"({"accelerator":"cuda","cuda":"12","sonames":["libcublasLt.so.12"]} on linux-x86_64)");
}

TEST_F(InspectTest, CudaDriverOnly) {
  TestElf program;
  program.needed = {"libcuda.so.1"};
  Put("tool", program);
  EXPECT_EQ(Result(), R"({"accelerator":"cuda"} on linux-x86_64)");
}

TEST_F(InspectTest, NamesThatOnlyLookLikeCuda) {
  TestElf program;
  program.needed = {"libcudart_static.so.12", "libcudazzle.so.1"};
  Put("tool", program);
  EXPECT_EQ(Result(),
            R"({"sonames":["libcudart_static.so.12","libcudazzle.so.1"]} on linux-x86_64)");
}

TEST_F(InspectTest, LooseFatBinary) {
  Put("kernels/a.fatbin", Fatbin());
  EXPECT_EQ(Result().substr(0, 74),
            R"({"accelerator":"cuda","cubins":["sm_75","sm_86","sm_90a","sm_100f"],"cuda")");
}

TEST_F(InspectTest, OneLibraryHasLessThanTheOthers) {
  TestElf both;
  both.sections = {{".nv_fatbin", Cubin(80) + Cubin(90)}};
  Put("lib/a.so", both);
  TestElf one;
  one.sections = {{".nv_fatbin", Cubin(90)}};
  Put("lib/b.so", one);
  EXPECT_EQ(Result(),
            "{\"accelerator\":\"cuda\",\"cubins\":[\"sm_80\",\"sm_90\"]} on linux-x86_64\n"
            "lib/b.so: has sm_90 of sm_80, sm_90");
}

TEST_F(InspectTest, TwoRuntimes) {
  TestElf program;
  program.needed = {"libcudart.so.12", "libcublas.so.11"};
  Put("tool", program);
  EXPECT_EQ(Result(),
            "{\"accelerator\":\"cuda\",\"cuda\":\"12\",\"sonames\":[\"libcublas.so.11\","
            "\"libcudart.so.12\"]} on linux-x86_64\n"
            "libraries of CUDA 11 and 12 in one archive");
}

TEST_F(InspectTest, Musl) {
  TestElf program;
  program.interpreter = "/lib/ld-musl-aarch64.so.1";
  program.machine = 183;
  program.needed = {"libc.musl-aarch64.so.1", "libz.so.1"};
  Put("tool", program);
  EXPECT_EQ(Result(),
            "{\"libc\":\"musl-1.0\",\"sonames\":[\"libz.so.1\"]} on linux-aarch64\n"
            "tool: needs musl, and does not tell which version");
}

TEST_F(InspectTest, TwoLibcs) {
  TestElf musl;
  musl.interpreter = "/lib/ld-musl-x86_64.so.1";
  Put("a", musl);
  TestElf glibc;
  glibc.version_needs = {{"libc.so.6", "GLIBC_2.31"}};
  Put("b", glibc);
  EXPECT_EQ(Result(), "inspect: a: got a program of musl, expected glibc as in b");
}

TEST_F(InspectTest, TwoMachines) {
  Put("bin/a", TestElf());
  TestElf other;
  other.machine = 183;
  Put("bin/b", other);
  EXPECT_EQ(Result(), "inspect: bin/b: got aarch64, expected x86_64 as in bin/a");
}

TEST_F(InspectTest, UnknownMachine) {
  TestElf other;
  other.machine = 243;
  Put("a", other);
  EXPECT_EQ(Result(), "inspect: a: got ELF machine 243, expected x86_64 or aarch64");
}

// An object file is no program of this machine: it may be for an eBPF.
TEST_F(InspectTest, ObjectFilesDoNotCount) {
  TestElf object;
  object.machine = 247;
  object.type = 1;
  Put("probe.o", object);
  EXPECT_EQ(Result(), "{}");
}

TEST_F(InspectTest, DamagedFileIsNamed) {
  Put("a", std::string("\x7f"
                       "ELF") +
               std::string(20, 'x'));
  EXPECT_EQ(Result(), "{}\na: not read, header: got a file of 24 bytes, expected at least 64");
}

TEST_F(InspectTest, DamagedCudaCodeIsAnError) {
  TestElf program;
  program.sections = {{".nv_fatbin", "garbage!"}};
  Put("a", program);
  EXPECT_EQ(Result().substr(0, 26), "fatbin: ROOT/a: byte 240: ");
}

TEST_F(InspectTest, HostileName) {
  TestElf program;
  program.needed = {"lib\x1b[2J.so"};
  Put("a", program);
  EXPECT_EQ(Result(),
            "inspect: a: got needed library 'lib\\033[2J.so', expected a name without spaces and "
            "control characters");
}

TEST_F(InspectTest, EveryFailureOfTheFileSystemIsTold) {
  TestElf program;
  program.sections = {{".nv_fatbin", Fatbin()}};
  Put("bin/tool", program);
  int n = 1;
  for (;; ++n) {
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const absl::StatusOr<Inspection> found = Inspect(root_, faulty);
    if (!faulty.failed()) {
      EXPECT_TRUE(found.ok()) << found.status();
      break;
    }
    EXPECT_FALSE(found.ok()) << n;
  }
  EXPECT_GT(n, 10);
}

}  // namespace
}  // namespace rules_inference::lock
