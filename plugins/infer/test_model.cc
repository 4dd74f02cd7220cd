#include "plugins/infer/test_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

struct Size {
  absl::string_view name;
  int heads;
  int audio_layers;
  int text_layers;
  int vocab;
  int mels;
};

constexpr std::array<Size, 14> kSizes = {{
    {"test", 1, 2, 2, 51865, 80},
    {"test.en", 1, 2, 2, 51864, 80},
    {"tiny", 6, 4, 4, 51865, 80},
    {"tiny.en", 6, 4, 4, 51864, 80},
    {"base", 8, 6, 6, 51865, 80},
    {"base.en", 8, 6, 6, 51864, 80},
    {"small", 12, 12, 12, 51865, 80},
    {"small.en", 12, 12, 12, 51864, 80},
    {"medium", 16, 24, 24, 51865, 80},
    {"medium.en", 16, 24, 24, 51864, 80},
    {"large-v1", 20, 32, 32, 51865, 80},
    {"large-v2", 20, 32, 32, 51865, 80},
    {"large-v3", 20, 32, 32, 51866, 128},
    {"turbo", 20, 32, 4, 51866, 128},
}};

// Rows of a matrix are made and written so many values at a time.
constexpr size_t kPiece = size_t{1} << 20;

// The distributions of the standard library differ between its implementations; this is exact.
class Random {
 public:
  Random(uint64_t seed, absl::string_view name) : state_(seed) {
    for (const char c : name) state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  // SplitMix64 (Steele, Lea, Flood 2014).
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Mean 0, variance 1: four uniform numbers of 16 bits are as good as normal here.
  float Normal() {
    const uint64_t bits = Next();
    int sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<int>(bits >> (16 * i) & 0xffff);
    return static_cast<float>(sum - 2 * 0xffff) * (1.7320508F / 65536.0F);
  }

 private:
  uint64_t state_;
};

template <typename T>
void Append(T value, std::string& out) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

// Bytes in the order in which GPT-2 numbers them: those that can be printed come first.
std::vector<std::string> ByteTokens() {
  std::vector<std::string> printable;
  std::vector<std::string> others;
  for (int byte = 0; byte < 256; ++byte) {
    const bool shown = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
    (shown ? printable : others).emplace_back(1, static_cast<char>(byte));
  }
  printable.insert(printable.end(), others.begin(), others.end());
  return printable;
}

std::vector<std::string> Vocabulary(const TestModel& model) {
  Random random(model.seed, "vocabulary");
  std::vector<std::string> tokens = ByteTokens();
  absl::flat_hash_set<std::string> seen(tokens.begin(), tokens.end());
  // Mostly letters, so that texts of random tokens can be read.
  const std::string letters = " etaoinshrdlucmfwygpbvkxqjz";
  while (tokens.size() < 50256) {
    const uint64_t bits = random.Next();
    std::string token = tokens.size() < 2000 || bits % 4 == 0
                            ? std::string(1, letters[(bits >> 8) % letters.size()])
                            : tokens[(bits >> 8) % tokens.size()];
    token += bits % 3 == 0 ? tokens[(bits >> 32) % tokens.size()]
                           : std::string(1, letters[(bits >> 32) % letters.size()]);
    if (token.size() <= 12 && seen.insert(token).second) tokens.push_back(std::move(token));
  }
  if (model.parameters.vocab > 51864) tokens.emplace_back();
  return tokens;
}

// The positions of the encoder are no parameters: sines of growing wave lengths, then cosines.
void FillSinusoids(int state, int positions, std::vector<float>& out) {
  const int half = state / 2;
  const double step = std::log(10000.0) / (half - 1);
  for (int t = 0; t < positions; ++t) {
    for (int i = 0; i < half; ++i) {
      const double angle = t * std::exp(-step * i);
      out[static_cast<size_t>(t * state + i)] = static_cast<float>(std::sin(angle));
      out[static_cast<size_t>(t * state + half + i)] = static_cast<float>(std::cos(angle));
    }
  }
}

// Mean and deviation of a tensor, such that values neither grow nor vanish from layer to layer, and
// that the best token is clearly the best.
struct Spread {
  float mean;
  float deviation;
};

Spread SpreadOf(const TensorShape& shape) {
  const bool is_norm = absl::StrContains(shape.name, "ln");
  if (is_norm && absl::EndsWith(shape.name, ".weight")) return {1, 0.1F};
  if (absl::EndsWith(shape.name, ".bias")) return {0, 0.02F};
  if (absl::EndsWith(shape.name, "embedding")) return {0, 0.3F};
  if (shape.name == "decoder.token_embedding.weight") return {0, 0.5F};
  size_t inputs = 1;
  for (size_t i = 0; i + 1 < shape.dimensions.size(); ++i) {
    inputs *= static_cast<size_t>(shape.dimensions[i]);
  }
  // Attention that is the same everywhere would tell nothing of its correctness.
  const bool sharp = absl::EndsWith(shape.name, "query.weight");
  return {0, (sharp ? 2.0F : 1.0F) / std::sqrt(static_cast<float>(inputs))};
}

absl::Status WriteTensor(const TestModel& model, const TensorShape& shape,
                         base::OutputFile& output) {
  TensorType type = TensorType::kF32;
  if (shape.kind == TensorKind::kMatrix) type = model.type;
  if (shape.kind == TensorKind::kConvolution && model.type != TensorType::kF32) {
    type = TensorType::kF16;
  }
  std::string head;
  Append(static_cast<int32_t>(shape.dimensions.size()), head);
  Append(static_cast<uint32_t>(shape.name.size()), head);
  Append(InfoOf(type).id, head);
  for (const int size : shape.dimensions) Append(static_cast<int32_t>(size), head);
  RETURN_IF_ERROR(output.Append(head + shape.name));

  Random random(model.seed, shape.name);
  const Spread spread = SpreadOf(shape);
  std::vector<char> bytes;
  for (size_t done = 0; done < shape.elements();) {
    std::vector<float> values(std::min(kPiece, shape.elements() - done));
    if (shape.name == "encoder.positional_embedding") {
      values.resize(shape.elements());
      FillSinusoids(shape.dimensions[0], shape.dimensions[1], values);
    } else {
      for (float& value : values) value = spread.mean + spread.deviation * random.Normal();
    }
    done += values.size();
    bytes.resize(BytesOf(type, values.size()));
    Quantize(type, values, absl::MakeSpan(bytes));
    RETURN_IF_ERROR(output.Append(absl::string_view(bytes.data(), bytes.size())));
  }
  return absl::OkStatus();
}

double HertzOfMel(double mel) {
  return mel < 15 ? mel * 200 / 3 : 1000 * std::exp((mel - 15) * std::log(6.4) / 27);
}

}  // namespace

