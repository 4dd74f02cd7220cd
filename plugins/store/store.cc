#include "plugins/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/fetch.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;
using base::NodeType;

constexpr size_t kPiece = 1 << 20;

// Holds a lock file as long as it lives, if that is possible; waits for whoever holds it. Not by
// way of FileSystem: nothing that goes wrong with it matters.
class BestEffortLock {
 public:
  explicit BestEffortLock(std::string path)
      : path_(std::move(path)), fd_(open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    while (fd_ >= 0 && flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~BestEffortLock() {
    if (fd_ < 0) return;
    // Who waits with the removed file in hand gets the lock next and finds the blob; who comes
    // later makes a new file, and finds it as well. At worst two fetch what one has failed to
    // fetch.
    unlink(path_.c_str());
    close(fd_);
  }
  BestEffortLock(const BestEffortLock&) = delete;
  BestEffortLock& operator=(const BestEffortLock&) = delete;

 private:
  const std::string path_;
  const int fd_;
};

// Hashes a file in pieces.
absl::StatusOr<base::Digest> DigestOf(base::InputFile& file) {
  base::Sha256 hasher;
  std::vector<char> buffer(kPiece);
  for (uint64_t offset = 0; offset < file.size();) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), file.size() - offset));
    RETURN_IF_ERROR(base::ReadExactly(file, offset, absl::MakeSpan(buffer.data(), count)));
    hasher.Update(absl::string_view(buffer.data(), count));
    offset += count;
  }
  return hasher.Finish();
}

}  // namespace

std::string Store::PathOf(const base::Digest& sha256) const {
  const std::string hex = sha256.Hex();
  return base::JoinPath(root_, absl::StrCat("sha256/", hex.substr(0, 2), "/", hex));
}

absl::Status Store::Verify(const base::Digest& sha256, uint64_t size) {
  const std::string path = PathOf(sha256);
  constexpr absl::string_view kHint = "remove the file; it is fetched again when it is needed";
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs_.Open(path, base::Follow::kNo));
  if (size > 0 && file->size() != size) {
    return base::WithHint(
        Mismatch("damaged blob", path, absl::StrCat(file->size(), " bytes"), absl::StrCat(size)),
        kHint);
  }
  ASSIGN_OR_RETURN(const base::Digest digest, DigestOf(*file));
  if (digest == sha256) return absl::OkStatus();
  return base::WithHint(Mismatch("damaged blob", path, digest.ToString(), sha256.ToString()),
                        kHint);
}

absl::StatusOr<bool> Store::Has(const std::string& path, const BlobRequest& request) {
  const absl::StatusOr<base::NodeInfo> info = fs_.Stat(path, base::Follow::kNo);
  if (absl::IsNotFound(info.status())) return false;
  RETURN_IF_ERROR(info.status());
  if (info->type != NodeType::kFile) return false;
  if (request.size > 0) return info->size == request.size;
  const absl::Status status = Verify(request.sha256, 0);
  // InvalidArgument is what Verify says of a damaged blob.
  if (absl::IsInvalidArgument(status) || absl::IsNotFound(status)) return false;
  RETURN_IF_ERROR(status);
  return true;
}

absl::StatusOr<std::string> Store::FetchInto(const std::string& path, const BlobRequest& request,
                                             const FetchOptions& options) {
  // A damaged blob stays until the right one takes its name. Only a directory cannot be replaced
  // so.
  const absl::StatusOr<base::NodeInfo> info = fs_.Stat(path, base::Follow::kNo);
  if (info.ok() && info->type == NodeType::kDirectory) {
    const std::string aside = absl::StrCat(path, ".bad");
    RETURN_IF_ERROR(fs_.RemoveTree(aside));
    RETURN_IF_ERROR(fs_.Rename(path, aside));
  }
  FetchRequest fetch;
  fetch.urls = request.urls;
  fetch.size = request.size;
  fetch.sha256 = request.sha256;
  fetch.destination = path;
  fetch.mode = base::FileMode::kReadOnly;
  RETURN_IF_ERROR(Fetch(fs_, fetch, options).status());
  return path;
}

absl::StatusOr<std::string> Store::Get(const BlobRequest& request, const FetchOptions& options) {
  const std::string path = PathOf(request.sha256);
  ASSIGN_OR_RETURN(bool has, Has(path, request));
  if (has) return path;
  if (locking_ == Locking::kNone) return FetchInto(path, request, options);
  const std::string locks = base::JoinPath(root_, "lock");
  RETURN_IF_ERROR(fs_.CreateDirectories(locks));
  const BestEffortLock lock(base::JoinPath(locks, request.sha256.Hex()));
  // Somebody else may have fetched it in the meantime.
  ASSIGN_OR_RETURN(has, Has(path, request));
  if (has) return path;
  return FetchInto(path, request, options);
}

}  // namespace rules_inference::store
