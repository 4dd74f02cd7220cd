#include "plugins/infer/audio/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

// Of the sinc, on each side.
constexpr double kZeroCrossings = 64;
// Where the filter is at half, as a part of half the lower rate.
constexpr double kCutoff = 0.95;
// 100 dB: 0.1102 * (100 - 8.7).
constexpr double kBeta = 10.06;
constexpr int64_t kMaxRows = 512;

// Modified Bessel function of the first kind, order 0.
double Bessel(double x) {
  double sum = 1;
  double term = 1;
  for (int k = 1; term > sum * 1e-17; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

// `t` in zero crossings.
double WindowedSinc(double t) {
  const double edge = t / kZeroCrossings;
  if (std::abs(edge) >= 1) return 0;
  const double angle = std::numbers::pi * t;
  const double sinc = t == 0 ? 1 : std::sin(angle) / angle;
  return sinc * Bessel(kBeta * std::sqrt(1 - edge * edge)) / Bessel(kBeta);
}

// The same from a table, because filters for high rates have millions of weights. Between its
// entries the curve is straight to within 2e-6 of its height.
class Kernel {
 public:
  Kernel() {
    for (int i = 0; i <= kEntries + 1; ++i) values_.push_back(WindowedSinc(i / kResolution));
  }
  double At(double t) const {
    const double at = std::abs(t) * kResolution;
    if (at >= kEntries) return 0;
    const auto below = static_cast<size_t>(at);
    return values_[below] + (values_[below + 1] - values_[below]) * (at - std::floor(at));
  }

 private:
  static constexpr double kResolution = 1024;
  static constexpr int kEntries = static_cast<int>(kZeroCrossings * kResolution);
  std::vector<double> values_;
};

// In eight sums, so that a compiler may use vectors without changing the order of additions.
float Dot(const float* a, const float* b, int64_t size) {
  std::array<float, 8> sums = {};
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (int64_t j = 0; j < 8; ++j) sums[static_cast<size_t>(j)] += a[i + j] * b[i + j];
  }
  for (; i < size; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace

Resampler::Resampler(int from, int to) {
  const int64_t divisor = std::gcd(from, to);
  step_ = from / divisor;
  phases_ = to / divisor;
  rows_ = std::min(phases_, kMaxRows);
  // Zero crossings of the sinc for one old sample.
  const double density = kCutoff * std::min(1.0, static_cast<double>(to) / from);
  half_ = static_cast<int64_t>(std::ceil(kZeroCrossings / density));
  static const Kernel& kernel = *new Kernel;
  std::vector<double> row(static_cast<size_t>(2 * half_));
  for (int64_t r = 0; r <= rows_; ++r) {
    const double fraction = static_cast<double>(r) / static_cast<double>(rows_);
    double sum = 0;
    for (int64_t i = 0; i < 2 * half_; ++i) {
      const double distance = static_cast<double>(i - half_ + 1) - fraction;
      sum += row[static_cast<size_t>(i)] = kernel.At(distance * density);
    }
    for (const double weight : row) weights_.push_back(static_cast<float>(weight / sum));
  }
  // Silence before the beginning.
  first_ = 1 - half_;
  buffer_.assign(static_cast<size_t>(half_ - 1), 0);
}

void Resampler::Produce(std::vector<float>* out) {
  const int64_t end = first_ + static_cast<int64_t>(buffer_.size());
  int64_t position = produced_ * step_ / phases_;
  while (position + half_ < end) {
    const float* samples = buffer_.data() + (position - half_ + 1 - first_);
    // The fraction in rows.
    const int64_t scaled = (produced_ * step_ - position * phases_) * rows_;
    const int64_t row = scaled / phases_;
    const float* weights = weights_.data() + row * 2 * half_;
    float value = Dot(samples, weights, 2 * half_);
    if (const int64_t rest = scaled - row * phases_; rest != 0) {
      const float next = Dot(samples, weights + 2 * half_, 2 * half_);
      value += (next - value) * static_cast<float>(rest) / static_cast<float>(phases_);
    }
    out->push_back(value);
    ++produced_;
    position = produced_ * step_ / phases_;
  }
  const int64_t done = std::min(position - half_ + 1, end) - first_;
  if (done > 0) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + done);
    first_ += done;
  }
}

void Resampler::Push(absl::Span<const float> samples, std::vector<float>* out) {
  buffer_.insert(buffer_.end(), samples.begin(), samples.end());
  pushed_ += static_cast<int64_t>(samples.size());
  Produce(out);
}

void Resampler::Finish(std::vector<float>* out) {
  const int64_t total = (pushed_ * phases_ + step_ - 1) / step_;
  const int64_t missing = total - produced_;
  const size_t before = out->size();
  buffer_.insert(buffer_.end(), static_cast<size_t>(half_ + step_ / phases_ + 1), 0);
  Produce(out);
  out->resize(before + static_cast<size_t>(std::max<int64_t>(0, missing)));
}

}  // namespace rules_inference::infer
