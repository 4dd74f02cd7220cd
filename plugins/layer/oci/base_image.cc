#include "plugins/layer/oci/base_image.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/descriptor.h"
#include "plugins/layer/oci/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

std::string TextOf(const Json& object, absl::string_view key) {
  const Json* member = object.Find(key);
  return member != nullptr && member->is_string() ? member->text() : "";
}

sdk::Platform PlatformOf(const Json& json) {
  sdk::Platform result;
  result.set_os(TextOf(json, "os"));
  result.set_architecture(TextOf(json, "architecture"));
  result.set_variant(TextOf(json, "variant"));
  return result;
}

// An image without a variant runs on every variant of its architecture, and a request without one
// takes any.
bool Matches(const sdk::Platform& have, const sdk::Platform& want) {
  return have.os() == want.os() && have.architecture() == want.architecture() &&
         (have.variant().empty() || want.variant().empty() || have.variant() == want.variant());
}

// Walks the indexes of a layout and collects the manifests in them.
class IndexWalk {
 public:
  IndexWalk(absl::string_view layout, base::FileSystem& fs) : layout_(layout), fs_(fs) {}

  absl::Status Run() {
    const std::string path = absl::StrCat(layout_, "/index.json");
    ASSIGN_OR_RETURN(const std::string text, ReadDocument(path, fs_));
    return Index(text, path, 1);
  }

  absl::StatusOr<Descriptor> Choose(const sdk::Platform& platform) const {
    std::vector<Descriptor> exact, unnamed;
    std::vector<std::string> seen;
    for (const Descriptor& manifest : manifests_) {
      const Json* named = manifest.json.Find("platform");
      if (named == nullptr) {
        AddOnce(manifest, unnamed);
        seen.push_back("(no platform)");
        continue;
      }
      const sdk::Platform have = PlatformOf(*named);
      if (Matches(have, platform)) AddOnce(manifest, exact);
      seen.push_back(PlatformName(have));
    }
    // Layouts with one image often do not name its platform; its config does, and is compared with
    // the request.
    const std::vector<Descriptor>& found = exact.empty() ? unnamed : exact;
    if (found.size() == 1) return found[0];
    const std::string where = absl::StrCat(layout_, "/index.json");
    if (found.empty()) {
      return Mismatch("base image", where, seen.empty() ? "no manifest" : absl::StrJoin(seen, ", "),
                      PlatformName(platform));
    }
    return Mismatch("base image", where,
                    absl::StrCat(found.size(), " manifests for ", PlatformName(platform)), "one");
  }

  // The file of `descriptor`, compared with its size and digest.
  absl::StatusOr<std::string> Blob(const Descriptor& descriptor) const {
    const std::string path = PathOf(descriptor);
    ASSIGN_OR_RETURN(std::string text, ReadDocument(path, fs_));
    RETURN_IF_ERROR(CheckBytes(descriptor, text, path));
    return text;
  }

  std::string PathOf(const Descriptor& descriptor) const {
    return absl::StrCat(layout_, "/", BlobPath(descriptor.digest));
  }

 private:
  static void AddOnce(const Descriptor& descriptor, std::vector<Descriptor>& list) {
    // One manifest may stand in an index under several names.
    for (const Descriptor& old : list) {
      if (old.digest == descriptor.digest) return;
    }
    list.push_back(descriptor);
  }

  absl::Status Index(absl::string_view text, const std::string& where, int depth) {
    if (depth > kMaxIndexDepth) {
      // A cycle would need a collision of SHA-256, but a deep chain does not.
      return Mismatch(where, "index", absl::StrCat("depth ", depth),
                      absl::StrCat("at most ", kMaxIndexDepth));
    }
    ASSIGN_OR_RETURN(const Json document, ParseJson(text, where));
    RETURN_IF_ERROR(CheckDocument(document, kIndexType, where));
    ASSIGN_OR_RETURN(const Json* list, Require(document, "manifests", Json::Kind::kArray, where));
    entries_ += list->items().size();
    if (entries_ > kMaxIndexEntries) {
      return Mismatch(where, "manifests", absl::StrCat(entries_, " entries"),
                      absl::StrCat("at most ", kMaxIndexEntries));
    }
    ASSIGN_OR_RETURN(const std::vector<Descriptor> entries,
                     ParseDescriptors(*list, absl::StrCat(where, ": manifests")));
    for (const Descriptor& entry : entries) {
      if (entry.media_type == kManifestType) {
        manifests_.push_back(entry);
      } else if (entry.media_type == kIndexType) {
        ASSIGN_OR_RETURN(const std::string nested, Blob(entry));
        RETURN_IF_ERROR(Index(nested, PathOf(entry), depth + 1));
      }
      // Other content may stand beside images (signatures, for example); it is not ours to judge.
    }
    return absl::OkStatus();
  }

  const std::string layout_;
  base::FileSystem& fs_;
  size_t entries_ = 0;
  std::vector<Descriptor> manifests_;
};

