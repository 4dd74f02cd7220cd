// The two directions of a worker's byte stream: length-delimited requests in, length-delimited
// responses out.

#ifndef RULES_INFERENCE_PLUGINS_SDK_WORKER_STREAM_H_
#define RULES_INFERENCE_PLUGINS_SDK_WORKER_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {

class RequestReader {
 public:
  RequestReader(int fd, size_t max_request_bytes)
      : stream_(fd), max_request_bytes_(max_request_bytes) {}

  struct Frame {
    // True at the end of the stream; nothing else is set then.
    bool end = false;
    blaze::worker::WorkRequest request;
    // Not OK: the request cannot be used, and only its id is right, if it could be found (else 0).
    absl::Status problem;
    size_t wire_bytes = 0;
  };

  // The next frame; an error when there can be no next one.
  absl::StatusOr<Frame> Next();

 private:
  // The length in front of a request; sets `*end` at the end of the stream.
  absl::StatusOr<uint32_t> ReadLength(bool* end);

  google::protobuf::io::FileInputStream stream_;
  const size_t max_request_bytes_;
  uint64_t frames_ = 0;
};

class ResponseWriter {
 public:
  explicit ResponseWriter(int fd) : stream_(fd) {}

  // Writes one response and flushes; safe to call from several threads. After an error all further
  // calls fail.
  absl::Status Write(const blaze::worker::WorkResponse& response);

 private:
  std::mutex mutex_;
  google::protobuf::io::FileOutputStream stream_;
  absl::Status status_;
};

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_WORKER_STREAM_H_
