// The way to cuBLASLt: how it is opened, what it is told, and what is said when there is none. In
// its place is a library of the same interface that works on the host (testdata/fake_cublaslt.cc).

#include "plugins/infer/cuda/cublaslt_blas.h"

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "plugins/infer/cuda/accelerated_engine.h"
#include "plugins/infer/cuda/accelerator.h"
#include "plugins/infer/cuda/blas.h"
#include "plugins/infer/cuda/cublaslt_api.h"
#include "plugins/infer/cuda/simt_accelerator.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/reference_engine.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer::cuda {
namespace {

constexpr char kFake[] = "plugins/infer/cuda/testdata/libfake_cublaslt.so";
constexpr char kNotThere[] = "libcublasLt_that_nobody_has.so.13";

// A variable of the environment, as long as the object lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

TEST(CublasLtLoadTest, ALibraryThatIsNotThere) {
  EXPECT_EQ(cublaslt::Load(kNotThere).status(),
            absl::UnavailableError("no libcublasLt_that_nobody_has.so.13 on this machine"));
}

TEST(CublasLtLoadTest, ALibraryWithoutItsFunctions) {
  EXPECT_EQ(cublaslt::Load("libm.so.6").status(),
            absl::UnavailableError("libm.so.6 has no cublasLtGetVersion"));
}

TEST(CublasLtLoadTest, ALibraryOfAnotherVersion) {
  const Variable version("FAKE_CUBLASLT_VERSION", "120904");
  EXPECT_EQ(cublaslt::Load(kFake).status(),
            absl::UnavailableError(absl::StrCat(kFake, " is of version 12.9.4, expected 13")));
}

TEST(CublasLtLoadTest, AFileThatIsNoLibrary) {
  const std::string path = testing::TempDir() + "/no_library.so";
  std::ofstream(path) << "text";
  const absl::Status status = cublaslt::Load(path.c_str()).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_TRUE(absl::StrContains(status.message(), "no_library.so: file too short")) << status;
}

// An engine on the executor, with the library that its loader is asked for.
class CublasLtTest : public testing::Test {
 protected:
  CublasLtTest() {
    Hyperparameters p = *SizeOf("test");
    p.audio_context = 6;
    p.text_context = 16;
    bytes_ = MadeModel({.parameters = p, .type = TensorType::kQ8_0, .seed = 3});
    file_ = std::make_unique<ModelFile>(*ModelFile::Parse(bytes_, "m.bin"));
    for (int i = 0; i < 12 * 80; ++i) mel_.push_back(std::sin(0.3F * static_cast<float>(i)));
  }

  std::unique_ptr<Engine> Open(const char* soname) {
    const BlasLibrary library = CublasLt(soname);
    auto engine =
        NewAcceleratedEngine(NewSimtAccelerator({}), *file_,
                             {.blas = &library, .blas_rows = 2, .note = [this](auto line) {
                                lines_.emplace_back(line);
                              }});
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  std::vector<float> Logits(Engine& engine) const {
    const std::vector<absl::Span<const float>> mels(2, mel_);
    auto windows = engine.Encode(mels);
    EXPECT_TRUE(windows.ok()) << windows.status();
    auto decoding = engine.NewDecoding(*(*windows)[1], 1);
    EXPECT_TRUE(decoding.ok()) << decoding.status();
    DecodeStep step = {
        .decoding = decoding->get(), .parents = {0}, .tokens = {50257, 11, 500}, .wanted = {0, 2}};
    const absl::Status status = engine.Decode(absl::MakeSpan(&step, 1));
    EXPECT_TRUE(status.ok()) << status;
    return std::move(step.logits);
  }

  void ExpectLogitsOfReference(Engine& engine) const {
    const std::vector<float> expected = Logits(*NewReferenceEngine(*file_));
    const std::vector<float> got = Logits(engine);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 0.05) << i;
  }

