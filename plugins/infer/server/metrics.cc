#include "plugins/infer/server/metrics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/server/http.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<double, 13> kSeconds = {0.01, 0.05, 0.1, 0.25, 0.5, 1,  2.5,
                                             5,    10,   30,  60,   120, 300};
constexpr std::array<double, 8> kSizes = {1, 2, 4, 8, 16, 32, 64, 128};

absl::string_view NameOf(BatchKind kind) {
  switch (kind) {
    case BatchKind::kEncode:
      return "encode";
    case BatchKind::kDecode:
      return "decode";
    case BatchKind::kDecodeGreedy:
      return "decode_greedy";
    case BatchKind::kAlone:
      return "other";
  }
  return "";
}

void Series(std::string& out, absl::string_view name, absl::string_view type,
            absl::string_view help) {
  absl::StrAppend(&out, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
}

void Single(std::string& out, absl::string_view name, absl::string_view type,
            absl::string_view help, double value) {
  Series(out, name, type, help);
  absl::StrAppend(&out, name, " ", value, "\n");
}

}  // namespace

void Metrics::Histogram::Add(double value) {
  ++count;
  sum += value;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (value > bounds[i]) continue;
    ++counts[i];
    return;
  }
}

void Metrics::OnRequest(absl::string_view route, int status, double seconds) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++requests_[{std::string(route), status}];
  request_seconds_.try_emplace(std::string(route), kSeconds).first->second.Add(seconds);
}

void Metrics::OnAudio(double seconds) {
  const std::lock_guard<std::mutex> lock(mutex_);
  audio_seconds_ += seconds;
}

void Metrics::OnTranscribed(double seconds) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++transcribed_;
  transcribed_seconds_ += seconds;
}

void Metrics::OnFailure(absl::string_view reason) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++failures_[std::string(reason)];
}

void Metrics::OnBatch(const BatchEvent& event) {
  const std::string kind(NameOf(event.kind));
  const std::lock_guard<std::mutex> lock(mutex_);
  sequences_running_ = event.running;
  sequences_waiting_ = event.waiting;
  sequences_joined_ += event.joined;
  sequences_cancelled_ += event.cancelled;
  // Sequences have left, nothing was computed.
  if (event.size == 0) return;
  batch_sizes_.try_emplace(kind, kSizes).first->second.Add(event.size);
  batch_seconds_[kind] += event.seconds;
  if (event.failed) ++failures_["engine"];
}

double Metrics::MeanSeconds() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return transcribed_ == 0 ? 0 : transcribed_seconds_ / static_cast<double>(transcribed_);
}

void Metrics::AppendHistogram(std::string& out, absl::string_view name, absl::string_view labels,
                              const Histogram& histogram) {
  int64_t total = 0;
  for (size_t i = 0; i < histogram.bounds.size(); ++i) {
    total += histogram.counts[i];
    absl::StrAppend(&out, name, "_bucket{", labels, ",le=\"", histogram.bounds[i], "\"} ", total,
                    "\n");
  }
  absl::StrAppend(&out, name, "_bucket{", labels, ",le=\"+Inf\"} ", histogram.count, "\n", name,
                  "_sum{", labels, "} ", histogram.sum, "\n", name, "_count{", labels, "} ",
                  histogram.count, "\n");
}

std::string Metrics::Text(const HttpLoad& load, bool ready) const {
  std::string out;
  Single(out, "infer_ready", "gauge", "Whether the model is loaded and the server takes requests.",
         ready ? 1 : 0);
  Single(out, "infer_connections", "gauge", "Open connections.", load.connections);
  Single(out, "infer_requests_receiving", "gauge", "Requests whose body is on its way.",
         load.receiving);
  Single(out, "infer_requests_waiting", "gauge", "Requests that wait for a worker.", load.waiting);
  Single(out, "infer_requests_running", "gauge", "Requests that are worked on.", load.running);
  Single(out, "infer_body_bytes", "gauge", "Memory that bodies of requests hold or reserve.",
         static_cast<double>(load.body_bytes));
  const std::lock_guard<std::mutex> lock(mutex_);
  Series(out, "infer_requests_total", "counter",
         "Requests that are over; status 0: the client went before the answer.");
  for (const auto& [key, count] : requests_) {
    absl::StrAppend(&out, "infer_requests_total{path=\"", key.first, "\",status=\"", key.second,
                    "\"} ", count, "\n");
  }
  Series(out, "infer_request_seconds", "histogram", "From the head of a request to its end.");
  for (const auto& [path, histogram] : request_seconds_) {
    AppendHistogram(out, "infer_request_seconds", absl::StrCat("path=\"", path, "\""), histogram);
  }
  Single(out, "infer_audio_seconds_total", "counter", "Seconds of sound that were transcribed.",
         audio_seconds_);
  Single(out, "infer_transcriptions_total", "counter", "Transcriptions that succeeded.",
         static_cast<double>(transcribed_));
  Single(out, "infer_transcription_seconds_total", "counter",
         "Seconds that these took, without waiting.", transcribed_seconds_);
  Series(out, "infer_failures_total", "counter", "Requests that failed, and why.");
  for (const auto& [reason, count] : failures_) {
    absl::StrAppend(&out, "infer_failures_total{reason=\"", reason, "\"} ", count, "\n");
  }
  Single(out, "infer_sequences_running", "gauge", "Sequences in the batch of greedy decoding.",
         sequences_running_);
  Single(out, "infer_sequences_waiting", "gauge", "Sequences that wait for room in that batch.",
         sequences_waiting_);
  Single(out, "infer_sequences_joined_total", "counter",
         "Sequences that joined a batch which had begun before.",
         static_cast<double>(sequences_joined_));
  Single(out, "infer_sequences_cancelled_total", "counter",
         "Sequences that left the batch because nobody wanted them any more.",
         static_cast<double>(sequences_cancelled_));
  Series(out, "infer_batch_size", "histogram",
         "Windows, rows or sequences that were computed together, of each call of the engine; "
         "greedy decoding is a call for each step.");
  for (const auto& [kind, histogram] : batch_sizes_) {
    AppendHistogram(out, "infer_batch_size", absl::StrCat("kind=\"", kind, "\""), histogram);
  }
  Series(out, "infer_batch_seconds_total", "counter", "Seconds that the engine computed.");
  for (const auto& [kind, seconds] : batch_seconds_) {
    absl::StrAppend(&out, "infer_batch_seconds_total{kind=\"", kind, "\"} ", seconds, "\n");
  }
  return out;
}

}  // namespace rules_inference::infer
