#include "plugins/base/wheel/wheel.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/rel_path.h"

namespace rules_inference::base {
namespace {

TestEntry File(absl::string_view name, absl::string_view data = "x", uint32_t mode = 0100644) {
  TestEntry entry;
  entry.name = std::string(name);
  entry.data = std::string(data);
  entry.mode = mode;
  return entry;
}

class WheelTest : public testing::Test {
 protected:
  absl::StatusOr<Wheel> Open(const std::string& bytes,
                             absl::string_view name = "demo-1.0-py3-none-any.whl") {
    RealFileSystem real;
    EXPECT_TRUE(WriteFile(real, absl::StrCat(testing::TempDir(), "/", name), bytes).ok());
    RealFileSystem fs(testing::TempDir());
    return OpenWheel(fs, std::string(name), WheelPlaces::Target(RelPath::Parse("site").value()),
                     {});
  }
};

TEST_F(WheelTest, PutsMembersInTheirPlaces) {
  const auto wheel = Open(BuildWheel({
      File("demo/__init__.py"),
      File("demo/tool", "x", 0100755),
      File("demo-1.0.data/purelib/pure.py"),
      File("demo-1.0.data/platlib/demo/native.so"),
      File("demo-1.0.data/scripts/run"),
      File("demo-1.0.data/headers/demo.h"),
      File("demo-1.0.data/data/share/doc.txt"),
      File("demo-1.0.dataset/x"),
  }));
  ASSERT_TRUE(wheel.ok()) << wheel.status();
  std::string listing;
  for (const WheelMember& member : wheel->members) {
    absl::StrAppend(&listing, member.path, member.executable ? " executable" : "",
                    member.digest.has_value() ? "" : " no digest", "\n");
  }
  EXPECT_EQ(listing,
            "site/demo/__init__.py\n"
            "site/demo/tool executable\n"
            "site/pure.py\n"
            "site/demo/native.so\n"
            "site/bin/run executable\n"
            "site/include/demo/demo.h\n"
            "site/share/doc.txt\n"
            "site/demo-1.0.dataset/x\n"
            "site/demo-1.0.dist-info/METADATA\n"
            "site/demo-1.0.dist-info/WHEEL\n"
            "site/demo-1.0.dist-info/RECORD no digest\n");
}

TEST_F(WheelTest, SignaturesNeedNoRow) {
  const auto wheel = Open(BuildWheel({}, [](TestZip& zip) {
    zip.entries.push_back(File("demo-1.0.dist-info/RECORD.jws"));
    zip.entries.push_back(File("demo-1.0.dist-info/RECORD.p7s"));
  }));
  EXPECT_TRUE(wheel.ok()) << wheel.status();
}

TEST_F(WheelTest, RefusesWhatIsNotAWheel) {
  struct Case {
    const char* name;
    std::vector<TestEntry> files;
    std::function<void(TestZip&)> change;
    std::string message;
  };
  const std::string whl = "demo-1.0-py3-none-any.whl";
  const auto record = [](TestZip& zip) -> std::string& { return zip.entries.back().data; };
  const std::string empty_digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
  const Case cases[] = {
      {"unknown scheme",
       {File("demo-1.0.data/etc/x")},
       nullptr,
       "wheel data scheme: " + whl +
           ": entry 'demo-1.0.data/etc/x' (#0): got 'etc', expected purelib, platlib, scripts, "
           "headers or data"},
      {"file without scheme",
       {File("demo-1.0.data/x")},
       nullptr,
       "wheel data scheme: " + whl +
           ": entry 'demo-1.0.data/x' (#0): got 'x', expected purelib, platlib, scripts, headers "
           "or data"},
      {"two dist-info",
       {File("other-2.0.dist-info/METADATA")},
       nullptr,
       "wheel: " + whl +
           ": got 'other-2.0.dist-info' and 'demo-1.0.dist-info', expected one '.dist-info' "
           "directory"},
      {"no dist-info",
       {},
       [](TestZip& zip) { zip.entries.clear(); },
       "wheel: " + whl + ": got no '.dist-info' directory, expected one"},
      {"no WHEEL",
       {},
       [](TestZip& zip) { zip.entries.erase(zip.entries.begin() + 1); },
       "wheel: " + whl + ": got no 'demo-1.0.dist-info/WHEEL', expected one"},
      {"no RECORD",
       {},
       [](TestZip& zip) { zip.entries.pop_back(); },
       "wheel: " + whl + ": got no 'demo-1.0.dist-info/RECORD', expected one"},
      {"version 2",
       {},
       [](TestZip& zip) { zip.entries[1].data = "Wheel-Version: 2.0\n"; },
       "wheel version: " + whl +
           ": entry 'demo-1.0.dist-info/WHEEL' (#1): got '2.0', expected '1.0' or a later 1.x"},
      {"version 10",
       {},
       [](TestZip& zip) { zip.entries[1].data = "Wheel-Version: 10.0\n"; },
       "wheel version: " + whl +
           ": entry 'demo-1.0.dist-info/WHEEL' (#1): got '10.0', expected '1.0' or a later 1.x"},
      {"no version",
       {},
       [](TestZip& zip) { zip.entries[1].data = "Tag: any\n"; },
       "wheel version: " + whl +
           ": entry 'demo-1.0.dist-info/WHEEL' (#1): got no line 'Wheel-Version:', expected one"},
      {"unlisted file",
       {},
       [](TestZip& zip) { zip.entries.push_back(File("evil.py")); },
       "wheel RECORD: " + whl +
           ": entry 'evil.py' (#3): got no row for it, expected one row for every file"},
      {"absent file",
       {},
       [=](TestZip& zip) { record(zip) += "ghost.py,sha256=" + empty_digest + ",0\n"; },
       "wheel RECORD: " + whl +
           ": RECORD line 4: got 'ghost.py', which is not in the wheel, expected only files of the "
           "wheel"},
      {"wrong size",
       {File("a.py", "12345")},
       [=](TestZip& zip) {
         record(zip) = absl::StrReplaceAll(record(zip), {{",5\n", ",6\n"}});
       },
       "wheel RECORD: " + whl + ": RECORD line 1: got size 6 for 'a.py', expected 5"},
      {"no digest",
       {},
       [=](TestZip& zip) {
         zip.entries.insert(zip.entries.begin(), File("a.py"));
         record(zip) = "a.py,,\n" + record(zip);
       },
       "wheel RECORD: " + whl + ": RECORD line 1: got no digest for 'a.py', expected a sha256"},
      {"digest of itself",
       {},
       [=](TestZip& zip) {
         record(zip) = absl::StrReplaceAll(record(zip),
                                           {{"RECORD,,", "RECORD,sha256=" + empty_digest + ",1"}});
       },
       "wheel RECORD: " + whl + ": RECORD line 3: got a digest of RECORD itself, expected none"},
      {"damaged RECORD",
       {},
       [](TestZip& zip) {
         zip.entries.back().local = zip.entries.back().central = [](TestHeader& h) { h.crc32 = 1; };
         zip.entries.back().data = "";
       },
       "crc32: " + whl + ": entry 'demo-1.0.dist-info/RECORD' (#2): got 0, expected 1"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Open(BuildWheel(c.files, c.change)).status().message(), c.message) << c.name;
  }
}

TEST_F(WheelTest, NameOfTheFileMustFit) {
  EXPECT_TRUE(Open(BuildWheel({}), "Demo-1.0-py3-none-any.whl").ok());
  EXPECT_TRUE(Open(BuildWheel({}), "renamed.whl").ok());
  EXPECT_EQ(Open(BuildWheel({}), "other-1.0-py3-none-any.whl").status().message(),
            "wheel: other-1.0-py3-none-any.whl: got 'demo-1.0.dist-info', expected the "
            "'.dist-info' directory of 'other'");
}

}  // namespace
}  // namespace rules_inference::base
