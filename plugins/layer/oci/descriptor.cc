#include "plugins/layer/oci/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/json.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr std::pair<absl::string_view, absl::string_view> kDockerTypes[] = {
    {"application/vnd.docker.distribution.manifest.list.v2+json", kIndexType},
    {"application/vnd.docker.distribution.manifest.v2+json", kManifestType},
    {"application/vnd.docker.container.image.v1+json", kConfigType},
    {"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip",
     "application/vnd.oci.image.layer.v1.tar+gzip"},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd",
     "application/vnd.oci.image.layer.v1.tar+zstd"},
};

constexpr absl::string_view kLayerTypes[] = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
};

absl::StatusOr<base::Digest> ParseDigest(const std::string& text, absl::string_view where) {
  absl::StatusOr<base::Digest> digest = base::Digest::Parse(text);
  if (digest.ok()) return digest;
  // The words of Digest::Parse do not say which document the text stands in.
  return Mismatch(where, "digest", Quoted(text), "'sha256:' and 64 lower-case hexadecimal digits");
}

}  // namespace

absl::string_view OciMediaType(absl::string_view media_type) {
  for (const auto& [docker, oci] : kDockerTypes) {
    if (media_type == docker) return oci;
  }
  return media_type;
}

bool IsLayerType(absl::string_view media_type) {
  return absl::c_linear_search(kLayerTypes, media_type);
}

absl::StatusOr<const Json*> Require(const Json& object, absl::string_view key, Json::Kind kind,
                                    absl::string_view where) {
  const Json* member = object.Find(key);
  const absl::string_view seen = member == nullptr ? "nothing" : JsonKindName(member->kind());
  if (member == nullptr || member->kind() != kind)
    return Mismatch(where, key, seen, JsonKindName(kind));
  return member;
}

absl::StatusOr<Descriptor> ParseDescriptor(const Json& json, absl::string_view where) {
  if (!json.is_object())
    return Mismatch(where, "descriptor", JsonKindName(json.kind()), "an object");
  Descriptor result;
  ASSIGN_OR_RETURN(const Json* media_type, Require(json, "mediaType", Json::Kind::kString, where));
  ASSIGN_OR_RETURN(const Json* digest, Require(json, "digest", Json::Kind::kString, where));
  ASSIGN_OR_RETURN(const Json* size, Require(json, "size", Json::Kind::kNumber, where));
  result.media_type = std::string(OciMediaType(media_type->text()));
  ASSIGN_OR_RETURN(result.digest, ParseDigest(digest->text(), where));
  // Sizes are int64 in the readers of others.
  int64_t number = 0;
  if (!absl::SimpleAtoi(size->text(), &number) || number < 0 ||
      absl::StrCat(number) != size->text()) {
    return Mismatch(where, "size", size->text(), "a whole number from 0 to 9223372036854775807");
  }
  result.size = static_cast<uint64_t>(number);
  result.json = json;
  return result;
}

absl::StatusOr<std::vector<Descriptor>> ParseDescriptors(const Json& array,
                                                         absl::string_view where) {
  std::vector<Descriptor> result;
  for (size_t i = 0; i < array.items().size(); ++i) {
    ASSIGN_OR_RETURN(Descriptor descriptor,
                     ParseDescriptor(array.items()[i], absl::StrCat(where, "[", i, "]")));
    result.push_back(std::move(descriptor));
  }
  return result;
}

Json DescriptorJson(absl::string_view media_type, const base::Digest& digest, uint64_t size) {
  Json result = Json::Object();
  result.Set("mediaType", Json::String(media_type));
  result.Set("digest", Json::String(digest.ToString()));
  result.Set("size", Json::Number(size));
  return result;
}

absl::Status CheckDocument(const Json& document, absl::string_view media_type,
                           absl::string_view where) {
  if (!document.is_object())
    return Mismatch(where, "document", JsonKindName(document.kind()), "an object");
  ASSIGN_OR_RETURN(const Json* version,
                   Require(document, "schemaVersion", Json::Kind::kNumber, where));
  if (version->text() != "2") return Mismatch(where, "schemaVersion", version->text(), "2");
  if (document.Find("manifests") != nullptr &&
      (document.Find("layers") != nullptr || document.Find("config") != nullptr)) {
    return Mismatch(where, "document", "members of both an index and a manifest", "one of the two");
  }
  if (document.Find("mediaType") != nullptr) {
    ASSIGN_OR_RETURN(const Json* type, Require(document, "mediaType", Json::Kind::kString, where));
    if (OciMediaType(type->text()) != media_type) {
      return Mismatch(where, "mediaType", Quoted(type->text()), Quoted(media_type));
    }
  }
  return absl::OkStatus();
}

std::string BlobPath(const base::Digest& digest) {
  return absl::StrCat("blobs/sha256/", digest.Hex());
}

}  // namespace rules_inference::layer::oci
