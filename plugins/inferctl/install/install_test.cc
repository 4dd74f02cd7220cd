#include "plugins/inferctl/install/install.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/inferctl/install/generations.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/store/store.h"

namespace rules_inference::install {
namespace {

class InstallTest : public testing::Test {
 protected:
  InstallTest()
      : root_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())),
        store_(fs_, absl::StrCat(root_, "/store")),
        generations_(fs_, absl::StrCat(root_, "/prefix/demo")) {
    EXPECT_TRUE(fs_.RemoveTree(root_).ok());
    EXPECT_TRUE(fs_.CreateDirectories(absl::StrCat(root_, "/server")).ok());
    options_.note = [this](absl::string_view text) { notes_.emplace_back(text); };
    options_.fetch.attempts = 1;
    request_.mutable_lock()->set_artifact("demo");
    request_.mutable_lock()->set_version("1.0");
    request_.set_platform("linux-x86_64");
    sdk::HostDescriptor& host = *request_.mutable_host();
    host.set_platform("linux-x86_64");
    host.set_driver("580.95.05");
    host.set_driver_api("13.0");
    host.add_devices()->set_compute_capability("8.6");
  }

  std::string ServerPath(const std::string& name) { return absl::StrCat(root_, "/server/", name); }

  // A row with an archive of one program that holds `text`.
  sdk::Variant& AddRow(const std::string& name, const std::string& text) {
    const std::string zip =
        base::BuildZip({.entries = {{.name = "bin/run", .data = text, .mode = 0100755},
                                    {.name = "data", .data = "d"}}});
    EXPECT_TRUE(base::WriteFile(fs_, ServerPath(name), zip).ok());
    sdk::Variant& row = *request_.mutable_lock()->add_variants();
    row.set_name(name);
    row.set_platform("linux-x86_64");
    row.add_urls(absl::StrCat("file://", ServerPath(name)));
    row.set_size(zip.size());
    row.set_sha256(base::Sha256::Of(zip).Hex());
    row.set_format("zip");
    return row;
  }

  sdk::Variant& AddCudaRow(const std::string& name, const std::string& text) {
    sdk::Variant& row = AddRow(name, text);
    row.mutable_properties()->set_accelerator("cuda");
    row.mutable_properties()->set_cuda("12.8");
    row.mutable_properties()->add_cubins("sm_86");
    return row;
  }

  absl::StatusOr<Installed> DoInstall() {
    return Install(request_, options_, generations_, store_, fs_);
  }

  // "1 cpu, *2 cuda-sm86"
  std::string State() {
    const absl::StatusOr<std::vector<Generation>> all = generations_.List();
    if (!all.ok()) return std::string(all.status().message());
    return absl::StrJoin(*all, ", ", [](std::string* out, const Generation& item) {
      absl::StrAppend(out, item.active ? "*" : "", item.number, " ", item.build.variant().name());
    });
  }

  // What a user would start.
  std::string Program() {
    const absl::StatusOr<std::string> text =
        base::ReadFile(fs_, absl::StrCat(generations_.current(), "/bin/run"), 1 << 20);
    return text.ok() ? *text : std::string(text.status().message());
  }

  base::RealFileSystem fs_{base::Durability::kDurable};
  const std::string root_;
  store::Store store_;
  Generations generations_;
  InstallOptions options_;
  sdk::SelectRequest request_;
  std::vector<std::string> notes_;
};

TEST_F(InstallTest, TheBestVariantBecomesActive) {
  AddRow("cpu", "on the CPU");
  AddCudaRow("cuda-sm86", "on the GPU");
  const absl::StatusOr<Installed> installed = DoInstall();
  ASSERT_TRUE(installed.ok()) << installed.status();
  EXPECT_FALSE(installed->already);
  EXPECT_EQ(State(), "*1 cuda-sm86");
  EXPECT_EQ(Program(), "on the GPU");
  const auto info = fs_.Stat(absl::StrCat(generations_.current(), "/bin/run"), base::Follow::kYes);
  ASSERT_TRUE(info.ok());
  EXPECT_TRUE(info->owner_executable);
}

TEST_F(InstallTest, AgainChangesNothing) {
  AddRow("cpu", "on the CPU");
  ASSERT_TRUE(DoInstall().ok());
  // Not even the archive is needed.
  ASSERT_TRUE(fs_.RemoveTree(absl::StrCat(root_, "/server")).ok());
  ASSERT_TRUE(fs_.RemoveTree(absl::StrCat(root_, "/store")).ok());
  const absl::StatusOr<Installed> again = DoInstall();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->already);
  EXPECT_EQ(State(), "*1 cpu");
}

