#include "plugins/wheel/venv/venv.h"

#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "plugins/base/digest.h"
#include "plugins/base/elf/test_elf.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/venv/test_tree.h"

namespace rules_inference::wheel {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Contents = std::map<std::string, std::string>;

constexpr char kSite[] = "lib/python3.12/site-packages/";

class VenvTest : public testing::Test {
 protected:
  VenvTest() : root_(absl::StrCat(testing::TempDir(), "/venv")), fs_(root_) {
    EXPECT_TRUE(real_.RemoveTree(root_).ok());
    EXPECT_TRUE(real_.CreateDirectories(root_).ok());
    request_.set_output_dir("out/env");
    request_.set_summary_output("out/env.json");
    request_.set_python_version("3.12");
  }

  void Tree(const std::string& name, const Contents& files, const std::string& version = "1.0",
            sdk::WheelTreeMode mode = sdk::TARGET) {
    AddTree(fs_, absl::StrCat("trees/", name, "_", version), name, version, files, request_, mode);
  }
  void Choose(const std::string& path, const std::string& owner) {
    sdk::VenvChoice* choice = request_.add_choices();
    choice->set_path(path);
    choice->set_owner(owner);
  }
  absl::Status Run() { return MakeVenv(request_, fs_, nullptr); }
  std::string Error() {
    const absl::Status status = Run();
    EXPECT_FALSE(fs_.Stat("out/env", base::Follow::kNo).ok());
    EXPECT_FALSE(fs_.Stat("out/env.json", base::Follow::kNo).ok());
    return std::string(status.message());
  }
  std::string Read(const std::string& path) {
    return base::ReadFile(real_, absl::StrCat(root_, "/out/env/", path), 1 << 20)
        .value_or("(no file)");
  }

  void Walk(const std::string& path, std::vector<std::string>& lines) {
    const std::vector<std::string> names = fs_.List(path).value();
    for (const std::string& name : names) {
      const std::string child = absl::StrCat(path, "/", name);
      const base::NodeInfo info = fs_.Stat(child, base::Follow::kNo).value();
      const std::string shown = absl::StrReplaceAll(child.substr(8), {{kSite, "S/"}});
      if (info.type == base::NodeType::kSymlink) {
        lines.push_back(absl::StrCat(shown, " -> ", fs_.ReadLink(child).value()));
      } else if (info.type == base::NodeType::kDirectory) {
        Walk(child, lines);
      } else {
        lines.push_back(shown);
      }
    }
  }
  // What was made, but for what every environment has and the links of `.dist-info`; links with the
  // way out of the environment left out.
  std::vector<std::string> Made() {
    const absl::Status status = Run();
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> all;
    Walk("out/env", all);
    std::vector<std::string> lines;
    for (const std::string& line : all) {
      if (line == "pyvenv.cfg" || absl::StartsWith(line, "bin/python") ||
          absl::StrContains(line, ".dist-info ")) {
        continue;
      }
      lines.push_back(absl::StrReplaceAll(line, {{"../", ""}}));
    }
    return lines;
  }

