#include "plugins/layer/oci/index.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/layout_graph.h"
#include "plugins/layer/oci/test_util.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

std::string ConfigFor(absl::string_view architecture) {
  return absl::StrReplaceAll(BaseConfig(), {{"amd64", architecture}});
}

sdk::IndexRequest Request(const std::string& directory) {
  sdk::IndexRequest request;
  request.set_output(absl::StrCat(directory, "/out"));
  for (const std::string architecture : {"amd64", "arm64"}) {
    const std::string root = absl::StrCat(directory, "/", architecture);
    request.add_layouts(WriteLayout(root, ConfigFor(architecture)).root);
  }
  return request;
}

TEST(IndexTest, NamesThePlatformOfEachImage) {
  const std::string directory = TestDirectory();
  sdk::IndexRequest request = Request(directory);
  sdk::KeyValue* annotation = request.add_annotations();
  annotation->set_key("org.example.note");
  annotation->set_value("both");
  request.set_ref_name("1.0");
  base::RealFileSystem fs;
  const absl::Status status = BuildIndex(request, fs);
  ASSERT_TRUE(status.ok()) << status;

  const auto graph = ReadLayout(request.output(), fs);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto amd64 = ReadLayout(request.layouts(0), fs);
  const auto arm64 = ReadLayout(request.layouts(1), fs);
  auto entry = [](const LayoutGraph& image, absl::string_view architecture) {
    const Descriptor& root = image.root().descriptor;
    return absl::StrCat(R"({"mediaType":")", kManifestType, R"(","digest":")",
                        root.digest.ToString(), R"(","size":)", root.size,
                        R"(,"platform":{"architecture":")", architecture, R"(","os":"linux"}})");
  };
  EXPECT_EQ(graph->root().text,
            absl::StrCat(R"({"schemaVersion":2,"mediaType":")", kIndexType, R"(","manifests":[)",
                         entry(*amd64, "amd64"), ",", entry(*arm64, "arm64"),
                         R"(],"annotations":{"org.example.note":"both"}})"));
  EXPECT_NE(Read(absl::StrCat(request.output(), "/index.json"))
                .find(R"("annotations":{"org.opencontainers.image.ref.name":"1.0"})"),
            std::string::npos);
}

TEST(IndexTest, LinksLayersOnceAndCopiesDocuments) {
  const std::string directory = TestDirectory();
  const sdk::IndexRequest request = Request(directory);
  base::RealFileSystem fs;
  ASSERT_TRUE(BuildIndex(request, fs).ok());
  int links = 0;
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat(request.output(), "/blobs/sha256"))) {
    ++(entry.is_symlink() ? links : files);
  }
  EXPECT_EQ(links, 1);  // Both images have the one layer.
  EXPECT_EQ(files, 5);  // Two configs, two manifests, the index.
}

TEST(IndexTest, APlatformTwice) {
  const std::string directory = TestDirectory();
  sdk::IndexRequest request = Request(directory);
  request.add_layouts(WriteLayout(absl::StrCat(directory, "/more"), ConfigFor("amd64")).root);
  base::RealFileSystem fs;
  EXPECT_EQ(BuildIndex(request, fs).message(),
            absl::StrCat("image index: ", request.layouts(2), ": got linux/amd64, which ",
                         request.layouts(0), " is for, too, expected a platform once"));
  EXPECT_FALSE(Exists(request.output()));
}

TEST(IndexTest, AnIndexOfIndexes) {
  const std::string directory = TestDirectory();
  sdk::IndexRequest request = Request(directory);
  base::RealFileSystem fs;
  ASSERT_TRUE(BuildIndex(request, fs).ok());
  sdk::IndexRequest second;
  second.set_output(absl::StrCat(directory, "/second"));
  second.add_layouts(request.output());
  EXPECT_EQ(BuildIndex(second, fs).message(),
            absl::StrCat("image index: ", request.output(),
                         ": got an index of images, expected one image"));
}

TEST(IndexTest, WithoutImages) {
  sdk::IndexRequest request;
  request.set_output(absl::StrCat(TestDirectory(), "/out"));
  base::RealFileSystem fs;
  EXPECT_EQ(BuildIndex(request, fs).message(),
            "image index: layouts: got none, expected at least one");
}

TEST(IndexTest, FaultAtEachOperationLeavesNothing) {
  const std::string directory = TestDirectory();
  const sdk::IndexRequest request = Request(directory);
  base::RealFileSystem real;
  for (int n = 1;; ++n) {
    base::FaultyFileSystem fs(real, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = BuildIndex(request, fs);
    if (!fs.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_GT(n, 20);
      break;
    }
    EXPECT_EQ(status.message(), "disk full") << n;
    EXPECT_FALSE(Exists(request.output())) << n;
  }
}

}  // namespace
}  // namespace rules_inference::layer::oci