TEST_F(InstallTest, GenerationsSwitchAndGo) {
  AddRow("cpu", "on the CPU");
  AddCudaRow("cuda-sm86", "on the GPU");
  request_.set_request("cpu");
  ASSERT_TRUE(DoInstall().ok());
  request_.set_request("auto");
  ASSERT_TRUE(DoInstall().ok());
  EXPECT_EQ(State(), "1 cpu, *2 cuda-sm86");
  ASSERT_TRUE(generations_.Activate(1).ok());
  EXPECT_EQ(State(), "*1 cpu, 2 cuda-sm86");
  EXPECT_EQ(Program(), "on the CPU");
  // A build that is there needs no archive; it is a new generation all the same.
  ASSERT_TRUE(fs_.RemoveTree(absl::StrCat(root_, "/server")).ok());
  ASSERT_TRUE(DoInstall().ok());
  EXPECT_EQ(State(), "1 cpu, 2 cuda-sm86, *3 cuda-sm86");
  EXPECT_EQ(generations_.Remove({3}).message(),
            absl::StrCat("remove: ", generations_.dir(),
                         ": got generation 3, expected one that is not active\nhint: switch to "
                         "another one first, or remove all with --all"));
  ASSERT_TRUE(generations_.Remove({1, 2}).ok());
  EXPECT_EQ(State(), "*3 cuda-sm86");
  EXPECT_EQ(Program(), "on the GPU");
  EXPECT_EQ(fs_.List(absl::StrCat(generations_.dir(), "/builds"))->size(), 1U);
  ASSERT_TRUE(generations_.RemoveAll().ok());
  EXPECT_TRUE(absl::IsNotFound(fs_.Stat(generations_.dir(), base::Follow::kNo).status()));
}

TEST_F(InstallTest, AbsentFallsBackAndSaysSo) {
  AddRow("cpu", "on the CPU");
  AddCudaRow("cuda-sm86", "on the GPU");
  ASSERT_TRUE(fs_.RemoveTree(ServerPath("cuda-sm86")).ok());
  ASSERT_TRUE(DoInstall().ok());
  EXPECT_EQ(State(), "*1 cpu");
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_TRUE(absl::StartsWith(notes_[0], "cuda-sm86: absent: file://")) << notes_[0];
  EXPECT_TRUE(absl::EndsWith(notes_[0], "; trying the next one")) << notes_[0];
}

TEST_F(InstallTest, AbsentAndRequiredIsAnError) {
  AddRow("cpu", "on the CPU");
  AddCudaRow("cuda-sm86", "on the GPU");
  ASSERT_TRUE(fs_.RemoveTree(ServerPath("cuda-sm86")).ok());
  request_.set_request("require:cuda-sm86");
  EXPECT_EQ(DoInstall().status().message(),
            "variant: demo for linux-x86_64: got none of cuda-sm86 (no server has it any more), "
            "expected one of cpu");
  EXPECT_EQ(State(), "");
}

TEST_F(InstallTest, AllAbsentNamesEachOne) {
  AddRow("cpu", "on the CPU");
  AddCudaRow("cuda-sm86", "on the GPU");
  ASSERT_TRUE(fs_.RemoveTree(absl::StrCat(root_, "/server")).ok());
  EXPECT_EQ(
      DoInstall().status().message(),
      "variant: demo for linux-x86_64: got none of cpu (no server has it any more), cuda-sm86 "
      "(no server has it any more), and no other one runs there either");
  // As before: nothing.
  EXPECT_TRUE(absl::IsNotFound(fs_.Stat(generations_.dir(), base::Follow::kNo).status()));
}

TEST_F(InstallTest, WrongBytesNeverFallBack) {
  AddRow("cpu", "on the CPU");
  ASSERT_TRUE(DoInstall().ok());
  AddCudaRow("cuda-sm86", "on the GPU");
  ASSERT_TRUE(base::WriteFile(fs_, ServerPath("cuda-sm86"), "<html>Sign in</html>").ok());
  const absl::Status status = DoInstall().status();
  EXPECT_TRUE(absl::StartsWith(status.message(), "cuda-sm86: ")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "mismatch: file://")) << status;
  EXPECT_TRUE(notes_.empty());
  EXPECT_EQ(State(), "*1 cpu");
}

TEST_F(InstallTest, AnArchiveThatIsNotSafeChangesNothing) {
  AddRow("cpu", "on the CPU");
  ASSERT_TRUE(DoInstall().ok());
  sdk::Variant& row = AddCudaRow("cuda-sm86", "on the GPU");
  const std::string zip = base::BuildZip({.entries = {{.name = "../escaped", .data = "x"}}});
  ASSERT_TRUE(base::WriteFile(fs_, ServerPath("cuda-sm86"), zip).ok());
  row.set_size(zip.size());
  row.set_sha256(base::Sha256::Of(zip).Hex());
  EXPECT_TRUE(absl::StrContains(DoInstall().status().message(), "'../escaped'"));
  EXPECT_EQ(State(), "*1 cpu");
  EXPECT_EQ(fs_.List(absl::StrCat(generations_.dir(), "/builds"))->size(), 1U);
}

