#include "plugins/layer/oci/base_image.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/real_file_system.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/test_util.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

sdk::Platform Amd64() {
  sdk::Platform platform;
  platform.set_os("linux");
  platform.set_architecture("amd64");
  return platform;
}

// "ok: <digests of the layers>" or the error, with the directory written as BASE.
std::string Outcome(const std::string& root, const sdk::Platform& platform = Amd64()) {
  base::RealFileSystem fs;
  const absl::StatusOr<BaseImage> image = ReadBaseLayout(root, platform, fs);
  if (!image.ok()) return absl::StrReplaceAll(image.status().message(), {{root, "BASE"}});
  std::string result = "ok:";
  for (const Descriptor& layer : image->layers)
    absl::StrAppend(&result, " ", layer.digest.ToString().substr(0, 15));
  return result;
}

std::string OutcomeOfIndex(absl::string_view index) {
  const std::string root = TestDirectory();
  WriteLayout(root, "", index);
  return Outcome(root);
}

TEST(BaseImageTest, ReadsLayoutWithoutPlatform) {
  const std::string root = TestDirectory();
  WriteLayout(root);
  EXPECT_EQ(Outcome(root), "ok: sha256:31b1bea2");
}

TEST(BaseImageTest, TakesThePlatformOfTheRequest) {
  EXPECT_EQ(OutcomeOfIndex(R"({"schemaVersion":2,"manifests":[
      {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,
       "digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000",
       "platform":{"os":"linux","architecture":"arm64","variant":"v8"}},
      {%s,"platform":{"os":"linux","architecture":"amd64"}},
      {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,
       "digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111",
       "platform":{"os":"unknown","architecture":"unknown"}}]})"),
            "ok: sha256:31b1bea2");
}

TEST(BaseImageTest, TakesAManifestUnderTwoNamesOnce) {
  EXPECT_EQ(OutcomeOfIndex(R"({"schemaVersion":2,"manifests":[{%s},{%s}]})"),
            "ok: sha256:31b1bea2");
}

TEST(BaseImageTest, NamesThePlatformsThatAreThere) {
  EXPECT_EQ(
      OutcomeOfIndex(
          R"({"schemaVersion":2,"manifests":[{%s,"platform":{"os":"linux","architecture":"arm64"}},
                               {%s,"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]})"),
      "base image: BASE/index.json: got linux/arm64, linux/arm/v7, expected linux/amd64");
}

TEST(BaseImageTest, RefusesTwoManifestsForOnePlatform) {
  EXPECT_EQ(OutcomeOfIndex(R"({"schemaVersion":2,"manifests":[
      {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,
       "digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000",
       "platform":{"os":"linux","architecture":"amd64"}},
      {%s,"platform":{"os":"linux","architecture":"amd64"}}]})"),
            "base image: BASE/index.json: got 2 manifests for linux/amd64, expected one");
}

TEST(BaseImageTest, ReadsANestedIndexButNoDeeper) {
  const std::string root = TestDirectory();
  WriteLayout(root);
  const std::string flat = Read(absl::StrCat(root, "/index.json"));
  auto wrap = [&root](const std::string& inner) {
    return absl::StrCat(
        R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json",)",
        AddBlob(root, inner), "}]}");
  };
  Write(absl::StrCat(root, "/index.json"), wrap(flat));
  EXPECT_EQ(Outcome(root), "ok: sha256:31b1bea2");
  Write(absl::StrCat(root, "/index.json"), wrap(wrap(flat)));
  EXPECT_EQ(Outcome(root), absl::StrCat("BASE/", BlobPath(base::Sha256::Of(flat)),
                                        ": index: got depth 3, expected at most 2"));
}

TEST(BaseImageTest, RefusesManyManifests) {
  std::string index = R"({"schemaVersion":2,"manifests":[)";
  for (int i = 0; i < 1001; ++i) absl::StrAppend(&index, i == 0 ? "" : ",", "{%s}");
  EXPECT_EQ(OutcomeOfIndex(absl::StrCat(index, "]}")),
            "BASE/index.json: manifests: got 1001 entries, expected at most 1000");
}

struct IndexCase {
  absl::string_view index;
  absl::string_view error;
};

TEST(BaseImageTest, RefusesBadIndexes) {
  const IndexCase cases[] = {
      {R"({"schemaVersion":1,"manifests":[{%s}]})",
       "BASE/index.json: schemaVersion: got 1, expected 2"},
      {R"({"manifests":[{%s}]})", "BASE/index.json: schemaVersion: got nothing, expected a number"},
      {R"({"schemaVersion":2,"manifests":[{%s}],"layers":[]})",
       "BASE/index.json: document: got members of both an index and a manifest, expected one of "
       "the two"},
      {R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[{%s}]})",
       "BASE/index.json: mediaType: got 'application/vnd.oci.image.manifest.v1+json', expected "
       "'application/vnd.oci.image.index.v1+json'"},
      {R"({"schemaVersion":2,"manifests":[]})",
       "base image: BASE/index.json: got no manifest, expected linux/amd64"},
      {R"({"schemaVersion":2,"manifests":{}})",
       "BASE/index.json: manifests: got an object, expected an array"},
      {R"({"schemaVersion":2,"manifests":[{%s}]} x)",
       "JSON: BASE/index.json: byte 187: got 'x', expected the end of the document"},
      {R"([])", "BASE/index.json: document: got an array, expected an object"},
      {R"({"schemaVersion":2,"manifests":[{"mediaType":"a","size":1,"digest":"sha512:00"}]})",
       "BASE/index.json: manifests[0]: digest: got 'sha512:00', expected 'sha256:' and 64 "
       "lower-case hexadecimal digits"},
      {R"({"schemaVersion":2,"manifests":[{"mediaType":"a","size":1,"digest":"sha256:../../../../etc/passwd"}]})",
       "BASE/index.json: manifests[0]: digest: got 'sha256:../../../../etc/passwd', expected "
       "'sha256:' and 64 "
       "lower-case hexadecimal digits"},
      {R"({"schemaVersion":2,"manifests":[{"mediaType":"a","size":1,"digest":"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]})",
       "BASE/index.json: manifests[0]: digest: got "
       "'sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', expected "
       "'sha256:' and 64 "
       "lower-case hexadecimal digits"},
      {R"({"schemaVersion":2,"manifests":[{"mediaType":"a","size":-1,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}]})",
       "BASE/index.json: manifests[0]: size: got -1, expected a whole number from 0 to "
       "9223372036854775807"},
      {R"({"schemaVersion":2,"manifests":[{"mediaType":"a","size":1.0,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}]})",
       "BASE/index.json: manifests[0]: size: got 1.0, expected a whole number from 0 to "
       "9223372036854775807"},
  };
  for (const IndexCase& test : cases)
    EXPECT_EQ(OutcomeOfIndex(test.index), test.error) << test.index;
}

