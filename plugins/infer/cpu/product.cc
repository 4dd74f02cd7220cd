// Problem: a matrix of half a megabyte to ten, times one row or 1500 of them.
//
// Idea: with many rows a task is a tile of 192 rows and 256 outputs. It goes through the inputs in
// pieces of 256: two panels of the matrix become floats (32 KiB, for the first cache), and all rows
// of the tile, whose piece of 192 KiB is in the second cache, are multiplied with them. So a number
// is converted once for 192 products. With few rows a task is some panels, and reads them once.
//
// Invariant: sums of an output go over its inputs in order; how tiles are cut changes nothing.
// Small products are cut smaller, so that all threads have something to do.
//
// Cost: 448 KiB for each thread.

#include "plugins/infer/cpu/product.h"

#include <algorithm>
#include <cstddef>

#include "absl/types/span.h"
#include "plugins/infer/cpu/kernels.h"
#include "plugins/infer/cpu/packed_matrix.h"
#include "plugins/infer/cpu/thread_pool.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kPiece = 256;
// Panels that are floats at the same time.
constexpr size_t kPair = 2;
constexpr size_t kMostRows = 192;
constexpr size_t kMostPanels = 16;
// Tasks for each thread: others run on this machine too, so threads are not equally fast.
constexpr size_t kTasksPerThread = 4;
// Rows from which floats are multiplied as tiles, which is the same but for speed.
constexpr size_t kManyRows = 12;

size_t Parts(size_t all, size_t size) { return (all + size - 1) / size; }

}  // namespace

Multiplier::Multiplier(const Kernels& kernels, ThreadPool& pool)
    : kernels_(kernels), pool_(pool), scratch_(static_cast<size_t>(pool.threads())) {
  for (Scratch& scratch : scratch_) {
    scratch.panels.resize(kPair * kPiece * kPanel);
    scratch.sums.resize(kMostRows * kMostPanels * kPanel);
  }
}

void Multiplier::Tile(const Rows& rows, const Product& product, size_t row, size_t row_end,
                      size_t panel, size_t panel_end, Scratch& scratch) const {
  const PackedMatrix& matrix = *product.matrix;
  const size_t inputs = matrix.inputs / rows.taps;
  const size_t width = (panel_end - panel) * kPanel;
  float* sums = scratch.sums.data();
  for (size_t tap = 0; tap < rows.taps; ++tap) {
    for (size_t k = 0; k < inputs; k += kPiece) {
      const size_t size = std::min(kPiece, inputs - k);
      const size_t begin = tap * inputs + k;
      for (size_t p = panel; p < panel_end; p += kPair) {
        const size_t pair = std::min(kPair, panel_end - p);
        for (size_t i = 0; i < pair; ++i) {
          kernels_.unpack(matrix, p + i, begin, begin + size,
                          scratch.panels.data() + i * size * kPanel);
        }
        kernels_.multiply(rows.data + row * rows.stride + tap * rows.tap_stride + k, rows.stride,
                          row_end - row, scratch.panels.data(), pair, size, begin == 0,
                          sums + (p - panel) * kPanel, width);
      }
    }
  }
  const size_t first = panel * kPanel;
  for (size_t r = row; r < row_end; ++r, sums += width) {
    kernels_.finish(sums, product.bias == nullptr ? nullptr : product.bias + first, width,
                    product.finish, product.out + r * product.out_stride + first);
  }
}

void Multiplier::Wide(const Rows& rows, absl::Span<const Product> products) {
  size_t panels = 0;
  for (const Product& product : products) panels += product.matrix->panels();
  size_t height = kMostRows;
  size_t width = kMostPanels;
  const size_t enough = kTasksPerThread * static_cast<size_t>(pool_.threads());
  const auto tasks = [&] { return Parts(rows.count, height) * Parts(panels, width); };
  while (tasks() < enough && width > kPair) width /= 2;
  while (tasks() < enough && height > kMostRows / 4) height /= 2;

  struct Task {
    const Product* product;
    size_t row;
    size_t panel;
  };
  std::vector<Task> all;
  for (const Product& product : products) {
    for (size_t row = 0; row < rows.count; row += height) {
      for (size_t panel = 0; panel < product.matrix->panels(); panel += width) {
        all.push_back({&product, row, panel});
      }
    }
  }
  pool_.Run(all.size(), [&](size_t i, int thread) {
    const Task& task = all[i];
    Tile(rows, *task.product, task.row, std::min(task.row + height, rows.count), task.panel,
         std::min(task.panel + width, task.product->matrix->panels()),
         scratch_[static_cast<size_t>(thread)]);
  });
}

