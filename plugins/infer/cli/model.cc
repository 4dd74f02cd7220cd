// `infer model`: what is in a model file, and files with random weights for tests.

#include "plugins/infer/model.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/base/human_size.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/output/json_writer.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

struct MakeTestOptions {
  std::string output;
  std::string size = "test.en";
  std::string type = "f16";
  uint64_t seed = 1;
};

struct ShowOptions {
  std::vector<std::string> files;
  std::string format = "text";
  bool tensors = false;
};

// Fields of the header by the names that whisper.cpp and openai/whisper use.
std::vector<std::pair<absl::string_view, int>> NamedFields(const Hyperparameters& p) {
  return {{"n_vocab", p.vocab},
          {"n_audio_ctx", p.audio_context},
          {"n_audio_state", p.audio_state},
          {"n_audio_head", p.audio_heads},
          {"n_audio_layer", p.audio_layers},
          {"n_text_ctx", p.text_context},
          {"n_text_state", p.text_state},
          {"n_text_head", p.text_heads},
          {"n_text_layer", p.text_layers},
          {"n_mels", p.mels},
          {"ftype", p.file_type}};
}

// The released size with the same shapes; "" when there is none.
absl::string_view NameOfSize(const Hyperparameters& parameters) {
  for (const absl::string_view name : SizeNames()) {
    Hyperparameters size = *SizeOf(name);
    size.file_type = parameters.file_type;
    if (size == parameters) return name;
  }
  return "";
}

struct TypeTotal {
  int64_t tensors = 0;
  uint64_t bytes = 0;
};

struct Facts {
  const Model& model;
  std::vector<TensorShape> shapes;
  std::map<absl::string_view, TypeTotal> types;
  uint64_t parameters = 0;

  explicit Facts(const Model& of) : model(of), shapes(ShapesOf(of.parameters())) {
    for (const TensorShape& shape : shapes) {
      const Tensor& tensor = model.file().tensor(shape.name);
      TypeTotal& total = types[InfoOf(tensor.type).name];
      ++total.tensors;
      total.bytes += tensor.data.size();
      parameters += shape.elements();
    }
  }
};

std::string FactsText(absl::string_view path, const Facts& facts, bool tensors) {
  const Hyperparameters& p = facts.model.parameters();
  const absl::string_view name = NameOfSize(p);
  std::string out = absl::StrCat(path, "\n");
  absl::StrAppendFormat(
      &out, "  model         %s, %s, %s parameters\n", name.empty() ? "of no released size" : name,
      facts.model.special().multilingual
          ? absl::StrCat(facts.model.special().languages, " languages")
          : "English only",
      absl::StrFormat("%.1f million", static_cast<double>(facts.parameters) / 1e6));
  for (const auto& [field, value] : NamedFields(p)) {
    absl::StrAppendFormat(&out, "  %-14s%d\n", field, value);
  }
  absl::StrAppendFormat(&out, "  %-14s%d\n", "tokens stored", facts.model.file().tokens().size());
  for (const auto& [type, total] : facts.types) {
    absl::StrAppendFormat(&out, "  %-14s%d tensors, %s\n", type, total.tensors,
                          base::HumanSize(total.bytes));
  }
  if (!tensors) return out;
  for (const TensorShape& shape : facts.shapes) {
    absl::StrAppendFormat(
        &out, "  %-5s %-20s %s\n", InfoOf(facts.model.file().tensor(shape.name).type).name,
        absl::StrCat("[", absl::StrJoin(shape.dimensions, ", "), "]"), shape.name);
  }
  return out;
}

