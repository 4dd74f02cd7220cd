// The one verified fetcher: everything that this project downloads comes through here.
//
// Urls are tried in order. Bytes reach their destination only when their size and sha256 are the
// pinned ones; no other path leads there. "Absent" (404, 410, no such file) is told apart from
// everything else, because a caller may fall back on absence and on nothing else: the status is
// NotFound when every url says that the file is absent, and never otherwise.

#ifndef RULES_INFERENCE_PLUGINS_STORE_FETCH_H_
#define RULES_INFERENCE_PLUGINS_STORE_FETCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"

namespace rules_inference::store {

// Lets a file be fetched in more than one go: see part.h.
struct Resume {
  // Where unfinished files lie, on the file system of the destination. Empty: nothing is resumed.
  std::string directory;
  // Whether the next process may go on with what this one leaves: only where locks work.
  bool keep = false;
  // Where the range map of the finished file goes, if anywhere.
  std::string ranges;
};

// A part of a file: the size of the request is then that of the part, and its sha256 is ignored.
struct Slice {
  uint64_t begin = 0;
  // Size of the whole file; 0 means that there is no slice.
  uint64_t total = 0;
  // Of the part, compared when there is one. Whoever puts a file together from parts compares the
  // digest of the file.
  std::optional<uint32_t> crc32;
};

// What is asked in the place of urls that begin with `from`, which ends in "/".
struct Rewrite {
  std::string from;
  std::string to;
};

struct FetchRequest {
  // http, https or file; mirrors of one another, best first.
  std::vector<std::string> urls;
  // In bytes; 0 when it is not known.
  uint64_t size = 0;
  base::Digest sha256;
  // Where the file goes; its directory is made.
  std::string destination;
  base::FileMode mode = base::FileMode::kData;
  // Needs the size.
  Resume resume;
  // Only this of the file. Goes with a server that gives ranges, and without `resume`.
  Slice slice;
};

struct FetchOptions {
  // For a connection, TLS included.
  absl::Duration connect_timeout = absl::Seconds(30);
  // From the request to the first byte of the answer, and between two bytes; checked once a second.
  absl::Duration first_byte_timeout = absl::Seconds(60);
  absl::Duration idle_timeout = absl::Seconds(60);
  // How often one url is tried while the failure may pass by itself, at least 1; the waits between
  // double from `backoff` to `max_backoff`. A server that names a longer wait gets it, up to
  // `max_backoff`.
  int attempts = 4;
  absl::Duration backoff = absl::Milliseconds(500);
  absl::Duration max_backoff = absl::Seconds(20);
  std::function<void(absl::Duration)> sleep = absl::SleepFor;
  int max_redirects = 5;
  // Where the size is not known, a longer body is refused.
  uint64_t max_size = uint64_t{1} << 38;
  // Bytes that are there and bytes in all (0 when not known). Goes back when an attempt begins
  // again. Called from the thread that fetches; by FetchAll from any of its threads, one at a time,
  // with sums over all requests.
  std::function<void(uint64_t done, uint64_t total)> progress;
  // Credentials. Absent: $NETRC, else ~/.netrc.
  std::string netrc_file;
  // Tokens by origin ("https://host:443"), sent as "Authorization: Bearer" to that origin and never
  // after a redirect to another one. They go before netrc.
  std::map<std::string, std::string> tokens;
  // The first one that fits is used. Messages name what is asked in the end.
  std::vector<Rewrite> rewrites;
  // Certificates to trust. Absent: $SSL_CERT_FILE, $CURL_CA_BUNDLE, else the places where systems
  // keep theirs.
  std::string ca_file;
};

struct FetchResult {
  // The entry of `urls`. It may hold a token: show `from` instead.
  std::string url;
  uint64_t size = 0;
  base::Digest sha256;
  // Where the bytes came from after redirects, fit for a message.
  std::string from;
  // The header "Link" of the answer: where lists that come in pages go on.
  std::string link;
  // Why the entries before `url` gave nothing; a caller says it.
  std::vector<std::string> passed_over;
};

// Proxies are those of the environment (http_proxy, https_proxy, all_proxy, no_proxy).
absl::StatusOr<FetchResult> Fetch(base::FileSystem& fs, const FetchRequest& request,
                                  const FetchOptions& options);

// Downloads what is not pinned yet, to write the pin: `request.sha256` is ignored.
absl::StatusOr<FetchResult> FetchUnpinned(base::FileSystem& fs, const FetchRequest& request,
                                          const FetchOptions& options);

// Fetches up to `max_parallel` requests at a time; answers in the order of the requests. A failure
// does not stop the others.
std::vector<absl::StatusOr<FetchResult>> FetchAll(base::FileSystem& fs,
                                                  absl::Span<const FetchRequest> requests,
                                                  const FetchOptions& options, int max_parallel);

}  // namespace rules_inference::store

#endif  // RULES_INFERENCE_PLUGINS_STORE_FETCH_H_
