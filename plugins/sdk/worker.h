// A server for Bazel's persistent worker protocol (protobuf, singleplex and multiplex, with
// cancellation).
//
// One thread reads requests, up to max_threads others handle them, and responses leave one at a
// time in the order in which they are ready. Requests with id 0 (singleplex) are handled one after
// the other, whatever the client does.
//
// What is wrong with one request is answered in its response and the worker goes on: a request that
// does not parse, that is larger than allowed, or whose id is in use. What is wrong with the stream
// itself ends the worker, because the start of the next request cannot be found: a length that is
// no varint, or an end in the middle of a request.

#ifndef RULES_INFERENCE_PLUGINS_SDK_WORKER_H_
#define RULES_INFERENCE_PLUGINS_SDK_WORKER_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {

struct WorkerOptions {
  // Of one request as it is on the wire. Larger ones are skipped and answered with an error.
  size_t max_request_bytes = size_t{64} << 20;
  // Requests that wait for a thread, as they are on the wire; when they are more, reading pauses. A
  // client that sends more than that ahead of the answers has its cancellations read late, and the
  // worker's memory stays bounded.
  size_t max_waiting_bytes = size_t{64} << 20;
  // Requests handled at the same time; 1 for a handler that is not thread-safe.
  int max_threads = 64;
};

struct WorkerAnswer {
  int exit_code = 0;
  // For the user; need not be valid UTF-8.
  std::string output;
};

// Handles one request. `cancelled` becomes true when the client does not want the answer any more;
// the answer is dropped then, but the handler must have stopped touching files when it returns.
using WorkerHandler = std::function<WorkerAnswer(const blaze::worker::WorkRequest& request,
                                                 const std::atomic<bool>& cancelled)>;

// Serves requests from `in_fd` until its end, and returns when all of them are answered on
// `out_fd`. An error means that the stream is broken or that the client is gone; requests in flight
// are cancelled and awaited first.
absl::Status ServeWorker(int in_fd, int out_fd, const WorkerOptions& options,
                         const WorkerHandler& handler);

// ServeWorker on standard input and output. While it runs, file descriptor 1 is standard error and
// file descriptor 0 is empty, so that nothing the handler or a library prints or reads can get into
// the protocol.
absl::Status ServeWorkerOnStdio(const WorkerOptions& options, const WorkerHandler& handler);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_WORKER_H_
