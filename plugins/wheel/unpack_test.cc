#include "plugins/wheel/unpack.h"

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/base/archive/test_zip.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

using base::BuildWheel;
using base::TestEntry;
using base::TestZip;
using testing::ElementsAre;

constexpr char kWheel[] = "demo-1.0-py3-none-any.whl";

TestEntry File(absl::string_view name, absl::string_view data = "x", uint32_t mode = 0100644) {
  TestEntry entry;
  entry.name = std::string(name);
  entry.data = std::string(data);
  entry.mode = mode;
  return entry;
}

class UnpackTest : public testing::Test {
 protected:
  UnpackTest() : root_(absl::StrCat(testing::TempDir(), "/unpack")), fs_(root_) {
    EXPECT_TRUE(real_.RemoveTree(root_).ok());
    EXPECT_TRUE(real_.CreateDirectories(root_).ok());
    request_.set_wheel(kWheel);
    request_.set_output_dir("tree");
    request_.set_layout_output("layout.json");
    request_.set_threads(1);
  }

  void Put(const std::string& bytes) { ASSERT_TRUE(base::WriteFile(fs_, kWheel, bytes).ok()); }
  absl::Status Run() { return UnpackWheel(request_, fs_, nullptr); }
  std::string Golden(const std::string& name) {
    return base::ReadFile(real_, absl::StrCat("plugins/wheel/testdata/", name), uint64_t{1} << 20)
        .value_or("(no file)");
  }
  std::string Read(const std::string& path) {
    return base::ReadFile(fs_, path, uint64_t{1} << 30).value_or("(no file)");
  }

  // All files below `path` with their contents; "*" before that of a program.
  std::map<std::string, std::string> Files(const std::string& path) {
    std::map<std::string, std::string> files;
    const auto names = fs_.List(path);
    if (!names.ok()) return files;
    for (const std::string& name : *names) {
      const std::string child = absl::StrCat(path, "/", name);
      struct stat st = {};
      EXPECT_EQ(lstat(absl::StrCat(root_, "/", child).c_str(), &st), 0);
      if (S_ISDIR(st.st_mode)) {
        EXPECT_EQ(st.st_mode & 07777, 0755U) << child;
        files.merge(Files(child));
      } else {
        EXPECT_TRUE((st.st_mode & 07777) == 0755 || (st.st_mode & 07777) == 0644) << child;
        files[child] = absl::StrCat((st.st_mode & 0100) != 0 ? "*" : "", Read(child));
      }
    }
    return files;
  }
  std::vector<std::string> Names(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& [name, data] : Files(path)) {
      names.push_back(absl::StrCat(name.substr(path.size() + 1), data[0] == '*' ? " *" : ""));
    }
    return names;
  }
  sdk::WheelLayout Layout() {
    return sdk::ParseJson<sdk::WheelLayout>("layout", Read("layout.json")).value();
  }
  // What an attempt leaves besides the wheel.
  std::vector<std::string> Left() {
    std::vector<std::string> names;
    const auto all = fs_.List("");
    EXPECT_TRUE(all.ok()) << all.status();
    for (const std::string& name : all.value_or(std::vector<std::string>())) {
      if (name != kWheel) names.push_back(name);
    }
    return names;
  }

  const std::string root_;
  base::RealFileSystem real_;
  base::RealFileSystem fs_;
  sdk::WheelUnpackRequest request_;
};

std::vector<TestEntry> AllSchemes() {
  return {
      File("demo/__init__.py"),
      File("demo/tool", "x", 0100755),
      File("demo-1.0.data/purelib/pure.py"),
      File("demo-1.0.data/platlib/native.cpython-312-x86_64-linux-gnu.so"),
      File("demo-1.0.data/scripts/run", "#!python -E\nprint(1)\n"),
      File("demo-1.0.data/scripts/window", "#!pythonw\r\nprint(2)\n"),
      File("demo-1.0.data/scripts/shell", "#!/bin/sh\n"),
      File("demo-1.0.data/headers/demo.h"),
      File("demo-1.0.data/data/share/demo/a,b.txt"),
      File("demo-1.0.dist-info/entry_points.txt",
           "[console_scripts]\nstart = demo.cli:main\n[gui_scripts]\nshow = demo:App.run\n"),
  };
}