TEST_F(InstallTest, PartsAndAFile) {
  AddRow("cpu", "on the CPU");
  sdk::Variant& row = *request_.mutable_lock()->mutable_variants(0);
  row.set_format("file");
  row.clear_urls();
  const std::string parts[] = {"#!/bin/sh\n", "echo hello\n"};
  for (int i = 0; i < 2; ++i) {
    const std::string name = absl::StrCat("part", i);
    ASSERT_TRUE(base::WriteFile(fs_, ServerPath(name), parts[i]).ok());
    sdk::ArchivePart& part = *row.add_parts();
    part.add_urls(absl::StrCat("file://", ServerPath(name), i == 0 ? "" : ""));
    part.set_size(parts[i].size());
    part.set_sha256(base::Sha256::Of(parts[i]).Hex());
  }
  row.set_size(parts[0].size() + parts[1].size());
  row.set_sha256(base::Sha256::Of(absl::StrCat(parts[0], parts[1])).Hex());
  const auto installed = DoInstall();
  ASSERT_TRUE(installed.ok()) << installed.status();
  const std::string program = absl::StrCat(generations_.current(), "/part0");
  EXPECT_EQ(*base::ReadFile(fs_, program, 100), "#!/bin/sh\necho hello\n");
  EXPECT_TRUE(fs_.Stat(program, base::Follow::kYes)->owner_executable);
}

TEST_F(InstallTest, WhatTheMachineCannotRun) {
  sdk::InstalledBuild build;
  build.set_artifact("demo");
  *build.mutable_variant() = AddCudaRow("cuda-sm86", "");
  EXPECT_EQ(WhyNot(build, request_.host()), "");
  sdk::HostDescriptor other = request_.host();
  other.mutable_devices(0)->set_compute_capability("8.0");
  EXPECT_EQ(WhyNot(build, other), "has sm_86, nothing that runs on 8.0");
  other.set_platform("linux-aarch64");
  EXPECT_EQ(WhyNot(build, other), "it is for linux-x86_64");
}

TEST_F(InstallTest, AStrangerInThePlaceOfCurrentIsRefused) {
  AddRow("cpu", "on the CPU");
  ASSERT_TRUE(fs_.CreateDirectories(generations_.dir()).ok());
  ASSERT_TRUE(fs_.Symlink("/etc", generations_.current()).ok());
  EXPECT_EQ(DoInstall().status().message(),
            absl::StrCat("installed variants: ", generations_.current(),
                         ": got a symlink to '/etc', expected one to generations/<number>"));
}

// Every operation of the file system fails once, while the second version is installed, switched
// away from, and removed.
TEST_F(InstallTest, AFaultAtEachOperationLeavesTheOldOrTheNew) {
  AddRow("cpu", "old");
  ASSERT_TRUE(DoInstall().ok());
  ASSERT_TRUE(fs_.Rename(generations_.dir(), absl::StrCat(root_, "/old")).ok());
  request_.mutable_lock()->clear_variants();
  request_.mutable_lock()->set_version("2.0");
  AddRow("cpu", "new");
  int installed_operations = 0;
  for (int n = 1;; ++n) {
    // The old state again.
    ASSERT_TRUE(fs_.RemoveTree(generations_.dir()).ok());
    base::RealFileSystem fast;
    ASSERT_EQ(
        std::system(absl::StrCat("cp -a '", root_, "/old' '", generations_.dir(), "'").c_str()), 0);
    ASSERT_TRUE(fs_.RemoveTree(absl::StrCat(root_, "/store")).ok());

    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    store::Store store(faulty, absl::StrCat(root_, "/store"));
    Generations generations(faulty, generations_.dir());
    const absl::Status status = Install(request_, options_, generations, store, faulty).status();
    if (!faulty.failed()) {
      ASSERT_TRUE(status.ok()) << status;
      installed_operations = n;
      break;
    }
    const std::string state = State();
    if (status.ok()) {
      EXPECT_EQ(Program(), "new") << n;
    } else {
      EXPECT_TRUE(state == "*1 cpu" || state == "*1 cpu, 2 cpu" || state == "1 cpu, *2 cpu")
          << n << ": " << state;
      EXPECT_EQ(Program(), absl::StrContains(state, "*1") ? "old" : "new") << n;
    }
    // And nothing is in the way of the next run.
    ASSERT_TRUE(DoInstall().ok()) << n;
    EXPECT_EQ(Program(), "new") << n;
    EXPECT_EQ(fs_.List(absl::StrCat(generations_.dir(), "/builds"))->size(), 2U) << n;
  }
  EXPECT_GT(installed_operations, 20);

  for (int n = 1;; ++n) {
    ASSERT_TRUE(generations_.Activate(2).ok());
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    Generations generations(faulty, generations_.dir());
    const absl::Status status = generations.Activate(1);
    EXPECT_EQ(Program(), State() == "*1 cpu, 2 cpu" ? "old" : "new") << n << State();
    if (!faulty.failed()) {
      EXPECT_EQ(Program(), "old");
      break;
    }
  }
}

TEST_F(InstallTest, ManyAtOnceAllEndWell) {
  AddRow("cpu", "on the CPU");
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(DoInstall().ok() && Program() == "on the CPU" ? 0 : 1);
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  EXPECT_EQ(State(), "*1 cpu");
  EXPECT_EQ(fs_.List(absl::StrCat(generations_.dir(), "/builds"))->size(), 1U);
}

}  // namespace
}  // namespace rules_inference::install
