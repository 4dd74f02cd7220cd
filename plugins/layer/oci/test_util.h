// Small images on disk for tests.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_TEST_UTIL_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_TEST_UTIL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// A new empty directory of this test.
std::string TestDirectory();

void Write(const std::string& path, absl::string_view text);
// The content, or "(absent)".
std::string Read(const std::string& path);
bool Exists(const std::string& path);

// Writes a blob with its side file as DIRECTORY/NAME and DIRECTORY/NAME.json; the blob is a plain
// tar by its side file.
sdk::LayerBlob WriteLayer(const std::string& directory, const std::string& name,
                          absl::string_view content);

// An OCI layout with one image: one layer (content "base layer"), config `config` (a fitting one
// when empty) and whatever `index` says ("%s" is the descriptor of the manifest without braces; one
// entry without platform when empty).
struct TestLayout {
  std::string root;
  std::string manifest_digest;
  std::string config_digest;
  std::string layer_digest;
};
TestLayout WriteLayout(const std::string& root, absl::string_view config = "",
                       absl::string_view index = "");

// Adds a blob to the layout and returns `"digest":"…","size":N`.
std::string AddBlob(const std::string& root, absl::string_view content);

// A config for `layers` layers with the diff_ids of WriteLayout.
std::string BaseConfig();

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_TEST_UTIL_H_
