#include "plugins/cuda/step.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/child_process.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/memory_file_system.h"

namespace rules_inference::cuda {
namespace {

// What nvcc 13.0 prints for two architectures, shortened.
constexpr absl::string_view kPlan =
    "#$ CICC_PATH=cuda/bin/../nvvm/bin\n"
    "#$ \"/usr/bin\"/gcc -D__CUDA_ARCH_LIST__=800,900 -E -x c++ \"k/a.cu\" "
    "-o \"cuda_object.o.cpp4.ii\" \n"
    "#$ cudafe++ --orig_src_path_name \"/tmp/k/a.cu\" --gen_c_file_name "
    "\"cuda_object.o.compute_90.cudafe1.cpp\" --stub_file_name "
    "\"cuda_object.o.compute_90.cudafe1.stub.c\" --gen_module_id_file --module_id_file_name "
    "\"cuda_object.o.module_id\" \"cuda_object.o.cpp4.ii\" \n"
    "#$ \"/usr/bin\"/gcc -D__CUDA_ARCH__=800 -E -x c++ \"k/a.cu\" "
    "-o \"cuda_object.o.compute_80.cpp1.ii\" \n"
    "#$ \"/usr/bin\"/gcc -D__CUDA_ARCH__=900 -E -x c++ \"k/a.cu\" "
    "-o \"cuda_object.o.compute_90.cpp1.ii\" \n"
    "#$ fatbinary --create=\"cuda_object.o.fatbin\" -64 "
    "\"--image3=kind=elf,sm=80,file=cuda_object.o.compute_80.cubin\" "
    "\"--image3=kind=ptx,sm=90,file=cuda_object.o.compute_90.ptx\" "
    "--embedded-fatbin=\"cuda_object.o.fatbin.c\" \n";

constexpr absl::string_view kOnePlan =
    "#$ CICC_PATH=cuda/bin/../nvvm/bin\n"
    "#$ \"$CICC_PATH/cicc\" --orig_src_file_name \"a.ii\" --orig_src_path_name \"/tmp/a.ii\" "
    "--include_file_name \"cuda_object.o.fatbin.c\" --module_id_file_name "
    "\"cuda_object.o.module_id\" --gen_c_file_name \"cuda_object.o.cudafe1.c\" --stub_file_name "
    "\"cuda_object.o.cudafe1.stub.c\" --gen_device_file_name \"cuda_object.o.cudafe1.gpu\" "
    "\"cuda_object.o.cpp1.ii\" -o \"cuda_object.o.ptx\"\n"
    "#$ ptxas -arch=sm_80 -m64  \"cuda_object.o.ptx\"  -o \"cuda_object.o.cubin\" \n";

// Answers as the tools do, and keeps what they were asked.
class Tools {
 public:
  explicit Tools(base::FileSystem& files) : files_(files) {}

  absl::StatusOr<base::ChildAnswer> operator()(const std::vector<std::string>& argv) {
    calls.push_back(absl::StrJoin(argv, " "));
    base::ChildAnswer answer;
    if (std::find(argv.begin(), argv.end(), "--dryrun") != argv.end()) {
      answer.error = plan;
      return answer;
    }
    if (std::find(argv.begin(), argv.end(), "-dM") != argv.end()) {
      answer.output = "#define __GNUC__ 16\n#define __GNUC_MINOR__ 1\n";
      return answer;
    }
    if (absl::StrContains(calls.back(), fails)) {
      answer.exit_code = 2;
      answer.error = says;
      return answer;
    }
    if (absl::StrContains(argv[0], "ptxas")) {
      ptxas_read = base::ReadFile(files_, argv[3], 1 << 20).value_or("nothing");
    }
    for (size_t i = 0; i + 1 < argv.size(); ++i) {
      if (argv[i] == "-o") Write(argv[i + 1], absl::StrContains(argv[0], "cicc") ? ptx : "out");
      if (argv[i] == "-MF") Write(argv[i + 1], "x: k/a.cu cuda/bin/..//include/used.h\n");
      if (argv[i] == "--gen_c_file_name") Write(argv[i + 1], "host");
      if (argv[i] == "--stub_file_name" && absl::StrContains(argv[0], "cicc")) {
        Write(argv[i + 1], absl::StrCat("# 1 \"", argv[i + 1], "\"\n"));
      }
    }
    for (absl::string_view word : argv) {
      if (absl::StartsWith(word, "--create=")) Write(std::string(word.substr(9)), "fat");
    }
    return answer;
  }

  std::string plan{kPlan};
  std::string ptx = "\t.file\t1 \"/proc/self/cwd/k/a.cu\"\n\t.file\t2 \"/x.h\", 7, 8\nret;\n";
  // A part of the command that fails; nothing does by default.
  std::string fails = "no such tool";
  std::string says;
  std::vector<std::string> calls;
  std::string ptxas_read;

