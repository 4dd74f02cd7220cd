#include "plugins/infer/model_file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

std::string Make(absl::string_view size, TensorType type, uint64_t seed = 1) {
  return MadeModel({*SizeOf(size), type, seed});
}

const std::string& Good() {
  static const auto* const bytes = new std::string(Make("test.en", TensorType::kQ4_0));
  return *bytes;
}

std::string ErrorOf(absl::string_view bytes) {
  return std::string(ModelFile::Parse(bytes, "m.bin").status().message());
}

// Offset of the header's field by its number.
size_t Field(size_t i) { return 4 + 4 * i; }
constexpr size_t kFilters = 4 + 11 * 4;
constexpr size_t kVocabulary = kFilters + 8 + 80 * 201 * 4;

std::string With(size_t offset, int32_t value) {
  std::string bytes = Good();
  std::memcpy(&bytes[offset], &value, sizeof(value));
  return bytes;
}

// Of the first tensor: its number of dimensions.
size_t FirstTensor() {
  size_t at = kVocabulary + 4;
  for (int i = 0; i < 50256; ++i) {
    uint32_t size = 0;
    std::memcpy(&size, &Good()[at], sizeof(size));
    at += 4 + size;
  }
  return at;
}

TEST(ModelFileTest, EveryType) {
  for (const TensorTypeInfo& info : TensorTypes()) {
    const std::string bytes = Make("test", info.type);
    const absl::StatusOr<ModelFile> file = ModelFile::Parse(bytes, "m.bin");
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->parameters().audio_state, 64);
    EXPECT_EQ(file->parameters().vocab, 51865);
    EXPECT_EQ(file->tokens().size(), 50257U);
    EXPECT_EQ(file->tokens()[0], "!");
    EXPECT_EQ(file->tokens()[220], " ");
    EXPECT_EQ(file->tokens()[50256], "");
    EXPECT_EQ(file->tensor("decoder.token_embedding.weight").type, info.type);
    EXPECT_EQ(file->tensor("encoder.conv1.weight").type,
              info.type == TensorType::kF32 ? TensorType::kF32 : TensorType::kF16);
    EXPECT_EQ(file->tensor("decoder.blocks.1.cross_attn.out.bias").type, TensorType::kF32);
  }
}

// Counts of tensors and sizes of files that are published.
TEST(ModelFileTest, SizesOfReleasedModels) {
  const auto count = [](absl::string_view size) { return ShapesOf(*SizeOf(size)).size(); };
  EXPECT_EQ(count("tiny"), 167U);
  EXPECT_EQ(count("base"), 245U);
  EXPECT_EQ(count("small"), 479U);
  EXPECT_EQ(count("medium"), 947U);
  EXPECT_EQ(count("large-v3"), 1259U);
  EXPECT_EQ(count("turbo"), 587U);
  const std::string base = Make("base", TensorType::kQ5_1);
  EXPECT_NEAR(static_cast<double>(base.size()) / (1 << 20), 57.1, 0.15);
  EXPECT_TRUE(ModelFile::Parse(base, "m.bin").ok());
}

TEST(ModelFileTest, TheSameSeedGivesTheSameBytes) {
  EXPECT_EQ(Make("test", TensorType::kQ8_0, 5), Make("test", TensorType::kQ8_0, 5));
  EXPECT_NE(Make("test", TensorType::kQ8_0, 5), Make("test", TensorType::kQ8_0, 6));
}

TEST(ModelFileTest, Headers) {
  EXPECT_EQ(ErrorOf(With(0, 0x46554747)),
            "model file: m.bin: got magic 0x46554747, expected 0x67676d6c, a ggml file");
  EXPECT_EQ(ErrorOf(With(Field(0), 50300)),
            "model file: m.bin: got n_vocab 50300, expected 51864 to 51866");
  EXPECT_EQ(ErrorOf(With(Field(1), 2000000000)),
            "model file: m.bin: got n_audio_ctx 2000000000, expected 4 to 1500");
  EXPECT_EQ(ErrorOf(With(Field(2), 65)),
            "model file: m.bin: got n_audio_state 65, expected 64 to 64");
  EXPECT_EQ(ErrorOf(With(Field(3), -1)),
            "model file: m.bin: got n_audio_head -1, expected 1 to 32");
  EXPECT_EQ(ErrorOf(With(Field(4), 0)), "model file: m.bin: got n_audio_layer 0, expected 1 to 64");
  EXPECT_EQ(ErrorOf(With(Field(9), 64)), "model file: m.bin: got n_mels 64, expected 80 or 128");
  EXPECT_EQ(ErrorOf(With(Field(10), 10)),
            "model file: m.bin: got file type 10, expected f32, f16, q4_0, q4_1, q5_0, q5_1 or "
            "q8_0");
  EXPECT_EQ(ErrorOf(With(Field(10), 1002)),
            "model file: m.bin: got file type 1002, version 1 of the layout of q4_0, expected "
            "version 2");
  EXPECT_EQ(ErrorOf(With(Field(10), 1008)), "");
}