TEST_F(UnpackTest, TargetTree) {
  Put(BuildWheel(AllSchemes()));
  const absl::Status status = Run();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Names("tree"),
              ElementsAre("bin/run *", "bin/shell *", "bin/show *", "bin/start *", "bin/window *",
                          "demo-1.0.dist-info/INSTALLER", "demo-1.0.dist-info/METADATA",
                          "demo-1.0.dist-info/RECORD", "demo-1.0.dist-info/WHEEL",
                          "demo-1.0.dist-info/entry_points.txt", "demo/__init__.py", "demo/tool *",
                          "include/demo/demo.h", "native.cpython-312-x86_64-linux-gnu.so",
                          "pure.py", "share/demo/a,b.txt"));
  EXPECT_EQ(Read("tree/bin/run"), "#!/usr/bin/env python3\nprint(1)\n");
  EXPECT_EQ(Read("tree/bin/window"), "#!/usr/bin/env python3\nprint(2)\n");
  EXPECT_EQ(Read("tree/bin/shell"), "#!/bin/sh\n");
  EXPECT_EQ(Read("tree/bin/start"),
            "#!/usr/bin/env python3\nimport sys\n\nfrom demo.cli import main\n\n"
            "if __name__ == \"__main__\":\n    sys.exit(main())\n");
  EXPECT_EQ(Read("tree/demo-1.0.dist-info/INSTALLER"), "rules_inference\n");
  EXPECT_EQ(Read("tree/demo-1.0.dist-info/RECORD"), Golden("record.golden"));
}

TEST_F(UnpackTest, PrefixTree) {
  Put(BuildWheel(AllSchemes()));
  request_.set_mode(sdk::PREFIX);
  request_.set_python_version("3.12");
  request_.set_interpreter("/opt/python/bin/python3.12 -I");
  const absl::Status status = Run();
  ASSERT_TRUE(status.ok()) << status;
  const std::string site = "lib/python3.12/site-packages/";
  EXPECT_THAT(
      Names("tree"),
      ElementsAre("bin/run *", "bin/shell *", "bin/show *", "bin/start *", "bin/window *",
                  "include/site/python3.12/demo/demo.h", site + "demo-1.0.dist-info/INSTALLER",
                  site + "demo-1.0.dist-info/METADATA", site + "demo-1.0.dist-info/RECORD",
                  site + "demo-1.0.dist-info/WHEEL", site + "demo-1.0.dist-info/entry_points.txt",
                  site + "demo/__init__.py", site + "demo/tool *",
                  site + "native.cpython-312-x86_64-linux-gnu.so", site + "pure.py",
                  "share/demo/a,b.txt"));
  EXPECT_EQ(Read("tree/bin/run"), "#!/opt/python/bin/python3.12 -I\nprint(1)\n");
  const std::string record = Read("tree/" + site + "demo-1.0.dist-info/RECORD");
  EXPECT_THAT(record, testing::HasSubstr("\"../../../share/demo/a,b.txt\",sha256="));
  EXPECT_THAT(record, testing::HasSubstr("../../../bin/run,sha256="));
  EXPECT_THAT(record, testing::HasSubstr("\ndemo/__init__.py,sha256="));
  EXPECT_EQ(Layout().site_packages(), "lib/python3.12/site-packages");
  EXPECT_EQ(Layout().dist_info(), site + "demo-1.0.dist-info");
}

TEST_F(UnpackTest, LeavesOutWhatIsExcluded) {
  Put(BuildWheel({File("demo/__init__.py"), File("demo/tests/a.py"), File("demo/sub/tests/b.py"),
                  File("demo/a.pyi")}));
  request_.add_exclude("**/tests/**");
  request_.add_exclude("demo/*.pyi");
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(Names("tree"), ElementsAre("demo-1.0.dist-info/INSTALLER",
                                         "demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/RECORD",
                                         "demo-1.0.dist-info/WHEEL", "demo/__init__.py"));
  EXPECT_THAT(Read("tree/demo-1.0.dist-info/RECORD"), testing::Not(testing::HasSubstr("tests")));
}

