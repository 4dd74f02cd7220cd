#include "plugins/layer/check.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer {
namespace {

void WriteWheel(base::FileSystem& fs, const std::string& project, const std::string& path,
                absl::string_view data) {
  base::TestEntry entry;
  entry.name = path;
  entry.data = std::string(data);
  ASSERT_TRUE(base::WriteFile(fs, absl::StrCat(project, "-1.0-py3-none-any.whl"),
                              base::BuildWheel({entry}, nullptr, project))
                  .ok());
}

sdk::CheckRequest Request(const std::vector<std::string>& projects) {
  sdk::CheckRequest request;
  request.set_output("report.json");
  for (const std::string& project : projects) {
    sdk::WheelInput& wheel = *request.add_wheels();
    wheel.set_source(absl::StrCat(project, "-1.0-py3-none-any.whl"));
    wheel.set_prefix("lib");
  }
  return request;
}

TEST(CheckWheelsTest, ReportsWheelsThatAgree) {
  base::MemoryFileSystem fs;
  WriteWheel(fs, "a", "ns/__init__.py", "same");
  WriteWheel(fs, "b", "ns/__init__.py", "same");
  ASSERT_TRUE(CheckWheels(Request({"a", "b"}), fs).ok());
  EXPECT_EQ(base::ReadFile(fs, "report.json", 1000).value(),
            "{\"entries\":11,\"unpacked_size\":704,\"wheels\":2}\n");
}

TEST(CheckWheelsTest, NamesBothOwnersOfAPath) {
  base::MemoryFileSystem fs;
  WriteWheel(fs, "opencv_python", "cv2/cv2.abi3.so", "with windows");
  WriteWheel(fs, "opencv_python_headless", "cv2/cv2.abi3.so", "without windows");
  EXPECT_EQ(
      CheckWheels(Request({"opencv_python", "opencv_python_headless"}), fs).message(),
      "path in the layer: 'lib/cv2/cv2.abi3.so': got 'opencv_python-1.0-py3-none-any.whl' and "
      "'opencv_python_headless-1.0-py3-none-any.whl', expected one owner");
  EXPECT_EQ(fs.files.count("report.json"), 0U);
}

TEST(CheckWheelsTest, RefusesADamagedWheel) {
  base::MemoryFileSystem fs;
  ASSERT_TRUE(base::WriteFile(fs, "a-1.0-py3-none-any.whl", "no zip").ok());
  EXPECT_EQ(CheckWheels(Request({"a"}), fs).message(),
            "not a zip file: a-1.0-py3-none-any.whl: got no end record, expected one in the last "
            "22 bytes");
}

TEST(CheckWheelsTest, AnyFaultLeavesNoReport) {
  base::MemoryFileSystem fs;
  WriteWheel(fs, "a", "a.py", "a");
  int n = 1;
  for (;; ++n) {
    fs.files.erase("report.json");
    base::FaultyFileSystem faulty(fs, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = CheckWheels(Request({"a"}), faulty);
    if (!faulty.failed()) break;
    EXPECT_EQ(status.message(), "disk full") << n;
    EXPECT_EQ(fs.files.size(), 1U) << n;
  }
  EXPECT_GT(n, 4);
  EXPECT_EQ(fs.files.count("report.json"), 1U);
}

TEST(CheckWheelsTest, WantsAnOutput) {
  base::MemoryFileSystem fs;
  EXPECT_EQ(CheckWheels(sdk::CheckRequest(), fs).message(),
            "check request: output: got '', expected a path");
}

}  // namespace
}  // namespace rules_inference::layer
