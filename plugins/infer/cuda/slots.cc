#include "plugins/infer/cuda/slots.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "plugins/infer/cuda/kernel_args.h"
#include "plugins/infer/special_tokens.h"

namespace rules_inference::infer::cuda {

void AddRows(const SlotDecoding& decoding, absl::Span<const int> parents,
             absl::Span<const TokenId> tokens, Pass& pass) {
  const int count = static_cast<int>(tokens.size() / parents.size());
  const int sequences = decoding.sequences;
  const int first = static_cast<int>(pass.rows.size());
  for (size_t r = 0; r < parents.size(); ++r) {
    const std::vector<int>& slots = decoding.slots[static_cast<size_t>(parents[r])];
    // Where there is one sequence, slots are positions.
    const bool named = sequences > 1 && !slots.empty();
    const int first_slot = named ? static_cast<int>(pass.slots.size()) : -1;
    if (named) pass.slots.insert(pass.slots.end(), slots.begin(), slots.end());
    const int base_row = static_cast<int>(pass.rows.size());
    for (int t = 0; t < count; ++t) {
      const int position = decoding.length + t;
      Row row;
      row.cache = decoding.cache();
      row.cross = decoding.window.cross();
      row.slot = position * sequences + static_cast<int>(r);
      row.token = tokens[r * static_cast<size_t>(count) + static_cast<size_t>(t)];
      row.position = position;
      row.base = decoding.length;
      row.base_row = base_row;
      row.active = 1;
      pass.rows.push_back(row);
      pass.first_slots.push_back(first_slot);
    }
  }
  pass.groups.push_back({&decoding, first, static_cast<int>(pass.rows.size()) - first});
  pass.positions = std::max(pass.positions, decoding.length + count);
}

void Advance(SlotDecoding& decoding, absl::Span<const int> parents, int count) {
  std::vector<std::vector<int>> children;
  for (size_t r = 0; r < parents.size(); ++r) {
    children.push_back(decoding.slots[static_cast<size_t>(parents[r])]);
    for (int t = 0; t < count; ++t) {
      children.back().push_back((decoding.length + t) * decoding.sequences + static_cast<int>(r));
    }
  }
  decoding.slots = std::move(children);
  decoding.length += count;
}

}  // namespace rules_inference::infer::cuda
