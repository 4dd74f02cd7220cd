// Problem: an image with a 100 GB model in it costs a tar of 100 GB, whose digest nobody knows
// before it is made. Idea: in an artifact a layer is the file itself. Its digest is the sha256 of
// the lock, so config and manifest follow from the lock alone: they are made without the files, a
// registry that has a file under that digest needs it never again, and the layout links to the
// file where it is. Invariant: no byte of a file is read here. Cost: linear in the number of files.
//
// Source: github.com/modelpack/model-spec (specs-go/v1).

#include "plugins/layer/oci/model.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/documents.h"
#include "plugins/layer/oci/json.h"
#include "plugins/layer/oci/layout.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr absl::string_view kArtifactType = "application/vnd.cncf.model.manifest.v1+json";
constexpr absl::string_view kModelConfigType = "application/vnd.cncf.model.config.v1+json";
constexpr absl::string_view kFilePath = "org.cncf.model.filepath";
constexpr absl::string_view kTitle = "org.opencontainers.image.title";

// Weights, what belongs to them (tokenizer.json, config.json), or something to read.
absl::string_view MediaType(const sdk::ModelBlob& file) {
  const absl::string_view path = file.path();
  const std::string name = absl::AsciiStrToLower(path.substr(path.rfind('/') + 1));
  for (const absl::string_view prefix : {"readme", "license", "licence", "notice"}) {
    if (absl::StartsWith(name, prefix)) return "application/vnd.cncf.model.doc.v1.raw";
  }
  if (file.format() == "json" || file.format() == "text") {
    return "application/vnd.cncf.model.weight.config.v1.raw";
  }
  return "application/vnd.cncf.model.weight.v1.raw";
}

absl::StatusOr<std::vector<Blob>> Files(const sdk::ModelArtifactRequest& request) {
  std::vector<Blob> blobs;
  std::set<absl::string_view> paths;
  for (const sdk::ModelBlob& file : request.files()) {
    RETURN_IF_ERROR(base::RelPath::Parse(file.path()).status());
    if (!paths.insert(file.path()).second) {
      return Mismatch("model", Quoted(file.path()), "two files", "one");
    }
    Blob blob;
    blob.path = file.source();
    ASSIGN_OR_RETURN(blob.descriptor.digest, base::Digest::Parse(file.digest()));
    blob.descriptor.media_type = std::string(MediaType(file));
    blob.descriptor.size = file.size();
    blobs.push_back(std::move(blob));
  }
  if (blobs.empty()) return Mismatch("model", "files", "none", "at least one");
  return blobs;
}

// The format of the most bytes of weights, or nothing.
std::string Format(const sdk::ModelArtifactRequest& request) {
  std::map<std::string, uint64_t> bytes;
  for (const sdk::ModelBlob& file : request.files()) {
    if (file.format() != "json" && file.format() != "text" && file.format() != "other") {
      bytes[file.format()] += file.size();
    }
  }
  std::string best;
  for (const auto& [format, size] : bytes) {
    if (best.empty() || size > bytes[best]) best = format;
  }
  return best;
}

void SetUnlessEmpty(Json& object, absl::string_view key, const std::string& value) {
  if (!value.empty()) object.Set(key, Json::String(value));
}

Json ConfigJson(const sdk::ModelArtifactRequest& request, const std::vector<Blob>& blobs) {
  Json descriptor = Json::Object();
  SetUnlessEmpty(descriptor, "name", request.name());
  SetUnlessEmpty(descriptor, "sourceURL", request.source());
  SetUnlessEmpty(descriptor, "version", request.variant());
  SetUnlessEmpty(descriptor, "revision", request.revision());
  if (!request.licence().empty()) {
    descriptor.Set("licenses", Json::Strings(std::vector<std::string>{request.licence()}));
  }
  std::vector<std::string> diff_ids;
  // As nothing is packed, the digest of what would be unpacked is that of the blob.
  for (const Blob& blob : blobs) diff_ids.push_back(blob.descriptor.digest.ToString());
  Json modelfs = Json::Object();
  modelfs.Set("type", Json::String("layers"));
  modelfs.Set("diffIds", Json::Strings(diff_ids));
  Json config = Json::Object();
  SetUnlessEmpty(config, "format", Format(request));
  Json result = Json::Object();
  result.Set("descriptor", std::move(descriptor));
  result.Set("modelfs", std::move(modelfs));
  result.Set("config", std::move(config));
  return result;
}

Json Annotations(const sdk::ModelArtifactRequest& request) {
  google::protobuf::RepeatedPtrField<sdk::KeyValue> all;
  const auto add = [&all](absl::string_view key, const std::string& value) {
    if (value.empty()) return;
    sdk::KeyValue& entry = *all.Add();
    entry.set_key(absl::StrCat("org.opencontainers.image.", key));
    entry.set_value(value);
  };
  add("title", request.name());
  add("version", request.variant());
  add("source", request.source());
  add("revision", request.revision());
  add("licenses", request.licence());
  all.MergeFrom(request.annotations());
  return SortedMap(all);
}

