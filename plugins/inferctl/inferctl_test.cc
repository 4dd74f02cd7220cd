#include "plugins/inferctl/inferctl.h"

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/inferctl/command.h"
#include "plugins/select/provider/detect.h"

namespace rules_inference::inferctl {
namespace {

constexpr absl::string_view kLock = R"({
  "artifact": "demo",
  "lock_version": 1,
  "url_template": "https://example.invalid/{version}/{variant}.tar.gz",
  "variants": [
    {"format": "tar.gz", "name": "cpu", "platform": "linux-x86_64", "size": 9, "sha256":
     "0000000000000000000000000000000000000000000000000000000000000001"},
    {"format": "tar.gz", "name": "cuda-sm86", "platform": "linux-x86_64", "size": 9, "sha256":
     "0000000000000000000000000000000000000000000000000000000000000002",
     "properties": {"accelerator": "cuda", "cubins": ["sm_86"], "cuda": "12.8",
                    "sonames": ["libcudart.so.12"]}},
    {"name": "cuda-sm90", "platform": "linux-x86_64", "not_available": "never built",
     "properties": {"accelerator": "cuda", "cubins": ["sm_90"], "cuda": "12.8"}}
  ],
  "version": "1.0"
})";

// The program on a machine in a folder.
class InferctlTest : public testing::Test {
 protected:
  InferctlTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_TRUE(fs_.RemoveTree(root_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(root_).ok());
    probe_.files = &fs_;
    probe_.root = root_;
    probe_.environment = [](absl::string_view) -> std::string { return ""; };
    lock_ = Write("/demo.lock.json", kLock);
  }

  std::string Write(const std::string& path, absl::string_view text) {
    const std::string full = absl::StrCat(root_, path);
    EXPECT_TRUE(fs_.CreateDirectories(full.substr(0, full.rfind('/'))).ok());
    EXPECT_TRUE(base::WriteFile(fs_, full, text).ok());
    return full;
  }

  // Gives the machine GPUs, see fake_nvml.cc, and the CUDA runtime.
  void AddGpus(const char* gpus) {
    setenv("FAKE_NVML", gpus, 1);
    const absl::StatusOr<std::string> library =
        base::ReadFile(fs_, "plugins/select/provider/libfake_nvml.so", 1 << 26);
    ASSERT_TRUE(library.ok()) << library.status();
    Write("/usr/lib/wsl/lib/libnvidia-ml.so.1", *library);
    Write("/usr/lib/libcudart.so.12", "");
  }

