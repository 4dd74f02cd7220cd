// What the server counts, in the text format of Prometheus.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_METRICS_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_METRICS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/server/http.h"

namespace rules_inference::infer {

// All may be called by any thread.
class Metrics {
 public:
  // `route` is one of a fixed set, so that clients cannot make new series.
  void OnRequest(absl::string_view route, int status, double seconds);
  void OnAudio(double seconds);
  void OnTranscribed(double seconds);
  void OnFailure(absl::string_view reason);
  void OnBatch(const BatchEvent& event);

  // Of a transcription, so far; 0 before the first.
  double MeanSeconds() const;
  std::string Text(const HttpLoad& load, bool ready) const;

 private:
  struct Histogram {
    explicit Histogram(absl::Span<const double> bounds)
        : bounds(bounds.begin(), bounds.end()), counts(bounds.size()) {}
    void Add(double value);

    std::vector<double> bounds;
    // Not cumulative; what is above the last bound is in `count` alone.
    std::vector<int64_t> counts;
    int64_t count = 0;
    double sum = 0;
  };
  static void AppendHistogram(std::string& out, absl::string_view name, absl::string_view labels,
                              const Histogram& histogram);

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, int64_t> requests_;
  std::map<std::string, Histogram, std::less<>> request_seconds_;
  std::map<std::string, int64_t, std::less<>> failures_;
  std::map<std::string, Histogram, std::less<>> batch_sizes_;
  std::map<std::string, double, std::less<>> batch_seconds_;
  int sequences_running_ = 0;
  int sequences_waiting_ = 0;
  int64_t sequences_joined_ = 0;
  int64_t sequences_cancelled_ = 0;
  double audio_seconds_ = 0;
  int64_t transcribed_ = 0;
  double transcribed_seconds_ = 0;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_METRICS_H_
