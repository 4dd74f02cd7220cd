// Writes an image as one tar archive that `docker load`, `podman load`, `ctr import` and `skopeo
// copy oci-archive:` take.
//
// It is an OCI layout, blobs under blobs/sha256, with Docker's manifest.json beside index.json, as
// `docker save` writes it today. Blobs are streamed through one buffer; the digest of each is
// compared while it goes by, because nobody else looks at the bytes between the build and the
// container.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_OCI_ARCHIVE_H_
#define RULES_INFERENCE_PLUGINS_LAYER_OCI_ARCHIVE_H_

#include "absl/status/status.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {

// Writes the archive to the file `request.output`, whole or not at all. "-" is refused: the
// standard output of a plugin belongs to its protocol; WriteArchive serves other streams.
absl::Status BuildArchive(const sdk::ArchiveRequest& request, base::FileSystem& fs);

// The same into `out`, without publishing it; `request.output` is not looked at.
absl::Status WriteArchive(const sdk::ArchiveRequest& request, base::FileSystem& fs,
                          base::OutputFile& out);

}  // namespace rules_inference::layer::oci

#endif  // RULES_INFERENCE_PLUGINS_LAYER_OCI_ARCHIVE_H_
