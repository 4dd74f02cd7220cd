#include "plugins/store/sink.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libdeflate.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/store/range_map.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;

constexpr size_t kHead = 256;
constexpr absl::string_view kWebPage =
    "the answer looks like a web page, perhaps of a login or of an error";

}  // namespace

Failure Wrong(absl::Status status) { return {FailureKind::kWrong, std::move(status), 0}; }

Failure Transient(absl::Status status) {
  return {FailureKind::kTransient, absl::UnavailableError(status.message()), 0};
}

Failure Local(const absl::Status& status) {
  return {
      FailureKind::kLocal,
      absl::IsNotFound(status) ? absl::FailedPreconditionError(status.message()) : status,
      0,
  };
}

Outcome Sink::Begin() {
  file_.reset();
  hasher_ = base::Sha256();
  crc32_ = 0;
  done_ = 0;
  head_.clear();
  const size_t slash = destination_.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    const absl::Status status = fs_.CreateDirectories(destination_.substr(0, slash));
    if (!status.ok()) return Local(status);
  }
  if (!resume_.directory.empty() && expected_.size > 0 && expected_.sha256.has_value()) {
    return BeginPart();
  }
  auto file = fs_.Create(destination_, mode_);
  if (!file.ok()) return Local(file.status());
  file_ = *std::move(file);
  if (progress_) progress_(0, expected_.size);
  return std::nullopt;
}

Outcome Sink::BeginPart() {
  if (part_ == nullptr) {
    auto part = Part::Open(fs_, resume_.directory, *expected_.sha256, expected_.size, resume_.keep);
    // In other hands, although whoever uses a store waits for one another.
    if (absl::IsAborted(part.status())) {
      part = Part::Open(fs_, resume_.directory, *expected_.sha256, expected_.size, false);
    }
    if (!part.ok()) return Local(part.status());
    part_ = *std::move(part);
  }
  done_ = part_->done();
  mixed_ = done_ > 0;
  if (progress_) progress_(done_, expected_.size);
  return std::nullopt;
}

Outcome Sink::BeginAgain(const Source& source) {
  if (part_ == nullptr) return std::nullopt;
  const absl::Status status = part_->Begin(source);
  if (!status.ok()) return Local(status);
  done_ = 0;
  mixed_ = false;
  if (progress_) progress_(0, expected_.size);
  return std::nullopt;
}

Outcome Sink::Refuse(absl::Status status) {
  const bool again = !std::exchange(restarted_, true);
  Failure failure = Discard(std::move(status));
  if (again && failure.kind == FailureKind::kWrong) failure.kind = FailureKind::kRestart;
  return failure;
}

Failure Sink::Discard(absl::Status status) {
  if (Outcome failure = BeginAgain(Source())) return *failure;
  return Wrong(std::move(status));
}

Outcome Sink::Write(absl::string_view where, absl::string_view data) {
  const uint64_t limit = expected_.size > 0 ? expected_.size : expected_.max_size;
  if (head_.size() < kHead) absl::StrAppend(&head_, data.substr(0, kHead - head_.size()));
  if (data.size() > limit - done_) {
    const bool pinned = expected_.size > 0;
    const absl::Status status =
        Mismatch(pinned ? "size mismatch" : "file too large", where,
                 absl::StrCat("more than ", limit, " bytes"),
                 pinned ? absl::StrCat(limit) : absl::StrCat("at most ", limit));
    return Discard(LooksLikeWebPage("") ? base::WithHint(status, kWebPage) : status);
  }
  const absl::Status status = part_ != nullptr ? part_->Append(data) : file_->Append(data);
  if (!status.ok()) return Local(status);
  if (slice_.total > 0) {
    crc32_ = libdeflate_crc32(crc32_, data.data(), data.size());
  } else if (part_ == nullptr) {
    hasher_.Update(data);
  }
  done_ += data.size();
  if (progress_) progress_(done_, expected_.size);
  return std::nullopt;
}

Outcome Sink::CheckAnnounced(absl::string_view where, uint64_t size,
                             absl::string_view content_type) const {
  if (expected_.size == 0) {
    if (size <= expected_.max_size) return std::nullopt;
    return Wrong(Mismatch("file too large", where, absl::StrCat(size, " bytes"),
                          absl::StrCat("at most ", expected_.max_size)));
  }
  if (size == expected_.size) return std::nullopt;
  const absl::Status status =
      Mismatch("size mismatch", where, absl::StrCat(size, " bytes"), absl::StrCat(expected_.size));
  return Wrong(LooksLikeWebPage(content_type) ? base::WithHint(status, kWebPage) : status);
}

Outcome Sink::Finish(absl::string_view where, absl::string_view content_type) {
  if (Outcome failure = CheckAnnounced(where, done_, content_type)) {
    return Discard(std::move(failure->status));
  }
  if (slice_.total > 0) {
    if (slice_.crc32.has_value() && crc32_ != *slice_.crc32) {
      return Discard(Mismatch("checksum mismatch", where, CrcText(crc32_), CrcText(*slice_.crc32)));
    }
  } else if (part_ != nullptr) {
    const absl::StatusOr<base::Digest> digest = part_->Digest();
    if (!digest.ok()) return Local(digest.status());
    digest_ = *digest;
  } else {
    digest_ = hasher_.Finish();
  }
  if (expected_.sha256.has_value() && digest_ != *expected_.sha256) {
    const absl::Status status =
        Mismatch("hash mismatch", where, digest_.ToString(), expected_.sha256->ToString());
    // The fault may be in the bytes of before.
    if (mixed_) return Refuse(status);
    return Discard(LooksLikeWebPage(content_type) ? base::WithHint(status, kWebPage) : status);
  }
  const absl::Status status =
      part_ != nullptr ? part_->Finish(destination_, mode_, resume_.ranges) : file_->Publish();
  file_.reset();
  if (!status.ok()) return Local(status);
  return std::nullopt;
}

bool Sink::LooksLikeWebPage(absl::string_view content_type) const {
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(head_);
  return absl::StartsWithIgnoreCase(text, "<!doctype html") ||
         absl::StartsWithIgnoreCase(text, "<html") ||
         absl::StartsWithIgnoreCase(content_type, "text/html");
}

}  // namespace rules_inference::store
