// The same as openai/whisper: tokens, times, words and numbers of its transcribe() on the same
// models and sounds. testdata/oracle/README.md says how they were written.

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/decode/oracle_case.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/reference_engine.h"

namespace rules_inference::infer {
namespace {

// The original computes in single precision.
constexpr double kTolerance = 2e-4;

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> Cases() {
  std::vector<std::string> paths;
  for (const auto& file :
       std::filesystem::directory_iterator("plugins/infer/decode/testdata/oracle")) {
    if (file.path().extension() == ".txt") paths.push_back(file.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Words of a line are the same, or both are fractions that are nearly the same.
bool IsSame(absl::string_view actual, absl::string_view expected) {
  const std::vector<absl::string_view> a = absl::StrSplit(actual, ' ');
  const std::vector<absl::string_view> b = absl::StrSplit(expected, ' ');
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    double x = 0;
    double y = 0;
    const bool are_fractions = b[i].find('.') != absl::string_view::npos &&
                               absl::SimpleAtod(a[i], &x) && absl::SimpleAtod(b[i], &y);
    if (a[i] != b[i] && !(are_fractions && std::abs(x - y) <= kTolerance)) return false;
  }
  return true;
}

class LanguageNote : public TranscribeObserver {
 public:
  void OnLanguage(int /*language*/, float probability) override { this->probability = probability; }
  float probability = 0;
};

class OracleTest : public testing::TestWithParam<std::string> {};

TEST_P(OracleTest, TranscribesTheSame) {
  const OracleCase oracle_case = ParseOracleCase(Read(GetParam()));
  std::vector<float> jfk;
  if (WantsJfk(oracle_case)) {
    const char* const shared = std::getenv("RULES_INFERENCE_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "RULES_INFERENCE_SHARED is not set";
    jfk = SamplesOfWav(Read(std::string(shared) + "/testdata/whisper/jfk.wav"));
  }
  const std::unique_ptr<Model> model = Model::Parse(ModelOf(oracle_case), "oracle").value();
  const std::unique_ptr<Engine> engine = NewReferenceEngine(model->file());
  LanguageNote note;
  const auto transcript =
      Transcribe(*engine, *model, SamplesOf(oracle_case, jfk), oracle_case.options, &note);
  ASSERT_TRUE(transcript.ok()) << transcript.status();
  const std::string text = Describe(*transcript, note.probability);
  const std::vector<absl::string_view> actual = absl::StrSplit(text, '\n');
  const std::vector<absl::string_view> expected = absl::StrSplit(oracle_case.expected, '\n');
  for (size_t i = 0; i < std::max(actual.size(), expected.size()); ++i) {
    const absl::string_view a = i < actual.size() ? actual[i] : "nothing";
    const absl::string_view e = i < expected.size() ? expected[i] : "nothing";
    // What follows the first difference follows from it.
    ASSERT_TRUE(IsSame(a, e)) << "line " << i + 1 << "\n  got      " << a << "\n  expected " << e;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, OracleTest, testing::ValuesIn(Cases()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           return std::filesystem::path(info.param).stem().string();
                         });

}  // namespace
}  // namespace rules_inference::infer