TEST_F(UnpackTest, AnEntryPointReplacesTheScriptOfItsName) {
  Put(BuildWheel({
      File("demo-1.0.data/scripts/start", "old"),
      File("demo-1.0.data/scripts/start-script.py", "old"),
      File("demo-1.0.data/scripts/started", "other"),
      File("demo-1.0.dist-info/entry_points.txt", "[console_scripts]\nstart = demo:main\n"),
  }));
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(absl::StartsWith(Read("tree/bin/start"), "#!/usr/bin/env python3\n"));
  EXPECT_EQ(Read("tree/bin/start-script.py"), "(no file)");
  EXPECT_EQ(Read("tree/bin/started"), "other");
}

TEST_F(UnpackTest, InstallerAndSignaturesOfTheWheelDoNotStay) {
  Put(BuildWheel({File("demo-1.0.dist-info/INSTALLER", "pip\n")}, [](TestZip& zip) {
    zip.entries.push_back(File("demo-1.0.dist-info/RECORD.jws"));
  }));
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Read("tree/demo-1.0.dist-info/INSTALLER"), "rules_inference\n");
  EXPECT_EQ(Read("tree/demo-1.0.dist-info/RECORD.jws"), "(no file)");
}

TEST_F(UnpackTest, WritesTheLayout) {
  base::TestElf torch;
  torch.soname = "libtorch.so";
  torch.needed = {"libcudart.so.13", "libc.so.6"};
  torch.rpath = "$ORIGIN/../../nvidia/cu13/lib:/usr/lib:$ORIGIN";
  base::TestElf bundled;
  bundled.runpath = "${ORIGIN}/../x";
  bundled.machine = 183;
  Put(BuildWheel({
      File("demo/lib/libtorch.so", BuildElf(torch)),
      File("demo/__init__.py"),
      File("demo/broken.so",
           "\x7f"
           "ELF and nothing else"),
      File("demo.libs/b.so", BuildElf(bundled)),
      File("nvidia/cu13/lib/data.bin"),
      File("nvidia/own/__init__.py"),
      File("single.py"),
      File("fast.abi3.so"),
      File("hook.pth"),
      File("notes.txt"),
      File("demo-1.0.data/data/share/man/demo.1"),
      File("demo-1.0.dist-info/licenses/LICENSE"),
      File("demo-1.0.dist-info/COPYING.txt"),
      File("demo-1.0.dist-info/namespace_packages.txt", "ns\n\n"),
      File("demo-1.0.dist-info/entry_points.txt", "[group]\nname = any\n"),
  }));
  const absl::Status status = Run();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(absl::StrReplaceAll(Read("layout.json"), {{"},{", "},\n{"}, {"],\"", "],\n\""}}),
            Golden("layout.golden"));
}

TEST_F(UnpackTest, OriginInDirectoriesBesideEachOther) {
  // Two libraries with other needs: each asks for its own directories only.
  base::TestElf deep;
  deep.runpath = "$ORIGIN/..";
  Put(BuildWheel({File("demo/a/b/deep.so", BuildElf(deep)),
                  File("demo/c/d/plain.so", BuildElf(base::TestElf()))}));
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(Layout().real_directories(), ElementsAre("demo/a/b"));
}

