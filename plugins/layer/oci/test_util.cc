#include "plugins/layer/oci/test_util.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

std::string TestDirectory() {
  static std::atomic<int> counter = 0;
  const char* root = std::getenv("TEST_TMPDIR");
  const std::string path = absl::StrCat(root == nullptr ? "." : root, "/oci", ++counter);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

void Write(const std::string& path, absl::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "(absent)";
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool Exists(const std::string& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

sdk::LayerBlob WriteLayer(const std::string& directory, const std::string& name,
                          absl::string_view content) {
  sdk::LayerBlob blob;
  blob.set_blob(absl::StrCat(directory, "/", name));
  blob.set_side_file(absl::StrCat(directory, "/", name, ".json"));
  sdk::LayerMetadata metadata;
  metadata.set_digest(base::Sha256::Of(content).ToString());
  metadata.set_diff_id(metadata.digest());
  metadata.set_size(content.size());
  metadata.set_media_type("application/vnd.oci.image.layer.v1.tar");
  metadata.set_created_by(absl::StrCat("test layer ", name));
  Write(blob.blob(), content);
  Write(blob.side_file(), sdk::ToCanonicalJson(metadata));
  return blob;
}

std::string AddBlob(const std::string& root, absl::string_view content) {
  const base::Digest digest = base::Sha256::Of(content);
  Write(absl::StrCat(root, "/", BlobPath(digest)), content);
  return absl::StrCat(R"("digest":")", digest.ToString(), R"(","size":)", content.size());
}

std::string BaseConfig() {
  return absl::StrCat(
      R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin","LANG=C"],"Entrypoint":["/base"],)",
      R"("Cmd":["-v"],"Labels":{"b":"base","a":"base"},"Healthcheck":{"Interval":12345678901234567890}},)",
      R"("rootfs":{"type":"layers","diff_ids":[")", base::Sha256::Of("base layer").ToString(),
      R"("]},)",
      R"("history":[{"created_by":"base"},{"created":"2020-01-01T00:00:00Z","empty_layer":true}]})");
}

TestLayout WriteLayout(const std::string& root, absl::string_view config, absl::string_view index) {
  const std::string config_text = config.empty() ? BaseConfig() : std::string(config);
  const std::string layer = AddBlob(root, "base layer");
  const std::string manifest = absl::StrCat(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)",
      R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json",)",
      AddBlob(root, config_text),
      R"(},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",)", layer, "}]}");
  const std::string entry = absl::StrCat(
      R"("mediaType":"application/vnd.oci.image.manifest.v1+json",)", AddBlob(root, manifest));
  Write(absl::StrCat(root, "/oci-layout"), kLayoutFile);
  Write(absl::StrCat(root, "/index.json"),
        absl::StrReplaceAll(index.empty() ? R"({"schemaVersion":2,"manifests":[{%s}]})" : index,
                            {{"%s", entry}}));
  return {root, base::Sha256::Of(manifest).ToString(), base::Sha256::Of(config_text).ToString(),
          base::Sha256::Of("base layer").ToString()};
}

}  // namespace rules_inference::layer::oci
