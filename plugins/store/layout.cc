#include "plugins/store/layout.h"

#include <unistd.h>

#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::store {
namespace {

constexpr absl::string_view kVersion = "1\n";
constexpr uint64_t kMaxVersion = 100;
// The signature is that of the Cache Directory Tagging Specification.
constexpr absl::string_view kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Blobs by digest, kept by rules_inference; what is missing is fetched again.\n";

}  // namespace

std::string Layout::Blob(const base::Digest& sha256) const {
  const std::string hex = sha256.Hex();
  return absl::StrCat(Blobs(), "/", hex.substr(0, 2), "/", hex);
}

std::string Layout::RangesOf(const base::Digest& sha256) const {
  const std::string hex = sha256.Hex();
  return absl::StrCat(Ranges(), "/", hex.substr(0, 2), "/", hex, ".jsonl");
}

absl::Status Layout::Prepare(base::FileSystem& fs) const {
  const std::string path = Path("VERSION");
  absl::StatusOr<std::string> version = base::ReadFile(fs, path, kMaxVersion);
  if (absl::IsNotFound(version.status())) {
    RETURN_IF_ERROR(fs.CreateDirectories(root_));
    RETURN_IF_ERROR(base::WriteFile(fs, Path("CACHEDIR.TAG"), kTag));
    return base::WriteFile(fs, path, kVersion);
  }
  RETURN_IF_ERROR(version.status());
  if (*version == kVersion) return absl::OkStatus();
  return base::WithHint(
      base::Mismatch("unknown store", path, base::Quoted(*version), "'1\\n'"),
      "a newer version of this program has made it; use that one, or another directory");
}

std::string UniqueSuffix() {
  std::random_device random;
  const uint64_t number = (uint64_t{random()} << 32) | random();
  return absl::StrCat(getpid(), "-", absl::Hex(number, absl::kZeroPad16));
}

}  // namespace rules_inference::store
