#include "plugins/infer/reference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

struct Expected {
  size_t row;
  size_t column;
  double value;
};

void ExpectNear(const Matrix& matrix, const std::vector<Expected>& expected) {
  for (const Expected& e : expected) {
    EXPECT_NEAR(matrix.row(e.row)[e.column], e.value, 1e-5) << e.row << " " << e.column;
  }
}

std::vector<int> Best(const Matrix& logits) {
  std::vector<int> best;
  for (size_t i = 0; i < logits.rows; ++i) {
    const double* row = logits.row(i);
    best.push_back(static_cast<int>(std::max_element(row, row + logits.columns) - row));
  }
  return best;
}

struct Case {
  absl::string_view size;
  TensorType type;
  uint64_t seed;
  std::vector<int> tokens;
  std::vector<Expected> audio;
  std::vector<Expected> logits;
  std::vector<int> best;
};

// Values of the modules of openai/whisper 20250625 in double precision, on the same files.
TEST(ReferenceTest, EqualsTheOriginal) {
  const std::vector<Case> cases = {
      {"test",
       TensorType::kF32,
       1,
       {50258, 50259, 50359, 50363, 1000, 2000, 3000},
       {{0, 0, -0.911031725}, {0, 63, -0.225359117}, {17, 5, -0.006357864}, {59, 31, -0.804221019}},
       {{0, 0, -2.354305029},
        {0, 50257, 2.165990114},
        {6, 220, -1.490488768},
        {6, 51000, 1.563718677},
        {2, 12345, -5.435556412}},
       {9956, 34996, 34996, 5141, 18836, 50129, 18836}},
      {"test.en",
       TensorType::kQ5_1,
       2,
       {50257, 50362, 1000, 2000, 3000},
       {{0, 0, -0.744037834}, {0, 63, -0.987684965}, {17, 5, -0.411653496}, {59, 31, 0.719638331}},
       {{0, 0, -6.580036163},
        {0, 50257, 5.522469521},
        {4, 220, 1.645954370},
        {4, 51000, 1.900922775},
        {2, 12345, 3.759545803}},
       {9749, 9749, 4997, 30492, 9749}},
  };
  for (const Case& c : cases) {
    Hyperparameters parameters = *SizeOf(c.size);
    parameters.audio_context = 60;
    const std::string bytes = MadeModel({parameters, c.type, c.seed});
    const auto file = ModelFile::Parse(bytes, "m.bin");
    ASSERT_TRUE(file.ok()) << file.status();
    std::vector<float> mel;
    for (int frame = 0; frame < 120; ++frame) {
      for (int m = 0; m < 80; ++m) {
        const float angle = 0.1F * static_cast<float>(frame) + 0.7F * static_cast<float>(m);
        mel.push_back(0.5F * std::sin(angle));
      }
    }
    const Reference reference(*file);
    const Matrix audio = reference.Encode(mel);
    ASSERT_EQ(audio.rows, 60U);
    ExpectNear(audio, c.audio);
    const Matrix logits = reference.Decode(c.tokens, audio);
    ExpectNear(logits, c.logits);
    EXPECT_EQ(Best(logits), c.best);
  }
}

}  // namespace
}  // namespace rules_inference::infer