void Multiplier::Part(const Rows& rows, const Product& product, size_t panel, size_t panel_end,
                      Scratch& scratch) const {
  const PackedMatrix& matrix = *product.matrix;
  const size_t first = panel * kPanel;
  const size_t width = (panel_end - panel) * kPanel;
  const bool bare = product.bias == nullptr && product.finish == Finish::kStore;
  float* sums = bare ? product.out + first : scratch.sums.data();
  const size_t stride = bare ? product.out_stride : width;
  if (IsQuantized(matrix.type)) {
    kernels_.dot_digits(matrix, panel, panel_end, digits_.data(), matrix.inputs / kBlock,
                        rows.count, sums, stride);
  } else {
    kernels_.dot(matrix, panel, panel_end, rows.data, rows.stride, rows.count, sums, stride);
  }
  if (bare) return;
  for (size_t r = 0; r < rows.count; ++r) {
    kernels_.finish(sums + r * stride, product.bias == nullptr ? nullptr : product.bias + first,
                    width, product.finish, product.out + r * product.out_stride + first);
  }
}

void Multiplier::ToDigits(const Rows& rows, const PackedMatrix& matrix) {
  const size_t blocks = matrix.inputs / kBlock;
  digits_.resize(std::max(digits_.size(), rows.count * blocks));
  const auto convert = [&](size_t r, int) {
    kernels_.to_digits(rows.data + r * rows.stride, matrix.inputs, matrix.type,
                       digits_.data() + r * blocks);
  };
  // A microsecond each, as much as it takes to share them out.
  if (rows.count < 4) {
    for (size_t r = 0; r < rows.count; ++r) convert(r, 0);
  } else {
    pool_.Run(rows.count, convert);
  }
}

void Multiplier::Narrow(const Rows& rows, absl::Span<const Product> products) {
  // Types of one layer differ only in files that nobody makes; they are right all the same.
  if (products.size() > 1 && !std::all_of(products.begin(), products.end(), [&](const Product& p) {
        return p.matrix->type == products[0].matrix->type;
      })) {
    for (const Product& product : products) Narrow(rows, {&product, 1});
    return;
  }
  const PackedMatrix& matrix = *products[0].matrix;
  const bool quantized = IsQuantized(matrix.type);
  if (!quantized && matrix.outputs % kPanel == 0 && rows.count >= kManyRows) {
    return Wide(rows, products);
  }
  if (rows.count > kMostRows) {
    std::vector<Product> rest(products.begin(), products.end());
    for (size_t row = 0; row < rows.count; row += kMostRows) {
      Rows some = rows;
      some.count = std::min(kMostRows, rows.count - row);
      some.data += row * rows.stride;
      Narrow(some, rest);
      for (Product& product : rest) product.out += kMostRows * product.out_stride;
    }
    return;
  }
  if (quantized) ToDigits(rows, matrix);

  size_t panels = 0;
  for (const Product& product : products) panels += product.matrix->panels();
  const size_t enough = 2 * kTasksPerThread * static_cast<size_t>(pool_.threads());
  // What is read in one go, and what there is scratch for.
  const size_t width = std::min(std::clamp(panels / enough / 4 * 4, size_t{4}, size_t{64}),
                                kMostRows * kMostPanels / rows.count);
  struct Task {
    const Product* product;
    size_t panel;
  };
  std::vector<Task> tasks;
  for (const Product& product : products) {
    for (size_t panel = 0; panel < product.matrix->panels(); panel += width) {
      tasks.push_back({&product, panel});
    }
  }
  pool_.Run(tasks.size(), [&](size_t i, int thread) {
    const Task& task = tasks[i];
    Part(rows, *task.product, task.panel,
         std::min(task.panel + width, task.product->matrix->panels()),
         scratch_[static_cast<size_t>(thread)]);
  });
}

}  // namespace rules_inference::infer
