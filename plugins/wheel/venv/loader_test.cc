// The rule of plan.cc against the loader of this machine: which links a library with $ORIGIN/..
// bears.

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/venv/test_tree.h"
#include "plugins/wheel/venv/venv.h"

namespace rules_inference::wheel {
namespace {

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() : root_(absl::StrCat(testing::TempDir(), "/loader")), fs_(root_) {
    EXPECT_TRUE(real_.RemoveTree(root_).ok());
    EXPECT_TRUE(real_.CreateDirectories(root_).ok());
    request_.set_output_dir("env");
    request_.set_summary_output("env.json");
    request_.set_python_version("3.12");
    Tree("torch", "torch/lib/libtorch.so");
    Tree("x", "nvidia/x/lib/libvalue.so");
    Tree("y", "nvidia/y/lib/liby.so");
  }

  void Tree(const std::string& name, const std::string& path) {
    const std::string file =
        absl::StrCat("plugins/wheel/venv/testdata/", path.substr(path.rfind('/') + 1));
    const auto data = base::ReadFile(real_, file, uint64_t{1} << 30);
    ASSERT_TRUE(data.ok()) << data.status();
    AddTree(fs_, name, name, "1.0", {{path, *data}}, request_);
  }
  // A site-packages directory by hand.
  void Link(const std::string& target, const std::string& path) {
    ASSERT_TRUE(fs_.CreateDirectories(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(fs_.Symlink(absl::StrCat(root_, "/", target), path).ok());
  }
  // In a process of its own: the loader keeps what it has loaded once.
  bool Loads(const std::string& path) {
    const std::string file = absl::StrCat(root_, "/", path);
    const pid_t child = fork();
    if (child == 0) _exit(dlopen(file.c_str(), RTLD_NOW) == nullptr ? 1 : 0);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
  }

  const std::string root_;
  base::RealFileSystem real_;
  base::RealFileSystem fs_;
  sdk::WheelVenvRequest request_;
};

TEST_F(LoaderTest, PackageAsALinkFails) {
  Link("torch/torch", "site/torch");
  Link("x/nvidia/x", "site/nvidia/x");
  EXPECT_FALSE(Loads("site/torch/lib/libtorch.so"));
}

TEST_F(LoaderTest, DirectoryOfTheLibraryAsALinkFails) {
  Link("torch/torch/lib", "site/torch/lib");
  Link("x/nvidia/x", "site/nvidia/x");
  EXPECT_FALSE(Loads("site/torch/lib/libtorch.so"));
}

TEST_F(LoaderTest, LibraryAsALinkInRealDirectoriesLoads) {
  Link("torch/torch/lib/libtorch.so", "site/torch/lib/libtorch.so");
  Link("x/nvidia/x", "site/nvidia/x");
  EXPECT_TRUE(Loads("site/torch/lib/libtorch.so"));
}

TEST_F(LoaderTest, NeighbourAsALinkFailsWhenItLeavesItsDirectory) {
  Link("y/nvidia/y", "site/nvidia/y");
  Link("x/nvidia/x", "site/nvidia/x");
  EXPECT_FALSE(Loads("site/nvidia/y/lib/liby.so"));
}

TEST_F(LoaderTest, EnvironmentHasTheCoarsestTreeThatLoads) {
  const absl::Status status = MakeVenv(request_, fs_, nullptr);
  ASSERT_TRUE(status.ok()) << status;
  const std::string site = "env/lib/python3.12/site-packages/";
  EXPECT_TRUE(Loads(site + "torch/lib/libtorch.so"));
  EXPECT_TRUE(Loads(site + "nvidia/y/lib/liby.so"));
  EXPECT_EQ(fs_.ReadLink(site + "nvidia/x").value(), "../../../../../x/nvidia/x");
  EXPECT_EQ(fs_.ReadLink(site + "nvidia/y/lib/liby.so").value(),
            "../../../../../../../y/nvidia/y/lib/liby.so");
}

}  // namespace
}  // namespace rules_inference::wheel
