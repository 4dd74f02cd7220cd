// Real launchers in their runfiles, with programs that can and cannot be loaded. Machines are made
// up by INFERENCE_HOST.

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/unpack.h"
#include "plugins/base/digest.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/sdk/process.h"

namespace rules_inference::launcher {
namespace {

constexpr absl::string_view kNoDevice = R"({"descriptor_version":1,"cpu_level":"x86-64-v2"})";

std::string WithDevice(absl::string_view capability) {
  return absl::StrCat(R"({"descriptor_version":1,"devices":[{"compute_capability":")", capability,
                      R"("}],"driver":"580.95.05","driver_api":"13.0"})");
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Built(absl::string_view name) {
  return absl::StrCat(std::filesystem::current_path().string(), "/", std::getenv("PACKAGE"), "/",
                      name);
}

class LauncherTest : public ::testing::Test {
 protected:
  LauncherTest() {
    for (const char* name : {"INFERENCE_HOST", "INFERENCE_VARIANT", "INFERENCE_EXPLAIN"}) {
      unsetenv(name);
    }
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }

  void Host(absl::string_view json) {
    const std::string path = absl::StrCat(directory_, "/host.json");
    std::ofstream(path) << json;
    setenv("INFERENCE_HOST", path.c_str(), 1);
  }

  sdk::ProcessResult Start(const std::string& launcher, const std::vector<std::string>& arguments,
                           absl::string_view input = "") {
    std::vector<std::string> argv = {launcher};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const absl::StatusOr<sdk::ProcessResult> result = sdk::RunProcess(argv, input);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : sdk::ProcessResult();
  }