std::string FactsJson(absl::string_view path, const Facts& facts, bool tensors) {
  JsonWriter json(JsonWriter::Layout::kReadable);
  json.Object().Key("file").String(path).Key("size");
  const absl::string_view name = NameOfSize(facts.model.parameters());
  name.empty() ? json.Null() : json.String(name);
  json.Key("multilingual").Bool(facts.model.special().multilingual);
  json.Key("parameters").Integer(static_cast<int64_t>(facts.parameters));
  json.Key("header").Object();
  for (const auto& [field, value] : NamedFields(facts.model.parameters())) {
    json.Key(field).Integer(value);
  }
  json.End();
  json.Key("tokens_stored").Integer(static_cast<int64_t>(facts.model.file().tokens().size()));
  json.Key("types").Object();
  for (const auto& [type, total] : facts.types) {
    json.Key(type).Object().Key("tensors").Integer(total.tensors);
    json.Key("bytes").Integer(static_cast<int64_t>(total.bytes)).End();
  }
  json.End();
  if (tensors) {
    json.Key("tensors").List();
    for (const TensorShape& shape : facts.shapes) {
      json.Object().Key("name").String(shape.name).Key("type");
      json.String(InfoOf(facts.model.file().tensor(shape.name).type).name);
      json.Key("dimensions").ShortList();
      for (const int size : shape.dimensions) json.Integer(size);
      json.End().End();
    }
    json.End();
  }
  json.End();
  return json.Take();
}

// Reads every file, so that one run shows what is wrong with each.
absl::StatusOr<int> RunShow(Console& console, const ShowOptions& options) {
  int code = sdk::kExitOk;
  for (const std::string& file : options.files) {
    const absl::StatusOr<std::unique_ptr<Model>> model = Model::Open(file);
    if (!model.ok()) {
      console.err << sdk::FormatError(model.status());
      code = sdk::kExitFailed;
      continue;
    }
    const Facts facts(**model);
    console.out << (options.format == "json" ? FactsJson(file, facts, options.tensors)
                                             : FactsText(file, facts, options.tensors));
  }
  return code;
}

absl::StatusOr<int> RunMakeTest(Console& console, const MakeTestOptions& options) {
  TestModel model;
  model.parameters = *SizeOf(options.size);
  model.type = *TensorTypeOf(options.type);
  model.seed = options.seed;
  ASSIGN_OR_RETURN(const auto output, console.files.Create(options.output));
  RETURN_IF_ERROR(WriteTestModel(model, *output));
  RETURN_IF_ERROR(output->Publish());
  return sdk::kExitOk;
}

std::vector<std::string> TypeNames() {
  std::vector<std::string> names;
  for (const TensorTypeInfo& info : TensorTypes()) names.emplace_back(info.name);
  return names;
}

}  // namespace

void AddModel(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("model", "Model files: show them, make some for tests");
  command->require_subcommand(1);

  auto show = std::make_shared<ShowOptions>();
  CLI::App* show_command =
      command->add_subcommand("show", "Print sizes and tensor types of model files");
  show_command->add_option("files", show->files, "Whisper models in ggml's format")
      ->type_name(kFileType)
      ->required();
  show_command->add_option("--format", show->format, "How to print them")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  show_command->add_flag("--tensors", show->tensors, "Each tensor, with type and dimensions");
  show_command->callback([&context, show] {
    context.run = [&context, show] { return RunShow(context.console, *show); };
  });

  auto make = std::make_shared<MakeTestOptions>();
  CLI::App* make_command = command->add_subcommand(
      "make-test", "Write a model with random weights: the same options give the same bytes");
  make_command->add_option("output", make->output, "The file to write")
      ->type_name(kFileType)
      ->required();
  const std::vector<absl::string_view> sizes = SizeNames();
  make_command->add_option("--size", make->size, "Shapes: those of a released model, or small ones")
      ->check(CLI::IsMember(std::vector<std::string>(sizes.begin(), sizes.end())))
      ->capture_default_str();
  make_command->add_option("--type", make->type, "Type of the matrices")
      ->check(CLI::IsMember(TypeNames()))
      ->capture_default_str();
  make_command->add_option("--seed", make->seed, "Seed of the weights")->capture_default_str();
  make_command->callback([&context, make] {
    context.run = [&context, make] { return RunMakeTest(context.console, *make); };
  });
}

}  // namespace rules_inference::infer
