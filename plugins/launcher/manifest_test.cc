#include "plugins/launcher/manifest.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"

namespace rules_inference::launcher {
namespace {

constexpr absl::string_view kManifest =
    R"({"directories":["_main/demo-cpu"],"lock":{"artifact":"demo","lock_version":1,)"
    R"("variants":[{"name":"cpu","platform":"linux-x86_64"}]},"manifest_version":1})";

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() {
    std::filesystem::remove_all(directory_);
    Write("serve", "");
    Write("serve.variants.json", kManifest);
  }

  void Write(absl::string_view path, absl::string_view text) {
    const std::filesystem::path full = absl::StrCat(directory_, "/", path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }

  // Where the archive of the only variant is found, or the error.
  std::string Find(const std::string& argv0) {
    base::RealFileSystem files;
    const absl::StatusOr<Installation> found = FindInstallation(
        argv0, [this](absl::string_view name) { return environment_[std::string(name)]; }, files);
    if (!found.ok()) return std::string(found.status().message());
    const absl::StatusOr<std::string> path = found->locate("_main/demo-cpu");
    return path.ok() ? *path : std::string(path.status().message());
  }

  std::map<std::string, std::string> environment_;
  const std::string directory_ =
      absl::StrCat(::testing::TempDir(), "/manifest_test/",
                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string launcher_ = absl::StrCat(directory_, "/serve");
};

TEST_F(ManifestTest, InItsOwnRunfiles) {
  Write("serve.runfiles/_main/demo-cpu/demo", "");
  Write("other/_main/demo-cpu/demo", "");
  environment_["RUNFILES_DIR"] = absl::StrCat(directory_, "/other");
  EXPECT_EQ(Find(launcher_), absl::StrCat(launcher_, ".runfiles/_main/demo-cpu"));
}

TEST_F(ManifestTest, InTheRunfilesOfAnotherProgram) {
  Write("other.runfiles/_main/serve.variants.json", kManifest);
  Write("other.runfiles/_main/demo-cpu/demo", "");
  EXPECT_EQ(Find(absl::StrCat(directory_, "/other.runfiles/_main/serve")),
            absl::StrCat(directory_, "/other.runfiles/_main/demo-cpu"));
}

TEST_F(ManifestTest, InRunfilesDir) {
  Write("other/_main/demo-cpu/demo", "");
  environment_["RUNFILES_DIR"] = absl::StrCat(directory_, "/other");
  EXPECT_EQ(Find(launcher_), absl::StrCat(directory_, "/other/_main/demo-cpu"));
}

TEST_F(ManifestTest, ByAList) {
  Write("serve.runfiles_manifest", "_main/a /x\n_main/demo-cpu /store/demo cpu\n");
  EXPECT_EQ(Find(launcher_), "/store/demo cpu");
}

TEST_F(ManifestTest, BySymlinks) {
  Write("serve.runfiles/_main/demo-cpu/demo", "");
  Write("bin/x", "");
  std::filesystem::create_symlink("../serve", absl::StrCat(directory_, "/bin/one"));
  std::filesystem::create_symlink("one", absl::StrCat(directory_, "/bin/two"));
  EXPECT_EQ(Find(absl::StrCat(directory_, "/bin/two")),
            absl::StrCat(directory_, "/bin/../serve.runfiles/_main/demo-cpu"));
}

TEST_F(ManifestTest, NoRunfiles) {
  EXPECT_EQ(Find(launcher_),
            absl::StrCat("launcher: ", launcher_,
                         ".variants.json: got no runfiles tree with '_main/demo-cpu', expected ",
                         launcher_,
                         ".runfiles, or a directory in $RUNFILES_DIR\nhint: copy the launcher "
                         "together with its .variants.json and its .runfiles; file_layer does "
                         "with include_runfiles = True"));
}

TEST_F(ManifestTest, NoManifest) {
  EXPECT_EQ(Find(absl::StrCat(directory_, "/other")),
            absl::StrCat("launcher: ", directory_,
                         "/other: got no .variants.json beside it, expected the one that was "
                         "built with it"));
}

TEST_F(ManifestTest, WhatAManifestMayNotSay) {
  const struct {
    absl::string_view json;
    absl::string_view expected;
  } kCases[] = {
      {"{}", "launcher: m: got manifest_version 0, expected 1"},
      {R"({"manifest_version":1})", "launcher: m: got no variant, expected one or more"},
      {R"({"manifest_version":1,"lock":{"variants":[{"name":"cpu"}]}})",
       "launcher: m: got 0 directories, expected one for each of 1 variants"},
      {R"({"manifest_version":1,"lock":{"variants":[{"name":"cpu"}]},"directories":["a/../b"]})",
       "launcher: m: got path 'a/../b', expected a relative path without '..'"},
      {R"({"manifest_version":1,"lock":{"variants":[{"name":"cpu"}]},"directories":["a"],)"
       R"("program":"/bin/sh"})",
       "launcher: m: got path '/bin/sh', expected a relative path without '..'"},
  };
  for (const auto& test : kCases) {
    const auto manifest = sdk::ParseJson<sdk::LauncherManifest>("m", test.json);
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    EXPECT_EQ(CheckManifest(*manifest, "m").message(), test.expected);
  }
}

}  // namespace
}  // namespace rules_inference::launcher