  const std::string directory_ = absl::StrCat(
      ::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(LauncherTest, StartsWhatTheMachineCanRun) {
  Host(WithDevice("9.0"));
  const sdk::ProcessResult result = Start(Built("serve"), {"a b", "", "*"});
  EXPECT_EQ(result.output, "cuda cuda-sm90 [a b] [] [*]\n");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.exit_code, 0);
}

TEST_F(LauncherTest, AsksTheDriverOnce) {
  std::filesystem::copy_file(std::getenv("FAKE_NVML_LIBRARY"),
                             absl::StrCat(directory_, "/libnvidia-ml.so.1"));
  std::filesystem::create_directories(absl::StrCat(directory_, "/run"));
  setenv("LD_LIBRARY_PATH", directory_.c_str(), 1);
  setenv("XDG_RUNTIME_DIR", absl::StrCat(directory_, "/run").c_str(), 1);
  setenv("FAKE_NVML", "580.95.05;13000;9.0", 1);
  const sdk::ProcessResult first = Start(Built("serve"), {"x"});
  EXPECT_EQ(first.output, "cuda cuda-sm90 [x]\n");
  EXPECT_EQ(first.error, "");

  // A machine does not change like that; the answer is the kept one, until it is asked for anew.
  setenv("FAKE_NVML", "580.95.05;13000;8.0", 1);
  EXPECT_EQ(Start(Built("serve"), {"x"}).output, "cuda cuda-sm90 [x]\n");
  setenv("INFERENCE_EXPLAIN", "1", 1);
  EXPECT_EQ(Start(Built("serve"), {"x"}).output, "cpu cpu [x]\n");
  for (const char* name : {"LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "FAKE_NVML"}) unsetenv(name);
}

TEST_F(LauncherTest, FallsBackWhenALibraryIsMissing) {
  Host(WithDevice("8.6"));
  const sdk::ProcessResult result = Start(Built("serve"), {"x"});
  EXPECT_EQ(result.output, "cpu cpu [x]\n");
  EXPECT_EQ(result.error,
            "inference: demo: cuda-sm86 cannot start (libgone.so.7 is missing); using cpu\n");
}

TEST_F(LauncherTest, FallsBackWhenTheCpuIsTooOld) {
  const sdk::ProcessResult result = Start(Built("serve_next"), {"x"});
  EXPECT_EQ(result.output, "cpu cpu [x]\n");
  EXPECT_EQ(result.error,
            "inference: demo: cpu-next cannot start (it needs a CPU of a higher ISA "
            "level); using cpu\n");
}

TEST_F(LauncherTest, SaysNothingWhereNoDeviceIs) {
  Host(kNoDevice);
  const sdk::ProcessResult result = Start(Built("serve"), {});
  EXPECT_EQ(result.output, "cpu cpu\n");
  EXPECT_EQ(result.error, "");
}

TEST_F(LauncherTest, FollowsTheChain) {
  Host(kNoDevice);
  const sdk::ProcessResult result = Start(Built("serve_chain"), {});
  EXPECT_EQ(result.output, "cpu cpu\n");
  EXPECT_EQ(
      result.error,
      "inference: demo: cuda-sm86 cannot run here (the host has no CUDA device); using cpu\n");
}

TEST_F(LauncherTest, RefusesWhatTheMachineCannotRunWhoeverAsks) {
  Host(kNoDevice);
  setenv("INFERENCE_VARIANT", "cuda-sm90", 1);
  EXPECT_EQ(Start(Built("serve"), {}).output, "cpu cpu\n");
  setenv("INFERENCE_VARIANT", "require:cuda-sm90", 1);
  const sdk::ProcessResult result = Start(Built("serve"), {});
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.error,
            "error: variant: demo for linux-x86_64: got none of cuda-sm90 (the host has no CUDA "
            "device), expected one "
            "of cpu\n");
  EXPECT_EQ(result.exit_code, 126);
}

TEST_F(LauncherTest, AMachineWithoutAnythingIsNotTheOneThatIsAskedFor) {
  Host(R"({"descriptor_version":1,"platform":"linux-x86_64"})");
  setenv("INFERENCE_VARIANT", "cuda-sm90", 1);
  EXPECT_EQ(Start(Built("serve"), {}).output, "cpu cpu\n");
}

TEST_F(LauncherTest, TakesTheVariantThatIsAskedFor) {
  Host(WithDevice("9.0"));
  setenv("INFERENCE_VARIANT", "cpu", 1);
  const sdk::ProcessResult result = Start(Built("serve"), {});
  EXPECT_EQ(result.output, "cpu cpu\n");
  EXPECT_EQ(result.error, "");
}

TEST_F(LauncherTest, AHardRequirementDoesNotFallBack) {
  Host(WithDevice("8.6"));
  setenv("INFERENCE_VARIANT", "require:cuda-sm86", 1);
  const sdk::ProcessResult result = Start(Built("serve"), {});
  EXPECT_EQ(result.error,
            "error: variant: demo for linux-x86_64: got none of cuda-sm86 (libgone.so.7 is "
            "missing), expected one that can be started\n");
  EXPECT_EQ(result.exit_code, 126);
}

TEST_F(LauncherTest, NamesTheVariantsWhenTheRequestIsUnknown) {
  setenv("INFERENCE_VARIANT", "cuda-sm999", 1);
  const sdk::ProcessResult result = Start(Built("serve_cpu"), {});
  EXPECT_EQ(result.error, "error: variant: demo: got 'cuda-sm999', expected one of cpu\n");
  EXPECT_EQ(result.exit_code, 126);
}

TEST_F(LauncherTest, ExplainsAndGoesOn) {
  Host(WithDevice("8.6"));
  setenv("INFERENCE_EXPLAIN", "1", 1);
  const sdk::ProcessResult result = Start(Built("serve"), {});
  EXPECT_EQ(result.output, "cpu cpu\n");
  EXPECT_TRUE(absl::string_view(result.error).starts_with("artifact  demo 1.0.0\n"))
      << result.error;
  EXPECT_NE(result.error.find("skipping  cuda-sm86: libgone.so.7 is missing\n"), std::string::npos);
}

TEST_F(LauncherTest, TheExitCodeIsThatOfTheProgram) {
  Host(WithDevice("9.0"));
  const sdk::ProcessResult result = Start(Built("serve"), {"exit", "3"});
  EXPECT_EQ(result.output, "cuda cuda-sm90 [exit] [3]\n");
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.exit_code, 3);
}

TEST_F(LauncherTest, ASignalIsThatOfTheProgram) {
  Host(WithDevice("9.0"));
  for (const int signal : {SIGSEGV, SIGILL, SIGTERM}) {
    const sdk::ProcessResult result = Start(Built("serve"), {"signal", absl::StrCat(signal)});
    EXPECT_EQ(result.exit_code, 128 + signal);
    EXPECT_EQ(result.error, "");
  }
}

TEST_F(LauncherTest, StandardInputIsThatOfTheProgram) {
  Host(WithDevice("8.6"));
  const std::string input(200000, 'i');
  const sdk::ProcessResult result = Start(Built("serve"), {"stdin"}, input);
  EXPECT_TRUE(result.output == absl::StrCat("cpu cpu [stdin]\n", input)) << result.output.size();
}

TEST_F(LauncherTest, TheEnvironmentIsThatOfTheProgram) {
  setenv("SOME_SETTING", "a=b c", 1);
  EXPECT_EQ(Start(Built("serve_cpu"), {"environment", "SOME_SETTING"}).output,
            "cpu cpu [environment] [SOME_SETTING]\na=b c\n");
}

TEST_F(LauncherTest, TheProgramIsStartedByItsOwnName) {
  const std::string output = Start(Built("serve_cpu"), {"argv0"}).output;
  EXPECT_TRUE(absl::string_view(output).ends_with("/demo-cpu/bin/demo program\n")) << output;
}

TEST_F(LauncherTest, AnArchiveOfOneFile) {
  EXPECT_EQ(Start(Built("serve_file"), {}).output, "cpu single\n");
}

TEST_F(LauncherTest, RunsBySymlinkAndByPath) {
  const std::string bin = absl::StrCat(directory_, "/my bin");
  std::filesystem::create_directories(bin);
  std::filesystem::create_symlink(Built("serve_cpu"), absl::StrCat(bin, "/linked"));
  unsetenv("RUNFILES_DIR");
  EXPECT_EQ(Start(absl::StrCat(bin, "/linked"), {}).output, "cpu cpu\n");
  const std::string path = std::getenv("PATH");
  setenv("PATH", absl::StrCat(bin, ":", path).c_str(), 1);
  EXPECT_EQ(Start("/bin/sh", {"-c", "exec linked x"}).output, "cpu cpu [x]\n");
  setenv("PATH", path.c_str(), 1);
}

TEST_F(LauncherTest, TheManifestIsCanonical) {
  const std::string text = Read(absl::StrCat(Built("serve_chain"), ".variants.json"));
  const auto manifest = sdk::ParseJson<sdk::LauncherManifest>("manifest", text);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(absl::StrCat(sdk::ToCanonicalJson(*manifest), "\n"), text);
  EXPECT_EQ(manifest->lock().variants_size(), 2);
}

TEST_F(LauncherTest, RunsFromAnImageLayer) {
  base::RealFileSystem files;
  base::UnpackOptions options;
  options.sources = {std::getenv("LAYER")};
  options.format = "tar";
  options.output_dir = absl::StrCat(directory_, "/root");
  options.sha256 = base::Sha256::Of(Read(options.sources[0]));
  ASSERT_TRUE(base::Unpack(options, files).ok());
  unsetenv("RUNFILES_DIR");
  Host(WithDevice("9.0"));
  const sdk::ProcessResult result = Start(absl::StrCat(directory_, "/root/app/serve"), {"x"});
  EXPECT_EQ(result.output, "cuda cuda-sm90 [x]\n") << result.error;

  std::filesystem::remove_all(absl::StrCat(directory_, "/root/app/serve.runfiles"));
  const sdk::ProcessResult lonely = Start(absl::StrCat(directory_, "/root/app/serve"), {"x"});
  EXPECT_EQ(lonely.exit_code, 127);
  EXPECT_NE(lonely.error.find("got no runfiles tree with "), std::string::npos) << lonely.error;
  std::filesystem::remove(absl::StrCat(directory_, "/root/app/serve.variants.json"));
  EXPECT_EQ(Start(absl::StrCat(directory_, "/root/app/serve"), {}).error,
            absl::StrCat("error: launcher: ", directory_,
                         "/root/app/serve: got no .variants.json beside it, expected the one that "
                         "was built with it\n"));
}

TEST_F(LauncherTest, ABrokenHostIsAnError) {
  Host("{");
  const sdk::ProcessResult result = Start(Built("serve"), {});
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.exit_code, 127);
  EXPECT_TRUE(absl::string_view(result.error).starts_with("error: ")) << result.error;
}

}  // namespace
}  // namespace rules_inference::launcher
