// Streams an image into a container engine: what `bazel run` of an oci_load target does.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_LOAD_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_LOAD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace rules_inference::layer::oci {

struct LoadOptions {
  // File with one sdk.LayerPluginRequest of kind archive; its paths are relative to `runfiles`.
  std::string request;
  std::string runfiles;
  // Writes the archive here instead of loading it.
  std::string output;
};

// Understands `program [--output FILE]`. The request lies beside the program, as
// `program.request.json`, and its files in `program.runfiles` or in the runfiles tree that the
// program itself lies in. A relative FILE is taken from where the user called Bazel. An error of
// code kInvalidArgument is one of the command line.
absl::StatusOr<LoadOptions> ParseLoadOptions(absl::Span<const std::string> arguments);

// Writes the archive to `options.output`, or into the standard input of `docker load` or `podman
// load`, whichever is found first on PATH.
absl::Status Load(const LoadOptions& options);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_LOAD_H_
