// Problem: get a pinned file from any of several places that may lie, stall, move or be away,
// without ever showing wrong or partial bytes under the final name.
//
// Idea: three loops around one verified end. Transfer follows redirects within an attempt, here
// attempts repeat what may pass by itself, and urls are tried in order. All of them end in
// Sink::Finish, the one place that compares and publishes.
//
// Invariant: OK means that `destination` has the pinned bytes; anything else means that it is as it
// was before. NotFound means that each url has said "absent" in its last attempt.
//
// Cost: the bytes are hashed while they pass and nothing is read twice. With FetchRequest::resume
// an attempt goes on where the last one ended, in this process or in another, which then reads what
// is there once before it opens a connection; without, an attempt that fails late has cost its
// bytes.

#include "plugins/store/fetch.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/store/sink.h"
#include "plugins/store/transfer.h"
#include "plugins/store/url.h"

namespace rules_inference::store {
namespace {

using base::Mismatch;

constexpr size_t kPiece = 1 << 20;

Outcome CopyLocal(base::FileSystem& fs, const Url& url, Sink& sink, std::string* from) {
  *from = url.Printable();
  const auto file = fs.Open(url.file());
  if (absl::IsNotFound(file.status())) {
    return Failure{
        FailureKind::kAbsent,
        absl::NotFoundError(Mismatch("absent", *from, "no such file", "a file").message()), 0};
  }
  if (!file.ok()) return Wrong(file.status());
  const Slice& slice = sink.slice();
  const uint64_t size = (*file)->size();
  if (slice.total > 0 && size != slice.total) {
    return Wrong(
        Mismatch("size mismatch", *from, absl::StrCat(size, " bytes"), absl::StrCat(slice.total)));
  }
  if (slice.total == 0) {
    if (Outcome failure = sink.CheckAnnounced(*from, size, "")) return failure;
  }
  if (Outcome failure = sink.Begin()) return failure;
  if (sink.done() == 0) {
    if (Outcome failure = sink.BeginAgain({.url = *from})) return failure;
  }
  std::vector<char> buffer(
      static_cast<size_t>(std::min<uint64_t>((*file)->size(), uint64_t{kPiece})));
  while (true) {
    // To the real end, not to the size of before: a file that grows is a wrong file.
    if (slice.total > 0) {
      buffer.resize(static_cast<size_t>(
          std::min<uint64_t>(buffer.size(), sink.expected().size - sink.done())));
    }
    const absl::StatusOr<size_t> count =
        (*file)->ReadAt(slice.begin + sink.done(), absl::MakeSpan(buffer));
    if (!count.ok()) {
      // The disk of the source is not the one of the destination: another url may do better.
      Failure failure = Local(count.status());
      failure.kind = FailureKind::kWrong;
      return failure;
    }
    if (*count == 0) return sink.Finish(*from, "");
    if (Outcome failure = sink.Write(*from, absl::string_view(buffer.data(), *count))) {
      return failure;
    }
  }
}

// Tries one url as often as it is worth it.
Outcome GetUrl(base::FileSystem& fs, const Url& url, const FetchOptions& options,
               Transfer& transfer, Sink& sink, std::string* from) {
  const auto get = [&] {
    return url.scheme() == Scheme::kFile ? CopyLocal(fs, url, sink, from)
                                         : transfer.Get(url, sink, from);
  };
  absl::Duration wait = std::min(options.backoff, options.max_backoff);
  for (int attempt = 1;; ++attempt) {
    Outcome failure = get();
    // Once for each request: see Sink::Refuse.
    if (failure.has_value() && failure->kind == FailureKind::kRestart) failure = get();
    if (!failure.has_value() || failure->kind != FailureKind::kTransient ||
        attempt >= options.attempts) {
      return failure;
    }
    options.sleep(
        std::min(std::max(wait, absl::Seconds(failure->retry_after)), options.max_backoff));
    wait = std::min(wait * 2, options.max_backoff);
  }
}

// The status of a request for which each url has failed.
absl::Status Combine(const std::vector<Failure>& failures) {
  if (failures.size() == 1) return failures[0].status;
  absl::StatusCode code = absl::StatusCode::kNotFound;
  std::vector<absl::string_view> lines;
  absl::string_view hint;
  for (const Failure& failure : failures) {
    if (code == absl::StatusCode::kNotFound) code = failure.status.code();
    const absl::string_view message = failure.status.message();
    const size_t end = message.find("\nhint: ");
    lines.push_back(message.substr(0, end));
    if (end != absl::string_view::npos) hint = message.substr(end);
  }
  return absl::Status(code, absl::StrCat(absl::StrJoin(lines, "; "), hint));
}

std::string Rewritten(const std::string& url, const std::vector<Rewrite>& rewrites) {
  for (const Rewrite& rewrite : rewrites) {
    if (absl::StartsWith(url, rewrite.from)) {
      return absl::StrCat(rewrite.to, url.substr(rewrite.from.size()));
    }
  }
  return url;
}

absl::StatusOr<FetchResult> FetchBy(base::FileSystem& fs, const FetchRequest& request,
                                    const FetchOptions& options, bool pinned, Transfer& transfer) {
  if (request.urls.empty()) {
    return Mismatch("cannot fetch", request.destination, "no url", "at least one");
  }
  // A bad url is a mistake in the request, whatever the others give.
  std::vector<Url> urls;
  for (const std::string& text : request.urls) {
    ASSIGN_OR_RETURN(Url url, Url::Parse(Rewritten(text, options.rewrites)));
    urls.push_back(std::move(url));
  }
  Expected expected{.size = request.size, .sha256 = std::nullopt, .max_size = options.max_size};
  if (pinned && request.slice.total == 0) expected.sha256 = request.sha256;
  Sink sink(fs, request.destination, request.mode, expected, options.progress, request.resume,
            request.slice);
  std::vector<Failure> failures;
  FetchResult result;
  for (const Url& url : urls) {
    Outcome failure = GetUrl(fs, url, options, transfer, sink, &result.from);
    if (!failure.has_value()) {
      result.url = request.urls[static_cast<size_t>(&url - urls.data())];
      result.size = sink.done();
      result.sha256 = sink.digest();
      result.link = url.scheme() == Scheme::kFile ? "" : transfer.link();
      for (const Failure& earlier : failures) {
        result.passed_over.emplace_back(earlier.status.message());
      }
      return result;
    }
    if (failure->kind == FailureKind::kLocal) return failure->status;
    failures.push_back(*std::move(failure));
  }
  return Combine(failures);
}

}  // namespace

absl::StatusOr<FetchResult> Fetch(base::FileSystem& fs, const FetchRequest& request,
                                  const FetchOptions& options) {
  Transfer transfer(options);
  return FetchBy(fs, request, options, /*pinned=*/true, transfer);
}

absl::StatusOr<FetchResult> FetchUnpinned(base::FileSystem& fs, const FetchRequest& request,
                                          const FetchOptions& options) {
  Transfer transfer(options);
  return FetchBy(fs, request, options, /*pinned=*/false, transfer);
}

std::vector<absl::StatusOr<FetchResult>> FetchAll(base::FileSystem& fs,
                                                  absl::Span<const FetchRequest> requests,
                                                  const FetchOptions& options, int max_parallel) {
  std::vector<absl::StatusOr<FetchResult>> results(requests.size(),
                                                   absl::UnknownError("not fetched"));
  // One sum for the user, from the bytes of each request.
  std::mutex mutex;
  std::vector<uint64_t> done(requests.size());
  const uint64_t total =
      std::accumulate(requests.begin(), requests.end(), uint64_t{0},
                      [](uint64_t sum, const FetchRequest& request) { return sum + request.size; });
  const bool total_is_known = std::all_of(requests.begin(), requests.end(),
                                          [](const FetchRequest& r) { return r.size > 0; });
  uint64_t sum = 0;

  std::atomic<size_t> next = 0;
  const auto work = [&] {
    FetchOptions mine = options;
    Transfer transfer(mine);
    for (size_t i = next.fetch_add(1); i < requests.size(); i = next.fetch_add(1)) {
      if (options.progress) {
        mine.progress = [&, i](uint64_t now, uint64_t) {
          const std::lock_guard<std::mutex> lock(mutex);
          sum += now - done[i];
          done[i] = now;
          options.progress(sum, total_is_known ? total : 0);
        };
      }
      results[i] = FetchBy(fs, requests[i], mine, /*pinned=*/true, transfer);
    }
  };
  const size_t count = std::min(requests.size(), static_cast<size_t>(std::max(max_parallel, 1)));
  std::vector<std::thread> threads;
  for (size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace rules_inference::store
