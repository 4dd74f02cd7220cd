#include "plugins/layer/oci/archive.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/image_name.h"
#include "plugins/layer/oci/json.h"
#include "plugins/layer/tar.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr size_t kBufferSize = 1 << 20;

// index.json: the manifest once for each name, as `docker save` does it.
absl::StatusOr<Json> ArchiveIndex(const ImageBlobs& blobs,
                                  const google::protobuf::RepeatedPtrField<std::string>& tags) {
  Json list = Json::Array();
  const Json plain = DescriptorJson(kManifestType, blobs.manifest.digest, blobs.manifest.size);
  for (const std::string& tag : tags) {
    ASSIGN_OR_RETURN(const std::string name, FullName(tag));
    Json annotations = Json::Object();
    annotations.Set("io.containerd.image.name", Json::String(name));
    annotations.Set(kRefName, Json::String(name.substr(name.rfind(':') + 1)));
    Json entry = plain;
    entry.Set("annotations", std::move(annotations));
    list.Append(std::move(entry));
  }
  if (tags.empty()) list.Append(plain);
  Json result = Json::Object();
  result.Set("schemaVersion", Json::Number(2));
  result.Set("mediaType", Json::String(kIndexType));
  result.Set("manifests", std::move(list));
  return result;
}

// manifest.json, Docker's own format: what older daemons and podman read.
Json DockerManifest(const ImageBlobs& blobs,
                    const google::protobuf::RepeatedPtrField<std::string>& tags) {
  Json layers = Json::Array();
  for (const Blob& layer : blobs.layers)
    layers.Append(Json::String(BlobPath(layer.descriptor.digest)));
  Json entry = Json::Object();
  entry.Set("Config", Json::String(BlobPath(blobs.config.digest)));
  entry.Set("RepoTags", tags.empty() ? Json() : Json::Strings(tags));
  entry.Set("Layers", std::move(layers));
  Json result = Json::Array();
  result.Append(std::move(entry));
  return result;
}

// A tar stream into a file in the making.
class ArchiveWriter {
 public:
  ArchiveWriter(base::FileSystem& fs, base::OutputFile& out)
      : fs_(fs), out_(out), buffer_(kBufferSize) {}

  absl::Status Directory(const std::string& path) {
    return Header(path, TarType::kDirectory, 0755, 0);
  }

  absl::Status Text(const std::string& path, absl::string_view text) {
    RETURN_IF_ERROR(Header(path, TarType::kFile, 0644, text.size()));
    RETURN_IF_ERROR(out_.Append(text));
    return Pad(text.size());
  }

  absl::Status Stream(const Blob& blob) {
    RETURN_IF_ERROR(
        Header(BlobPath(blob.descriptor.digest), TarType::kFile, 0644, blob.descriptor.size));
    ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs_.Open(blob.path));
    base::Sha256 hash;
    for (uint64_t offset = 0; offset < blob.descriptor.size;) {
      const auto count =
          static_cast<size_t>(std::min<uint64_t>(kBufferSize, blob.descriptor.size - offset));
      const absl::Span<char> piece = absl::MakeSpan(buffer_).first(count);
      RETURN_IF_ERROR(base::ReadExactly(*file, offset, piece));
      const absl::string_view data(piece.data(), piece.size());
      hash.Update(data);
      RETURN_IF_ERROR(out_.Append(data));
      offset += count;
    }
    if (const base::Digest digest = hash.Finish(); digest != blob.descriptor.digest) {
      return Mismatch(blob.path, "digest", digest.ToString(), blob.descriptor.digest.ToString());
    }
    return Pad(blob.descriptor.size);
  }

  absl::Status End() { return Zeros(kTarEndSize); }

 private:
  absl::Status Header(const std::string& path, TarType type, uint32_t mode, uint64_t size) {
    std::string header;
    AppendTarHeader({.path = path, .type = type, .mode = mode, .size = size}, header);
    return out_.Append(header);
  }

  absl::Status Pad(uint64_t size) { return Zeros(TarPadding(size)); }

  absl::Status Zeros(size_t count) {
    return count == 0 ? absl::OkStatus() : out_.Append(std::string(count, '\0'));
  }

  base::FileSystem& fs_;
  base::OutputFile& out_;
  std::vector<char> buffer_;
};

}  // namespace

absl::Status WriteArchive(const sdk::ArchiveRequest& request, base::FileSystem& fs,
                          base::OutputFile& out) {
  ASSIGN_OR_RETURN(const ImageBlobs blobs, FindBlobs(request.manifest(), request.config(),
                                                     request.layers(), request.base_layout(), fs));
  ASSIGN_OR_RETURN(const Json index, ArchiveIndex(blobs, request.tags()));

  // Everything small comes first where readers allow it; blobs are sorted by digest, and each is
  // there once.
  ArchiveWriter writer(fs, out);
  RETURN_IF_ERROR(writer.Text("oci-layout", kLayoutFile));
  RETURN_IF_ERROR(writer.Text("index.json", JsonText(index)));
  RETURN_IF_ERROR(writer.Text("manifest.json", JsonText(DockerManifest(blobs, request.tags()))));
  RETURN_IF_ERROR(writer.Directory("blobs"));
  RETURN_IF_ERROR(writer.Directory("blobs/sha256"));
  RETURN_IF_ERROR(writer.Text(BlobPath(blobs.config.digest), blobs.config_text));
  RETURN_IF_ERROR(writer.Text(BlobPath(blobs.manifest.digest), blobs.manifest_text));
  std::map<base::Digest, const Blob*> layers;
  for (const Blob& layer : blobs.layers) layers.emplace(layer.descriptor.digest, &layer);
  for (const auto& [digest, layer] : layers) RETURN_IF_ERROR(writer.Stream(*layer));
  return writer.End();
}

absl::Status BuildArchive(const sdk::ArchiveRequest& request, base::FileSystem& fs) {
  if (request.output().empty() || request.output() == "-") {
    return Mismatch("image archive", "output", Quoted(request.output()), "the path of a file");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> out, fs.Create(request.output()));
  RETURN_IF_ERROR(WriteArchive(request, fs, *out));
  return out->Publish();
}

}  // namespace rules_inference::layer::oci