std::optional<Hyperparameters> SizeOf(absl::string_view name) {
  for (const Size& size : kSizes) {
    if (size.name != name) continue;
    const int state = size.heads * Hyperparameters::kHeadSize;
    return Hyperparameters{.vocab = size.vocab,
                           .audio_context = 1500,
                           .audio_state = state,
                           .audio_heads = size.heads,
                           .audio_layers = size.audio_layers,
                           .text_context = 448,
                           .text_state = state,
                           .text_heads = size.heads,
                           .text_layers = size.text_layers,
                           .mels = size.mels,
                           .file_type = 0};
  }
  return std::nullopt;
}

std::vector<absl::string_view> SizeNames() {
  std::vector<absl::string_view> names;
  for (const Size& size : kSizes) names.push_back(size.name);
  return names;
}

std::vector<float> MelFilters(int mels) {
  constexpr int kBins = Hyperparameters::kBins;
  constexpr double kTop = 8000;
  const double top_mel = 15 + 27 * std::log(kTop / 1000) / std::log(6.4);
  const auto edge = [&](int i) { return HertzOfMel(top_mel * i / (mels + 1)); };
  std::vector<float> filters(static_cast<size_t>(mels) * kBins);
  for (int mel = 0; mel < mels; ++mel) {
    const double low = edge(mel);
    const double middle = edge(mel + 1);
    const double high = edge(mel + 2);
    for (int bin = 0; bin < kBins; ++bin) {
      const double hertz = kTop * bin / (kBins - 1);
      const double rise = (hertz - low) / (middle - low);
      const double fall = (high - hertz) / (high - middle);
      filters[static_cast<size_t>(mel * kBins + bin)] =
          static_cast<float>(std::max(0.0, std::min(rise, fall)) * 2 / (high - low));
    }
  }
  return filters;
}

absl::Status WriteTestModel(const TestModel& model, base::OutputFile& output) {
  const Hyperparameters& p = model.parameters;
  const TensorTypeInfo& type = InfoOf(model.type);
  std::string head;
  Append(uint32_t{0x67676d6c}, head);
  for (const int value : {p.vocab, p.audio_context, p.audio_state, p.audio_heads, p.audio_layers,
                          p.text_context, p.text_state, p.text_heads, p.text_layers, p.mels}) {
    Append(static_cast<int32_t>(value), head);
  }
  Append(static_cast<int32_t>(type.file_type + (type.block > 1 ? 2000 : 0)), head);
  Append(static_cast<int32_t>(p.mels), head);
  Append(static_cast<int32_t>(Hyperparameters::kBins), head);
  for (const float value : MelFilters(p.mels)) Append(value, head);
  const std::vector<std::string> tokens = Vocabulary(model);
  Append(static_cast<int32_t>(tokens.size()), head);
  for (const std::string& token : tokens) {
    Append(static_cast<uint32_t>(token.size()), head);
    head += token;
  }
  RETURN_IF_ERROR(output.Append(head));
  for (const TensorShape& shape : ShapesOf(p)) RETURN_IF_ERROR(WriteTensor(model, shape, output));
  return absl::OkStatus();
}

}  // namespace rules_inference::infer
