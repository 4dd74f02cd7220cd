#include "plugins/lock/lock_file.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::lock {
namespace {

std::string Read(const std::string& path) {
  base::RealFileSystem fs;
  const auto text = base::ReadFile(fs, path, 1 << 20);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

TEST(LockFileTest, TheTextIsAFixedPoint) {
  for (const char* const path :
       {"plugins/lock/testdata/full.lock.json", "examples/variants/super_stt.lock.json"}) {
    const std::string text = Read(path);
    const absl::StatusOr<sdk::VariantsLock> lock = ParseLock(path, text);
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(FormatLock(*lock), text) << path;
  }
}

TEST(LockFileTest, Empty) {
  EXPECT_EQ(FormatLock(sdk::VariantsLock()), "{}\n");
  sdk::VariantsLock lock;
  lock.add_variants();
  EXPECT_EQ(FormatLock(lock), "{\n  \"variants\": [\n    {}\n  ]\n}\n");
}

TEST(LockFileTest, ReadingIsStrict) {
  EXPECT_EQ(ParseLock("x.lock.json", "{\"lock_version\": 1,\n \"sha\": 2}").status().message(),
            "x.lock.json: line 2, column 2: got unknown field 'sha', expected a field of "
            "rules_inference.sdk.VariantsLock");
  EXPECT_FALSE(ParseLock("x", "{\"version\": \"1\", \"version\": \"2\"}").ok());
  EXPECT_FALSE(ParseLock("x", "{}{}").ok());
}

TEST(LockFileTest, WritesAndReads) {
  base::MemoryFileSystem fs;
  sdk::VariantsLock lock;
  lock.set_artifact("demo");
  ASSERT_TRUE(WriteLock(fs, "x.lock.json", lock).ok());
  EXPECT_EQ(fs.files["x.lock.json"], "{\n  \"artifact\": \"demo\"\n}\n");
  EXPECT_EQ(ReadLock(fs, "x.lock.json")->artifact(), "demo");
  EXPECT_EQ(ReadLock(fs, "y.lock.json").status().code(), absl::StatusCode::kNotFound);
}

TEST(LockFileTest, NothingHalfWritten) {
  sdk::VariantsLock lock;
  lock.set_artifact("new");
  for (int n = 1;; ++n) {
    base::MemoryFileSystem memory;
    memory.files["x.lock.json"] = "old";
    base::FaultyFileSystem faulty(memory, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = WriteLock(faulty, "x.lock.json", lock);
    EXPECT_EQ(memory.files.size(), 1) << n;
    EXPECT_EQ(memory.files["x.lock.json"], status.ok() ? FormatLock(lock) : "old") << n;
    if (!faulty.failed()) break;
  }
}

TEST(LockFileTest, AFileThatIsRightIsNotTouched) {
  base::MemoryFileSystem memory;
  sdk::VariantsLock lock;
  lock.set_artifact("same");
  ASSERT_TRUE(WriteLock(memory, "x", lock).ok());
  base::FaultyFileSystem counting(memory, 0, absl::OkStatus());
  ASSERT_TRUE(WriteLock(counting, "x", lock).ok());
  const int without_writing = counting.operations();
  lock.set_artifact("other");
  ASSERT_TRUE(WriteLock(counting, "x", lock).ok());
  EXPECT_GT(counting.operations() - without_writing, without_writing);
}

}  // namespace
}  // namespace rules_inference::lock