  const std::string root_;
  base::RealFileSystem real_;
  base::RealFileSystem fs_;
  sdk::WheelVenvRequest request_;
};

std::string Library(const std::string& runpath) {
  base::TestElf elf;
  elf.runpath = runpath;
  return base::BuildElf(elf);
}

// --- Links --------------------------------------------------------------------------------------

TEST_F(VenvTest, PackageOfOneWheelIsOneLink) {
  Tree("demo", {{"demo/__init__.py", ""}, {"demo/sub/a.py", ""}, {"single.py", ""}});
  EXPECT_THAT(Made(), ElementsAre("S/demo -> trees/demo_1.0/demo",
                                  "S/single.py -> trees/demo_1.0/single.py"));
}

TEST_F(VenvTest, LinksAreRelativeToWhereTheyAre) {
  Tree("demo", {{"demo/__init__.py", "x"}});
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(fs_.ReadLink("out/env/lib/python3.12/site-packages/demo").value(),
            "../../../../../trees/demo_1.0/demo");
  EXPECT_EQ(Read(absl::StrCat(kSite, "demo/__init__.py")), "x");
}

TEST_F(VenvTest, DirectoryThatTwoWheelsFillIsReal) {
  Tree("one", {{"nvidia/cu13/lib/a.so", "a"}, {"nvidia/cu13/include/a/a.h", ""}});
  Tree("two", {{"nvidia/cu13/lib/b.so", "b"}, {"nvidia/cu13/bin/b", ""}});
  EXPECT_THAT(Made(), ElementsAre("S/nvidia/cu13/bin -> trees/two_1.0/nvidia/cu13/bin",
                                  "S/nvidia/cu13/include -> trees/one_1.0/nvidia/cu13/include",
                                  "S/nvidia/cu13/lib/a.so -> trees/one_1.0/nvidia/cu13/lib/a.so",
                                  "S/nvidia/cu13/lib/b.so -> trees/two_1.0/nvidia/cu13/lib/b.so"));
}

TEST_F(VenvTest, SameFileOfTwoWheelsIsThatOfTheFirst) {
  Tree("cublas", {{"nvidia/__init__.py", ""}, {"nvidia/cublas/lib/a.so", ""}});
  Tree("cudnn", {{"nvidia/__init__.py", ""}, {"nvidia/cudnn/lib/b.so", ""}});
  EXPECT_THAT(Made(), ElementsAre("S/nvidia/__init__.py -> trees/cublas_1.0/nvidia/__init__.py",
                                  "S/nvidia/cublas -> trees/cublas_1.0/nvidia/cublas",
                                  "S/nvidia/cudnn -> trees/cudnn_1.0/nvidia/cudnn"));
}

TEST_F(VenvTest, ParentsOfLibrariesThatLeaveTheirDirectoryAreReal) {
  Tree("torch", {{"torch/__init__.py", ""},
                 {"torch/include/x.h", ""},
                 {"torch/lib/libtorch.so", Library("$ORIGIN:$ORIGIN/../../nvidia/lib")}});
  EXPECT_THAT(Made(),
              ElementsAre("S/torch/__init__.py -> trees/torch_1.0/torch/__init__.py",
                          "S/torch/include -> trees/torch_1.0/torch/include",
                          "S/torch/lib/libtorch.so -> trees/torch_1.0/torch/lib/libtorch.so"));
}

TEST_F(VenvTest, LibrariesThatStayBelowALinkAreNoReasonForADirectory) {
  Tree("demo", {{"demo/a/b/lib.so", Library("$ORIGIN/../c")}, {"demo/a/c/x.so", Library("")}});
  EXPECT_THAT(Made(), ElementsAre("S/demo -> trees/demo_1.0/demo"));
}

TEST_F(VenvTest, FilesBesideSitePackagesOfATargetTree) {
  Tree("demo", {{"demo.libs/x.so", ""},
                {"@STEM@.data/data/share/demo/d.txt", ""},
                {"@STEM@.data/data/lib/libmkl.so", ""},
                {"@STEM@.data/headers/demo.h", ""},
                {"@STEM@.data/scripts/tool", "#!/bin/sh\n"}});
  EXPECT_THAT(Made(), ElementsAre("bin/tool -> trees/demo_1.0/bin/tool",
                                  "include/site/python3.12 -> trees/demo_1.0/include",
                                  "lib/libmkl.so -> trees/demo_1.0/lib/libmkl.so",
                                  "S/demo.libs -> trees/demo_1.0/demo.libs",
                                  "share -> trees/demo_1.0/share"));
}

TEST_F(VenvTest, PrefixTreesGiveTheSame) {
  Tree("demo", {{"demo/__init__.py", ""}, {"@STEM@.data/data/share/d.txt", ""}}, "1.0",
       sdk::PREFIX);
  EXPECT_THAT(Made(), ElementsAre("S/demo -> trees/demo_1.0/lib/python3.12/site-packages/demo",
                                  "share -> trees/demo_1.0/share"));
}

TEST_F(VenvTest, PackageThatIsCalledBinStaysInSitePackages) {
  Tree("demo", {{"bin/__init__.py", ""}, {"etc/x.py", ""}, {"include/a.py", ""}});
  EXPECT_THAT(Made(), ElementsAre("S/bin -> trees/demo_1.0/bin", "S/etc -> trees/demo_1.0/etc",
                                  "S/include -> trees/demo_1.0/include"));
}

TEST_F(VenvTest, BuildFilesOfWheelsAreFilesLikeOthers) {
  Tree("demo", {{"demo/__init__.py", ""}, {"demo/BUILD.bazel", "x"}, {"x.pth", "import demo\n"}});
  EXPECT_THAT(Made(),
              ElementsAre("S/demo -> trees/demo_1.0/demo", "S/x.pth -> trees/demo_1.0/x.pth"));
}

TEST_F(VenvTest, ExcludedFilesMakeTheirDirectoriesReal) {
  Tree("demo", {{"demo/__init__.py", ""}, {"demo/tests/a.py", ""}, {"demo/sub/x.py", ""}});
  request_.add_exclude("demo/tests/**");
  EXPECT_THAT(Made(), ElementsAre("S/demo/__init__.py -> trees/demo_1.0/demo/__init__.py",
                                  "S/demo/sub -> trees/demo_1.0/demo/sub"));
}

// --- Programs -----------------------------------------------------------------------------------

TEST_F(VenvTest, ScriptsRunTheInterpreterBesideThem) {
  Tree("demo", {{"@STEM@.data/scripts/run", "#!python -E\nprint(1)\n"}});
  EXPECT_THAT(Made(), ElementsAre("bin/run"));
  EXPECT_EQ(Read("bin/run"),
            "#!/bin/sh\n'''exec' \"${0%/*}/python\" \"$0\" \"$@\"\n' '''\nprint(1)\n");
  EXPECT_TRUE(fs_.Stat("out/env/bin/run", base::Follow::kNo)->owner_executable);
}

TEST_F(VenvTest, ConfigHasNoPathOfTheMachine) {
  Tree("demo", {{"demo/__init__.py", ""}});
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(
      Read("pyvenv.cfg"),
      StartsWith("include-system-site-packages = false\nversion = 3.12\nrules_inference = "));
  EXPECT_THAT(Read("bin/python3.12"), AllOf(StartsWith("#!/bin/sh\n"), Not(HasSubstr(root_))));
}

TEST_F(VenvTest, InterpreterIsLinked) {
  ASSERT_TRUE(fs_.CreateDirectories("trees/py").ok());
  ASSERT_TRUE(base::WriteFile(fs_, "trees/py/python", "#!/bin/sh\n").ok());
  Tree("demo", {{"demo/__init__.py", ""}});
  request_.set_interpreter("trees/py/python");
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(fs_.ReadLink("out/env/bin/base_python").value(), "../../../trees/py/python");
}

// --- Collisions ---------------------------------------------------------------------------------

TEST_F(VenvTest, DifferentFilesOfTwoWheels) {
  Tree("opencv-python", {{"cv2/__init__.py", "a"}, {"cv2/cv2.so", "a"}, {"cv2/data/x", "same"}});
  Tree("opencv-python-headless",
       {{"cv2/__init__.py", "b"}, {"cv2/cv2.so", "b"}, {"cv2/data/x", "same"}});
  EXPECT_EQ(Error(),
            "virtual environment: cv2/__init__.py (and 1 more path): got different files of "
            "opencv-python 1.0 and opencv-python-headless 1.0, expected one owner\n"
            "hint: choose = {\"cv2\": \"opencv-python\"} takes that of opencv-python");
}

TEST_F(VenvTest, ModuleOfTwoWheels) {
  Tree("pynvml", {{"pynvml.py", "a"}});
  Tree("nvidia-ml-py", {{"pynvml.py", "b"}, {"example.py", ""}});
  EXPECT_EQ(
      Error(),
      "virtual environment: pynvml.py: got different files of nvidia-ml-py 1.0 and pynvml 1.0, "
      "expected one owner\n"
      "hint: choose = {\"pynvml.py\": \"nvidia-ml-py\"} takes that of nvidia-ml-py");
}

TEST_F(VenvTest, ModuleAndPackageOfOneName) {
  Tree("pynvml", {{"pynvml/__init__.py", "a"}, {"pynvml/smi.py", "a"}});
  Tree("nvidia-ml-py", {{"pynvml.py", "b"}});
  EXPECT_EQ(
      Error(),
      "virtual environment: pynvml: got 'pynvml/__init__.py' of pynvml 1.0 and 'pynvml.py' of "
      "nvidia-ml-py 1.0, which are imported by one name, expected one owner\n"
      "hint: choose = {\"pynvml\": \"pynvml\"} takes that of pynvml");
  Choose("pynvml", "nvidia-ml-py");
  EXPECT_THAT(Made(), ElementsAre("S/pynvml.py -> trees/nvidia-ml-py_1.0/pynvml.py"));
}

TEST_F(VenvTest, ModuleBesideADirectoryThatIsNoPackage) {
  Tree("one", {{"demo/data.txt", "a"}});
  Tree("two", {{"demo.py", "b"}});
  EXPECT_THAT(Made(),
              ElementsAre("S/demo -> trees/one_1.0/demo", "S/demo.py -> trees/two_1.0/demo.py"));
}

TEST_F(VenvTest, FileWhereAnotherHasADirectory) {
  Tree("one", {{"demo/x", ""}});
  Tree("two", {{"demo", ""}});
  EXPECT_EQ(Error(),
            "virtual environment: demo: got a file of two 1.0 and a directory of one 1.0, expected "
            "one owner\nhint: choose = {\"demo\": \"two\"} takes that of two");
}

TEST_F(VenvTest, NamesThatDifferByCase) {
  Tree("one", {{"Demo/x.py", ""}});
  Tree("two", {{"demo/y.py", ""}});
  EXPECT_EQ(Error(),
            "virtual environment: demo: got 'Demo' of one 1.0 and 'demo' of two 1.0, expected one "
            "owner\nhint: choose = {\"demo\": \"one\"} takes that of one");
}

TEST_F(VenvTest, FilesOfTheEnvironmentItself) {
  Tree("one", {{"@STEM@.data/scripts/Python3", ""}});
  EXPECT_EQ(Error(),
            "virtual environment: bin/Python3: got 'bin/python3' of every environment and "
            "'bin/Python3' of one 1.0, expected one owner");
}

TEST_F(VenvTest, TwoVersions) {
  Tree("demo-a", {{"a.py", ""}}, "1.0");
  Tree("Demo_A", {{"b.py", ""}}, "2.0");
  EXPECT_EQ(Error(),
            "virtual environment: Demo_A: got demo-a 1.0 and Demo_A 2.0, expected a distribution "
            "once");
}

// --- Choices ------------------------------------------------------------------------------------

TEST_F(VenvTest, ChosenDirectoryIsOfOneWheel) {
  Tree("opencv-python", {{"cv2/__init__.py", "a"}, {"cv2/gui.so", "a"}});
  Tree("opencv-python-headless", {{"cv2/__init__.py", "b"}});
  Choose("cv2", "OpenCV_python_headless");
  EXPECT_THAT(Made(), ElementsAre("S/cv2 -> trees/opencv-python-headless_1.0/cv2"));
}

TEST_F(VenvTest, ChosenFile) {
  Tree("cublas", {{"nvidia/__init__.py", "a"}, {"nvidia/cublas/x.so", ""}});
  Tree("cudnn", {{"nvidia/__init__.py", "b"}, {"nvidia/cudnn/x.so", ""}});
  Choose("nvidia/__init__.py", "cudnn");
  EXPECT_THAT(Made(), ElementsAre("S/nvidia/__init__.py -> trees/cudnn_1.0/nvidia/__init__.py",
                                  "S/nvidia/cublas -> trees/cublas_1.0/nvidia/cublas",
                                  "S/nvidia/cudnn -> trees/cudnn_1.0/nvidia/cudnn"));
}

TEST_F(VenvTest, ChoiceThatMixesAPackage) {
  Tree("one", {{"cv2/__init__.py", "a"}, {"cv2/one.so", ""}});
  Tree("two", {{"cv2/__init__.py", "b"}, {"cv2/two.so", ""}});
  Choose("cv2/__init__.py", "two");
  EXPECT_EQ(Error(),
            "virtual environment: choose: got 'cv2/__init__.py' of two, and 'cv2/one.so' of one "
            "beside it, expected a directory of one of both\nhint: choose = {\"cv2\": \"two\"}");
}

TEST_F(VenvTest, ChoicesThatMeanNothing) {
  Tree("one", {{"a/x.py", "1"}, {"c.py", ""}});
  Tree("two", {{"a/x.py", "2"}, {"b.py", ""}});
  const std::vector<std::pair<std::string, std::string>> choices = {
      {"a", "three"}, {"d", "one"}, {"b.py", "one"}, {"c.py", "one"}, {"../a", "one"}};
  std::vector<std::string> messages;
  for (const auto& [path, owner] : choices) {
    request_.clear_choices();
    Choose(path, owner);
    messages.push_back(Error());
  }
  EXPECT_THAT(
      messages,
      ElementsAre(
          "virtual environment: choose 'a': got 'three', which is not in it, expected one "
          "of its distributions",
          "virtual environment: choose 'd': got no file there, expected files of one and of "
          "others",
          "virtual environment: choose 'b.py': got files of two, expected files of one and "
          "of others",
          "virtual environment: choose 'c.py': got files of one only, expected files of one "
          "and of others",
          "virtual environment: choose: got '../a', expected a path in site-packages, or of "
          "a file beside it"));
}

TEST_F(VenvTest, ChoicesThatOverlap) {
  Tree("one", {{"a/x.py", "1"}});
  Tree("two", {{"a/x.py", "2"}});
  Choose("a", "one");
  Choose("a/x.py", "two");
  EXPECT_EQ(Error(),
            "virtual environment: choose: got 'a/x.py' below 'a', expected choices that do not "
            "overlap");
}

// --- Requests and hostile inputs ----------------------------------------------------------------

TEST_F(VenvTest, RequestsThatAreNotWhole) {
  Tree("one", {{"a.py", ""}});
  const sdk::WheelVenvRequest good = request_;
  request_.set_python_version("3");
  EXPECT_EQ(Error(), "wheel request: python_version: got '3', expected major.minor, such as 3.12");
  request_ = good;
  request_.clear_output_dir();
  EXPECT_EQ(Error(),
            "wheel request: output_dir and summary_output: got '' and 'out/env.json', expected two "
            "paths");
  request_ = good;
  request_.set_output_dir("/env");
  EXPECT_EQ(
      Error(),
      "wheel request: output_dir: got '/env' and 'trees/one_1.0', expected both absolute, or a "
      "relative output_dir");
  request_ = good;
  request_.clear_trees();
  EXPECT_EQ(Error(), "wheel request: trees: got none, expected at least one");
}

TEST_F(VenvTest, DirectoryThatIsNotEmpty) {
  Tree("one", {{"a.py", ""}});
  ASSERT_TRUE(fs_.CreateDirectories("out/env").ok());
  ASSERT_TRUE(base::WriteFile(fs_, "out/env/old", "x").ok());
  EXPECT_EQ(Run().message(), "output directory: out/env: got 'old', expected nothing in it");
  EXPECT_EQ(Read("old"), "x");
}

TEST_F(VenvTest, TreeOfAnotherPython) {
  request_.set_python_version("3.11");
  Tree("one", {{"a.py", ""}}, "1.0", sdk::PREFIX);
  request_.set_python_version("3.12");
  EXPECT_EQ(Error(),
            "wheel tree: trees/one_1.0: got packages in 'lib/python3.11/site-packages', expected "
            "'lib/python3.12/site-packages'");
}

class HostileLayoutTest : public VenvTest {
 protected:
  // Changes RECORD, and the layout such that it fits again.
  void Spoil(const std::string& record) {
    const std::string path = "trees/one_1.0/one-1.0.dist-info/RECORD";
    std::string text = base::ReadFile(fs_, path, 1 << 20).value();
    const std::string before = base::Sha256::Of(text).Hex();
    absl::StrAppend(&text, record);
    ASSERT_TRUE(base::WriteFile(fs_, path, text).ok());
    std::string layout = base::ReadFile(fs_, "trees/one_1.0.json", 1 << 20).value();
    layout = absl::StrReplaceAll(layout, {{before, base::Sha256::Of(text).Hex()}});
    ASSERT_TRUE(base::WriteFile(fs_, "trees/one_1.0.json", layout).ok());
  }
  std::string Row(const std::string& path) {
    return path + ",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n";
  }
};

TEST_F(HostileLayoutTest, PathThatLeavesTheTree) {
  Tree("one", {{"a.py", ""}});
  Spoil(Row("../../evil.py"));
  EXPECT_EQ(Error(),
            "wheel RECORD: trees/one_1.0/one-1.0.dist-info/RECORD: got '../../evil.py', expected a "
            "path in the tree");
}

TEST_F(HostileLayoutTest, PathWithDotsInside) {
  Tree("one", {{"a.py", ""}});
  Spoil(Row("a/../../evil.py"));
  EXPECT_EQ(
      Error(),
      "wheel RECORD: trees/one_1.0/one-1.0.dist-info/RECORD: got 'a/../../evil.py', expected a "
      "path in the tree");
}

TEST_F(HostileLayoutTest, FileThatIsNotThere) {
  Tree("one", {{"a.py", ""}});
  Spoil(Row("ghost.py"));
  EXPECT_THAT(Error(), HasSubstr("trees/one_1.0/ghost.py"));
}

TEST_F(HostileLayoutTest, DirectoryInPlaceOfAFile) {
  Tree("one", {{"a.py", ""}});
  Spoil(Row("x"));
  ASSERT_TRUE(fs_.CreateDirectories("trees/one_1.0/x").ok());
  EXPECT_EQ(Error(), "wheel tree: trees/one_1.0/x: got a directory, expected what its RECORD says");
}

TEST_F(HostileLayoutTest, RecordOfAnotherTree) {
  Tree("one", {{"a.py", ""}});
  ASSERT_TRUE(base::WriteFile(fs_, "trees/one_1.0/one-1.0.dist-info/RECORD", "a.py,,\n").ok());
  EXPECT_THAT(Error(), AllOf(HasSubstr("expected that of its layout, '"),
                             StartsWith("wheel tree: trees/one_1.0/one-1.0.dist-info/RECORD: got "
                                        "sha256 ")));
}

TEST_F(HostileLayoutTest, RealDirectoryThatLeavesTheTree) {
  Tree("one", {{"a.py", ""}});
  const std::string path = "trees/one_1.0.json";
  sdk::WheelLayout layout =
      sdk::ParseJson<sdk::WheelLayout>(path, base::ReadFile(fs_, path, 1 << 20).value()).value();
  layout.add_real_directories("../x");
  ASSERT_TRUE(base::WriteFile(fs_, path, sdk::ToCanonicalJson(layout)).ok());
  EXPECT_EQ(Error(), "wheel layout: trees/one_1.0.json: got '../x', expected a path in the tree");
}

// --- Same bytes, and nothing half done ----------------------------------------------------------

TEST_F(VenvTest, OrderOfTreesDoesNotMatter) {
  Tree("one", {{"ns/a.py", ""}, {"@STEM@.data/scripts/run", "#!python\n"}});
  Tree("two", {{"ns/b.py", ""}});
  const std::vector<std::string> first = Made();
  const std::string config = Read("pyvenv.cfg");
  ASSERT_TRUE(fs_.RemoveTree("out").ok());
  request_.mutable_trees()->SwapElements(0, 1);
  EXPECT_EQ(Made(), first);
  EXPECT_EQ(Read("pyvenv.cfg"), config);
}

TEST_F(VenvTest, Summary) {
  Tree("One_x", {{"ns/a.py", ""}, {"@STEM@.data/scripts/run", "#!python\n"}});
  Tree("two", {{"ns/b.py", ""}});
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(base::ReadFile(fs_, "out/env.json", 1 << 20).value(),
            "{\"directories\":5,\"directory_links\":2,\"file_links\":2,\"files\":5,"
            "\"python_version\":\"3.12\",\"wheel_files\":11,"
            "\"wheels\":[\"one-x==1.0\",\"two==1.0\"]}\n");
}

TEST_F(VenvTest, EveryFailureLeavesNothing) {
  Tree("one", {{"ns/a.py", ""}, {"@STEM@.data/scripts/run", "#!python\n"}});
  Tree("two", {{"ns/b.py", ""}, {"two/__init__.py", ""}});
  int n = 1;
  for (;; ++n) {
    base::FaultyFileSystem faulty(fs_, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = MakeVenv(request_, faulty, nullptr);
    if (!faulty.failed()) {
      EXPECT_TRUE(status.ok()) << status;
      break;
    }
    // Where an error is an answer (no such directory), the rest goes on.
    if (status.ok()) {
      ASSERT_TRUE(fs_.RemoveTree("out").ok());
      continue;
    }
    EXPECT_FALSE(fs_.Stat("out/env", base::Follow::kNo).ok()) << n;
    EXPECT_FALSE(fs_.Stat("out/env.json", base::Follow::kNo).ok()) << n;
    ASSERT_TRUE(fs_.RemoveTree("out").ok());
  }
  EXPECT_GT(n, 40);
}

TEST_F(VenvTest, Cancelled) {
  Tree("one", {{"a.py", ""}});
  const std::atomic<bool> cancelled = true;
  EXPECT_TRUE(absl::IsCancelled(MakeVenv(request_, fs_, &cancelled)));
  EXPECT_FALSE(fs_.Stat("out/env", base::Follow::kNo).ok());
}

}  // namespace
}  // namespace rules_inference::wheel
