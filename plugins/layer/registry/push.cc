#include "plugins/layer/registry/push.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/blobs.h"
#include "plugins/layer/oci/layout_graph.h"
#include "plugins/layer/registry/http.h"
#include "plugins/layer/registry/session.h"
#include "plugins/store/url.h"

namespace rules_inference::layer::registry {
namespace {

using base::Mismatch;
using oci::Blob;

// A blob up to this size goes in the request that ends its upload.
constexpr uint64_t kSmall = 64 << 10;
constexpr absl::string_view kDigestHeader = "docker-content-digest";

// Sums over all threads.
class Progress {
 public:
  explicit Progress(const PushOptions& options) : options_(options) {}

  void Expect(uint64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    total_ += bytes;
  }
  // Of one blob: `*before` of it had gone, now it is `now`.
  void Moved(uint64_t* before, uint64_t now) {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ += now;
    done_ -= *before;
    *before = now;
    if (options_.progress) options_.progress(done_, total_);
  }

 private:
  const PushOptions& options_;
  std::mutex mutex_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

// What one thread does.
class Pusher {
 public:
  enum class Result { kPushed, kMounted, kThere };

  Pusher(Identity& identity, const PushOptions& options, base::FileSystem& fs, Progress& progress)
      : options_(options), session_(identity), fs_(fs), progress_(progress) {}

  // What `reference`, a tag or a digest, leads to; empty when there is nothing.
  absl::StatusOr<std::string> DigestOf(absl::string_view reference, const oci::Document& document) {
    HttpRequest request;
    request.method = "HEAD";
    request.url = session_.Path(absl::StrCat("manifests/", reference));
    request.headers = {absl::StrCat("Accept: ", document.media_type)};
    ASSIGN_OR_RETURN(const HttpAnswer answer, session_.Send(request));
    if (answer.status == 404) return "";
    if (answer.status != 200) {
      return session_.Unexpected("cannot look for a manifest", request.url, answer, "200 or 404");
    }
    const std::string digest = answer.Header(std::string(kDigestHeader));
    // Some registries leave it out; what was asked for by its digest has that digest.
    return digest.empty() && absl::StartsWith(reference, "sha256:") ? std::string(reference)
                                                                    : digest;
  }

