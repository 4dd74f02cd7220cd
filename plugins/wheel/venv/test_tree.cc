#include "plugins/wheel/venv/test_tree.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/file_system.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/unpack.h"

namespace rules_inference::wheel {

void AddTree(base::FileSystem& fs, const std::string& directory, const std::string& name,
             const std::string& version, const std::map<std::string, std::string>& files,
             sdk::WheelVenvRequest& request, sdk::WheelTreeMode mode) {
  const std::string stem = absl::StrCat(absl::StrReplaceAll(name, {{"-", "_"}}), "-", version);
  base::TestZip zip;
  const auto add = [&](const std::string& path, const std::string& data) {
    base::TestEntry entry;
    entry.name = absl::StrReplaceAll(path, {{"@STEM@", stem}});
    entry.data = data;
    zip.entries.push_back(std::move(entry));
  };
  for (const auto& [path, data] : files) add(path, data);
  add("@STEM@.dist-info/METADATA",
      absl::StrCat("Metadata-Version: 2.1\nName: ", name, "\nVersion: ", version, "\n"));
  add("@STEM@.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
  add("@STEM@.dist-info/RECORD", base::RecordFor(zip.entries, stem + ".dist-info/RECORD"));
  const std::string wheel = absl::StrCat(directory, ".whl/", stem, "-py3-none-any.whl");
  ASSERT_TRUE(fs.CreateDirectories(directory + ".whl").ok());
  ASSERT_TRUE(base::WriteFile(fs, wheel, base::BuildZip(zip)).ok());
  sdk::WheelUnpackRequest unpack;
  unpack.set_wheel(wheel);
  unpack.set_output_dir(directory);
  unpack.set_layout_output(directory + ".json");
  unpack.set_mode(mode);
  if (mode == sdk::PREFIX) unpack.set_python_version(request.python_version());
  unpack.set_threads(1);
  const absl::Status status = UnpackWheel(unpack, fs, nullptr);
  ASSERT_TRUE(status.ok()) << status;
  sdk::WheelTree* tree = request.add_trees();
  tree->set_path(directory);
  tree->set_layout(directory + ".json");
}

}  // namespace rules_inference::wheel
