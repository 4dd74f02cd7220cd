#include "plugins/infer/model_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {
namespace {

constexpr absl::string_view kWhat = "model file";
constexpr uint32_t kMagic = 0x67676d6c;
constexpr uint32_t kMaxName = 256;
constexpr uint32_t kMaxToken = 1024;
// Files of before the layouts of q4 and q8 changed say 1.
constexpr int kLayoutVersion = 2;
constexpr int kFirstLayoutVersion = 1;

// The rest of the file; never behind its end.
class Cursor {
 public:
  Cursor(absl::string_view bytes, absl::string_view where) : rest_(bytes), where_(where) {}

  absl::string_view where() const { return where_; }
  size_t left() const { return rest_.size(); }

  absl::Status Take(size_t size, absl::string_view what, absl::string_view* out) {
    if (size > rest_.size()) {
      return base::Mismatch("truncated", where_, absl::StrCat(rest_.size(), " bytes of ", what),
                            absl::StrCat(size));
    }
    *out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Read(absl::string_view what, T* out) {
    static_assert(std::is_trivially_copyable_v<T>);
    absl::string_view bytes;
    RETURN_IF_ERROR(Take(sizeof(T), what, &bytes));
    std::memcpy(out, bytes.data(), sizeof(T));
    return absl::OkStatus();
  }

  absl::Status Bad(absl::string_view got, absl::string_view expected) const {
    return base::Mismatch(kWhat, where_, got, expected);
  }

 private:
  absl::string_view rest_;
  const absl::string_view where_;
};

absl::Status ReadHeader(Cursor& cursor, Hyperparameters* parameters) {
  uint32_t magic = 0;
  RETURN_IF_ERROR(cursor.Read("magic", &magic));
  if (magic != kMagic) {
    return cursor.Bad(absl::StrCat("magic 0x", absl::Hex(magic, absl::kZeroPad8)),
                      "0x67676d6c, a ggml file");
  }
  for (int* field : {&parameters->vocab, &parameters->audio_context, &parameters->audio_state,
                     &parameters->audio_heads, &parameters->audio_layers, &parameters->text_context,
                     &parameters->text_state, &parameters->text_heads, &parameters->text_layers,
                     &parameters->mels, &parameters->file_type}) {
    int32_t value = 0;
    RETURN_IF_ERROR(cursor.Read("header", &value));
    *field = value;
  }
  return Check(*parameters, cursor.where());
}

absl::Status ReadFilters(Cursor& cursor, int mels, std::vector<float>* filters) {
  int32_t rows = 0;
  int32_t bins = 0;
  RETURN_IF_ERROR(cursor.Read("mel filters", &rows));
  RETURN_IF_ERROR(cursor.Read("mel filters", &bins));
  if (rows != mels || bins != Hyperparameters::kBins) {
    return cursor.Bad(absl::StrCat("mel filters of ", rows, " x ", bins),
                      absl::StrCat(mels, " x ", Hyperparameters::kBins));
  }
  filters->resize(static_cast<size_t>(mels) * Hyperparameters::kBins);
  absl::string_view bytes;
  RETURN_IF_ERROR(cursor.Take(filters->size() * sizeof(float), "mel filters", &bytes));
  std::memcpy(filters->data(), bytes.data(), bytes.size());
  if (!absl::c_all_of(*filters, [](float value) { return std::isfinite(value); })) {
    return cursor.Bad("a mel filter that is no number", "finite numbers");
  }
  return absl::OkStatus();
}

absl::Status ReadTokens(Cursor& cursor, int vocab, std::vector<absl::string_view>* tokens) {
  int32_t count = 0;
  RETURN_IF_ERROR(cursor.Read("vocabulary", &count));
  // English models end before or behind <|endoftext|>, the others behind an empty token.
  const bool multilingual = vocab > 51864;
  if (count != 50257 && (multilingual || count != 50256)) {
    return cursor.Bad(absl::StrCat("a vocabulary of ", count),
                      multilingual ? "50257" : "50256 or 50257");
  }
  tokens->reserve(static_cast<size_t>(count));
  for (int32_t id = 0; id < count; ++id) {
    uint32_t size = 0;
    RETURN_IF_ERROR(cursor.Read("vocabulary", &size));
    if (size > kMaxToken) {
      return cursor.Bad(absl::StrCat("token ", id, " of ", size, " bytes"),
                        absl::StrCat("at most ", kMaxToken));
    }
    absl::string_view token;
    RETURN_IF_ERROR(cursor.Take(size, "vocabulary", &token));
    tokens->push_back(token);
  }
  return absl::OkStatus();
}

bool Allows(TensorKind kind, TensorType type) {
  switch (kind) {
    case TensorKind::kFloat:
      return type == TensorType::kF32;
    case TensorKind::kConvolution:
      return type == TensorType::kF32 || type == TensorType::kF16;
    case TensorKind::kMatrix:
      return true;
  }
  return false;
}

std::string Text(absl::Span<const int> dimensions) {
  return absl::StrCat("[", absl::StrJoin(dimensions, ", "), "]");
}

struct Entry {
  std::string name;
  Tensor tensor;
};

absl::StatusOr<Entry> ReadTensor(Cursor& cursor,
                                 const absl::flat_hash_map<std::string, TensorShape>& shapes) {
  int32_t count = 0;
  uint32_t name_size = 0;
  uint32_t id = 0;
  RETURN_IF_ERROR(cursor.Read("tensor", &count));
  RETURN_IF_ERROR(cursor.Read("tensor", &name_size));
  RETURN_IF_ERROR(cursor.Read("tensor", &id));
  if (count < 1 || count > 4) {
    return cursor.Bad(absl::StrCat("a tensor of ", count, " dimensions"), "1 to 4");
  }
  std::vector<int> dimensions;
  for (int32_t i = 0; i < count; ++i) {
    int32_t size = 0;
    RETURN_IF_ERROR(cursor.Read("tensor", &size));
    dimensions.push_back(size);
  }
  if (name_size > kMaxName) {
    return cursor.Bad(absl::StrCat("a tensor's name of ", name_size, " bytes"),
                      absl::StrCat("at most ", kMaxName));
  }
  absl::string_view name;
  RETURN_IF_ERROR(cursor.Take(name_size, "tensor", &name));
  const auto shape = shapes.find(name);
  if (shape == shapes.end()) {
    return cursor.Bad(absl::StrCat("tensor ", base::Quoted(name)), "one of a Whisper model");
  }
  if (dimensions != shape->second.dimensions) {
    return cursor.Bad(absl::StrCat("tensor '", name, "' of ", Text(dimensions)),
                      Text(shape->second.dimensions));
  }
  const std::optional<TensorType> type = TensorTypeOf(id);
  if (!type.has_value() || !Allows(shape->second.kind, *type)) {
    return cursor.Bad(absl::StrCat("tensor '", name, "' of type ",
                                   type.has_value() ? InfoOf(*type).name : absl::StrCat(id)),
                      shape->second.kind == TensorKind::kFloat         ? "f32"
                      : shape->second.kind == TensorKind::kConvolution ? "f32 or f16"
                                                                       : "f32, f16, q4_0, q4_1, "
                                                                         "q5_0, q5_1 or q8_0");
  }
  absl::string_view data;
  RETURN_IF_ERROR(cursor.Take(BytesOf(*type, shape->second.elements()),
                              absl::StrCat("tensor '", name, "'"), &data));
  if (!IsFinite(*type, data)) {
    return cursor.Bad(absl::StrCat("a value of tensor '", name, "' that is no number"),
                      "finite numbers");
  }
  return Entry{std::string(name), Tensor{*type, std::move(dimensions), data}};
}

void AddNorm(const std::string& name, int state, std::vector<TensorShape>& shapes) {
  shapes.push_back({name + ".weight", TensorKind::kFloat, {state}});
  shapes.push_back({name + ".bias", TensorKind::kFloat, {state}});
}

void AddLinear(const std::string& name, int in, int out, bool bias,
               std::vector<TensorShape>& shapes) {
  shapes.push_back({name + ".weight", TensorKind::kMatrix, {in, out}});
  if (bias) shapes.push_back({name + ".bias", TensorKind::kFloat, {out}});
}

void AddAttention(const std::string& name, int state, std::vector<TensorShape>& shapes) {
  AddLinear(name + ".query", state, state, true, shapes);
  AddLinear(name + ".key", state, state, false, shapes);
  AddLinear(name + ".value", state, state, true, shapes);
  AddLinear(name + ".out", state, state, true, shapes);
}

void AddBlock(const std::string& block, int state, bool cross, std::vector<TensorShape>& shapes) {
  AddNorm(block + "attn_ln", state, shapes);
  AddAttention(block + "attn", state, shapes);
  if (cross) {
    AddNorm(block + "cross_attn_ln", state, shapes);
    AddAttention(block + "cross_attn", state, shapes);
  }
  AddNorm(block + "mlp_ln", state, shapes);
  AddLinear(block + "mlp.0", state, 4 * state, true, shapes);
  AddLinear(block + "mlp.2", 4 * state, state, true, shapes);
}

}  // namespace

absl::Status Check(const Hyperparameters& parameters, absl::string_view where) {
  const auto in = [&](absl::string_view name, int value, int low, int high) {
    if (value >= low && value <= high) return absl::OkStatus();
    return base::Mismatch(kWhat, where, absl::StrCat(name, " ", value),
                          absl::StrCat(low, " to ", high));
  };
  RETURN_IF_ERROR(in("n_vocab", parameters.vocab, 51864, 51866));
  RETURN_IF_ERROR(in("n_audio_ctx", parameters.audio_context, 4, 1500));
  RETURN_IF_ERROR(in("n_audio_head", parameters.audio_heads, 1, 32));
  RETURN_IF_ERROR(in("n_audio_layer", parameters.audio_layers, 1, 64));
  RETURN_IF_ERROR(in("n_text_ctx", parameters.text_context, 16, 448));
  RETURN_IF_ERROR(in("n_text_head", parameters.text_heads, 1, 32));
  RETURN_IF_ERROR(in("n_text_layer", parameters.text_layers, 1, 64));
  const int state = parameters.audio_heads * Hyperparameters::kHeadSize;
  RETURN_IF_ERROR(in("n_audio_state", parameters.audio_state, state, state));
  RETURN_IF_ERROR(in("n_text_state", parameters.text_state, state, state));
  RETURN_IF_ERROR(
      in("n_text_head", parameters.text_heads, parameters.audio_heads, parameters.audio_heads));
  if (parameters.mels != 80 && parameters.mels != 128) {
    return base::Mismatch(kWhat, where, absl::StrCat("n_mels ", parameters.mels), "80 or 128");
  }
  const int version = parameters.file_type / 1000;
  const int code = parameters.file_type % 1000;
  const absl::Span<const TensorTypeInfo> types = TensorTypes();
  const auto type = absl::c_find_if(
      types, [&](const TensorTypeInfo& info) { return static_cast<int>(info.file_type) == code; });
  if (type == types.end()) {
    return base::Mismatch(kWhat, where, absl::StrCat("file type ", parameters.file_type),
                          "f32, f16, q4_0, q4_1, q5_0, q5_1 or q8_0");
  }
  const bool is_quantized = type->block > 1;
  // The layout of q5 has never changed.
  const bool is_q5 = type->type == TensorType::kQ5_0 || type->type == TensorType::kQ5_1;
  const bool known = is_quantized
                         ? version == kLayoutVersion || (is_q5 && version == kFirstLayoutVersion)
                         : version == 0;
  if (!known) {
    return base::Mismatch(kWhat, where,
                          absl::StrCat("file type ", parameters.file_type, ", version ", version,
                                       " of the layout of ", type->name),
                          absl::StrCat("version ", is_quantized ? kLayoutVersion : 0));
  }
  return absl::OkStatus();
}

size_t TensorShape::elements() const {
  size_t elements = 1;
  for (const int size : dimensions) elements *= static_cast<size_t>(size);
  return elements;
}

std::vector<TensorShape> ShapesOf(const Hyperparameters& parameters) {
  const int state = parameters.audio_state;
  std::vector<TensorShape> shapes;
  shapes.push_back(
      {"encoder.positional_embedding", TensorKind::kFloat, {state, parameters.audio_context}});
  shapes.push_back({"encoder.conv1.weight", TensorKind::kConvolution, {3, parameters.mels, state}});
  shapes.push_back({"encoder.conv1.bias", TensorKind::kFloat, {1, state}});
  shapes.push_back({"encoder.conv2.weight", TensorKind::kConvolution, {3, state, state}});
  shapes.push_back({"encoder.conv2.bias", TensorKind::kFloat, {1, state}});
  for (int i = 0; i < parameters.audio_layers; ++i) {
    AddBlock(absl::StrCat("encoder.blocks.", i, "."), state, false, shapes);
  }
  AddNorm("encoder.ln_post", state, shapes);
  shapes.push_back(
      {"decoder.positional_embedding", TensorKind::kFloat, {state, parameters.text_context}});
  shapes.push_back(
      {"decoder.token_embedding.weight", TensorKind::kMatrix, {state, parameters.vocab}});
  for (int i = 0; i < parameters.text_layers; ++i) {
    AddBlock(absl::StrCat("decoder.blocks.", i, "."), state, true, shapes);
  }
  AddNorm("decoder.ln", state, shapes);
  return shapes;
}

absl::StatusOr<ModelFile> ModelFile::Parse(absl::string_view bytes, absl::string_view where) {
  Cursor cursor(bytes, where);
  ModelFile file;
  RETURN_IF_ERROR(ReadHeader(cursor, &file.parameters_));
  RETURN_IF_ERROR(ReadFilters(cursor, file.parameters_.mels, &file.mel_filters_));
  RETURN_IF_ERROR(ReadTokens(cursor, file.parameters_.vocab, &file.tokens_));
  absl::flat_hash_map<std::string, TensorShape> shapes;
  for (TensorShape& shape : ShapesOf(file.parameters_)) {
    std::string name = shape.name;
    shapes.emplace(std::move(name), std::move(shape));
  }
  while (cursor.left() > 0) {
    if (file.tensors_.size() == shapes.size()) {
      return cursor.Bad(absl::StrCat(cursor.left(), " bytes after the last tensor"), "none");
    }
    ASSIGN_OR_RETURN(Entry entry, ReadTensor(cursor, shapes));
    if (!file.tensors_.emplace(entry.name, std::move(entry.tensor)).second) {
      return cursor.Bad(absl::StrCat("tensor '", entry.name, "' twice"), "each once");
    }
  }
  if (file.tensors_.size() != shapes.size()) {
    return cursor.Bad(absl::StrCat(file.tensors_.size(), " tensors"),
                      absl::StrCat(shapes.size(), ", as the header says"));
  }
  return file;
}

}  // namespace rules_inference::infer