  absl::Status PutDocument(absl::string_view reference, const oci::Document& document) {
    HttpRequest request;
    request.method = "PUT";
    request.url = session_.Path(absl::StrCat("manifests/", reference));
    request.headers = {absl::StrCat("Content-Type: ", document.media_type)};
    request.text = document.text;
    ASSIGN_OR_RETURN(const HttpAnswer answer, session_.Send(request));
    if (answer.status != 201 && answer.status != 200 && answer.status != 202) {
      return session_.Unexpected("manifest refused", request.url, answer, "201");
    }
    const std::string digest = answer.Header(std::string(kDigestHeader));
    const std::string expected = document.descriptor.digest.ToString();
    if (!digest.empty() && digest != expected) {
      return Mismatch("manifest changed by the registry",
                      store::PrintableUrl(session_.Absolute(request.url)), base::Quoted(digest),
                      expected);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Result> PutBlob(const Blob& blob) {
    ASSIGN_OR_RETURN(const bool there, IsThere(blob));
    if (there) return Result::kThere;
    if (options_.dry_run) return Result::kPushed;
    std::string location;
    for (const std::string& from : options_.session.read_paths) {
      ASSIGN_OR_RETURN(const bool mounted, Mount(blob, from, &location));
      if (mounted) return Result::kMounted;
    }
    progress_.Expect(blob.descriptor.size);
    ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs_.Open(blob.path));
    uint64_t gone = 0;
    Upload upload{.blob = blob, .file = *file, .location = location, .gone = gone};
    RETURN_IF_ERROR(session_.Retry([&] { return Attempt(upload); }));
    progress_.Moved(&gone, blob.descriptor.size);
    return Result::kPushed;
  }

 private:
  struct Upload {
    const Blob& blob;
    base::InputFile& file;
    // Where the registry wants the bytes; empty: it has not been asked, or has forgotten.
    std::string location;
    // How much of the blob it has.
    uint64_t offset = 0;
    // How much of it the user has been told to have gone.
    uint64_t& gone;
    bool failed = false;
    // Whether it is made of more than one attempt.
    bool resumed = false;
  };

  absl::StatusOr<bool> IsThere(const Blob& blob) {
    HttpRequest request;
    request.method = "HEAD";
    request.url = BlobUrl(blob);
    ASSIGN_OR_RETURN(const HttpAnswer answer, session_.Send(request));
    if (answer.status == 404) return false;
    // A registry that has it may say where it keeps it.
    if (answer.status == 200 || answer.status == 302 || answer.status == 307) return true;
    return session_.Unexpected("cannot look for a blob", request.url, answer, "200 or 404");
  }

  // True when it was mounted; else `*location` may be that of an upload that the registry has begun
  // in its place.
  absl::StatusOr<bool> Mount(const Blob& blob, const std::string& from, std::string* location) {
    HttpRequest request;
    request.method = "POST";
    request.url = WithQuery(
        WithQuery(session_.Path("blobs/uploads/"), "mount", blob.descriptor.digest.ToString()),
        "from", from);
    ASSIGN_OR_RETURN(const HttpAnswer answer, session_.Send(request));
    if (answer.status == 201) return true;
    if (answer.status == 202) *location = LocationOf(request.url, answer);
    // Whatever else is wrong with the other repository: the blob is pushed.
    return false;
  }

  absl::Status Begin(Upload& upload) {
    HttpRequest request;
    request.method = "POST";
    request.url = session_.Path("blobs/uploads/");
    ASSIGN_OR_RETURN(const HttpAnswer answer, session_.Send(request));
    if (answer.status != 202) {
      return session_.Unexpected("upload refused", request.url, answer, "202");
    }
    upload.offset = 0;
    upload.resumed = false;
    upload.location = LocationOf(request.url, answer);
    if (upload.location.empty()) {
      return Mismatch("upload refused", store::PrintableUrl(session_.Absolute(request.url)),
                      base::Quoted(answer.Header("location")), "a location that is a url");
    }
    return absl::OkStatus();
  }

  // After a failure: how far the registry has come. Forgets the upload when it does not say.
  absl::Status Resume(Upload& upload) {
    // The answer to the last request may be all that was lost.
    ASSIGN_OR_RETURN(const bool there, IsThere(upload.blob));
    if (there) return absl::AlreadyExistsError("");
    HttpRequest request;
    request.method = "GET";
    request.url = upload.location;
    ASSIGN_OR_RETURN(const HttpAnswer answer, session_.Send(request));
    const std::string range = answer.Header("range");
    const size_t dash = range.find('-');
    uint64_t last = 0;
    upload.location.clear();
    upload.offset = 0;
    if (answer.status != 204 || dash == std::string::npos ||
        !absl::SimpleAtoi(range.substr(dash + 1), &last) ||
        (last > 0 && last >= upload.blob.descriptor.size)) {
      return absl::OkStatus();
    }
    // "0-0" is said of nothing, and of one byte, which is less likely.
    upload.offset = last == 0 ? 0 : last + 1;
    upload.location = LocationOf(request.url, answer);
    upload.resumed = true;
    return absl::OkStatus();
  }

  absl::Status Attempt(Upload& upload) {
    if (upload.failed && !upload.location.empty()) {
      const absl::Status resumed = Resume(upload);
      if (absl::IsAlreadyExists(resumed)) return absl::OkStatus();
      RETURN_IF_ERROR(resumed);
    }
    // Until the end of this attempt has been seen.
    upload.failed = true;
    if (upload.location.empty()) RETURN_IF_ERROR(Begin(upload));
    const uint64_t size = upload.blob.descriptor.size;
    if (size > kSmall && upload.offset < size) {
      HttpRequest request = Body(upload, "PATCH", upload.location);
      if (upload.offset > 0) {
        request.headers.push_back(absl::StrCat("Content-Range: ", upload.offset, "-", size - 1));
      }
      ASSIGN_OR_RETURN(const HttpAnswer answer, SendBody(upload, request));
      if (answer.status == 404 || answer.status == 416) return Forgotten(upload, request, answer);
      if (answer.status != 202 && answer.status != 204 && answer.status != 201) {
        return session_.Unexpected("upload refused", request.url, answer, "202");
      }
      upload.offset = size;
      const std::string next = LocationOf(request.url, answer);
      if (!next.empty()) upload.location = next;
    }
    HttpRequest request =
        Body(upload, "PUT",
             WithQuery(upload.location, "digest", upload.blob.descriptor.digest.ToString()));
    ASSIGN_OR_RETURN(const HttpAnswer answer, SendBody(upload, request));
    if (answer.status == 404 || answer.status == 416 || (answer.status == 400 && upload.resumed)) {
      return Forgotten(upload, request, answer);
    }
    if (answer.status != 201 && answer.status != 204) {
      return session_.Unexpected(absl::StrCat("blob refused: ", upload.blob.path), request.url,
                                 answer, "201");
    }
    return absl::OkStatus();
  }

  // The registry knows nothing of the upload any more: from the start.
  absl::Status Forgotten(Upload& upload, const HttpRequest& request, const HttpAnswer& answer) {
    upload.location.clear();
    upload.offset = 0;
    return absl::UnavailableError(
        session_.Unexpected("upload lost", request.url, answer, "201 or 202").message());
  }

  static HttpRequest Body(const Upload& upload, absl::string_view method, const std::string& url) {
    HttpRequest request;
    request.method = std::string(method);
    request.url = url;
    request.headers = {"Content-Type: application/octet-stream"};
    request.file = &upload.file;
    request.offset = upload.offset;
    request.size = upload.blob.descriptor.size - upload.offset;
    return request;
  }

  absl::StatusOr<HttpAnswer> SendBody(Upload& upload, const HttpRequest& request) {
    return session_.Once(
        request, [&](uint64_t sent) { progress_.Moved(&upload.gone, request.offset + sent); });
  }

  std::string BlobUrl(const Blob& blob) const {
    return session_.Path(absl::StrCat("blobs/", blob.descriptor.digest.ToString()));
  }

  // Empty when the answer has none, or one that is less safe than the registry.
  std::string LocationOf(const std::string& url, const HttpAnswer& answer) const {
    const absl::StatusOr<store::Url> asked = store::Url::Parse(session_.Absolute(url));
    if (!asked.ok()) return "";
    const absl::StatusOr<store::Url> location = asked->Resolve(answer.Header("location"));
    return location.ok() && location->scheme() >= asked->scheme() ? location->text() : "";
  }

  const PushOptions& options_;
  Session session_;
  base::FileSystem& fs_;
  Progress& progress_;
};

void Count(const Blob& blob, PushReport::Count& count) {
  ++count.blobs;
  count.bytes += blob.descriptor.size;
}

absl::Status PutBlobs(const oci::LayoutGraph& graph, Identity& identity, const PushOptions& options,
                      base::FileSystem& fs, PushReport& report) {
  std::vector<const Blob*> blobs;
  for (const Blob& blob : graph.blobs) blobs.push_back(&blob);
  // The largest one is what everybody waits for in the end.
  std::stable_sort(blobs.begin(), blobs.end(), [](const Blob* a, const Blob* b) {
    return a->descriptor.size > b->descriptor.size;
  });
  Progress progress(options);
  std::mutex mutex;
  absl::Status first;
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  auto work = [&] {
    Pusher pusher(identity, options, fs, progress);
    for (size_t i = next++; i < blobs.size() && !stop; i = next++) {
      const absl::StatusOr<Pusher::Result> result = pusher.PutBlob(*blobs[i]);
      const std::lock_guard<std::mutex> lock(mutex);
      if (!result.ok()) {
        first.Update(result.status());
        stop = true;
      } else {
        Count(*blobs[i], *result == Pusher::Result::kThere     ? report.there
                         : *result == Pusher::Result::kMounted ? report.mounted
                                                               : report.pushed);
      }
    }
  };
  std::vector<std::thread> threads;
  const auto count = std::min(blobs.size(), static_cast<size_t>(std::max(1, options.parallel)));
  for (size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return first;
}

}  // namespace

absl::StatusOr<PushReport> Push(const oci::LayoutGraph& graph, const PushOptions& options,
                                base::FileSystem& fs) {
  PushReport report;
  Identity identity(options.session);
  Progress none(options);
  Pusher pusher(identity, options, fs, none);
  const oci::Document& root = graph.root();
  const std::string digest = root.descriptor.digest.ToString();
  ASSIGN_OR_RETURN(const std::string found, pusher.DigestOf(digest, root));
  if (found == digest) {
    for (const Blob& blob : graph.blobs) Count(blob, report.there);
  } else {
    RETURN_IF_ERROR(PutBlobs(graph, identity, options, fs, report));
    if (!options.dry_run) {
      for (const oci::Document& document : graph.documents) {
        // The root gets its place with its tags, if it has any.
        if (&document == &root && !options.tags.empty()) continue;
        RETURN_IF_ERROR(pusher.PutDocument(document.descriptor.digest.ToString(), document));
      }
    }
  }
  for (const std::string& tag : options.tags) {
    ASSIGN_OR_RETURN(const std::string old, pusher.DigestOf(tag, root));
    if (old == digest) {
      report.kept_tags.push_back(tag);
    } else if (!options.dry_run) {
      RETURN_IF_ERROR(pusher.PutDocument(tag, root));
    }
  }
  return report;
}

}  // namespace rules_inference::layer::registry
