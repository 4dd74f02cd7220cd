#include "plugins/layer/oci/image.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/layer/oci/test_util.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

void Add(google::protobuf::RepeatedPtrField<sdk::KeyValue>* list, absl::string_view key,
         absl::string_view value) {
  sdk::KeyValue* entry = list->Add();
  entry->set_key(std::string(key));
  entry->set_value(std::string(value));
}

sdk::ImageRequest Request(const std::string& directory) {
  sdk::ImageRequest request;
  request.set_config_output(absl::StrCat(directory, "/config.json"));
  request.set_manifest_output(absl::StrCat(directory, "/manifest.json"));
  request.set_index_output(absl::StrCat(directory, "/index.json"));
  request.set_side_file(absl::StrCat(directory, "/image.json"));
  request.mutable_platform()->set_os("linux");
  request.mutable_platform()->set_architecture("amd64");
  return request;
}

// A request that sets everything.
sdk::ImageRequest FullRequest(const std::string& directory) {
  sdk::ImageRequest request = Request(directory);
  for (const absl::string_view name : {"one", "two"}) {
    request.add_layer_side_files(WriteLayer(directory, std::string(name), name).side_file());
  }
  Add(request.mutable_env(), "PATH", "/usr/bin:/bin");
  Add(request.mutable_env(), "A", "é");
  Add(request.mutable_labels(), "z", "1");
  Add(request.mutable_labels(), "a", "new");
  Add(request.mutable_annotations(), "y", "1");
  Add(request.mutable_annotations(), "x", "\"2\"");
  request.add_entrypoint("/app/serve");
  request.add_entrypoint("--port=8080");
  request.set_user("65532:65532");
  request.set_working_dir("/app");
  request.add_exposed_ports("9090/udp");
  request.add_exposed_ports("8080");
  request.add_volumes("/data");
  request.set_stop_signal("SIGTERM");
  request.set_created("2024-02-29T12:00:00Z");
  request.set_ref_name("v1.2");
  return request;
}

std::string Outcome(const sdk::ImageRequest& request) {
  base::RealFileSystem fs;
  const absl::Status status = BuildImage(request, fs);
  return status.ok() ? "ok" : std::string(status.message());
}

// One member per line reads well and diffs well.
std::string Lines(absl::string_view json) {
  return absl::StrReplaceAll(json, {{"},", "},\n"}, {"],", "],\n"}});
}

TEST(ImageTest, SmallestImage) {
  const std::string directory = TestDirectory();
  EXPECT_EQ(Outcome(Request(directory)), "ok");
  EXPECT_EQ(Read(absl::StrCat(directory, "/config.json")),
            R"({"created":"1970-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{},)"
            R"("rootfs":{"type":"layers","diff_ids":[]},"history":[]})");
  EXPECT_EQ(
      Read(absl::StrCat(directory, "/manifest.json")),
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json",)"
      R"("digest":"sha256:a6a26089de279810b485e79c86ba699f4ce3d722c25cba2976007965501fb923","size":136},)"
      R"("layers":[]})");
}

