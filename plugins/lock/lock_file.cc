#include "plugins/lock/lock_file.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {
namespace {

constexpr uint64_t kMaxLock = uint64_t{64} << 20;
}  // namespace

std::string FormatLock(const sdk::VariantsLock& lock) {
  return sdk::LayOutJson(sdk::ToCanonicalJson(lock),
                         {.open_objects = true, .open_lists = {"parts", "variants"}});
}

absl::StatusOr<sdk::VariantsLock> ParseLock(absl::string_view where, absl::string_view text) {
  return sdk::ParseJson<sdk::VariantsLock>(where, text);
}

absl::StatusOr<sdk::VariantsLock> ReadLock(base::FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(fs, path, kMaxLock));
  return ParseLock(path, text);
}

absl::Status WriteLock(base::FileSystem& fs, const std::string& path,
                       const sdk::VariantsLock& lock) {
  const std::string text = FormatLock(lock);
  if (const auto old = base::ReadFile(fs, path, kMaxLock); old.ok() && *old == text) {
    return absl::OkStatus();
  }
  return base::WriteFile(fs, path, text);
}

}  // namespace rules_inference::lock