TEST_F(UnpackTest, SameBytesForAnyNumberOfThreads) {
  std::vector<TestEntry> files = AllSchemes();
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string data(random() % 5000, '\0');
    for (char& c : data) c = static_cast<char>('a' + random() % 7);
    files.push_back(File(absl::StrCat("demo/f", i, ".py"), data));
    files.back().deflate = i % 5 != 0;
  }
  // Larger than a piece, deflated and stored.
  std::string large(size_t{3} << 20, '\0');
  for (char& c : large) c = static_cast<char>('a' + random() % 7);
  files.push_back(File("demo/large.bin", large));
  files.push_back(File("demo/stored.bin", large));
  files.back().deflate = false;
  Put(BuildWheel(files));
  ASSERT_TRUE(Run().ok());
  const auto tree = Files("tree");
  const std::string layout = Read("layout.json");
  EXPECT_EQ(tree.at("tree/demo/large.bin"), large);
  EXPECT_EQ(tree.at("tree/demo/stored.bin"), large);
  for (const int threads : {2, 8, 64}) {
    ASSERT_TRUE(fs_.RemoveTree("tree").ok());
    request_.set_threads(threads);
    ASSERT_TRUE(Run().ok());
    EXPECT_TRUE(Files("tree") == tree) << threads;
    EXPECT_EQ(Read("layout.json"), layout) << threads;
  }
  // One worker is always affordable.
  ASSERT_TRUE(fs_.RemoveTree("tree").ok());
  request_.set_max_memory_bytes(1);
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(Files("tree") == tree);
}

TEST_F(UnpackTest, AMemberThatIsMostOfTheWheelTakesTwoThreads) {
  std::mt19937 random(7);
  std::string large(size_t{5} << 20, '\0');
  for (char& c : large) c = static_cast<char>('a' + random() % 7);
  const std::string script = "#!python\n" + large;
  Put(BuildWheel({File("demo-1.0.data/scripts/large", script), File("demo/__init__.py")}));
  for (const int threads : {1, 2, 8}) {
    ASSERT_TRUE(fs_.RemoveTree("tree").ok());
    request_.set_threads(threads);
    const absl::Status status = Run();
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(Read("tree/bin/large") == "#!/usr/bin/env python3\n" + large) << threads;
  }
  ASSERT_TRUE(fs_.RemoveTree("tree").ok());
  // The error is the same whoever reads and writes.
  Put(BuildWheel({File("demo/large", large)}, [](TestZip& zip) {
    std::string packed = base::Deflate(zip.entries[0].data);
    packed.replace(packed.size() / 2, 1000, std::string(1000, '\xff'));
    zip.entries[0].packed = packed;
  }));
  std::string message;
  for (const int threads : {1, 2, 8}) {
    request_.set_threads(threads);
    const absl::Status status = Run();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    if (message.empty()) message = std::string(status.message());
    EXPECT_EQ(status.message(), message);
    EXPECT_THAT(Left(), ElementsAre());
  }
  for (const int threads : {2, 8}) {
    Put(BuildWheel({File("demo/large", large)}));
    request_.set_threads(threads);
    for (int n = 1;; ++n) {
      base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
      const absl::Status status = UnpackWheel(request_, faulty, nullptr);
      if (!faulty.failed()) {
        EXPECT_TRUE(status.ok()) << status;
        ASSERT_TRUE(fs_.RemoveTree("tree").ok());
        ASSERT_TRUE(fs_.RemoveTree("layout.json").ok());
        break;
      }
      EXPECT_EQ(status.message(), "disk full") << n;
      EXPECT_THAT(Left(), ElementsAre()) << n;
    }
  }
}

TEST_F(UnpackTest, ALargeScriptKeepsAllButItsFirstLine) {
  const std::string body(size_t{2} << 20, 'y');
  Put(BuildWheel({File("demo-1.0.data/scripts/big", "#!python\n" + body)}));
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(Read("tree/bin/big") == "#!/usr/bin/env python3\n" + body);
}

TEST_F(UnpackTest, TheFirstErrorOfTheListIsReportedWhoeverFindsIt) {
  // Both digests in RECORD are wrong; the larger file comes first.
  const std::string bytes = BuildWheel(
      {File("demo/small", std::string(10, 'a')), File("demo/large", std::string(90000, 'a'))},
      [](TestZip& zip) {
        for (int i : {0, 1}) zip.entries.at(static_cast<size_t>(i)).data[0] = 'b';
      });
  Put(bytes);
  for (int i = 0; i < 20; ++i) {
    request_.set_threads(8);
    EXPECT_THAT(std::string(Run().message()), testing::HasSubstr("'demo/large' (#1)"));
    EXPECT_THAT(Left(), ElementsAre());
  }
}

