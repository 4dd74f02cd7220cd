#include "plugins/layer/oci/layout_graph.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/layer/oci/json.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;

class Reader {
 public:
  Reader(absl::string_view layout, base::FileSystem& fs, LayoutGraph& graph)
      : layout_(layout), fs_(fs), graph_(graph) {}

  absl::Status Run() {
    const std::string path = absl::StrCat(layout_, "/index.json");
    ASSIGN_OR_RETURN(const std::string text, ReadDocument(path, fs_));
    ASSIGN_OR_RETURN(const std::vector<Descriptor> roots, Children(text, path));
    if (roots.size() != 1) {
      return Mismatch("image layout", path, absl::StrCat(roots.size(), " manifests"),
                      "one, of an image or of an index of images");
    }
    return Add(roots[0], absl::StrCat(path, ": manifests[0]"), 0);
  }

 private:
  absl::StatusOr<std::vector<Descriptor>> Children(absl::string_view text,
                                                   const std::string& where) {
    ASSIGN_OR_RETURN(const Json document, ParseJson(text, where));
    RETURN_IF_ERROR(CheckDocument(document, kIndexType, where));
    ASSIGN_OR_RETURN(const Json* list, Require(document, "manifests", Json::Kind::kArray, where));
    if (list->items().size() > kMaxIndexEntries) {
      return Mismatch(where, "manifests", absl::StrCat(list->items().size(), " entries"),
                      absl::StrCat("at most ", kMaxIndexEntries));
    }
    return ParseDescriptors(*list, absl::StrCat(where, ": manifests"));
  }

  absl::Status Add(const Descriptor& descriptor, const std::string& where, int depth) {
    if (!seen_.insert(descriptor.digest).second) return absl::OkStatus();
    const bool is_index = descriptor.media_type == kIndexType;
    if (!is_index && descriptor.media_type != kManifestType) {
      return Mismatch(where, "mediaType", base::Quoted(descriptor.media_type),
                      "a manifest or an index");
    }
    if (depth > kMaxIndexDepth) {
      return Mismatch(where, "index", absl::StrCat("depth ", depth),
                      absl::StrCat("at most ", kMaxIndexDepth));
    }
    const std::string path = PathOf(descriptor);
    Document document;
    document.media_type = descriptor.json.Find("mediaType")->text();
    document.descriptor = descriptor;
    ASSIGN_OR_RETURN(document.text, ReadDocument(path, fs_));
    RETURN_IF_ERROR(CheckBytes(descriptor, document.text, path));
    if (is_index) {
      ASSIGN_OR_RETURN(const std::vector<Descriptor> children, Children(document.text, path));
      for (const Descriptor& child : children) RETURN_IF_ERROR(Add(child, path, depth + 1));
    } else {
      ASSIGN_OR_RETURN(const Manifest manifest, ParseManifest(document.text, path));
      RETURN_IF_ERROR(AddBlob(manifest.config));
      for (const Descriptor& layer : manifest.layers) RETURN_IF_ERROR(AddBlob(layer));
    }
    graph_.documents.push_back(std::move(document));
    return absl::OkStatus();
  }

  absl::Status AddBlob(const Descriptor& descriptor) {
    if (!seen_.insert(descriptor.digest).second) return absl::OkStatus();
    const std::string path = PathOf(descriptor);
    const auto info = fs_.Stat(path, base::Follow::kYes);
    if (absl::IsNotFound(info.status()) && descriptor.json.Find("urls") != nullptr) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(info.status());
    if (info->size != descriptor.size) {
      return Mismatch(path, "size", absl::StrCat(info->size), absl::StrCat(descriptor.size));
    }
    graph_.blobs.push_back({path, descriptor});
    return absl::OkStatus();
  }

  std::string PathOf(const Descriptor& descriptor) const {
    return absl::StrCat(layout_, "/", BlobPath(descriptor.digest));
  }

  const std::string layout_;
  base::FileSystem& fs_;
  LayoutGraph& graph_;
  std::set<base::Digest> seen_;
};

}  // namespace

absl::StatusOr<LayoutGraph> ReadLayout(absl::string_view path, base::FileSystem& fs) {
  LayoutGraph graph;
  RETURN_IF_ERROR(Reader(path, fs, graph).Run());
  return graph;
}

}  // namespace rules_inference::layer::oci
