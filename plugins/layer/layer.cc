#include "plugins/layer/layer.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/assemble.h"
#include "plugins/layer/plan.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {
namespace {

using base::Mismatch;

// How many threads at most: more find no work, and the tables of the slow levels are large (about
// 20 MB each for zstd 19, 9 MB for deflate 12). With these limits a layer takes less than 100 MB
// whatever is in it.
int MaxThreads(sdk::LayerMode mode, int level) {
  if (mode == sdk::DEFLATE && level >= 10) return 5;
  if (mode == sdk::ZSTD && level >= 16) return 2;
  if (mode == sdk::ZSTD && level >= 10) return 5;
  if (mode == sdk::ZSTD && level >= 4) return 8;
  return 16;
}

absl::string_view MediaType(sdk::LayerMode mode) {
  switch (mode) {
    case sdk::ZSTD:
      return "application/vnd.oci.image.layer.v1.tar+zstd";
    case sdk::STORED:
      return "application/vnd.oci.image.layer.v1.tar";
    default:
      return "application/vnd.oci.image.layer.v1.tar+gzip";
  }
}

int MaxLevel(sdk::LayerMode mode) {
  if (mode == sdk::DEFLATE) return 12;
  return mode == sdk::ZSTD ? 19 : 0;
}

absl::StatusOr<AssembleOptions> CheckOptions(const sdk::LayerRequest& request) {
  AssembleOptions options;
  options.mode = request.mode();
  if (request.output().empty() || request.side_file().empty() ||
      request.output() == request.side_file()) {
    return Mismatch(
        "layer request", "output and side_file",
        absl::StrCat(base::Quoted(request.output()), " and ", base::Quoted(request.side_file())),
        "two paths");
  }
  if (options.mode != sdk::SPLICE && options.mode != sdk::DEFLATE && options.mode != sdk::ZSTD &&
      options.mode != sdk::STORED) {
    return Mismatch("layer request", "mode", absl::StrCat(static_cast<int>(options.mode)),
                    "SPLICE, DEFLATE, ZSTD or STORED");
  }
  options.level = request.level();
  if (options.level < 0 || options.level > MaxLevel(options.mode)) {
    return Mismatch("layer request", "level", absl::StrCat(options.level),
                    absl::StrCat("0 to ", MaxLevel(options.mode), " in mode ",
                                 sdk::LayerMode_Name(options.mode)));
  }
  if (!request.known_diff_id().empty()) {
    if (options.mode != sdk::SPLICE) {
      return Mismatch("layer request", "known_diff_id",
                      absl::StrCat("mode ", sdk::LayerMode_Name(options.mode)), "mode SPLICE");
    }
    ASSIGN_OR_RETURN(options.known_diff_id, base::Digest::Parse(request.known_diff_id()));
  }
  if (request.threads() < 0) {
    return Mismatch("layer request", "threads", absl::StrCat(request.threads()), "0 or more");
  }
  const int wanted = request.threads() != 0 ? request.threads()
                                            : static_cast<int>(std::thread::hardware_concurrency());
  options.threads = std::clamp(wanted, 1, MaxThreads(options.mode, options.level));
  return options;
}

}  // namespace

absl::Status BuildLayer(const sdk::LayerRequest& request, base::FileSystem& fs,
                        const std::atomic<bool>* cancelled) {
  ASSIGN_OR_RETURN(AssembleOptions options, CheckOptions(request));
  options.cancelled = cancelled;
  ASSIGN_OR_RETURN(const LayerPlan plan, PlanLayer(request, fs));
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> blob, fs.Create(request.output()));
  ASSIGN_OR_RETURN(const Assembled assembled, Assemble(plan, options, fs, *blob));

  sdk::LayerMetadata metadata;
  metadata.set_digest(assembled.digest.ToString());
  metadata.set_size(assembled.size);
  metadata.set_diff_id(assembled.diff_id.ToString());
  metadata.set_media_type(std::string(MediaType(options.mode)));
  metadata.set_unpacked_size(assembled.unpacked_size);
  metadata.set_entries(plan.entries.size());
  metadata.set_created_by(request.created_by());

  // A side file of an earlier run must not stand beside a new blob, not even for a moment.
  RETURN_IF_ERROR(fs.RemoveTree(request.side_file()));
  RETURN_IF_ERROR(blob->Publish());
  absl::Status status =
      base::WriteFile(fs, request.side_file(), absl::StrCat(sdk::ToCanonicalJson(metadata), "\n"));
  // A blob without a side file is of no use to anyone.
  if (!status.ok()) fs.RemoveTree(request.output()).IgnoreError();
  return status;
}

}  // namespace rules_inference::layer
