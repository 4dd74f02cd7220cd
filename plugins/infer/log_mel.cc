// Problem: spectra of 25 ms each 10 ms, 100 for a second of sound, of the odd length 400.
//
// Idea: eight frames at a time, one in each lane of a vector, so that the transform needs no
// shuffles and the compiler makes vector code of plain loops. A real transform of 400 is a complex
// one of 200, which falls apart into passes of 5, 5, 4 and 2 (Stockham: each pass sorts as it
// goes).
//
// Invariant: a frame's values depend on its samples only, never on its neighbours in the vector, so
// any split among threads gives the same bits.
//
// Cost: some 30,000 operations for a frame where a product with a table of sines takes 320,000.

#include "plugins/infer/log_mel.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kSize = 400;
constexpr size_t kHalf = kSize / 2;
constexpr size_t kBins = kHalf + 1;
constexpr size_t kLanes = 8;
constexpr std::array<size_t, 4> kRadices = {5, 5, 4, 2};
constexpr double kSmallest = 1e-10;
constexpr float kReach = 8;

using Lanes = std::array<float, kLanes>;

struct Complex {
  Lanes re;
  Lanes im;
};

struct Root {
  float re;
  float im;
};

Root RootOf(size_t numerator, size_t denominator) {
  const double angle =
      -2 * std::numbers::pi * static_cast<double>(numerator) / static_cast<double>(denominator);
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

Complex Times(const Complex& a, const Root& b) {
  Complex out;
  for (size_t l = 0; l < kLanes; ++l) {
    out.re[l] = a.re[l] * b.re - a.im[l] * b.im;
    out.im[l] = a.re[l] * b.im + a.im[l] * b.re;
  }
  return out;
}

void AddTo(Complex& sum, const Complex& a) {
  for (size_t l = 0; l < kLanes; ++l) {
    sum.re[l] += a.re[l];
    sum.im[l] += a.im[l];
  }
}

struct Tables {
  std::array<float, kSize> window;
  std::array<Root, kSize> roots;  // Of 400; those of divisors are among them.

  Tables() {
    for (size_t i = 0; i < kSize; ++i) {
      window[i] = static_cast<float>(
          0.5 * (1 - std::cos(2 * std::numbers::pi * static_cast<double>(i) / kSize)));
      roots[i] = RootOf(i, kSize);
    }
  }
  const Root& root(size_t numerator, size_t denominator) const {
    return roots[static_cast<size_t>(numerator % denominator * (kSize / denominator))];
  }
};

const Tables& SharedTables() {
  static const Tables* const tables = new Tables;
  return *tables;
}

using Signal = std::array<Complex, kHalf>;

// One pass: `count` transforms of `size` become transforms of size / radix.
template <size_t kRadix>
void Pass(const Tables& tables, const Signal& in, Signal& out, size_t size, size_t count) {
  const size_t rest = size / kRadix;
  for (size_t i = 0; i < rest; ++i) {
    for (size_t k = 0; k < count; ++k) {
      for (size_t t = 0; t < kRadix; ++t) {
        Complex sum = in[k + count * i];
        for (size_t j = 1; j < kRadix; ++j) {
          AddTo(sum, Times(in[k + count * (i + rest * j)], tables.root(j * t, kRadix)));
        }
        out[k + count * (kRadix * i + t)] = t == 0 ? sum : Times(sum, tables.root(i * t, size));
      }
    }
  }
}

// Powers of the bins of eight frames; `in` has the even samples as real parts, the odd ones as
// imaginary parts.
void Powers(const Tables& tables, Signal& in, std::array<Lanes, kBins>& out) {
  Signal other;
  Signal* from = &in;
  Signal* to = &other;
  size_t size = kHalf;
  size_t count = 1;
  for (const size_t radix : kRadices) {
    if (radix == 5) Pass<5>(tables, *from, *to, size, count);
    if (radix == 4) Pass<4>(tables, *from, *to, size, count);
    if (radix == 2) Pass<2>(tables, *from, *to, size, count);
    size /= radix;
    count *= radix;
    std::swap(from, to);
  }
  for (size_t k = 0; k < kBins; ++k) {
    const Complex& a = (*from)[k % kHalf];
    const Complex& b = (*from)[(kHalf - k) % kHalf];
    const Root& root = tables.roots[k];
    for (size_t l = 0; l < kLanes; ++l) {
      // Transforms of the even samples, and of the odd ones.
      const float even_re = (a.re[l] + b.re[l]) / 2;
      const float even_im = (a.im[l] - b.im[l]) / 2;
      const float odd_re = (a.im[l] + b.im[l]) / 2;
      const float odd_im = (b.re[l] - a.re[l]) / 2;
      const float re = even_re + odd_re * root.re - odd_im * root.im;
      const float im = even_im + odd_re * root.im + odd_im * root.re;
      out[k][l] = re * re + im * im;
    }
  }
}

// The bins of which a filter takes something.
struct Filter {
  size_t first;
  absl::Span<const float> weights;
};

std::vector<Filter> Trim(absl::Span<const float> filters) {
  std::vector<Filter> trimmed;
  for (size_t begin = 0; begin < filters.size(); begin += kBins) {
    const absl::Span<const float> row = filters.subspan(begin, kBins);
    size_t first = 0;
    size_t last = kBins;
    while (first < last && row[first] == 0) ++first;
    while (last > first && row[last - 1] == 0) --last;
    trimmed.push_back({first, row.subspan(first, last - first)});
  }
  return trimmed;
}

// The sample at `i`, where the sound is mirrored before its begin and silent behind its end. The
// silence is longer than a window, so the other mirror shows only silence.
float SampleAt(absl::Span<const float> samples, ptrdiff_t i) {
  const auto at = static_cast<size_t>(std::abs(i));
  return at < samples.size() ? samples[at] : 0;
}

// Logarithms of eight frames from `frame` on, as many as there are.
void Frames(absl::Span<const float> samples, const std::vector<Filter>& filters, size_t frame,
            LogMel& mel) {
  const Tables& tables = SharedTables();
  const size_t lanes = std::min(kLanes, static_cast<size_t>(mel.frames()) - frame);
  Signal signal = {};
  for (size_t l = 0; l < lanes; ++l) {
    const auto begin = static_cast<ptrdiff_t>((frame + l) * kHop) - static_cast<ptrdiff_t>(kHalf);
    for (size_t i = 0; i < kHalf; ++i) {
      Complex& z = signal[i];
      z.re[l] = SampleAt(samples, begin + static_cast<ptrdiff_t>(2 * i)) * tables.window[2 * i];
      z.im[l] =
          SampleAt(samples, begin + static_cast<ptrdiff_t>(2 * i + 1)) * tables.window[2 * i + 1];
    }
  }
  std::array<Lanes, kBins> powers;
  Powers(tables, signal, powers);
  for (size_t m = 0; m < filters.size(); ++m) {
    const Filter& filter = filters[m];
    Lanes sum = {};
    for (size_t i = 0; i < filter.weights.size(); ++i) {
      const Lanes& power = powers[filter.first + i];
      for (size_t l = 0; l < kLanes; ++l) sum[l] += filter.weights[i] * power[l];
    }
    for (size_t l = 0; l < lanes; ++l) {
      mel.values[(frame + l) * filters.size() + m] =
          std::log10(std::max(sum[l], static_cast<float>(kSmallest)));
    }
  }
}

}  // namespace

LogMel ComputeLogMel(absl::Span<const float> samples, absl::Span<const float> filters,
                     int threads) {
  LogMel mel;
  mel.mels = static_cast<int>(filters.size() / kBins);
  mel.content_frames = static_cast<int>(samples.size() / kHop);
  mel.values.assign(static_cast<size_t>(mel.frames()) * static_cast<size_t>(mel.mels),
                    static_cast<float>(std::log10(kSmallest)));
  const std::vector<Filter> trimmed = Trim(filters);
  // Windows that begin behind the sound are silent, and there are values for that already.
  const size_t end = std::min(static_cast<size_t>(mel.frames()), samples.size() / kHop + 3);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    constexpr size_t kPiece = 32 * kLanes;
    for (size_t begin = next.fetch_add(kPiece); begin < end; begin = next.fetch_add(kPiece)) {
      for (size_t frame = begin; frame < std::min(begin + kPiece, end); frame += kLanes) {
        Frames(samples, trimmed, frame, mel);
      }
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();

  const float floor = *std::max_element(mel.values.begin(), mel.values.end()) - kReach;
  for (float& value : mel.values) value = (std::max(value, floor) + 4) / 4;
  return mel;
}

}  // namespace rules_inference::infer
