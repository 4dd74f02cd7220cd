// A model file, mapped into memory, and what follows from it for text.

#ifndef RULES_INFERENCE_PLUGINS_INFER_MODEL_H_
#define RULES_INFERENCE_PLUGINS_INFER_MODEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tokenizer.h"

namespace rules_inference::infer {

class Model {
 public:
  // Maps the file at `path`. Nobody may write to it while the model is in use.
  static absl::StatusOr<std::unique_ptr<Model>> Open(const std::string& path);
  // Of the bytes of a file. `where` is for messages.
  static absl::StatusOr<std::unique_ptr<Model>> Parse(std::string bytes, absl::string_view where);

  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelFile& file() const { return file_; }
  const Hyperparameters& parameters() const { return file_.parameters(); }
  const SpecialTokens& special() const { return special_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 protected:
  explicit Model(ModelFile file);

 private:
  ModelFile file_;
  SpecialTokens special_;
  Tokenizer tokenizer_;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_MODEL_H_
