#include "plugins/layer/oci/model.h"

#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = absl::StrCat(testing::TempDir(), "/",
                        testing::UnitTest::GetInstance()->current_test_info()->name());
    ASSERT_TRUE(fs_.RemoveTree(dir_).ok());
    ASSERT_TRUE(fs_.CreateDirectories(dir_).ok());
  }

  void Add(sdk::ModelArtifactRequest& request, const std::string& path, absl::string_view format,
           absl::string_view data) {
    const std::string source = absl::StrCat(dir_, "/", request.files_size());
    ASSERT_TRUE(base::WriteFile(fs_, source, std::string(data)).ok());
    sdk::ModelBlob& file = *request.add_files();
    file.set_path(path);
    file.set_format(std::string(format));
    file.set_digest(base::Sha256::Of(data).ToString());
    file.set_size(data.size());
    file.set_source(source);
  }

  sdk::ModelArtifactRequest Request() {
    sdk::ModelArtifactRequest request;
    request.set_name("tiny");
    request.set_variant("f16");
    request.set_source("https://hub.example.com/owner/tiny");
    request.set_revision("5359861c739e955e79d9a303bcbc70fb988958b1");
    request.set_licence("apache-2.0");
    Add(request, "README.md", "text", "# Tiny\n");
    Add(request, "model-00001-of-00002.safetensors", "safetensors", "first shard");
    Add(request, "model-00002-of-00002.safetensors", "safetensors", "second");
    Add(request, "tokenizer/config.json", "json", "{}");
    return request;
  }

  void AddDocuments(sdk::ModelArtifactRequest& request) {
    request.set_config_output(dir_ + "/config.json");
    request.set_manifest_output(dir_ + "/manifest.json");
    request.set_index_output(dir_ + "/index.json");
  }

  std::string Read(absl::string_view name) {
    return base::ReadFile(fs_, absl::StrCat(dir_, "/", name), 1 << 20).value_or("absent");
  }
  std::string Outcome(const sdk::ModelArtifactRequest& request) {
    const absl::Status status = BuildModel(request, fs_);
    return status.ok() ? "ok" : absl::StrReplaceAll(status.message(), {{dir_, "DIR"}});
  }

  base::RealFileSystem fs_;
  std::string dir_;
};

TEST_F(ModelTest, DocumentsAreTheGoldenOnes) {
  sdk::ModelArtifactRequest request = Request();
  AddDocuments(request);
  ASSERT_EQ(Outcome(request), "ok");
  const std::string golden =
      absl::StrCat(std::getenv("TEST_SRCDIR"), "/", std::getenv("TEST_WORKSPACE"),
                   "/plugins/layer/oci/testdata/model.golden");
  std::string text;
  for (const char* name : {"config.json", "manifest.json", "index.json"}) {
    absl::StrAppend(&text, name, "\n", absl::StrReplaceAll(Read(name), {{",\"", ",\n\""}}), "\n");
  }
  EXPECT_EQ(text, base::ReadFile(fs_, golden, 1 << 20).value_or("absent"));
}

TEST_F(ModelTest, DocumentsNeedNoFiles) {
  sdk::ModelArtifactRequest request = Request();
  AddDocuments(request);
  ASSERT_EQ(Outcome(request), "ok");
  const std::string manifest = Read("manifest.json");
  for (sdk::ModelBlob& file : *request.mutable_files()) file.clear_source();
  ASSERT_EQ(Outcome(request), "ok");
  EXPECT_EQ(Read("manifest.json"), manifest);
}

TEST_F(ModelTest, ABlobOfTheLayoutIsTheFileItself) {
  sdk::ModelArtifactRequest request = Request();
  AddDocuments(request);
  request.set_layout_output(dir_ + "/layout");
  ASSERT_EQ(Outcome(request), "ok");
  EXPECT_EQ(Read("layout/index.json"), Read("index.json"));
  EXPECT_EQ(Read("layout/oci-layout"), R"({"imageLayoutVersion":"1.0.0"})");
  for (const sdk::ModelBlob& file : request.files()) {
    const std::string blob = absl::StrCat(dir_, "/layout/blobs/sha256/", file.digest().substr(7));
    struct stat of_blob = {};
    struct stat of_file = {};
    ASSERT_EQ(stat(blob.c_str(), &of_blob), 0) << blob;
    ASSERT_EQ(stat(file.source().c_str(), &of_file), 0);
    EXPECT_EQ(of_blob.st_ino, of_file.st_ino);
  }
  EXPECT_EQ(fs_.List(dir_ + "/layout/blobs/sha256").value().size(), 6U);
}