  std::string bytes_;
  std::unique_ptr<ModelFile> file_;
  std::vector<float> mel_;
  std::vector<std::string> lines_;
};

TEST_F(CublasLtTest, MultipliesAsTheReference) {
  const auto engine = Open(kFake);
  EXPECT_EQ(engine->Describe(), "simt with cuBLASLt 13.1.0");
  ExpectLogitsOfReference(*engine);
  EXPECT_EQ(lines_, std::vector<std::string>());
}

TEST_F(CublasLtTest, WithoutTheLibraryOwnKernelsDoTheWorkAndOneLineSaysWhy) {
  const auto engine = Open(kNotThere);
  EXPECT_EQ(lines_, std::vector<std::string>{
                        "no usable cuBLASLt: no libcublasLt_that_nobody_has.so.13 on this machine; "
                        "using own kernels"});
  EXPECT_EQ(engine->Describe(), "simt");
  ExpectLogitsOfReference(*engine);
}

TEST_F(CublasLtTest, ALibraryThatDoesNotStart) {
  const Variable fails("FAKE_CUBLASLT_FAILS", "Create");
  Open(kFake);
  EXPECT_EQ(lines_, std::vector<std::string>{
                        "no usable cuBLASLt: cublasLtCreate: CUBLAS_STATUS_NOT_INITIALIZED; using "
                        "own kernels"});
}

TEST_F(CublasLtTest, ALibraryWithoutAnAlgorithm) {
  const Variable fails("FAKE_CUBLASLT_FAILS", "MatmulAlgoGetHeuristic");
  Open(kFake);
  EXPECT_EQ(lines_, std::vector<std::string>{"no usable cuBLASLt: cublasLtMatmulAlgoGetHeuristic: "
                                             "CUBLAS_STATUS_NOT_SUPPORTED; using own kernels"});
}

TEST_F(CublasLtTest, ALibraryThatFailsLater) {
  const auto engine = Open(kFake);
  const Variable fails("FAKE_CUBLASLT_FAILS", "Matmul");
  ExpectLogitsOfReference(*engine);
  EXPECT_EQ(lines_, std::vector<std::string>{
                        "cuBLASLt 13.1.0 failed: cublasLtMatmul: CUBLAS_STATUS_NOT_SUPPORTED; "
                        "going on with own kernels"});
}

// Products of the same matrix with other numbers of rows.
class CublasLtChoiceTest : public testing::Test {
 protected:
  CublasLtChoiceTest() : log_(testing::TempDir() + "/choices") {
    std::ofstream truncated(log_);
    memory_ = *Buffer::Make(*accelerator_, size_t{1} << 20);
    blas_ = *CublasLt(kFake).open(*accelerator_);
  }
  ~CublasLtChoiceTest() override { blas_.reset(); }

  std::string Choices(const std::vector<int>& rows) {
    const Variable log("FAKE_CUBLASLT_LOG", log_);
    for (const int count : rows) {
      const ProductArgs args = {.weight = memory_.as<Half>(),
                                .in = memory_.as<Half>() + 1024,
                                .rows = count,
                                .columns = 32,
                                .depth = 32,
                                .out = memory_.as<float>() + 65536};
      EXPECT_TRUE(blas_->Product(args, nullptr).ok());
    }
    std::ostringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
  }

  const std::string log_;
  std::unique_ptr<Accelerator> accelerator_ = NewSimtAccelerator({});
  Buffer memory_;
  std::unique_ptr<Blas> blas_;
};

TEST_F(CublasLtChoiceTest, AnAlgorithmIsChosenOnceForAllNumbersOfRows) {
  EXPECT_EQ(Choices({128, 300, 128, 1500, 2000}), "1500 rows\n");
}

TEST_F(CublasLtChoiceTest, RowsThatItCannotDoHaveTheirOwn) {
  const Variable one("FAKE_CUBLASLT_ONE_SHAPE", "1");
  EXPECT_EQ(Choices({128, 300, 128}), "1500 rows\n128 rows\n300 rows\n");
}

}  // namespace
}  // namespace rules_inference::infer::cuda