 private:
  void Write(const std::string& path, absl::string_view text) {
    EXPECT_EQ(base::WriteFile(files_, path, text), absl::OkStatus());
  }

  base::FileSystem& files_;
};

StepRequest Request(absl::string_view step) {
  StepRequest request;
  request.step = std::string(step);
  request.nvcc = "cuda/bin/nvcc";
  request.ccbin = "/usr/bin/gcc";
  request.source = "k/a.cu";
  request.seed = "_1_a_cu";
  request.output = "out/a";
  request.archs = {"sm_80", "compute_90"};
  request.module_id = "out/id";
  request.stub_name = "a.stub.h";
  request.fatbin = "a.fatbin.h";
  request.toolkit = "13.0";
  request.gcc_max = "15";
  request.clang_max = "20";
  return request;
}

class StepTest : public ::testing::Test {
 protected:
  absl::Status Run(const StepRequest& request) { return Run(request, memory_); }
  absl::Status Run(const StepRequest& request, base::FileSystem& files) {
    return RunStep(
        request, files, [this](const std::vector<std::string>& argv) { return tools_(argv); },
        [this](const std::string& text) { said_ += text; });
  }
  std::string Read(const std::string& path) {
    const absl::StatusOr<std::string> text = base::ReadFile(memory_, path, 1 << 20);
    return text.ok() ? *text : std::string(text.status().message());
  }
  bool Exists(const std::string& path) { return memory_.Stat(path, base::Follow::kNo).ok(); }

