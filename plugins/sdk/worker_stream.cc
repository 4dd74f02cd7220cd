// Problem: find the end of every request, also of those that cannot be used, and their id, so that
// the client is not left waiting for an answer.
//
// A frame is a length (varint, at most 5 bytes) and that many bytes. A frame within the size limit
// is read whole and parsed; a larger one is walked field by field without being kept, for its
// request_id, so it costs time and no memory.

#include "plugins/sdk/worker_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::sdk {
namespace {

using ::google::protobuf::io::ArrayInputStream;
using ::google::protobuf::io::CodedInputStream;

constexpr uint32_t kRequestIdTag = 3 << 3;  // Field 3, wire type varint.

// Reads `size` bytes and drops them. Not CodedInputStream::Skip: on a regular file that seeks past
// the end and succeeds.
bool Drop(CodedInputStream& in, uint64_t size) {
  while (size > 0) {
    const void* data = nullptr;
    int available = 0;
    if (!in.GetDirectBufferPointer(&data, &available)) return false;
    const int n = static_cast<int>(std::min(size, static_cast<uint64_t>(available)));
    if (!in.Skip(n)) return false;
    size -= static_cast<uint64_t>(n);
  }
  return true;
}

// Walks over the fields of a serialized WorkRequest that ends at the limit of `in`; returns its id,
// or 0. Stops early at bytes that are no protobuf message.
int32_t FindRequestId(CodedInputStream& in) {
  int32_t id = 0;
  while (true) {
    const uint32_t tag = in.ReadTag();
    if (tag == 0) return id;
    uint64_t value = 0;
    uint32_t size = 0;
    switch (tag & 7) {
      case 0:
        if (!in.ReadVarint64(&value)) return id;
        if (tag == kRequestIdTag) id = static_cast<int32_t>(value);
        break;
      case 1:
        if (!Drop(in, 8)) return id;
        break;
      case 2:
        if (!in.ReadVarint32(&size) || !Drop(in, size)) return id;
        break;
      case 5:
        if (!Drop(in, 4)) return id;
        break;
      default:
        return id;
    }
  }
}

}  // namespace

absl::StatusOr<uint32_t> RequestReader::ReadLength(bool* end) {
  const std::string where = absl::StrCat("length of request ", frames_ + 1);
  uint64_t length = 0;
  CodedInputStream in(&stream_);
  for (int shift = 0; shift < 35; shift += 7) {
    uint8_t byte = 0;
    if (!in.ReadRaw(&byte, 1)) {
      if (stream_.GetErrno() != 0)
        return base::SystemError(stream_.GetErrno(), "worker", "standard input");
      if (shift > 0)
        return base::Mismatch("worker", where, "the end of the stream", "a whole varint");
      *end = true;
      return 0;
    }
    length |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    if (length > std::numeric_limits<int32_t>::max()) break;
    return static_cast<uint32_t>(length);
  }
  return base::WithHint(
      base::Mismatch("worker", where, "no varint below 2^31", "the length of a WorkRequest"),
      "set the execution requirement requires-worker-protocol to proto");
}

absl::StatusOr<RequestReader::Frame> RequestReader::Next() {
  Frame frame;
  ASSIGN_OR_RETURN(const uint32_t length, ReadLength(&frame.end));
  if (frame.end) return frame;
  ++frames_;
  frame.wire_bytes = length;
  // All fields have their defaults. A CodedInputStream would already wait for the next request
  // here.
  if (length == 0) return frame;
  const std::string where = absl::StrCat("request ", frames_);
  const auto truncated = [&](uint64_t got) -> absl::Status {
    if (stream_.GetErrno() != 0)
      return base::SystemError(stream_.GetErrno(), "worker", "standard input");
    return base::Mismatch("worker", where,
                          absl::StrCat("the end of the stream after ", got, " bytes"),
                          absl::StrCat(length, " bytes"));
  };

  CodedInputStream in(&stream_);
  const CodedInputStream::Limit limit = in.PushLimit(static_cast<int>(length));
  if (length > max_request_bytes_) {
    frame.request.set_request_id(FindRequestId(in));
    const auto left = static_cast<uint32_t>(in.BytesUntilLimit());
    if (!Drop(in, left)) return truncated(length - static_cast<uint32_t>(in.BytesUntilLimit()));
    frame.problem = base::Mismatch("worker", where, absl::StrCat(length, " bytes"),
                                   absl::StrCat("at most ", max_request_bytes_, " bytes"));
    return frame;
  }

  std::string bytes;
  if (!in.ReadString(&bytes, static_cast<int>(length))) {
    return truncated(length - static_cast<uint32_t>(in.BytesUntilLimit()));
  }
  in.PopLimit(limit);
  if (frame.request.ParseFromString(bytes)) return frame;
  frame.request.Clear();
  ArrayInputStream array(bytes.data(), static_cast<int>(bytes.size()));
  CodedInputStream fields(&array);
  frame.request.set_request_id(FindRequestId(fields));
  frame.problem = base::Mismatch("worker", where, absl::StrCat(length, " bytes that do not parse"),
                                 "a WorkRequest in protobuf");
  return frame;
}

absl::Status ResponseWriter::Write(const blaze::worker::WorkResponse& response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!status_.ok()) return status_;
  if (!google::protobuf::util::SerializeDelimitedToZeroCopyStream(response, &stream_) ||
      !stream_.Flush()) {
    status_ = base::SystemError(stream_.GetErrno(), "worker", "standard output");
  }
  return status_;
}

}  // namespace rules_inference::sdk
