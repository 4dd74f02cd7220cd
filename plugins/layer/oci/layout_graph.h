// What is in an OCI layout, in the order in which registries want it.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_LAYOUT_GRAPH_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_LAYOUT_GRAPH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/descriptor.h"

namespace rules_inference::layer::oci {

// A manifest or an index.
struct Document {
  // As the document itself calls it: Docker's names are kept.
  std::string media_type;
  Descriptor descriptor;
  std::string text;
};

struct LayoutGraph {
  // A registry wants what a document names before the document, so the root is the last one.
  std::vector<Document> documents;
  // Configs and layers, each once.
  std::vector<Blob> blobs;

  const Document& root() const { return documents.back(); }
};

// Reads the documents of the layout at `path` and compares their digests and sizes; of blobs it
// looks at the size. The index.json has to name one image or one index of images. Layers with
// `urls` are fetched from there by those who need them, and are not among the blobs when the layout
// has no file for them.
absl::StatusOr<LayoutGraph> ReadLayout(absl::string_view path, base::FileSystem& fs);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_LAYOUT_GRAPH_H_