  base::MemoryFileSystem memory_;
  Tools tools_{memory_};
  std::string said_;
};

TEST_F(StepTest, PreprocessesOneArchitectureWithTheListOfAll) {
  StepRequest request = Request("preprocess");
  request.arch = "compute_90";
  request.host_flags = {"-O2", "-iquote", "."};
  request.nvcc_flags = {"-std=c++20"};
  request.headers = {"cuda/include/used.h", "cuda/include/not.h"};
  request.unused = "out/unused";
  EXPECT_EQ(Run(request), absl::OkStatus());
  EXPECT_EQ(tools_.calls,
            (std::vector<std::string>{
                "cuda/bin/nvcc --dryrun -ccbin /usr/bin/gcc -x cu -c k/a.cu -o cuda_object.o "
                "-objtemp --frandom-seed=_1_a_cu -gencode=arch=compute_80,code=sm_80 "
                "-gencode=arch=compute_90,code=compute_90 -std=c++20",
                "/usr/bin/gcc -D__CUDA_ARCH__=900 -E -x c++ k/a.cu -o out/a -O2 -iquote . -MD -MF "
                "out/a.scratch/d"}));
  EXPECT_EQ(Read("out/unused"), "cuda/include/not.h\n");
  EXPECT_FALSE(Exists("out/a.scratch"));
}

TEST_F(StepTest, SplitsHostCodeOff) {
  EXPECT_EQ(Run(Request("split")), absl::OkStatus());
  ASSERT_EQ(tools_.calls.size(), 3u);
  EXPECT_EQ(tools_.calls[2],
            "cuda/bin/cudafe++ --orig_src_path_name k/a.cu --gen_c_file_name out/a "
            "--stub_file_name a.stub.h --module_id_file_name out/id out/a.scratch/host.ii");
}

TEST_F(StepTest, CompilesWithTheModuleIdAndPinsTimesOfSources) {
  tools_.plan = kOnePlan;
  StepRequest request = Request("compile");
  request.arch = "sm_80";
  request.input = "out/a.ii";
  request.stub = "out/sm_80.stub.h";
  EXPECT_EQ(Run(request), absl::OkStatus());
  ASSERT_EQ(tools_.calls.size(), 3u);
  EXPECT_EQ(tools_.calls[1],
            "cuda/bin/../nvvm/bin/cicc --orig_src_file_name k/a.cu --orig_src_path_name k/a.cu "
            "--include_file_name a.fatbin.h --module_id_file_name out/id --gen_c_file_name "
            "out/a.scratch/c --stub_file_name out/sm_80.stub.h --gen_device_file_name "
            "out/a.scratch/gpu out/a.ii -o out/a.scratch/ptx");
  EXPECT_EQ(tools_.calls[2], "cuda/bin/ptxas -arch=sm_80 -m64 out/a.scratch/ptx -o out/a");
  EXPECT_EQ(tools_.ptxas_read,
            "\t.file\t1 \"/proc/self/cwd/k/a.cu\", 1, 1\n\t.file\t2 \"/x.h\", 7, 8\nret;\n");
  EXPECT_EQ(Read("out/sm_80.stub.h"), "# 1 \"a.stub.h\"\n");
}

TEST_F(StepTest, PtxIsAnOutput) {
  tools_.plan = kOnePlan;
  StepRequest request = Request("compile");
  request.arch = "compute_80";
  request.input = "out/a.ii";
  request.stub = "out/stub.h";
  EXPECT_EQ(Run(request), absl::OkStatus());
  EXPECT_EQ(Read("out/stub.h"), "# 1 \"a.stub.h\"\n");
}

TEST_F(StepTest, PacksTheImagesThatItIsGiven) {
  StepRequest request = Request("fatbinary");
  request.images = {"sm_80:out/x.cubin", "compute_90:out/y.ptx"};
  request.embedded = "out/a.inc";
  EXPECT_EQ(Run(request), absl::OkStatus());
  EXPECT_EQ(tools_.calls.back(),
            "cuda/bin/fatbinary --create=out/a -64 --image3=kind=elf,sm=80,file=out/x.cubin "
            "--image3=kind=ptx,sm=90,file=out/y.ptx --embedded-fatbin=out/a.inc");
}

TEST_F(StepTest, AnImageWithoutPlaceIsAnError) {
  StepRequest request = Request("fatbinary");
  request.images = {"sm_90:out/x.cubin"};
  EXPECT_EQ(Run(request).message(), "plan of nvcc: k/a.cu: got no image for sm_90, expected one");
}

TEST_F(StepTest, SaysWhichHostCompilerIsTooNew) {
  tools_.fails = " -E -x c++ k/a.cu";
  tools_.says = "host_config.h:137:2: error: #error -- unsupported GNU version! gcc versions ...\n";
  EXPECT_EQ(Run(Request("split")).message(),
            "host compiler: /usr/bin/gcc: got gcc 16.1, expected gcc up to 15 or clang up to 20, "
            "which CUDA 13.0 accepts\nhint: build with another C++ toolchain; or, at your own "
            "risk, add -allow-unsupported-compiler to cuda_copts");
  EXPECT_EQ(said_, "");
}

TEST_F(StepTest, AFailedToolLeavesNothingAndIsHeard) {
  tools_.plan = kOnePlan;
  tools_.fails = "ptxas -arch";
  tools_.says = "ptxas fatal: no\n";
  StepRequest request = Request("compile");
  request.arch = "sm_80";
  request.input = "out/a.ii";
  request.stub = "out/stub.h";
  EXPECT_EQ(Run(request).message(), "cuda: k/a.cu: got exit code 2 of ptxas for sm_80, expected 0");
  EXPECT_EQ(said_, "ptxas fatal: no\n");
  for (const char* path : {"out/a", "out/stub.h", "out/a.scratch"}) EXPECT_FALSE(Exists(path));
}

TEST_F(StepTest, APlanThatIsNotUnderstoodIsAnError) {
  tools_.plan = "#$ gcc a.cu\n";
  EXPECT_EQ(Run(Request("split")).message(),
            "plan of nvcc: k/a.cu: got 0 commands that write .cpp4.ii, expected 1");
}

TEST_F(StepTest, AFailingDiskLeavesNothing) {
  StepRequest request = Request("compile");
  request.arch = "sm_80";
  request.input = "out/a.ii";
  request.stub = "out/stub.h";
  tools_.plan = kOnePlan;
  int faults = 0;
  for (int n = 1;; ++n) {
    base::FaultyFileSystem faulty(memory_, n, absl::ResourceExhaustedError("disk full"));
    const absl::Status status = Run(request, faulty);
    if (!faulty.failed()) break;
    ++faults;
    if (!status.ok()) {
      EXPECT_FALSE(Exists("out/a")) << n << ": " << status;
    }
  }
  EXPECT_GT(faults, 5);
}

TEST(ParseStepRequest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(ParseStepRequest({"--step=link"}).status().message(),
            "cuda step: --step: got 'link', expected preprocess, compile, split or fatbinary");
  EXPECT_EQ(ParseStepRequest({"--stop=1"}).status().message(),
            "cuda step: arguments: got '--stop=1', expected --<field>=<value>");
  EXPECT_EQ(ParseStepRequest({"x"}).status().message(),
            "cuda step: arguments: got 'x', expected --<field>=<value>");
  EXPECT_EQ(ParseStepRequest({"--step=split", "--nvcc=n", "--ccbin=c"}).status().message(),
            "cuda step: --source: got nothing, expected a value");
}

TEST(ParseStepRequest, ListsAreRepetitions) {
  const absl::StatusOr<StepRequest> request =
      ParseStepRequest({"--step=split", "--nvcc=n", "--ccbin=c", "--source=s", "--output=o",
                        "--seed=i", "--archs=sm_80", "--archs=sm_90a", "--host_flag=-DA=1"});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->archs, (std::vector<std::string>{"sm_80", "sm_90a"}));
  EXPECT_EQ(request->host_flags, (std::vector<std::string>{"-DA=1"}));
}

}  // namespace
}  // namespace rules_inference::cuda
