#include "plugins/layer/oci/load.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/real_file_system.h"
#include "plugins/layer/oci/image.h"
#include "plugins/layer/oci/test_util.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

// A program with its request and runfiles in a directory with spaces, and an empty PATH.
class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    sdk::ImageRequest image;
    image.set_config_output(absl::StrCat(runfiles_, "/config.json"));
    image.set_manifest_output(absl::StrCat(runfiles_, "/manifest.json"));
    image.set_index_output(absl::StrCat(runfiles_, "/index.json"));
    image.set_side_file(absl::StrCat(runfiles_, "/image.json"));
    image.mutable_platform()->set_os("linux");
    image.mutable_platform()->set_architecture("amd64");
    // Larger than a pipe holds, so that an engine that reads nothing is noticed.
    image.add_layer_side_files(
        WriteLayer(runfiles_, "layer", std::string(1 << 20, 'x')).side_file());
    base::RealFileSystem fs;
    EXPECT_TRUE(BuildImage(image, fs).ok());

    sdk::LayerPluginRequest request;
    request.mutable_archive()->set_output("-");
    request.mutable_archive()->set_config("config.json");
    request.mutable_archive()->set_manifest("manifest.json");
    request.mutable_archive()->add_layers()->set_blob("layer");
    request.mutable_archive()->mutable_layers(0)->set_side_file("layer.json");
    request.mutable_archive()->add_tags("app:1");
    Write(absl::StrCat(program_, ".request.json"), sdk::ToCanonicalJson(request));
    setenv("PATH", bin_.c_str(), 1);
    unsetenv("BUILD_WORKING_DIRECTORY");
    unsetenv("RUNFILES_DIR");
  }

  // An engine that runs `script`; DIR in it is this test's directory.
  void Engine(absl::string_view name, absl::string_view script) {
    const std::string path = absl::StrCat(bin_, "/", name);
    Write(path, absl::StrCat("#!/bin/sh\nDIR='", directory_, "'\n", script, "\n"));
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  absl::Status Run(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments = {program_};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const absl::StatusOr<LoadOptions> options = ParseLoadOptions(arguments);
    return options.ok() ? Load(*options) : options.status();
  }

  const std::string directory_ = TestDirectory();
  const std::string bin_ = absl::StrCat(directory_, "/my bin");
  const std::string program_ = absl::StrCat(directory_, "/my load");
  const std::string runfiles_ = absl::StrCat(program_, ".runfiles");
};

TEST_F(LoadTest, StreamsIntoDocker) {
  Engine("docker", R"(echo "$*" > "$DIR/args"; /bin/cat > "$DIR/got.tar")");
  Engine("podman", "exit 1");
  const absl::Status status = Run();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read(absl::StrCat(directory_, "/args")), "load\n");
  ASSERT_TRUE(Run({"--output", absl::StrCat(directory_, "/written.tar")}).ok());
  EXPECT_EQ(Read(absl::StrCat(directory_, "/got.tar")),
            Read(absl::StrCat(directory_, "/written.tar")));
}

TEST_F(LoadTest, FallsBackToPodman) {
  Engine("podman", R"(/bin/cat > "$DIR/podman.tar")");
  EXPECT_TRUE(Run().ok());
  EXPECT_TRUE(Exists(absl::StrCat(directory_, "/podman.tar")));
}

TEST_F(LoadTest, SaysWhenThereIsNoEngine) {
  EXPECT_EQ(Run().message(),
            "oci_load: PATH: got neither docker nor podman, expected one of them or the flag "
            "--output FILE");
}

TEST_F(LoadTest, ReportsTheEngine) {
  Engine("docker", "/bin/cat > /dev/null; exit 3");
  EXPECT_EQ(Run().message(), absl::StrCat("oci_load: ", bin_,
                                          "/docker load: got exit code 3, expected exit code 0"));
  Engine("docker", "exit 4");  // Before it reads anything: the pipe breaks.
  EXPECT_EQ(Run().message(), absl::StrCat("oci_load: ", bin_,
                                          "/docker load: got exit code 4, expected exit code 0"));
}

TEST_F(LoadTest, WritesBesideTheUser) {
  setenv("BUILD_WORKING_DIRECTORY", directory_.c_str(), 1);
  EXPECT_TRUE(Run({"--output=out.tar"}).ok());
  EXPECT_TRUE(Exists(absl::StrCat(directory_, "/out.tar")));
}

TEST_F(LoadTest, RefusesOtherFlags) {
  EXPECT_EQ(Run({"--push"}).message(),
            "oci_load: arguments: got '--push', expected --output FILE or nothing");
  EXPECT_EQ(Run({"--output"}).message(),
            "oci_load: arguments: got '--output', expected --output FILE or nothing");
  EXPECT_EQ(Run({"--output="}).message(),
            "oci_load: --output: got nothing, expected the path of a file");
}

TEST_F(LoadTest, FindsRunfilesOfAnotherProgram) {
  const std::string inner = absl::StrCat(directory_, "/other.runfiles/_main/load");
  EXPECT_EQ(ParseLoadOptions({inner})->runfiles, absl::StrCat(directory_, "/other.runfiles"));
  setenv("RUNFILES_DIR", "/somewhere", 1);
  EXPECT_EQ(ParseLoadOptions({absl::StrCat(directory_, "/load")})->runfiles, "/somewhere");
}

}  // namespace
}  // namespace rules_inference::layer::oci