Json ManifestJson(const sdk::ModelArtifactRequest& request, const std::vector<Blob>& blobs,
                  absl::string_view config) {
  Json layers = Json::Array();
  for (size_t i = 0; i < blobs.size(); ++i) {
    const Descriptor& blob = blobs[i].descriptor;
    const std::string& path = request.files(static_cast<int>(i)).path();
    Json annotations = Json::Object();
    annotations.Set(kFilePath, Json::String(path));
    annotations.Set(kTitle, Json::String(path));
    Json layer = DescriptorJson(blob.media_type, blob.digest, blob.size);
    layer.Set("annotations", std::move(annotations));
    layers.Append(std::move(layer));
  }
  Json result = Json::Object();
  result.Set("schemaVersion", Json::Number(2));
  result.Set("mediaType", Json::String(kManifestType));
  result.Set("artifactType", Json::String(kArtifactType));
  result.Set("config", DescriptorJson(kModelConfigType, base::Sha256::Of(config), config.size()));
  result.Set("layers", std::move(layers));
  result.Set("annotations", Annotations(request));
  return result;
}

Json IndexJson(const Descriptor& manifest, absl::string_view ref_name) {
  Json annotations = Json::Object();
  annotations.Set(kRefName, Json::String(ref_name));
  Json entry = DescriptorJson(kManifestType, manifest.digest, manifest.size);
  entry.Set("artifactType", Json::String(kArtifactType));
  entry.Set("annotations", std::move(annotations));
  Json list = Json::Array();
  list.Append(std::move(entry));
  Json result = Json::Object();
  result.Set("schemaVersion", Json::Number(2));
  result.Set("mediaType", Json::String(kIndexType));
  result.Set("manifests", std::move(list));
  return result;
}

// For a layout every file is there, with the size that is pinned.
absl::Status CheckSources(const std::vector<Blob>& blobs, base::FileSystem& fs) {
  for (const Blob& blob : blobs) {
    if (blob.path.empty()) {
      return Mismatch("model", blob.descriptor.digest.ToString(), "no source", "one, for a layout");
    }
    ASSIGN_OR_RETURN(const base::NodeInfo info, fs.Stat(blob.path, base::Follow::kYes));
    if (info.type != base::NodeType::kFile) {
      return Mismatch("model", blob.path, "no regular file", "a file of the model");
    }
    if (info.size != blob.descriptor.size) {
      return Mismatch(blob.path, "size", absl::StrCat(info.size, " bytes"),
                      absl::StrCat(blob.descriptor.size));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BuildModel(const sdk::ModelArtifactRequest& request, base::FileSystem& fs) {
  const bool documents = !request.config_output().empty();
  if (documents != !request.manifest_output().empty() ||
      documents != !request.index_output().empty()) {
    return Mismatch("model", "outputs", "some of config, manifest and index", "all or none");
  }
  if (!documents && request.layout_output().empty()) {
    return Mismatch("model", "outputs", "none", "documents or a layout");
  }
  if (request.name().empty()) return Mismatch("model", "name", "nothing", "one");
  ASSIGN_OR_RETURN(const std::string ref_name, RefName("model", request.ref_name()));
  ImageBlobs blobs;
  ASSIGN_OR_RETURN(blobs.layers, Files(request));
  blobs.config_text = JsonText(ConfigJson(request, blobs.layers));
  blobs.config.digest = base::Sha256::Of(blobs.config_text);
  blobs.manifest_text = JsonText(ManifestJson(request, blobs.layers, blobs.config_text));
  blobs.manifest.digest = base::Sha256::Of(blobs.manifest_text);
  blobs.manifest.size = blobs.manifest_text.size();
  if (blobs.manifest_text.size() > kMaxDocumentBytes) {
    return Mismatch(
        "model", "manifest",
        absl::StrCat(blobs.manifest_text.size(), " bytes for ", blobs.layers.size(), " files"),
        absl::StrCat("at most ", kMaxDocumentBytes, ", as registries take no more"));
  }
  const std::string index = JsonText(IndexJson(blobs.manifest, ref_name));
  if (!request.layout_output().empty()) {
    RETURN_IF_ERROR(CheckSources(blobs.layers, fs));
    RETURN_IF_ERROR(WriteLayout(request.layout_output(), blobs, index, /*copy=*/false, fs));
  }
  if (!documents) return absl::OkStatus();
  return WriteAll({{request.config_output(), blobs.config_text},
                   {request.manifest_output(), blobs.manifest_text},
                   {request.index_output(), index}},
                  fs);
}

}  // namespace rules_inference::layer::oci
