#include "plugins/infer/model.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

std::string Write(absl::string_view name, absl::string_view bytes) {
  const std::string path = testing::TempDir() + std::string(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(ModelTest, FileAndBytesAreTheSame) {
  const std::string bytes = MadeModel({*SizeOf("test"), TensorType::kQ5_1, 7});
  const auto mapped = Model::Open(Write("same.bin", bytes));
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  const auto parsed = Model::Parse(bytes, "same.bin");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  for (const auto& model : {mapped->get(), parsed->get()}) {
    EXPECT_EQ(model->parameters().audio_state, 64);
    EXPECT_EQ(model->special().end_of_text, 50257);
    EXPECT_EQ(model->tokenizer().Decode(model->tokenizer().Encode("Bazel, größer")),
              "Bazel, größer");
  }
  EXPECT_EQ((*mapped)->file().tensor("decoder.ln.weight").data,
            (*parsed)->file().tensor("decoder.ln.weight").data);
}

TEST(ModelTest, NoFile) {
  const auto model = Model::Open("/nonexistent/m.bin");
  EXPECT_TRUE(absl::IsNotFound(model.status()));
  EXPECT_EQ(model.status().message(),
            "cannot open model: /nonexistent/m.bin: No such file or directory");
}

TEST(ModelTest, Directory) {
  EXPECT_EQ(Model::Open("/").status().message(), "model: /: got no regular file, expected a file");
}

TEST(ModelTest, EmptyFile) {
  const std::string path = Write("empty.bin", "");
  EXPECT_EQ(Model::Open(path).status().message(), ModelFile::Parse("", path).status().message());
}

}  // namespace
}  // namespace rules_inference::infer