TEST(BaseImageTest, RefusesSizeAndDigestThatDisagree) {
  const std::string root = TestDirectory();
  const TestLayout layout = WriteLayout(root);
  const std::string path = absl::StrCat(root, "/blobs/sha256/", layout.manifest_digest.substr(7));
  const std::string manifest = Read(path);

  Write(path, manifest + " ");
  EXPECT_EQ(Outcome(root),
            absl::StrCat("BASE/blobs/sha256/", layout.manifest_digest.substr(7), ": size: got ",
                         manifest.size() + 1, " bytes, expected ", manifest.size()));

  std::string changed = manifest;
  changed[1] = ' ';
  Write(path, changed);
  EXPECT_EQ(Outcome(root), absl::StrCat("BASE/blobs/sha256/", layout.manifest_digest.substr(7),
                                        ": digest: got ", base::Sha256::Of(changed).ToString(),
                                        ", expected ", layout.manifest_digest));
}

TEST(BaseImageTest, RefusesMissingBlob) {
  const std::string root = TestDirectory();
  const TestLayout layout = WriteLayout(root);
  base::RealFileSystem fs;
  ASSERT_TRUE(
      fs.RemoveTree(absl::StrCat(root, "/blobs/sha256/", layout.config_digest.substr(7))).ok());
  EXPECT_EQ(ReadBaseLayout(root, Amd64(), fs).status().code(), absl::StatusCode::kNotFound);
}

TEST(BaseImageTest, RefusesHugeDocument) {
  const std::string root = TestDirectory();
  WriteLayout(root);
  Write(absl::StrCat(root, "/index.json"), std::string(kMaxDocumentBytes + 1, ' '));
  EXPECT_EQ(Outcome(root),
            "file too large: BASE/index.json: got 4194305 bytes, expected at most 4194304");
}

TEST(BaseImageTest, RefusesUnknownLayoutVersion) {
  const std::string root = TestDirectory();
  WriteLayout(root);
  Write(absl::StrCat(root, "/oci-layout"), R"({"imageLayoutVersion":"2.0.0"})");
  EXPECT_EQ(Outcome(root), "BASE/oci-layout: imageLayoutVersion: got '2.0.0', expected '1.0.0'");
}

std::string OutcomeOfConfig(absl::string_view config) {
  const std::string root = TestDirectory();
  const TestLayout layout = WriteLayout(root, config);
  return absl::StrReplaceAll(Outcome(root), {{layout.config_digest.substr(7), "CONFIG"}});
}

TEST(BaseImageTest, RefusesBadConfigs) {
  EXPECT_EQ(OutcomeOfConfig(R"([])"),
            "BASE/blobs/sha256/CONFIG: config: got an array, expected an object");
  EXPECT_EQ(OutcomeOfConfig(R"({"os":"linux","architecture":"arm64"})"),
            "BASE/blobs/sha256/CONFIG: platform: got linux/arm64, expected linux/amd64");
  EXPECT_EQ(OutcomeOfConfig(R"({"os":"linux","architecture":"amd64"})"),
            "BASE/blobs/sha256/CONFIG: rootfs: got nothing, expected an object");
  EXPECT_EQ(
      OutcomeOfConfig(
          R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}})"),
      "BASE/blobs/sha256/CONFIG: rootfs.diff_ids: got 0 entries, expected 1 as there are layers");
  EXPECT_EQ(
      OutcomeOfConfig(
          R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["md5:1"]}})"),
      "BASE/blobs/sha256/CONFIG: rootfs.diff_ids: got 'md5:1', expected 'sha256:' and 64 "
      "lower-case hexadecimal "
      "digits");
}

TEST(BaseImageTest, TranslatesDockerMediaTypes) {
  const std::string manifest = R"({"schemaVersion":2,
      "mediaType":"application/vnd.docker.distribution.manifest.v2+json",
      "config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":1,
        "digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"},
      "layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":2,
        "digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111"}]})";
  const absl::StatusOr<Manifest> parsed = ParseManifest(manifest, "m");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->layers[0].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");

  const absl::StatusOr<Manifest> foreign =
      ParseManifest(absl::StrReplaceAll(manifest, {{"rootfs.diff", "rootfs.foreign.diff"}}), "m");
  EXPECT_EQ(foreign.status().message(),
            "m: layers[0].mediaType: got "
            "'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', expected a tar "
            "layer (plain, gzip or zstd)");
}

}  // namespace
}  // namespace rules_inference::layer::oci