// Wheels that unpackers of the past took, and what is said of them in testdata/bad_wheels.golden.
// Nothing is left of any.
TEST_F(UnpackTest, RefusesBadWheels) {
  const std::string digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
  const auto record = [](TestZip& zip) -> std::string& { return zip.entries.back().data; };
  struct Case {
    const char* name;
    std::vector<TestEntry> files;
    std::function<void(TestZip&)> change;
  };
  const Case cases[] = {
      // Names.
      {"member ../", {File("../evil.py")}, nullptr},
      {"absolute member", {File("/evil.py")}, nullptr},
      {"traversal through .data", {File("demo-1.0.data/data/../../evil")}, nullptr},
      {"backslash", {File("demo\\evil.py")}, nullptr},
      {"drive", {File("c:/evil.py")}, nullptr},
      {"symlink", {File("demo/link", "/etc/passwd", 0120777)}, nullptr},
      {"device", {File("demo/null", "", 0020666)}, nullptr},
      {"case collision", {File("demo/Foo.py"), File("demo/foo.py")}, nullptr},
      {"case collision of directories", {File("Demo/a.py"), File("demo/b.py")}, nullptr},
      {"case collision through .data",
       {File("demo/Foo.py"), File("demo-1.0.data/purelib/demo/foo.py")},
       nullptr},
      {"file and directory", {File("demo/a"), File("demo/a/b")}, nullptr},
      {"file and directory through .data",
       {File("demo/a"), File("demo-1.0.data/data/demo/a/b")},
       nullptr},
      {"two members for a path",
       {File("demo/a.py"), File("demo-1.0.data/purelib/demo/a.py")},
       nullptr},
      {"a member for RECORD through .data",
       {File("demo-1.0.data/purelib/demo-1.0.dist-info/RECORD")},
       nullptr},
      {"a script through data",
       {File("demo-1.0.data/data/bin/x"), File("demo-1.0.data/scripts/x")},
       nullptr},
      {"unknown scheme", {File("demo-1.0.data/etc/x")}, nullptr},
      // RECORD.
      {"duplicate member",
       {File("demo/a.py", "1")},
       [](TestZip& zip) { zip.entries.insert(zip.entries.begin(), File("demo/a.py", "2")); }},
      {"wrong digest", {File("demo/a.py", "1")}, [](TestZip& zip) { zip.entries[0].data = "2"; }},
      {"wrong size", {File("demo/a.py", "1")}, [](TestZip& zip) { zip.entries[0].data = "22"; }},
      {"missing row", {}, [](TestZip& zip) { zip.entries.push_back(File("demo/evil.py")); }},
      {"phantom row",
       {},
       [=](TestZip& zip) { record(zip) += "../../x,sha256=" + digest + ",0\n"; }},
      {"row without digest",
       {},
       [=](TestZip& zip) {
         zip.entries.insert(zip.entries.begin(), File("a.py"));
         record(zip) = "a.py,,\n" + record(zip);
       }},
      {"md5", {}, [=](TestZip& zip) { record(zip) += "a.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n"; }},
      // The zip file.
      {"prefix", {}, [](TestZip& zip) { zip.entries[0].before = "#!/bin/sh\n"; }},
      {"trailing garbage", {}, [](TestZip& zip) { zip.after_end = "junk"; }},
      {"comment", {}, [](TestZip& zip) { zip.end = [](base::TestEnd& e) { e.comment = "PK"; }; }},
      {"hidden local entry",
       {},
       [](TestZip& zip) {
         TestZip hidden;
         hidden.entries = {File("hidden.py")};
         const std::string bytes = BuildZip(hidden);
         zip.before_directory = bytes.substr(0, bytes.find("PK\x01\x02"));
       }},
      {"concatenated",
       {},
       [](TestZip& zip) { zip.entries[0].before = BuildWheel({File("other.py")}); }},
      {"local name differs",
       {File("demo/a.py")},
       [](TestZip& zip) {
         zip.entries[0].local = [](base::TestHeader& h) { h.name = "demo/b.py"; };
       }},
      {"local size differs",
       {File("demo/a.py")},
       [](TestZip& zip) { zip.entries[0].local = [](base::TestHeader& h) { h.size = 7; }; }},
      {"bad CRC",
       {File("demo/a.py")},
       [](TestZip& zip) {
         zip.entries[0].local = zip.entries[0].central = [](base::TestHeader& h) { h.crc32 = 1; };
       }},
      {"damaged data",
       {File("demo/a.py", "some text")},
       [](TestZip& zip) { zip.entries[0].packed = std::string("\xff\xff\xff"); }},
      {"encrypted", {File("demo/a.py")}, [](TestZip& zip) { zip.entries[0].flags = 1; }},
      // The wheel.
      {"two dist-info", {File("other-2.0.dist-info/METADATA")}, nullptr},
      {"newer format", {}, [](TestZip& zip) { zip.entries[1].data = "Wheel-Version: 2.0\n"; }},
      {"no METADATA",
       {},
       [=](TestZip& zip) {
         zip.entries.erase(zip.entries.begin());
         record(zip) = record(zip).substr(record(zip).find('\n') + 1);
       }},
      {"no WHEEL", {}, [](TestZip& zip) { zip.entries.erase(zip.entries.begin() + 1); }},
      {"no RECORD", {}, [](TestZip& zip) { zip.entries.pop_back(); }},
      {"another project",
       {},
       [=](TestZip& zip) {
         zip.entries.erase(zip.entries.begin());
         zip.entries.insert(zip.entries.begin(),
                            File("demo-1.0.dist-info/METADATA", "Name: evil\nVersion: 1.0\n"));
         zip.entries.pop_back();
         zip.entries.push_back(File("demo-1.0.dist-info/RECORD",
                                    RecordFor(zip.entries, "demo-1.0.dist-info/RECORD")));
       }},
      // Entry points.
      {"entry point outside bin",
       {File("demo-1.0.dist-info/entry_points.txt", "[console_scripts]\n../../x = a:b\n")},
       nullptr},
      {"entry point with code",
       {File("demo-1.0.dist-info/entry_points.txt", "[console_scripts]\nx = a:b()\n")},
       nullptr},
      {"entry points that meet",
       {File("demo-1.0.dist-info/entry_points.txt",
             "[console_scripts]\nx = a:b\n[gui_scripts]\nx = a:b\n")},
       nullptr},
      {"a script without a line",
       {File("demo-1.0.data/scripts/x", "#!python" + std::string(5000, ' '))},
       nullptr},
  };
  std::string all;
  for (const Case& c : cases) {
    Put(BuildWheel(c.files, c.change));
    const absl::Status status = Run();
    absl::StrAppend(&all, c.name, "\n    ", std::string(status.message()), "\n");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name;
    EXPECT_THAT(Left(), ElementsAre()) << c.name;
    ASSERT_TRUE(fs_.RemoveTree("tree").ok());
  }
  EXPECT_EQ(all, Golden("bad_wheels.golden"));
}

