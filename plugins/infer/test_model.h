// Whisper models with random weights, of any size and type: for tests and benchmarks that need no
// download. The same options give the same bytes on every machine.

#ifndef RULES_INFERENCE_PLUGINS_INFER_TEST_MODEL_H_
#define RULES_INFERENCE_PLUGINS_INFER_TEST_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/tensor_type.h"

namespace rules_inference::infer {

// Sizes of released models: "tiny", "tiny.en", ..., "medium", "large-v2", "large-v3", "turbo"; and
// "test" and "test.en", with one head and two layers, of which a slow engine is fast enough.
std::optional<Hyperparameters> SizeOf(absl::string_view name);
std::vector<absl::string_view> SizeNames();

struct TestModel {
  Hyperparameters parameters;
  // Of the matrices; convolutions are f16 unless this is f32, everything else is f32.
  TensorType type = TensorType::kF16;
  uint64_t seed = 1;
};

// Appends the file. Its vocabulary is made up: all bytes, in the order of GPT-2, and then pairs of
// earlier tokens, so that every text can be encoded. Errors are those of `output`.
absl::Status WriteTestModel(const TestModel& model, base::OutputFile& output);

// The filters of openai/whisper: triangles on the scale of Slaney with equal area, 0 to 8000 Hz.
std::vector<float> MelFilters(int mels);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_TEST_MODEL_H_
