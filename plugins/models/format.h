// What a file of a model is: by its bytes, never by its name.

#ifndef RULES_INFERENCE_PLUGINS_MODELS_FORMAT_H_
#define RULES_INFERENCE_PLUGINS_MODELS_FORMAT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"

namespace rules_inference::models {

// "safetensors", "gguf", "ggml", "onnx", "tflite", "pickle" (plain, or in a zip), "json", "text",
// or "other". Reads the head of the file, and the tail of a zip.
absl::StatusOr<std::string> DetectFormat(base::InputFile& file);

// DetectFormat, and that the file is what its name says and what its header says, as far as this
// program knows: "model file: <path>: got X, expected Y". A web page in the place of a file and a
// pointer of Git LFS are errors too.
absl::StatusOr<std::string> Inspect(base::InputFile& file, absl::string_view path);

// The header of a safetensors file: tensors are in the file, do not overlap, leave no hole, and are
// as long as type and shape say. At most 100 MB are read.
absl::Status CheckSafetensors(base::InputFile& file, absl::string_view path);

// The header of a GGUF file: counts, lengths, alignment, and where tensors are.
absl::Status CheckGguf(base::InputFile& file, absl::string_view path);

// The files that an index of shards names (model.safetensors.index.json,
// pytorch_model.bin.index...), relative to it and sorted; empty for other JSON.
absl::StatusOr<std::vector<std::string>> ShardsOfIndex(absl::string_view path,
                                                       absl::string_view text);

// Refuses pickle and other, unless `allowed` names them.
absl::Status CheckPolicy(absl::string_view format, absl::string_view path,
                         const std::vector<std::string>& allowed);

}  // namespace rules_inference::models

#endif  // RULES_INFERENCE_PLUGINS_MODELS_FORMAT_H_
