// Pushes an image, an index of images or another artifact from an OCI layout to a registry.
//
// Problem: move as little as possible, safely, in whatever state the registry and the network are,
// and never leave a tag that leads to an image that is not whole.
//
// Idea: ask before anything is sent. A registry that has the root has all below it; a registry that
// has a blob gets no other; a blob that another of its repositories has is mounted. What is left is
// streamed, the largest first, several at a time. A broken upload goes on where the registry says
// that it ended.
//
// Invariant: a document is put when all that it names is there, and tags come last. A tag that
// already leads to the root is left alone, so that a push may be repeated where tags are immutable.
//
// Cost: one request for each document and tag, one for each blob that is there, three for each that
// is not, and its bytes once. Nothing is hashed here: the registry does it.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_PUSH_H_
#define RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_PUSH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"
#include "plugins/layer/oci/layout_graph.h"
#include "plugins/layer/registry/session.h"

namespace rules_inference::layer::registry {

struct PushOptions {
  SessionOptions session;
  std::vector<std::string> tags;
  // Only asks.
  bool dry_run = false;
  // Uploads at a time.
  int parallel = 4;
  // Bytes that have gone and bytes that are known to have to, one call at a time.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

struct PushReport {
  // Blobs, and bytes of them.
  struct Count {
    int blobs = 0;
    uint64_t bytes = 0;
  };
  Count pushed;  // Or, in a dry run, to be pushed or mounted.
  Count mounted;
  Count there;
  // Tags that led to the root already.
  std::vector<std::string> kept_tags;
};

absl::StatusOr<PushReport> Push(const oci::LayoutGraph& graph, const PushOptions& options,
                                base::FileSystem& fs);

}  // namespace rules_inference::layer::registry

#endif  // RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_PUSH_H_