TEST(ModelFileTest, FiltersAndVocabulary) {
  EXPECT_EQ(ErrorOf(With(kFilters, 0x7fffffff)),
            "model file: m.bin: got mel filters of 2147483647 x 201, expected 80 x 201");
  EXPECT_EQ(ErrorOf(With(kFilters + 4, 400)),
            "model file: m.bin: got mel filters of 80 x 400, expected 80 x 201");
  EXPECT_EQ(ErrorOf(With(kFilters + 8, 0x7f800000)),
            "model file: m.bin: got a mel filter that is no number, expected finite numbers");
  EXPECT_EQ(ErrorOf(With(kVocabulary, 51864)),
            "model file: m.bin: got a vocabulary of 51864, expected 50256 or 50257");
  EXPECT_EQ(ErrorOf(With(kVocabulary + 4, -1)),
            "model file: m.bin: got token 0 of 4294967295 bytes, expected at most 1024");
}

TEST(ModelFileTest, Tensors) {
  const size_t tensor = FirstTensor();
  EXPECT_EQ(ErrorOf(With(tensor, 5)),
            "model file: m.bin: got a tensor of 5 dimensions, expected 1 to 4");
  EXPECT_EQ(ErrorOf(With(tensor, -1)),
            "model file: m.bin: got a tensor of -1 dimensions, expected 1 to 4");
  EXPECT_EQ(ErrorOf(With(tensor + 4, 0x7fffffff)),
            "model file: m.bin: got a tensor's name of 2147483647 bytes, expected at most 256");
  EXPECT_EQ(ErrorOf(With(tensor + 8, 2)),
            "model file: m.bin: got tensor 'encoder.positional_embedding' of type q4_0, expected "
            "f32");
  EXPECT_EQ(ErrorOf(With(tensor + 8, 77)),
            "model file: m.bin: got tensor 'encoder.positional_embedding' of type 77, expected "
            "f32");
  EXPECT_EQ(ErrorOf(With(tensor + 12, 128)),
            "model file: m.bin: got tensor 'encoder.positional_embedding' of [128, 1500], expected "
            "[64, 1500]");
  std::string bytes = Good();
  bytes[tensor + 20] = '\n';
  EXPECT_EQ(ErrorOf(bytes),
            "model file: m.bin: got tensor '\\nncoder.positional_embedding', expected one of a "
            "Whisper model");
  EXPECT_EQ(ErrorOf(With(tensor + 20 + 28, 0x7fc00000)),
            "model file: m.bin: got a value of tensor 'encoder.positional_embedding' that is no "
            "number, expected finite numbers");
}

TEST(ModelFileTest, TooFewAndTooMany) {
  const size_t tensor = FirstTensor();
  const size_t length = 20 + 28 + 64 * 1500 * 4;
  EXPECT_EQ(ErrorOf(absl::string_view(Good()).substr(0, tensor)),
            "model file: m.bin: got 0 tensors, expected 89, as the header says");
  EXPECT_EQ(ErrorOf(absl::string_view(Good()).substr(0, tensor + length)),
            "model file: m.bin: got 1 tensors, expected 89, as the header says");
  std::string twice = Good().substr(0, tensor + length) + Good().substr(tensor, length);
  EXPECT_EQ(ErrorOf(twice),
            "model file: m.bin: got tensor 'encoder.positional_embedding' twice, expected each "
            "once");
  EXPECT_EQ(ErrorOf(Good() + "x"),
            "model file: m.bin: got 1 bytes after the last tensor, expected none");
}

TEST(ModelFileTest, TruncatedAnywhere) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 400; ++i) {
    // All of the header, and places of the rest.
    const size_t size = i < 80 ? static_cast<size_t>(i) : random() % Good().size();
    EXPECT_NE(ErrorOf(absl::string_view(Good()).substr(0, size)), "") << size;
  }
  EXPECT_EQ(ErrorOf(""), "truncated: m.bin: got 0 bytes of magic, expected 4");
  EXPECT_EQ(ErrorOf(absl::string_view(Good()).substr(0, Good().size() - 1)),
            "truncated: m.bin: got 255 bytes of tensor 'decoder.ln.bias', expected 256");
}

TEST(ModelFileTest, ChangedBytesNeverCrash) {
  std::mt19937_64 random(11);
  const size_t head = FirstTensor() + 64;
  std::string bytes = Good();
  for (int i = 0; i < 100000; ++i) {
    // Most changes where lengths are; some in the vocabulary and the first tensor, a few anywhere.
    const size_t end = i % 100 == 0 ? bytes.size() : i % 20 == 0 ? head : kFilters + 8;
    std::array<size_t, 3> places;
    for (size_t& place : places) {
      place = random() % end;
      bytes[place] = static_cast<char>(random());
    }
    ErrorOf(bytes);
    for (const size_t place : places) bytes[place] = Good()[place];
  }
}

TEST(MelFiltersTest, AreThoseOfTheReference) {
  const std::vector<float> filters = MelFilters(80);
  int nonzero = 0;
  for (const float value : filters) nonzero += value != 0 ? 1 : 0;
  EXPECT_EQ(nonzero, 391);
}

}  // namespace
}  // namespace rules_inference::infer
