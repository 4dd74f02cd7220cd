#include "plugins/select/provider/provider.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/select/provider/cpu.h"
#include "plugins/select/provider/detect.h"
#include "plugins/select/provider/libc.h"
#include "plugins/select/provider/nvidia.h"

namespace rules_inference::select {
namespace {

// A machine in a folder, one for each test, as a library that was loaded once may stay loaded.
class MachineTest : public testing::Test {
 protected:
  MachineTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_TRUE(fs_.RemoveTree(root_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
    probe_.files = &fs_;
    probe_.root = root_;
    probe_.environment = [this](absl::string_view name) -> std::string {
      for (const auto& [key, value] : environment_) {
        if (key == name) return value;
      }
      return "";
    };
  }

  void Write(const std::string& path, absl::string_view text) {
    const std::string full = absl::StrCat(root_, path);
    ASSERT_TRUE(fs_.CreateDirectories(full.substr(0, full.rfind('/'))).ok());
    ASSERT_TRUE(base::WriteFile(fs_, full, text).ok());
  }

  void InstallNvml(const char* machine) {
    setenv("FAKE_NVML", machine, 1);
    const absl::StatusOr<std::string> library =
        base::ReadFile(fs_, "plugins/select/provider/libfake_nvml.so", 1 << 26);
    ASSERT_TRUE(library.ok()) << library.status();
    Write("/usr/lib/wsl/lib/libnvidia-ml.so.1", *library);
  }

  std::string Capabilities(const sdk::HostDescriptor& host) {
    std::vector<std::string> all;
    for (const sdk::Device& device : host.devices()) all.push_back(device.compute_capability());
    return absl::StrJoin(all, " ");
  }

  base::RealFileSystem fs_;
  std::string root_;
  Probe probe_;
  std::vector<std::pair<std::string, std::string>> environment_;
};

constexpr absl::string_view kVersionFile =
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs)\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n";

TEST_F(MachineTest, NoGpu) {
  const Detection found = DetectHost(probe_);
  EXPECT_EQ(found.host.devices_size(), 0);
  EXPECT_EQ(found.host.driver(), "");
  EXPECT_TRUE(found.notes.empty()) << absl::StrJoin(found.notes, "\n");
}

TEST_F(MachineTest, TwoGpus) {
  InstallNvml("580.95.05;13000;8.6,9.0");
  const Detection found = DetectHost(probe_);
  EXPECT_EQ(found.host.driver(), "580.95.05");
  EXPECT_EQ(found.host.driver_api(), "13.0");
  EXPECT_EQ(Capabilities(found.host), "8.6 9.0");
  EXPECT_EQ(found.host.devices(1).name(), "Device 1");
  EXPECT_EQ(found.host.devices(1).memory_bytes(), uint64_t{1} << 34);
  EXPECT_TRUE(found.notes.empty());
}

TEST_F(MachineTest, VisibleDevices) {
  InstallNvml("580.95.05;13000;8.6,9.0");
  environment_ = {{"CUDA_VISIBLE_DEVICES", "GPU-1"}};
  EXPECT_EQ(Capabilities(DetectHost(probe_).host), "9.0");
  environment_ = {{"CUDA_VISIBLE_DEVICES", "1"}, {"CUDA_DEVICE_ORDER", "PCI_BUS_ID"}};
  EXPECT_EQ(Capabilities(DetectHost(probe_).host), "9.0");
  environment_ = {{"CUDA_VISIBLE_DEVICES", "-1"}};
  const Detection none = DetectHost(probe_);
  EXPECT_EQ(Capabilities(none.host), "");
  EXPECT_EQ(absl::StrJoin(none.notes, "|"), "nvidia: CUDA_VISIBLE_DEVICES hides all 2 devices");
}

TEST_F(MachineTest, AnIndexAmongDevicesOfTwoKindsIsNotTrusted) {
  InstallNvml("580.95.05;13000;8.6,9.0");
  environment_ = {{"CUDA_VISIBLE_DEVICES", "1"}};
  const Detection found = DetectHost(probe_);
  EXPECT_EQ(Capabilities(found.host), "8.6 9.0");
  EXPECT_EQ(absl::StrJoin(found.notes, "|"),
            "nvidia: CUDA_VISIBLE_DEVICES=1 names devices of several kinds by index, and CUDA may "
            "count them in another order: all are taken; set CUDA_DEVICE_ORDER=PCI_BUS_ID or use "
            "UUIDs");
}

TEST_F(MachineTest, DriverWithoutItsLibrary) {
  Write("/proc/driver/nvidia/version", kVersionFile);
  const Detection found = DetectHost(probe_);
  EXPECT_EQ(found.host.driver(), "580.95.05");
  EXPECT_EQ(found.host.driver_api(), "");
  EXPECT_EQ(absl::StrJoin(found.notes, "|"),
            "nvidia: the kernel has driver 580.95.05, but libnvidia-ml.so.1 cannot be loaded, so "
            "no device is known");
}

TEST_F(MachineTest, LibraryWithoutADriver) {
  InstallNvml("unloaded");
  const Detection found = DetectHost(probe_);
  EXPECT_EQ(found.host.driver(), "");
  EXPECT_TRUE(found.notes.empty());
}

TEST_F(MachineTest, ADeviceThatDoesNotAnswerIsANote) {
  InstallNvml("580.95.05;13000;broken");
  const Detection found = DetectHost(probe_);
  EXPECT_EQ(found.host.devices_size(), 0);
  EXPECT_EQ(absl::StrJoin(found.notes, "|"),
            "nvidia: nvmlDeviceGetCudaComputeCapability: Unknown Error");
}

TEST_F(MachineTest, LibraryThatIsAnotherOne) {
  Write("/usr/lib/wsl/lib/libnvidia-ml.so.1", "no ELF file");
  EXPECT_EQ(DetectHost(probe_).host.devices_size(), 0);
}

TEST_F(MachineTest, Sonames) {
  Write("/etc/ld.so.conf",
        "# folders\ninclude /etc/ld.so.conf.d/*.conf\ninclude /etc/ld.so.conf\n");
  Write("/etc/ld.so.conf.d/cuda.conf", "/opt/cuda/lib64  # toolkit\n");
  Write("/opt/cuda/lib64/libcudart.so.12", "");
  Write("/usr/lib/libgomp.so.1", "");
  Write("/mine/libcudnn.so.9", "");
  environment_ = {{"LD_LIBRARY_PATH", absl::StrCat("relative:", root_, "/mine")}};
  probe_.sonames = {"libgomp.so.1",   "libcudnn.so.9",           "libcudart.so.12",
                    "libabsent.so.1", "../usr/lib/libgomp.so.1", "libgomp.so.1"};
  const sdk::HostDescriptor host = DetectHost(probe_).host;
  EXPECT_EQ(absl::StrJoin(host.sonames(), " "), "libcudart.so.12 libcudnn.so.9 libgomp.so.1");
}

TEST_F(MachineTest, GlibcOfAnotherRoot) {
  Write("/lib64/libc.so.6",
        absl::StrCat("junk", std::string(10, '\0'),
                     "GNU C Library (Distribution GLIBC 2.31-13) stable release version 2.31.\n"));
  EXPECT_EQ(DetectHost(probe_).host.libc(), "glibc-2.31");
}

TEST(ProviderTest, ThisMachine) {
  base::RealFileSystem fs;
  const Detection found = DetectHost(RealProbe(fs));
  EXPECT_EQ(found.host.descriptor_version(), 1U);
  EXPECT_NE(found.host.platform(), "");
  EXPECT_NE(found.host.cpu_level(), "");
#if defined(__GLIBC__)
  EXPECT_EQ(found.host.libc(), absl::StrCat("glibc-", __GLIBC__, ".", __GLIBC_MINOR__));
#endif
}

TEST(ProviderTest, AllAreThere) {
  std::vector<std::string> names;
  for (const VariantProvider* provider : Providers()) names.emplace_back(provider->name());
  EXPECT_EQ(absl::StrJoin(names, " "), "cpu libc nvidia");
}

TEST(NvidiaTest, DriverVersion) {
  EXPECT_EQ(DriverVersionIn(kVersionFile), "580.95.05");
  EXPECT_EQ(DriverVersionIn("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May"),
            "470.256.02");
  EXPECT_EQ(DriverVersionIn("GCC version:  gcc version 12.2.0"), "");
  EXPECT_EQ(DriverVersionIn("NVRM version: nothing"), "");
}

TEST(NvidiaTest, CudaRelease) {
  EXPECT_EQ(CudaRelease(13000), "13.0");
  EXPECT_EQ(CudaRelease(12080), "12.8");
  EXPECT_EQ(CudaRelease(13020), "13.2");
}

TEST(NvidiaTest, VisibleListEndsAtTheFirstThatNamesNoDevice) {
  std::vector<NvidiaDevice> devices(3);
  for (size_t i = 0; i < devices.size(); ++i) {
    devices[i].device.set_compute_capability("9.0");
    devices[i].uuid = absl::StrCat("GPU-abc", i);
  }
  const auto count = [&](absl::string_view value) {
    const auto visible = Visible(devices, value, false);
    return visible.ok() ? static_cast<int>(visible->size()) : -1;
  };
  EXPECT_EQ(count("0,1,2"), 3);
  EXPECT_EQ(count("2, 0"), 2);
  EXPECT_EQ(count("0,9,1"), 1);
  EXPECT_EQ(count("0,0,1"), 1);
  EXPECT_EQ(count("GPU-abc2,0"), 2);
  EXPECT_EQ(count("GPU-abc"), 0);
  EXPECT_EQ(count("void"), 0);
  EXPECT_EQ(count("MIG-1234"), 1);
}

// What an x86-64-v3 processor has, without what a v4 one adds.
X86Registers Haswell() {
  X86Registers r;
  r.leaf1_ecx = (1U << 0) | (1U << 9) | (1U << 12) | (1U << 13) | (1U << 19) | (1U << 20) |
                (1U << 22) | (1U << 23) | (1U << 28) | (1U << 29);
  r.leaf7_ebx = (1U << 3) | (1U << 5) | (1U << 8);
  r.extended1_ecx = (1U << 0) | (1U << 5);
  r.xcr0 = 0x7;
  return r;
}

TEST(CpuTest, LevelsOfX86) {
  EXPECT_EQ(DescribeX86({}).level, "x86-64-v1");
  X86Registers r = Haswell();
  EXPECT_EQ(DescribeX86(r).level, "x86-64-v3");
  EXPECT_EQ(absl::StrJoin(DescribeX86(r).features, " "), "avx avx2 f16c fma");
  r.xcr0 = 0x3;  // The operating system does not save the wide registers.
  EXPECT_EQ(DescribeX86(r).level, "x86-64-v2");
  EXPECT_TRUE(DescribeX86(r).features.empty());
  r = Haswell();
  r.leaf1_ecx &= ~(1U << 20);
  EXPECT_EQ(DescribeX86(r).level, "x86-64-v1");
  r = Haswell();
  r.leaf7_ebx |= (1U << 16) | (1U << 17) | (1U << 28) | (1U << 30) | (1U << 31);
  EXPECT_EQ(DescribeX86(r).level, "x86-64-v3");
  r.xcr0 = 0xe7;
  EXPECT_EQ(DescribeX86(r).level, "x86-64-v4");
}

TEST(CpuTest, LevelsOfArm) {
  EXPECT_EQ(DescribeArm(0x3, 0).level, "armv8.0-a");
  const uint64_t v82 = (1U << 7) | (1U << 8) | (1U << 12) | (1U << 16);
  EXPECT_EQ(DescribeArm(v82, 0).level, "armv8.2-a");
  const uint64_t all = 0xffffffff;
  EXPECT_EQ(DescribeArm(all, 0).level, "armv8.4-a");
  EXPECT_EQ(DescribeArm(all & ~uint64_t{1 << 22}, all).level, "armv8.6-a");
  EXPECT_EQ(DescribeArm(all, all & ~uint64_t{1 << 13}).level, "armv9.0-a");
  EXPECT_EQ(DescribeArm(all, all).level, "armv9.1-a");
  EXPECT_EQ(absl::StrJoin(DescribeArm(1U << 20, 1U << 13).features, " "), "asimddp i8mm");
}

TEST(LibcTest, VersionInTheFile) {
  EXPECT_EQ(GlibcVersionIn("GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version "
                           "2.36.\nCopyright"),
            "2.36");
  EXPECT_EQ(GlibcVersionIn("GNU C Library (GNU libc) development release version 2.41.9000."),
            "2.41.9000");
  EXPECT_EQ(GlibcVersionIn("GNU C Library, nothing more"), "");
  EXPECT_EQ(GlibcVersionIn(""), "");
}

}  // namespace
}  // namespace rules_inference::select