TEST(ImageTest, EveryField) {
  const std::string directory = TestDirectory();
  EXPECT_EQ(Outcome(FullRequest(directory)), "ok");
  EXPECT_EQ(
      Lines(Read(absl::StrCat(directory, "/config.json"))),
      R"({"created":"2024-02-29T12:00:00Z","architecture":"amd64","os":"linux","config":{"User":"65532:65532","ExposedPorts":{"8080":{},
"9090/udp":{}},
"Env":["PATH=/usr/bin:/bin","A=é"],
"Entrypoint":["/app/serve","--port=8080"],
"Volumes":{"/data":{}},
"WorkingDir":"/app","Labels":{"a":"new","z":"1"},
"StopSignal":"SIGTERM"},
"rootfs":{"type":"layers","diff_ids":["sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"]},
"history":[{"created":"2024-02-29T12:00:00Z","created_by":"test layer one"},
{"created":"2024-02-29T12:00:00Z","created_by":"test layer two"}]})");
  EXPECT_EQ(
      Lines(Read(absl::StrCat(directory, "/manifest.json"))),
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:9e6abeee9978f2900b7a1254c8299cc7eceb4e08e95ccb3189386d925f65dbcc","size":646},
"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","size":3},
{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3","size":3}],
"annotations":{"x":"\"2\"","y":"1"}})");
  EXPECT_EQ(
      Lines(Read(absl::StrCat(directory, "/index.json"))),
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:49a2bdd022b95def27d7a1ad9cbc6ca60db24a37b606abb8ce23fe91152eeea5","size":577,"annotations":{"org.opencontainers.image.ref.name":"v1.2"},
"platform":{"architecture":"amd64","os":"linux"}}]})");
  EXPECT_EQ(
      Read(absl::StrCat(directory, "/image.json")),
      R"({"config_digest":"sha256:9e6abeee9978f2900b7a1254c8299cc7eceb4e08e95ccb3189386d925f65dbcc","config_size":646,"manifest_digest":"sha256:49a2bdd022b95def27d7a1ad9cbc6ca60db24a37b606abb8ce23fe91152eeea5","manifest_size":577,"media_type":"application/vnd.oci.image.manifest.v1+json"}
)");
}

TEST(ImageTest, BuildsOnABase) {
  const std::string directory = TestDirectory();
  WriteLayout(absl::StrCat(directory, "/base"));
  sdk::ImageRequest request = FullRequest(directory);
  request.set_base_layout(absl::StrCat(directory, "/base"));
  EXPECT_EQ(Outcome(request), "ok");
  EXPECT_EQ(
      Lines(Read(absl::StrCat(directory, "/config.json"))),
      R"({"created":"2024-02-29T12:00:00Z","architecture":"amd64","os":"linux","config":{"User":"65532:65532","ExposedPorts":{"8080":{},
"9090/udp":{}},
"Env":["PATH=/usr/bin:/bin","LANG=C","A=é"],
"Entrypoint":["/app/serve","--port=8080"],
"Volumes":{"/data":{}},
"WorkingDir":"/app","Labels":{"a":"new","b":"base","z":"1"},
"StopSignal":"SIGTERM","Healthcheck":{"Interval":12345678901234567890}},
"rootfs":{"type":"layers","diff_ids":["sha256:31b1bea262a65f3b89522e134cef5e65962a5c1727666859ef2448fd439ccccf","sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"]},
"history":[{"created":"1970-01-01T00:00:00Z","created_by":"base"},
{"created":"2020-01-01T00:00:00Z","empty_layer":true},
{"created":"2024-02-29T12:00:00Z","created_by":"test layer one"},
{"created":"2024-02-29T12:00:00Z","created_by":"test layer two"}]})");
}

// The layout of a base and the two documents of it must make the same image.
TEST(ImageTest, BaseDocumentsAreAsGoodAsTheLayout) {
  const std::string directory = TestDirectory();
  const TestLayout base = WriteLayout(absl::StrCat(directory, "/base"));
  sdk::ImageRequest request = FullRequest(directory);
  request.set_base_layout(base.root);
  EXPECT_EQ(Outcome(request), "ok");
  const std::string from_layout = Read(request.manifest_output());

  request.clear_base_layout();
  request.set_base_manifest(
      absl::StrCat(base.root, "/blobs/sha256/", base.manifest_digest.substr(7)));
  request.set_base_config(absl::StrCat(base.root, "/blobs/sha256/", base.config_digest.substr(7)));
  EXPECT_EQ(Outcome(request), "ok");
  EXPECT_EQ(Read(request.manifest_output()), from_layout);

  request.clear_base_config();
  EXPECT_EQ(Outcome(request),
            "image: base: got one of base_manifest and base_config, expected both");
}

TEST(ImageTest, BaseCmdStaysWithoutANewEntrypoint) {
  const std::string directory = TestDirectory();
  sdk::ImageRequest request = Request(directory);
  request.set_base_layout(WriteLayout(absl::StrCat(directory, "/base")).root);
  EXPECT_EQ(Outcome(request), "ok");
  EXPECT_NE(Read(request.config_output()).find(R"("Entrypoint":["/base"],"Cmd":["-v"])"),
            std::string::npos);

  request.add_cmd("-q");
  EXPECT_EQ(Outcome(request), "ok");
  EXPECT_NE(Read(request.config_output()).find(R"("Entrypoint":["/base"],"Cmd":["-q"])"),
            std::string::npos);
}

