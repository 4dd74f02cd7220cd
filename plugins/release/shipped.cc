#include "plugins/release/shipped.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/archive/unpack.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/launcher.pb.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::release {
namespace {

constexpr uint64_t kMaxRow = uint64_t{16} << 20;

absl::StatusOr<sdk::Variant> ReadRow(const std::string& path, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, path, kMaxRow));
  return sdk::ParseJson<sdk::Variant>(path, text);
}

}  // namespace

absl::Status WriteTree(const sdk::ReleaseTreeRequest& request, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const sdk::Variant row, ReadRow(request.row(), fs));
  base::UnpackOptions options;
  ASSIGN_OR_RETURN(options.sha256, base::Digest::FromHex(row.sha256()));
  options.sources = {request.archive()};
  options.size = row.size();
  options.format = row.format();
  options.strip_prefix = row.strip_prefix();
  options.output_dir = request.output_dir();
  return base::Unpack(options, fs);
}

absl::Status WriteLauncherManifest(const sdk::ReleaseLauncherRequest& request,
                                   base::FileSystem& fs) {
  sdk::LauncherManifest manifest = request.manifest();
  if (request.rows_size() != manifest.directories_size()) {
    return base::Mismatch("launcher of a release", request.output(),
                          absl::StrCat(request.rows_size(), " rows"),
                          absl::StrCat(manifest.directories_size(), ", one for each directory"));
  }
  bool wants = false;
  for (const std::string& path : request.rows()) {
    ASSIGN_OR_RETURN(const sdk::Variant row, ReadRow(path, fs));
    sdk::Variant& shipped = *manifest.mutable_lock()->add_variants();
    shipped.set_name(row.name());
    shipped.set_platform(row.platform());
    if (!row.has_properties()) continue;
    *shipped.mutable_properties() = row.properties();
    wants = true;
  }
  // Rows that want nothing need nobody who asks the machine.
  if (!wants) manifest.clear_detector();
  return base::WriteFile(fs, request.output(), absl::StrCat(sdk::ToCanonicalJson(manifest), "\n"));
}

}  // namespace rules_inference::release