TEST_F(UnpackTest, CaseCollisionsCanBeAllowed) {
  Put(BuildWheel({File("demo/Foo.py", "1"), File("demo/foo.py", "2"),
                  File("demo-1.0.data/purelib/demo/FOO.py", "3")}));
  request_.set_allow_case_collisions(true);
  const absl::Status status = Run();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read("tree/demo/Foo.py") + Read("tree/demo/foo.py") + Read("tree/demo/FOO.py"), "123");
  Put(BuildWheel({File("demo/a.py"), File("demo-1.0.data/purelib/demo/a.py")}));
  ASSERT_TRUE(fs_.RemoveTree("tree").ok());
  EXPECT_EQ(Run().message(), absl::StrCat("wheel tree: ", kWheel,
                                          ": got 'demo/a.py' from 'demo/a.py' and "
                                          "'demo-1.0.data/purelib/demo/a.py', expected one file "
                                          "at a path"));
}

TEST_F(UnpackTest, RefusesBadRequests) {
  struct Case {
    std::function<void(sdk::WheelUnpackRequest&)> change;
    std::string message;
  };
  const Case cases[] = {
      {[](auto& r) { r.clear_output_dir(); },
       "wheel request: output_dir and layout_output: got '' and 'layout.json', expected two paths"},
      {[](auto& r) { r.set_threads(-1); }, "wheel request: threads: got -1, expected 0 or more"},
      {[](auto& r) { r.set_python_version("3.12"); },
       "wheel request: python_version: got '3.12', expected none in mode TARGET"},
      {[](auto& r) { r.set_mode(sdk::PREFIX); },
       "wheel request: python_version: got '', expected major.minor in mode PREFIX, such as "
       "'3.12'"},
      {[](auto& r) {
         r.set_mode(sdk::PREFIX);
         r.set_python_version("3.12/../..");
       },
       "wheel request: python_version: got '3.12/../..', expected major.minor in mode PREFIX, such "
       "as '3.12'"},
      {[](auto& r) { r.set_interpreter("/a\n/b"); },
       "wheel request: interpreter: got '/a\\n/b', expected a command of at most 250 bytes, "
       "without '#!'"},
      {[](auto& r) { r.add_exclude("**"); },
       "wheel request: exclude: got '**', which takes 'demo-1.0.dist-info/METADATA', expected a "
       "pattern that leaves METADATA, RECORD and WHEEL"},
      {[](auto& r) { r.set_max_unpacked_bytes(10); },
       absl::StrCat("zip too large: ", kWheel,
                    ": got 46 unpacked bytes or more, expected at most 10")},
  };
  Put(BuildWheel({}));
  const sdk::WheelUnpackRequest good = request_;
  for (const Case& c : cases) {
    request_ = good;
    c.change(request_);
    EXPECT_EQ(Run().message(), c.message);
    EXPECT_THAT(Left(), ElementsAre());
  }
}

