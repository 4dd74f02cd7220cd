#include "plugins/infer/decode/alignment_heads.h"

#include <array>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<Head, 8> kTinyEn = {
    {{1, 0}, {2, 0}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}};
constexpr std::array<Head, 6> kTiny = {{{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}}};
constexpr std::array<Head, 5> kBaseEn = {{{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}}};
constexpr std::array<Head, 8> kBase = {
    {{3, 1}, {4, 2}, {4, 3}, {4, 7}, {5, 1}, {5, 2}, {5, 4}, {5, 6}}};
constexpr std::array<Head, 19> kSmallEn = {{{6, 6},
                                            {7, 0},
                                            {7, 3},
                                            {7, 8},
                                            {8, 2},
                                            {8, 5},
                                            {8, 7},
                                            {9, 0},
                                            {9, 4},
                                            {9, 8},
                                            {9, 10},
                                            {10, 0},
                                            {10, 1},
                                            {10, 2},
                                            {10, 3},
                                            {10, 6},
                                            {10, 11},
                                            {11, 2},
                                            {11, 4}}};
constexpr std::array<Head, 10> kSmall = {
    {{5, 3}, {5, 9}, {8, 0}, {8, 4}, {8, 7}, {8, 8}, {9, 0}, {9, 7}, {9, 9}, {10, 5}}};
constexpr std::array<Head, 18> kMediumEn = {{{11, 4},
                                             {14, 1},
                                             {14, 12},
                                             {14, 14},
                                             {15, 4},
                                             {16, 0},
                                             {16, 4},
                                             {16, 9},
                                             {17, 12},
                                             {17, 14},
                                             {18, 7},
                                             {18, 10},
                                             {18, 15},
                                             {20, 0},
                                             {20, 3},
                                             {20, 9},
                                             {20, 14},
                                             {21, 12}}};
constexpr std::array<Head, 6> kMedium = {{{13, 15}, {15, 4}, {15, 15}, {16, 1}, {20, 0}, {23, 4}}};
constexpr std::array<Head, 9> kLargeV1 = {
    {{9, 19}, {11, 2}, {11, 4}, {11, 17}, {22, 7}, {22, 11}, {22, 17}, {23, 2}, {23, 15}}};
constexpr std::array<Head, 23> kLargeV2 = {
    {{10, 12}, {13, 17}, {16, 11}, {16, 12}, {16, 13}, {17, 15}, {17, 16}, {18, 4},
     {18, 11}, {18, 19}, {19, 11}, {21, 2},  {21, 3},  {22, 3},  {22, 9},  {22, 12},
     {23, 5},  {23, 7},  {23, 13}, {25, 5},  {26, 1},  {26, 12}, {27, 15}}};
constexpr std::array<Head, 10> kLargeV3 = {
    {{7, 0}, {10, 17}, {12, 18}, {13, 12}, {16, 1}, {17, 14}, {19, 11}, {21, 4}, {24, 1}, {25, 6}}};
constexpr std::array<Head, 6> kTurbo = {{{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}}};

struct Released {
  absl::string_view name;
  int layers;
  int heads;
  int vocab;
  absl::Span<const Head> alignment;
};

const std::array<Released, 12>& AllReleased() {
  // Where sizes are equal the last one counts.
  static const std::array<Released, 12> released = {{
      {"tiny.en", 4, 6, 51864, kTinyEn},
      {"tiny", 4, 6, 51865, kTiny},
      {"base.en", 6, 8, 51864, kBaseEn},
      {"base", 6, 8, 51865, kBase},
      {"small.en", 12, 12, 51864, kSmallEn},
      {"small", 12, 12, 51865, kSmall},
      {"medium.en", 24, 16, 51864, kMediumEn},
      {"medium", 24, 16, 51865, kMedium},
      {"large-v1", 32, 20, 51865, kLargeV1},
      {"large-v2", 32, 20, 51865, kLargeV2},
      {"large-v3", 32, 20, 51866, kLargeV3},
      {"turbo", 4, 20, 51866, kTurbo},
  }};
  return released;
}

}  // namespace

std::optional<absl::Span<const Head>> AlignmentHeadsOf(absl::string_view name) {
  if (name == "large") name = "large-v3";
  if (name == "large-v3-turbo") name = "turbo";
  for (const Released& released : AllReleased()) {
    if (released.name == name) return released.alignment;
  }
  return std::nullopt;
}

std::vector<Head> AlignmentHeadsOf(const Hyperparameters& parameters) {
  std::vector<Head> heads;
  for (const Released& released : AllReleased()) {
    if (released.layers == parameters.text_layers && released.heads == parameters.text_heads &&
        released.vocab == parameters.vocab) {
      heads.assign(released.alignment.begin(), released.alignment.end());
    }
  }
  if (!heads.empty()) return heads;
  for (int layer = parameters.text_layers / 2; layer < parameters.text_layers; ++layer) {
    for (int head = 0; head < parameters.text_heads; ++head) heads.push_back({layer, head});
  }
  return heads;
}

}  // namespace rules_inference::infer