absl::StatusOr<BaseImage> Combine(Manifest manifest, absl::string_view config_text,
                                  absl::string_view where, const sdk::Platform& platform) {
  BaseImage result;
  RETURN_IF_ERROR(CheckBytes(manifest.config, config_text, where));
  ASSIGN_OR_RETURN(result.config, ParseJson(config_text, where));
  if (!result.config.is_object()) {
    return Mismatch(where, "config", JsonKindName(result.config.kind()), "an object");
  }
  const sdk::Platform have = PlatformOf(result.config);
  if (!Matches(have, platform))
    return Mismatch(where, "platform", PlatformName(have), PlatformName(platform));

  ASSIGN_OR_RETURN(const Json* rootfs,
                   Require(result.config, "rootfs", Json::Kind::kObject, where));
  ASSIGN_OR_RETURN(const Json* diff_ids, Require(*rootfs, "diff_ids", Json::Kind::kArray, where));
  if (diff_ids->items().size() != manifest.layers.size()) {
    return Mismatch(where, "rootfs.diff_ids", absl::StrCat(diff_ids->items().size(), " entries"),
                    absl::StrCat(manifest.layers.size(), " as there are layers"));
  }
  for (const Json& diff_id : diff_ids->items()) {
    if (!diff_id.is_string() || !base::Digest::Parse(diff_id.text()).ok()) {
      return Mismatch(where, "rootfs.diff_ids", Quoted(diff_id.text()),
                      "'sha256:' and 64 lower-case hexadecimal digits");
    }
  }
  result.layers = std::move(manifest.layers);
  return result;
}

}  // namespace

std::string PlatformName(const sdk::Platform& platform) {
  return absl::StrCat(platform.os(), "/", platform.architecture(),
                      platform.variant().empty() ? "" : "/", platform.variant());
}

absl::StatusOr<std::string> ReadDocument(const std::string& path, base::FileSystem& fs) {
  return base::ReadFile(fs, path, kMaxDocumentBytes);
}

absl::Status CheckBytes(const Descriptor& descriptor, absl::string_view text,
                        absl::string_view where) {
  if (text.size() != descriptor.size) {
    return Mismatch(where, "size", absl::StrCat(text.size(), " bytes"),
                    absl::StrCat(descriptor.size));
  }
  const base::Digest digest = base::Sha256::Of(text);
  if (digest != descriptor.digest) {
    return Mismatch(where, "digest", digest.ToString(), descriptor.digest.ToString());
  }
  return absl::OkStatus();
}

absl::StatusOr<Manifest> ParseManifest(absl::string_view text, absl::string_view where) {
  ASSIGN_OR_RETURN(const Json document, ParseJson(text, where));
  RETURN_IF_ERROR(CheckDocument(document, kManifestType, where));
  ASSIGN_OR_RETURN(const Json* config, Require(document, "config", Json::Kind::kObject, where));
  ASSIGN_OR_RETURN(const Json* layers, Require(document, "layers", Json::Kind::kArray, where));
  Manifest result;
  ASSIGN_OR_RETURN(result.config, ParseDescriptor(*config, absl::StrCat(where, ": config")));
  if (result.config.media_type != kConfigType) {
    return Mismatch(where, "config.mediaType", Quoted(result.config.media_type),
                    Quoted(kConfigType));
  }
  ASSIGN_OR_RETURN(result.layers, ParseDescriptors(*layers, absl::StrCat(where, ": layers")));
  for (size_t i = 0; i < result.layers.size(); ++i) {
    if (!IsLayerType(result.layers[i].media_type)) {
      return Mismatch(where, absl::StrCat("layers[", i, "].mediaType"),
                      Quoted(result.layers[i].media_type), "a tar layer (plain, gzip or zstd)");
    }
  }
  return result;
}

absl::StatusOr<BaseImage> ReadBaseLayout(absl::string_view layout, const sdk::Platform& platform,
                                         base::FileSystem& fs) {
  const std::string marker_path = absl::StrCat(layout, "/oci-layout");
  ASSIGN_OR_RETURN(const std::string marker_text, ReadDocument(marker_path, fs));
  ASSIGN_OR_RETURN(const Json marker, ParseJson(marker_text, marker_path));
  ASSIGN_OR_RETURN(const Json* version,
                   Require(marker, "imageLayoutVersion", Json::Kind::kString, marker_path));
  if (version->text() != "1.0.0") {
    return Mismatch(marker_path, "imageLayoutVersion", Quoted(version->text()), "'1.0.0'");
  }
  IndexWalk walk(layout, fs);
  RETURN_IF_ERROR(walk.Run());
  ASSIGN_OR_RETURN(const Descriptor chosen, walk.Choose(platform));
  ASSIGN_OR_RETURN(const std::string manifest_text, walk.Blob(chosen));
  ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(manifest_text, walk.PathOf(chosen)));
  ASSIGN_OR_RETURN(const std::string config_text, walk.Blob(manifest.config));
  const std::string config_path = walk.PathOf(manifest.config);
  return Combine(std::move(manifest), config_text, config_path, platform);
}

absl::StatusOr<BaseImage> ReadBaseDocuments(absl::string_view manifest_path,
                                            absl::string_view config_path,
                                            const sdk::Platform& platform, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::string manifest_text, ReadDocument(std::string(manifest_path), fs));
  ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(manifest_text, manifest_path));
  ASSIGN_OR_RETURN(const std::string config_text, ReadDocument(std::string(config_path), fs));
  return Combine(std::move(manifest), config_text, config_path, platform);
}

}  // namespace rules_inference::layer::oci