TEST(ImageTest, RefusesBaseHistoryThatDoesNotFit) {
  const std::string directory = TestDirectory();
  sdk::ImageRequest request = Request(directory);
  const std::string config = absl::StrReplaceAll(BaseConfig(), {{R"(,"empty_layer":true)", ""}});
  request.set_base_layout(WriteLayout(absl::StrCat(directory, "/base"), config).root);
  EXPECT_EQ(Outcome(request),
            "base image: history: got 2 entries with a layer, expected 1 as there are layers");
}

TEST(ImageTest, DescribesBaseLayersWithoutHistory) {
  const std::string directory = TestDirectory();
  sdk::ImageRequest request = FullRequest(directory);
  const std::string full = BaseConfig();
  const std::string config = absl::StrCat(full.substr(0, full.find(R"(,"history")")), "}");
  request.set_base_layout(WriteLayout(absl::StrCat(directory, "/base"), config).root);
  EXPECT_EQ(Outcome(request), "ok");
  EXPECT_NE(
      Read(request.config_output())
          .find(R"("history":[{"created":"1970-01-01T00:00:00Z","created_by":"base image"},{)"),
      std::string::npos);
}

TEST(ImageTest, RefusesBaseConfigOfWrongKinds) {
  const std::string directory = TestDirectory();
  sdk::ImageRequest request = Request(directory);
  const std::string config =
      absl::StrReplaceAll(BaseConfig(), {{R"(["PATH=/bin","LANG=C"])", R"("PATH=/bin")"}});
  request.set_base_layout(WriteLayout(absl::StrCat(directory, "/base"), config).root);
  EXPECT_EQ(Outcome(request), "base image: config.Env: got a string, expected an array");
}

struct Case {
  void (*change)(sdk::ImageRequest&);
  absl::string_view error;
};

TEST(ImageTest, RefusesBadRequests) {
  const Case cases[] = {
      {[](sdk::ImageRequest& r) { r.clear_side_file(); },
       "image: side_file: got nothing, expected a path"},
      {[](sdk::ImageRequest& r) { r.clear_platform(); },
       "image: platform: got '/', expected os and architecture"},
      {[](sdk::ImageRequest& r) { r.set_created("yesterday"); },
       "image: created: got 'yesterday', expected an RFC 3339 time such as '1970-01-01T00:00:00Z'"},
      {[](sdk::ImageRequest& r) { r.set_created("infinite-future"); },
       "image: created: got 'infinite-future', expected an RFC 3339 time such as "
       "'1970-01-01T00:00:00Z'"},
      {[](sdk::ImageRequest& r) { r.set_created("2023-02-29T00:00:00Z"); },
       "image: created: got '2023-02-29T00:00:00Z', expected an RFC 3339 time such as "
       "'1970-01-01T00:00:00Z'"},
      {[](sdk::ImageRequest& r) { r.set_ref_name("a b"); },
       "image: ref_name: got 'a b', expected letters, digits and '-._:@/+' between letters or "
       "digits"},
      {[](sdk::ImageRequest& r) { Add(r.mutable_env(), "A=B", "1"); },
       "image: env: got 'A=B', expected a key without '='"},
      {[](sdk::ImageRequest& r) { Add(r.mutable_env(), "A", "2"); },
       "image: env: got 'A' twice, expected every key once"},
      {[](sdk::ImageRequest& r) { Add(r.mutable_labels(), "", "2"); },
       "image: labels: got '', expected a key"},
      {[](sdk::ImageRequest& r) { Add(r.mutable_annotations(), "x", "2"); },
       "image: annotations: got 'x' twice, expected every key once"},
      {[](sdk::ImageRequest& r) { r.set_working_dir("app"); },
       "image: working_dir: got 'app', expected an absolute path"},
      {[](sdk::ImageRequest& r) { r.add_volumes("data"); },
       "image: volumes: got 'data', expected an absolute path"},
      {[](sdk::ImageRequest& r) { r.add_exposed_ports("8080/http"); },
       "image: exposed_ports: got '8080/http', expected a port such as '8080' or '8080/tcp'"},
      {[](sdk::ImageRequest& r) { r.add_exposed_ports("65536"); },
       "image: exposed_ports: got '65536', expected a port such as '8080' or '8080/tcp'"},
      {[](sdk::ImageRequest& r) {
         for (int i = 0; i < 126; ++i) r.add_layer_side_files(r.layer_side_files(0));
       },
       "image: layers: got 128, expected at most 127"},
  };
  for (const Case& test : cases) {
    const std::string directory = TestDirectory();
    sdk::ImageRequest request = FullRequest(directory);
    test.change(request);
    EXPECT_EQ(Outcome(request), test.error);
    EXPECT_FALSE(Exists(absl::StrCat(directory, "/config.json")));
  }
}