  int Run(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv = {"inferctl"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    out_.str("");
    err_.str("");
    Console console{out_, err_, fs_, probe_};
    return Inferctl(static_cast<int>(argv.size()), argv.data(), console);
  }

  // The host without what differs between the machines that run this test.
  std::string Host(const std::string& capability) {
    return Write("/host.json", absl::StrCat(R"({"descriptor_version": 1, "platform": "linux-x86_64",
                                  "driver": "580.95.05", "driver_api": "13.0",
                                  "sonames": ["libcudart.so.12"],
                                  "devices": [{"compute_capability": ")",
                                            capability, "\"}]}"));
  }

  base::RealFileSystem fs_;
  std::string root_;
  std::string lock_;
  select::Probe probe_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(InferctlTest, VersionAndHelp) {
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_TRUE(absl::StartsWith(out_.str(), "inferctl 0."));
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_TRUE(absl::StartsWith(out_.str(), "inferctl 0."));
  EXPECT_EQ(Run({"lock", "check", "--help"}), 0);
  EXPECT_TRUE(absl::StrContains(out_.str(), "Usage: inferctl lock check [OPTIONS] lock"))
      << out_.str();
}

TEST_F(InferctlTest, BadFlagsAreOneLineAndExitCode2) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(err_.str(),
            "error: flags: inferctl: A subcommand is required\nhint: inferctl --help\n");
  EXPECT_EQ(Run({"select", lock_, "--wrong"}), 2);
  EXPECT_EQ(err_.str(),
            "error: flags: inferctl select: The following argument was not expected: --wrong\n"
            "hint: inferctl select --help\n");
  EXPECT_EQ(Run({"select", lock_, "--devices", "some"}), 2);
  EXPECT_EQ(Run({"lock"}), 2);
  EXPECT_EQ(Run({"nothing"}), 2);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(InferctlTest, DetectLooksForWhatLocksNeed) {
  AddGpus("580.95.05;13000;8.6");
  EXPECT_EQ(Run({"detect", "--lock", lock_, "--soname", "libabsent.so"}), 0) << err_.str();
  EXPECT_TRUE(absl::StrContains(out_.str(), R"("sonames": ["libcudart.so.12"])")) << out_.str();
  EXPECT_TRUE(absl::StrContains(out_.str(), R"("compute_capability": "8.6")")) << out_.str();
}

TEST_F(InferctlTest, WhatDetectWritesCanBeSelectedFor) {
  AddGpus("580.95.05;13000;8.6");
  const std::string host = absl::StrCat(root_, "/me.json");
  EXPECT_EQ(Run({"detect", "--lock", lock_, "-o", host}), 0) << err_.str();
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(Run({"select", lock_, "--host", host, "--format", "name"}), 0) << err_.str();
  EXPECT_EQ(out_.str(), "cuda-sm86\n");
  EXPECT_EQ(Run({"select", lock_, "--format", "name"}), 0);
  EXPECT_EQ(out_.str(), "cuda-sm86\n");
}

TEST_F(InferctlTest, DetectForBazel) {
  AddGpus("580.95.05;13000;8.6,9.0");
  EXPECT_EQ(Run({"detect", "--bazelrc"}), 0);
  EXPECT_EQ(out_.str(),
            "# NVIDIA GPUs detected (compute capability 8.6, 9.0, driver 580.95.05 for CUDA 13.0). "
            "The target comes from `inferctl detect --build --label //hosts:this`.\n"
            "build --@rules_inference//rules:host=//hosts:this\n");
  EXPECT_EQ(Run({"detect", "--build", "--label", "//hosts:mine"}), 0);
  EXPECT_TRUE(absl::StrContains(out_.str(), "    name = \"mine\",\n")) << out_.str();
  EXPECT_TRUE(absl::StrContains(out_.str(),
                                "    devices = [\n        \"8.6\",\n        \"9.0\",\n    ],\n"
                                "    driver = \"580.95.05\",\n    driver_api = \"13.0\",\n"))
      << out_.str();
  EXPECT_EQ(Run({"detect", "--build", "--label", "mine"}), 1);
  EXPECT_EQ(err_.str(),
            "error: flags: --label: got 'mine', expected a label such as //hosts:this\n");
}

TEST_F(InferctlTest, SelectExplains) {
  EXPECT_EQ(Run({"select", lock_, "--host", Host("8.9"), "--request", "cuda-sm90"}), 0);
  EXPECT_EQ(out_.str(),
            "artifact  demo 1.0\n"
            "request   cuda-sm90\n"
            "host      linux-x86_64, device 8.9, driver 580.95.05 (CUDA 13.0), libcudart.so.12\n"
            "chain     cuda-sm90 -> cuda-sm86 -> cpu\n"
            "chosen    cuda-sm86, by fallback\n"
            "\n"
            "cpu        usable\n"
            "cuda-sm86  chosen\n"
            "cuda-sm90  not available  never built\n");
}

TEST_F(InferctlTest, SelectAsJson) {
  EXPECT_EQ(Run({"select", lock_, "--host", Host("8.6"), "--format", "json"}), 0);
  EXPECT_TRUE(absl::StrContains(out_.str(), "\"chosen\": \"cuda-sm86\"")) << out_.str();
}

TEST_F(InferctlTest, NoVariantIsExitCode3) {
  EXPECT_EQ(Run({"select", lock_, "--host", Host("8.0"), "--request", "require:cuda-sm86",
                 "--format", "name"}),
            3);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(),
            "error: variant: demo for linux-x86_64: got none of cuda-sm86 (has sm_86, nothing that "
            "runs on 8.0), expected one of cpu\n");
}

TEST_F(InferctlTest, AnUnknownHostGetsCpu) {
  AddGpus("580.95.05;13000;8.6");
  EXPECT_EQ(
      Run({"select", lock_, "--unknown-host", "--platform", "linux-x86_64", "--format", "name"}),
      0);
  EXPECT_EQ(out_.str(), "cpu\n");
}

TEST_F(InferctlTest, AChainAndNoFallback) {
  EXPECT_EQ(
      Run({"select", "--chain", "cpu,cuda-sm86", lock_, "--host", Host("8.6"), "--format", "name"}),
      0)
      << err_.str();
  EXPECT_EQ(out_.str(), "cpu\n");
  EXPECT_EQ(Run({"select", lock_, "--host", Host("8.0"), "--request", "cuda-sm86", "--no-fallback",
                 "--format", "name"}),
            3);
}

TEST_F(InferctlTest, RecommendsTheGpuVariant) {
  AddGpus("580.95.05;13000;8.6");
  EXPECT_EQ(Run({"recommend", lock_}), 0);
  EXPECT_EQ(
      out_.str(),
      "demo: NVIDIA GPU detected (compute capability 8.6, driver 580.95.05 for CUDA 13.0), "
      "but the variant cpu is configured; consider cuda-sm86\n"
      "`inferctl detect --build` and `inferctl detect --bazelrc` print what tells Bazel about "
      "this machine.\n");
  EXPECT_EQ(Run({"recommend", lock_, "--check"}), 3);
  EXPECT_EQ(Run({"recommend", lock_, "--check", "--configured", "cuda-sm86"}), 0);
  EXPECT_EQ(out_.str(),
            "demo: NVIDIA GPU detected (compute capability 8.6, driver 580.95.05 for CUDA 13.0); "
            "cuda-sm86 is configured, and the best for it\n");
}

TEST_F(InferctlTest, RecommendsCpuWhereTheConfiguredOneDoesNotRun) {
  EXPECT_EQ(Run({"recommend", lock_, "--host", Host("8.0"), "--configured", "cuda-sm86"}), 0);
  EXPECT_EQ(out_.str(),
            "demo: NVIDIA GPU detected (compute capability 8.0, driver 580.95.05 for CUDA 13.0), "
            "but the variant cuda-sm86 is configured, which does not run here (has sm_86, nothing "
            "that runs on 8.0); consider cpu\n");
}

TEST_F(InferctlTest, RecommendSaysWhyAGpuGetsCpu) {
  EXPECT_EQ(Run({"recommend", lock_, "--host", Host("8.0")}), 0);
  EXPECT_EQ(out_.str(),
            "demo: NVIDIA GPU detected (compute capability 8.0, driver 580.95.05 for CUDA 13.0); "
            "cpu is configured, and the best for it, as nothing else runs: cuda-sm86 (has sm_86, "
            "nothing that runs on 8.0), cuda-sm90 (never built)\n");
}

TEST_F(InferctlTest, LockCheckLooksAtEveryFile) {
  const std::string bad = Write("/bad.json", R"({"lock_version": 2})");
  EXPECT_EQ(Run({"lock", "check", bad, lock_}), 1);
  EXPECT_EQ(out_.str(), absl::StrCat(lock_, ": 3 rows, right\n"));
  EXPECT_TRUE(absl::StartsWith(err_.str(), absl::StrCat("error: variants lock: ", bad)))
      << err_.str();
  EXPECT_EQ(Run({"lock", "check", absl::StrCat(root_, "/none.json")}), 1);
  EXPECT_EQ(err_.str(),
            absl::StrCat("error: cannot open: ", root_, "/none.json: No such file or directory\n"));
}

TEST_F(InferctlTest, CudaListReadsEveryFile) {
  const std::string script = Write("/script", "#!/bin/sh\n");
  const std::string fatbin = "plugins/base/elf/testdata/concat.fatbin";
  EXPECT_EQ(Run({"cuda", "list", script, fatbin}), 1);
  EXPECT_EQ(err_.str(),
            absl::StrCat("error: facts: ", script,
                         ": got a file that begins with '#!/b', expected an ELF file or "
                         "a fat binary\n"));
  EXPECT_TRUE(absl::StartsWith(
      out_.str(),
      "plugins/base/elf/testdata/concat.fatbin: fatbin\n  compute_75    13.5  98 bytes"))
      << out_.str();
  EXPECT_EQ(Run({"cuda", "list", "--json", fatbin}), 0);
  EXPECT_TRUE(absl::StrContains(out_.str(), R"("cubins":["sm_75","sm_86","sm_90a"],"machine")"))
      << out_.str();
}

TEST_F(InferctlTest, ADescriptorOfAnotherFormatIsRefused) {
  const std::string host = Write("/other.json", R"({"descriptor_version": 2})");
  EXPECT_EQ(Run({"select", lock_, "--host", host}), 1);
  EXPECT_EQ(
      err_.str(),
      absl::StrCat("error: host descriptor: ", host,
                   ": got descriptor_version 2, expected 1, as `inferctl detect` writes it\n"));
}

TEST_F(InferctlTest, AFullDiskIsAnError) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  Console console{out, err_, fs_, probe_};
  const char* argv[] = {"inferctl", "version"};
  EXPECT_EQ(Inferctl(2, argv, console), 1);
  EXPECT_EQ(err_.str(),
            "error: output: standard output: got an error, expected to write all of it\n");
}

// Every flag that the parser knows is offered, and has a text.
void CheckCompletions(const CLI::App& app, const std::vector<std::string>& scripts) {
  EXPECT_NE(app.get_description(), "") << app.get_name();
  for (const CLI::Option* option : app.get_options()) {
    EXPECT_NE(option->get_description(), "") << app.get_name() << " " << option->get_name();
    for (const std::string& name : option->get_lnames()) {
      for (const std::string& script : scripts) {
        EXPECT_TRUE(absl::StrContains(script, name)) << app.get_name() << " --" << name;
      }
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CheckCompletions(*command, scripts);
  }
}

// Generations of programs that are their version.
class VariantsTest : public InferctlTest {
 protected:
  // Installs, and says how that went.
  int Install(const std::string& version) {
    const std::string program = Write(absl::StrCat("/server/", version), version);
    const std::string lock = Write(
        "/versions.lock.json",
        absl::StrCat(R"({"artifact": "demo", "lock_version": 1, "version": ")", version,
                     R"(", "variants": [{"format": "file", "name": "cpu", "platform": )",
                     R"("linux-x86_64", "urls": ["file://)", program, R"("], "size": )",
                     version.size(), R"(, "sha256": ")", base::Sha256::Of(version).Hex(), "\"}]}"));
    return Variants({"install", lock, "--store", absl::StrCat(root_, "/store"), "--host", host_});
  }

  int Variants(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "variants");
    arguments.insert(arguments.end(), {"--prefix", absl::StrCat(root_, "/prefix")});
    return Run(arguments);
  }

  std::string Current() {
    const auto target = fs_.ReadLink(absl::StrCat(root_, "/prefix/demo/current"));
    return target.ok() ? *target : std::string(target.status().message());
  }

  std::string host_ = Host("8.6");
};

TEST_F(VariantsTest, ANumberIsAGenerationBeforeItIsAVersion) {
  ASSERT_EQ(Install("2"), 0) << err_.str();
  ASSERT_EQ(Install("1"), 0) << err_.str();
  EXPECT_EQ(Variants({"switch", "demo", "1", "--host", host_}), 0) << err_.str();
  EXPECT_EQ(Current(), "generations/1");
  ASSERT_EQ(Install("3"), 0) << err_.str();
  EXPECT_EQ(Variants({"switch", "demo", "cpu", "--host", host_}), 0) << err_.str();
  EXPECT_EQ(Current(), "generations/3");
}

TEST_F(VariantsTest, RollbackLeadsToAnotherBuild) {
  ASSERT_EQ(Install("old"), 0) << err_.str();
  ASSERT_EQ(Install("new"), 0) << err_.str();
  // As a run leaves it that was killed before its generation was active.
  EXPECT_EQ(Variants({"switch", "demo", "1", "--host", host_}), 0) << err_.str();
  ASSERT_EQ(Install("new"), 0) << err_.str();
  EXPECT_EQ(Current(), "generations/3");
  EXPECT_EQ(Variants({"rollback", "demo"}), 0) << err_.str();
  EXPECT_EQ(Current(), "generations/1");
  EXPECT_EQ(Variants({"switch", "demo", "3", "--host", host_}), 0) << err_.str();
  EXPECT_EQ(Variants({"remove", "demo", "1"}), 0) << err_.str();
  EXPECT_EQ(Variants({"rollback", "demo"}), 1);
  EXPECT_EQ(
      err_.str(),
      "error: rollback: demo: got generation 3, and older ones of the same build, expected an "
      "older one to go back to\n");
  EXPECT_EQ(Current(), "generations/3");
}

TEST_F(VariantsTest, ListPassesOverWhatIsNoArtifact) {
  ASSERT_EQ(Install("old"), 0) << err_.str();
  Write("/prefix/README", "");
  Write("/prefix/.cache/file", "");
  ASSERT_TRUE(fs_.Symlink("nowhere", absl::StrCat(root_, "/prefix/link")).ok());
  EXPECT_EQ(Variants({"list"}), 0) << err_.str();
  EXPECT_TRUE(absl::StrContains(out_.str(), "*   1  old")) << out_.str();
  EXPECT_EQ(Variants({"list", ".cache"}), 1);
  EXPECT_EQ(err_.str(), absl::StrCat("error: artifact: ", root_,
                                     "/prefix: got '.cache', expected a name that can be that of a "
                                     "folder\n"));
}

TEST_F(VariantsTest, WhatIsNamedTwiceIsRemovedOnce) {
  ASSERT_EQ(Install("old"), 0) << err_.str();
  ASSERT_EQ(Install("new"), 0) << err_.str();
  EXPECT_EQ(Variants({"remove", "demo", "1", "1", "--old"}), 0) << err_.str();
  EXPECT_EQ(out_.str(), "demo: removed generation 1\n");
}

TEST_F(InferctlTest, CompletionsHaveEveryFlag) {
  std::vector<std::string> scripts;
  for (const char* shell : {"bash", "fish", "zsh"}) {
    ASSERT_EQ(Run({"completions", shell}), 0);
    scripts.push_back(out_.str());
  }
  Console console{out_, err_, fs_, probe_};
  Context context{console, nullptr};
  CLI::App app("description", "inferctl");
  AddCommands(app, context);
  CheckCompletions(app, scripts);
}

}  // namespace
}  // namespace rules_inference::inferctl
