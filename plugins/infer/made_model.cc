#include "plugins/infer/made_model.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {

std::string MadeModel(const TestModel& model) {
  base::MemoryFileSystem fs;
  const std::unique_ptr<base::OutputFile> out = fs.Create("m.bin").value();
  EXPECT_TRUE(WriteTestModel(model, *out).ok());
  EXPECT_TRUE(out->Publish().ok());
  return fs.files.at("m.bin");
}

}  // namespace rules_inference::infer