TEST_F(UnpackTest, WhatIsInTheOutputDirectoryStays) {
  Put(BuildWheel({}));
  ASSERT_TRUE(fs_.CreateDirectories("tree").ok());
  ASSERT_TRUE(base::WriteFile(fs_, "tree/mine", "x").ok());
  EXPECT_EQ(Run().message(), "output directory: tree: got 'mine', expected nothing in it");
  EXPECT_EQ(Read("tree/mine"), "x");
}

TEST_F(UnpackTest, CancelledWorkLeavesNothing) {
  Put(BuildWheel({}));
  const std::atomic<bool> cancelled = true;
  EXPECT_TRUE(absl::IsCancelled(UnpackWheel(request_, fs_, &cancelled)));
  EXPECT_THAT(Left(), ElementsAre());
}

TEST_F(UnpackTest, ATruncatedWheelIsRefusedAtEveryByte) {
  const std::string bytes = BuildWheel({File("demo/__init__.py", "some text")});
  for (size_t size = 0; size < bytes.size(); ++size) {
    Put(bytes.substr(0, size));
    ASSERT_TRUE(absl::IsInvalidArgument(Run())) << size;
    ASSERT_THAT(Left(), ElementsAre()) << size;
  }
}

TEST_F(UnpackTest, AFaultAtAnyOperationLeavesNothing) {
  std::vector<TestEntry> files = AllSchemes();
  files.push_back(File("demo/native.so", BuildElf(base::TestElf())));
  files.push_back(File("demo/large", std::string(size_t{2} << 20, 'z')));
  Put(BuildWheel(files));
  ASSERT_TRUE(Run().ok());
  const auto tree = Files("tree");
  const std::string layout = Read("layout.json");
  int faults = 0;
  for (int n = 1;; ++n) {
    ASSERT_TRUE(fs_.RemoveTree("tree").ok());
    ASSERT_TRUE(fs_.RemoveTree("layout.json").ok());
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = UnpackWheel(request_, faulty, nullptr);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      break;
    }
    ++faults;
    EXPECT_EQ(status.message(), "disk full") << n;
    EXPECT_THAT(Left(), ElementsAre()) << n;
  }
  EXPECT_GT(faults, 60);
  EXPECT_TRUE(Files("tree") == tree);
  EXPECT_EQ(Read("layout.json"), layout);
}

}  // namespace
}  // namespace rules_inference::wheel
