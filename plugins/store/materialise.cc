#include "plugins/store/materialise.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/layout.h"

namespace rules_inference::store {
namespace {

constexpr size_t kPiece = 1 << 20;

// Unimplemented when another way may do better.
absl::Status Clone(base::FileSystem& fs, const std::string& path, const std::string& destination) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> output,
                   fs.Create(destination, base::FileMode::kReadOnly));
  RETURN_IF_ERROR(output->CloneFrom(path));
  return output->Publish();
}

absl::Status Link(base::FileSystem& fs, const std::string& path, const std::string& destination) {
  ASSIGN_OR_RETURN(const base::NodeInfo info, fs.Stat(path, base::Follow::kNo));
  // Somebody has changed the blob's permissions: the next writer would change the blob.
  if (info.writable) return absl::UnimplementedError("a blob that can be written");
  const std::string beside = base::PartialPath(absl::StrCat(destination, ".", UniqueSuffix()));
  if (const absl::Status linked = fs.HardLink(path, beside); !linked.ok()) {
    // Another disk, or one without links.
    fs.RemoveTree(beside).IgnoreError();
    return absl::UnimplementedError(linked.message());
  }
  const absl::Status renamed = fs.Rename(beside, destination);
  // Renaming one name of a file to another one of the same does nothing, and succeeds.
  RETURN_IF_ERROR(fs.RemoveTree(beside));
  return renamed;
}

absl::Status Copy(base::FileSystem& fs, const std::string& path, const base::Digest& sha256,
                  const std::string& destination) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> input, fs.Open(path, base::Follow::kNo));
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> output,
                   fs.Create(destination, base::FileMode::kReadOnly));
  base::Sha256 hasher;
  std::vector<char> buffer(kPiece);
  for (uint64_t at = 0; at < input->size();) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), input->size() - at));
    RETURN_IF_ERROR(base::ReadExactly(*input, at, absl::MakeSpan(buffer.data(), count)));
    const absl::string_view data(buffer.data(), count);
    hasher.Update(data);
    RETURN_IF_ERROR(output->Append(data));
    at += count;
  }
  const base::Digest digest = hasher.Finish();
  if (digest != sha256) {
    return base::WithHint(
        base::Mismatch("damaged blob", path, digest.ToString(), sha256.ToString()),
        "`repair` fetches what is wrong again");
  }
  return output->Publish();
}

}  // namespace

absl::string_view NameOf(How how) {
  switch (how) {
    case How::kReflink:
      return "reflink";
    case How::kHardLink:
      return "hard link";
    case How::kCopy:
      break;
  }
  return "copy";
}

absl::StatusOr<How> Materialise(base::FileSystem& fs, const std::string& path,
                                const base::Digest& sha256, const std::string& destination,
                                const MaterialiseOptions& options) {
  const size_t slash = destination.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    RETURN_IF_ERROR(fs.CreateDirectories(destination.substr(0, slash)));
  }
  std::vector<std::string> tried;
  if (options.reflink) {
    const absl::Status status = Clone(fs, path, destination);
    if (status.ok()) return How::kReflink;
    if (!absl::IsUnimplemented(status)) return status;
    tried.emplace_back("reflink");
  }
  if (options.hard_link) {
    const absl::Status status = Link(fs, path, destination);
    if (status.ok()) return How::kHardLink;
    if (!absl::IsUnimplemented(status)) return status;
    tried.emplace_back("hard link");
  }
  if (options.copy) {
    RETURN_IF_ERROR(Copy(fs, path, sha256, destination));
    return How::kCopy;
  }
  return absl::UnavailableError(
      base::Mismatch(
          "cannot materialise", destination,
          tried.empty() ? "nothing allowed" : absl::StrCat("no ", absl::StrJoin(tried, " and no ")),
          "a reflink, a hard link or a copy")
          .message());
}

}  // namespace rules_inference::store