TEST_F(ModelTest, BadRequestsAreRefused) {
  const auto outcome = [this](auto change) {
    sdk::ModelArtifactRequest request = Request();
    AddDocuments(request);
    request.set_layout_output(dir_ + "/layout");
    change(request);
    return Outcome(request);
  };
  EXPECT_EQ(outcome([](auto& r) { r.clear_config_output(); }),
            "model: outputs: got some of config, manifest and index, expected all or none");
  EXPECT_EQ(outcome([](auto& r) {
              r.clear_config_output();
              r.clear_manifest_output();
              r.clear_index_output();
              r.clear_layout_output();
            }),
            "model: outputs: got none, expected documents or a layout");
  EXPECT_EQ(outcome([](auto& r) { r.clear_name(); }), "model: name: got nothing, expected one");
  EXPECT_EQ(outcome([](auto& r) { r.clear_files(); }),
            "model: files: got none, expected at least one");
  EXPECT_EQ(outcome([](auto& r) { r.set_ref_name("a b"); }),
            "model: ref_name: got 'a b', expected letters, digits and '-._:@/+' between letters or "
            "digits");
  EXPECT_EQ(outcome([](auto& r) { r.mutable_files(1)->set_path("README.md"); }),
            "model: 'README.md': got two files, expected one");
  EXPECT_EQ(outcome([](auto& r) { r.mutable_files(1)->set_path("../x"); }),
            "path: '../x': got component '..', expected no '.' and no '..'");
  EXPECT_EQ(outcome([](auto& r) { r.mutable_files(1)->set_digest("sha256:12"); }),
            "digest: '12': got 2 digits, expected 64 lower-case hexadecimal digits");
  EXPECT_EQ(outcome([](auto& r) { r.mutable_files(1)->clear_source(); }),
            "model: sha256:a3e22cd5cca8db957aece026c784a8a626125cc0402be8f62c8eab5a8065506a: got "
            "no source, expected one, for a layout");
  EXPECT_EQ(outcome([](auto& r) { r.mutable_files(1)->set_size(12); }),
            "DIR/1: size: got 11 bytes, expected 12");
  EXPECT_EQ(outcome([](auto& r) { r.mutable_files(1)->set_source("/nonexistent"); }),
            "cannot read: /nonexistent: No such file or directory");
  EXPECT_EQ(Read("layout/index.json"), "absent");
}

TEST_F(ModelTest, AManifestThatNoRegistryTakesIsRefused) {
  sdk::ModelArtifactRequest request = Request();
  AddDocuments(request);
  const sdk::ModelBlob file = request.files(0);
  for (int i = 0; i < 20000; ++i) {
    *request.add_files() = file;
    request.mutable_files()->rbegin()->set_path(absl::StrCat("part", i));
  }
  EXPECT_EQ(Outcome(request),
            "model: manifest: got 5079502 bytes for 20004 files, expected at most 4194304, as "
            "registries take no more");
}

TEST_F(ModelTest, AnyFaultLeavesNothing) {
  sdk::ModelArtifactRequest request = Request();
  AddDocuments(request);
  request.set_layout_output(dir_ + "/layout");
  int n = 1;
  for (;; ++n) {
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = BuildModel(request, faulty);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      break;
    }
    EXPECT_EQ(status.message(), "disk full") << n;
    EXPECT_EQ(Read("manifest.json"), "absent") << n;
    ASSERT_TRUE(fs_.RemoveTree(dir_ + "/layout").ok());
  }
  EXPECT_GT(n, 15);
}

}  // namespace
}  // namespace rules_inference::layer::oci