struct SideCase {
  absl::string_view text;
  absl::string_view error;
};

TEST(ImageTest, RefusesBadSideFiles) {
  const std::string hash(64, '0');
  const std::string other(64, '1');
  const SideCase cases[] = {
      {"", "SIDE: line 1, column 1: got the end of the text, expected `{`"},
      {R"({"digest":"sha512:00"})",
       "SIDE: digest: got 'sha512:00', expected 'sha256:' and 64 lower-case hexadecimal digits"},
      {R"({"digest":"sha256:HASH"})",
       "SIDE: diff_id: got '', expected 'sha256:' and 64 lower-case hexadecimal digits"},
      {R"({"digest":"sha256:HASH","diff_id":"sha256:HASH","media_type":"text/plain"})",
       "SIDE: media_type: got 'text/plain', expected a tar layer (plain, gzip or zstd)"},
      {R"({"digest":"sha256:HASH","diff_id":"sha256:HASH","media_type":"application/vnd.oci.image.layer.v1.tar"})",
       "SIDE: size: got 0, expected the size of the blob"},
      {R"({"digest":"sha256:HASH","diff_id":"sha256:OTHER","size":1,"media_type":"application/vnd.oci.image.layer.v1.tar"})",
       "SIDE: diff_id of a plain tar: got sha256:OTHER, expected sha256:HASH"},
  };
  for (const SideCase& test : cases) {
    const std::string directory = TestDirectory();
    sdk::ImageRequest request = Request(directory);
    request.add_layer_side_files(absl::StrCat(directory, "/side"));
    Write(request.layer_side_files(0),
          absl::StrReplaceAll(test.text, {{"HASH", hash}, {"OTHER", other}}));
    EXPECT_EQ(
        Outcome(request),
        absl::StrReplaceAll(
            test.error, {{"SIDE", request.layer_side_files(0)}, {"HASH", hash}, {"OTHER", other}}));
  }
}

// Every single operation fails once: no output stays, and the next run gives the same bytes.
TEST(ImageTest, LeavesNothingHalfDone) {
  const std::string directory = TestDirectory();
  sdk::ImageRequest request = FullRequest(directory);
  request.set_base_layout(WriteLayout(absl::StrCat(directory, "/base")).root);
  ASSERT_EQ(Outcome(request), "ok");
  const std::string good = Read(request.manifest_output());
  base::RealFileSystem real;
  for (int n = 1;; ++n) {
    for (const std::string& path : {request.config_output(), request.manifest_output(),
                                    request.index_output(), request.side_file()}) {
      ASSERT_TRUE(real.RemoveTree(path).ok());
    }
    base::FaultyFileSystem faulty(real, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = BuildImage(request, faulty);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_EQ(Read(request.manifest_output()), good);
      EXPECT_GT(n, 20);
      break;
    }
    EXPECT_EQ(status.message(), "disk full") << n;
    for (const std::string& path : {request.config_output(), request.manifest_output(),
                                    request.index_output(), request.side_file()}) {
      EXPECT_FALSE(Exists(path)) << n << " " << path;
    }
  }
}

}  // namespace
}  // namespace rules_inference::layer::oci
