#include "plugins/infer/cli/infer.h"

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/base/faulty_file_system.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/infer/audio/test_wav.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/reference_engine.h"

namespace rules_inference::infer {
namespace {

class InferTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = absl::StrCat(testing::TempDir(), "/",
                         testing::UnitTest::GetInstance()->current_test_info()->name());
    ASSERT_TRUE(files_.RemoveTree(root_).ok());
    ASSERT_TRUE(files_.CreateDirectories(root_).ok());
  }

  // "@" in arguments and texts stands for the folder of the test.
  int Run(const std::vector<std::string>& arguments, const std::string& input = "",
          base::FileSystem* files = nullptr) {
    out_.str("");
    err_.str("");
    in_.clear();
    in_.str(input);
    Console console{in_, out_, err_, files == nullptr ? files_ : *files, OpenReference};
    std::vector<std::string> real = {"infer"};
    for (const std::string& argument : arguments) {
      real.push_back(absl::StrReplaceAll(argument, {{"@", root_}}));
    }
    std::vector<const char*> pointers;
    for (const std::string& argument : real) pointers.push_back(argument.c_str());
    return Infer(static_cast<int>(pointers.size()), pointers.data(), console);
  }

  std::string Out() const { return absl::StrReplaceAll(out_.str(), {{root_, "@"}}); }
  std::string Err() const { return absl::StrReplaceAll(err_.str(), {{root_, "@"}}); }

  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(base::WriteFile(files_, absl::StrCat(root_, "/", name), bytes).ok());
  }
  // "" when there is none.
  std::string Read(const std::string& name) {
    return base::ReadFile(files_, absl::StrCat(root_, "/", name), 1 << 24).value_or("");
  }
  void MakeModel(const std::string& size = "test.en") {
    ASSERT_EQ(Run({"model", "make-test", "@/model.bin", "--size", size, "--type", "f32"}), 0)
        << Err();
  }

  // The shortest run of a model with random weights.
  std::vector<std::string> Transcribe(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"transcribe",  "--model", "@/model.bin",
                                    "--beam-size", "1",       "--temperature-increment-on-fallback",
                                    "none"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  static absl::StatusOr<std::unique_ptr<Engine>> OpenReference(
      const Model& model, absl::string_view device, int /*threads*/,
      const std::function<void(absl::string_view)>& note) {
    if (absl::StartsWith(device, "cuda")) return absl::UnavailableError("no usable GPU: none");
    if (device == "auto") note("no usable GPU: none; using the CPU");
    return NewReferenceEngine(model.file());
  }

  base::RealFileSystem files_;
  std::string root_;

 private:
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

std::string Speech() { return MakeWav({}, Tone(16000, 0.5, {220, 700, 1900})); }

TEST_F(InferTest, WritesAllFormatsAtOnce) {
  MakeModel();
  Write("talk.wav", Speech());
  ASSERT_EQ(Run(Transcribe({"@/talk.wav", "-f", "txt,srt,vtt,json", "-f", "jsonl,csv,tsv,lrc", "-o",
                            "@/out", "--print", "json", "--device", "cpu"})),
            0)
      << Err();
  EXPECT_EQ(Err(), "");
  for (const char* name : {"txt", "srt", "vtt", "jsonl", "csv", "tsv", "lrc"}) {
    EXPECT_TRUE(files_.Stat(absl::StrCat(root_, "/out/talk.", name), base::Follow::kNo).ok())
        << name;
  }
  EXPECT_EQ(Read("out/talk.json"), Out());
  EXPECT_TRUE(absl::StrContains(Out(), "\"duration\": 0.5,")) << Out();
  EXPECT_TRUE(absl::StartsWith(Read("out/talk.vtt"), "WEBVTT\n\n"));
}

TEST_F(InferTest, StandardInputAndRawSoundAreTheSame) {
  MakeModel();
  const std::vector<float> tone = Tone(16000, 0.5, {220, 700});
  const std::string wav = MakeWav({}, tone);
  ASSERT_EQ(Run(Transcribe({"-", "--print", "json"}), wav), 0) << Err();
  EXPECT_EQ(Err(), "infer: no usable GPU: none; using the CPU\n");
  const std::string json = Out();
  ASSERT_EQ(Run(Transcribe({"-", "--print", "json", "--raw", "s16le"}), wav.substr(44)), 0)
      << Err();
  EXPECT_EQ(Out(), json);
}

TEST_F(InferTest, FindsTheLanguage) {
  MakeModel("test");
  Write("talk.wav", Speech());
  ASSERT_EQ(Run(Transcribe({"@/talk.wav", "--device", "cpu", "--print", "none"})), 0) << Err();
  EXPECT_TRUE(absl::StartsWith(Err(), "infer: @/talk.wav: language is ")) << Err();
  EXPECT_EQ(Out(), "");
}

TEST_F(InferTest, ProgressForPrograms) {
  MakeModel();
  Write("talk.wav", Speech());
  ASSERT_EQ(Run(Transcribe({"@/talk.wav", "--device", "cpu", "--progress", "json"})), 0) << Err();
  EXPECT_TRUE(absl::StartsWith(Err(), "{\"file\":\"@/talk.wav\",\"done\":")) << Err();
}

TEST_F(InferTest, OneFileThatFailsLeavesTheOthers) {
  MakeModel();
  Write("good.wav", Speech());
  Write("bad.wav", "RIFF");
  EXPECT_EQ(Run(Transcribe({"@/missing.wav", "@/bad.wav", "@/good.wav", "--device", "cpu", "-f",
                            "txt", "-o", "@/out"})),
            1);
  EXPECT_EQ(Err(),
            "error: cannot open: @/missing.wav: No such file or directory\n"
            "error: audio: @/bad.wav: got bytes that begin with 'RIFF', expected WAV, AIFF, FLAC, "
            "MP3 or Ogg Vorbis\n"
            "hint: ffmpeg -i FILE -f wav - | infer transcribe -\n");
  EXPECT_TRUE(files_.Stat(root_ + "/out/good.txt", base::Follow::kNo).ok());
  EXPECT_FALSE(files_.Stat(root_ + "/out/bad.txt", base::Follow::kNo).ok());
}

TEST_F(InferTest, BatchesComeInTheOrderOfFiles) {
  MakeModel();
  Write("a.wav", Speech());
  Write("b.wav", "RIFF");
  Write("c.wav", MakeWav({}, Tone(16000, 0.7, {300, 500})));
  ASSERT_EQ(Run(Transcribe({"@/a.wav", "@/b.wav", "@/c.wav", "--device", "cpu"})), 1);
  const std::string one_by_one = Out();
  const std::string errors = Err();
  ASSERT_EQ(
      Run(Transcribe({"@/a.wav", "@/b.wav", "@/c.wav", "--device", "cpu", "--batch-size", "3"})),
      1);
  // Short sounds are one part each, so they are heard as they were.
  EXPECT_EQ(Out(), one_by_one);
  EXPECT_EQ(Err(), errors);
}

TEST_F(InferTest, AlignmentHeadsThatTheModelHasNot) {
  MakeModel();
  Write("talk.wav", Speech());
  EXPECT_EQ(Run(Transcribe({"@/talk.wav", "--device", "cpu", "--word-timestamps",
                            "--alignment-heads", "tiny.en"})),
            1);
  EXPECT_EQ(
      Err(),
      "error: @/talk.wav: alignment head: to transcribe: got layer 2, head 0, expected one of "
      "2 layers of 1 heads\n");
}

TEST_F(InferTest, SilenceWithVadIsNothing) {
  MakeModel();
  Write("silence.wav", MakeWav({}, std::vector<float>(32000)));
  ASSERT_EQ(Run(Transcribe({"@/silence.wav", "--vad", "--print", "json", "--device", "cpu"})), 0);
  EXPECT_EQ(Out(),
            "{\n  \"task\": \"transcribe\",\n  \"language\": \"english\",\n  \"duration\": 2.0,\n"
            "  \"text\": \"\",\n  \"segments\": []\n}\n");
}

TEST_F(InferTest, FaultAtEachOperation) {
  MakeModel();
  Write("silence.wav", MakeWav({}, std::vector<float>(1600)));
  const std::vector<std::string> command =
      Transcribe({"@/silence.wav", "--vad", "-f", "vtt,csv", "-o", "@/out", "--device", "cpu"});
  for (int fail_at = 1;; ++fail_at) {
    base::FaultyFileSystem faulty(files_, fail_at, absl::ResourceExhaustedError("disk full"));
    const int code = Run(command, "", &faulty);
    EXPECT_EQ(code, faulty.failed() ? 1 : 0);
    EXPECT_EQ(Err(), faulty.failed() ? "error: disk full\n" : "");
    if (const std::string vtt = Read("out/silence.vtt"); !vtt.empty()) {
      EXPECT_EQ(vtt, "WEBVTT\n\n");
    }
    const auto left = files_.List(root_ + "/out");
    if (left.ok()) {
      for (const std::string& name : *left) EXPECT_TRUE(absl::StartsWith(name, "silence.")) << name;
    }
    ASSERT_TRUE(files_.RemoveTree(root_ + "/out").ok());
    if (!faulty.failed()) break;
  }
}

TEST_F(InferTest, NoGpuWhenOneIsAskedFor) {
  MakeModel();
  EXPECT_EQ(Run(Transcribe({"@/talk.wav", "--device", "cuda:1"})), kExitNoDevice);
  EXPECT_EQ(Err(), "error: no usable GPU: none\n");
}

TEST_F(InferTest, ModelThatIsNone) {
  Write("model.bin", "GGUF");
  EXPECT_EQ(Run(Transcribe({"@/talk.wav"})), 1);
  EXPECT_TRUE(absl::StartsWith(Err(), "error: ")) << Err();
}

TEST_F(InferTest, TwoFilesOfOneName) {
  EXPECT_EQ(Run(Transcribe({"@/a/talk.wav", "@/b/talk.mp3", "-f", "txt", "-o", "out"})), 2);
  EXPECT_EQ(Err(),
            "error: flags: out/talk: got the text of '@/a/talk.wav' and '@/b/talk.mp3', expected "
            "that of one file: names that differ before the ending, or a run for each\n"
            "hint: infer transcribe --help\n");
}

struct BadFlag {
  std::vector<std::string> flags;
  std::string message;
};

TEST_F(InferTest, FlagsThatMakeNoSense) {
  const std::string begin = "error: flags: ";
  for (const BadFlag& bad : std::vector<BadFlag>{
           {{"--language", "xx"},
            "infer transcribe: --language: got 'xx', expected auto, a code such as 'en' or a name "
            "such as 'german'"},
           {{"--device", "gpu"},
            "infer transcribe: --device: got 'gpu', expected auto, cpu, cuda or cuda:N"},
           {{"--logprob-threshold", "low"},
            "--logprob-threshold: got 'low', expected a number or none"},
           {{"--clip-timestamps", "5,3"},
            "--clip-timestamps: got '5,3', expected START,END,START,END,... in seconds that grow"},
           {{"--suppress-tokens", "a"},
            "--suppress-tokens: got 'a', expected ids with commas between them, -1 for what is not "
            "spoken"},
           {{"--alignment-heads", "huge"},
            "--alignment-heads: got 'huge', expected auto, a released model such as 'large-v1', or "
            "LAYER.HEAD,LAYER.HEAD"},
           {{"--vad", "--clip-timestamps", "1,2"},
            "infer transcribe: got --vad and --clip-timestamps, expected one of them"},
           {{"--batch-size", "2", "--clip-timestamps", "1,2"},
            "infer transcribe: got --batch-size and --clip-timestamps, expected one of them"},
       }) {
    std::vector<std::string> flags = {"a.wav"};
    flags.insert(flags.end(), bad.flags.begin(), bad.flags.end());
    EXPECT_EQ(Run(Transcribe(flags)), 2) << bad.message;
    EXPECT_EQ(Err(), absl::StrCat(begin, bad.message, "\nhint: infer transcribe --help\n"));
  }
  EXPECT_EQ(Run({"transcribe", "a.wav"}), 2);
  EXPECT_EQ(Err(),
            "error: flags: infer transcribe: --model is required\nhint: infer transcribe --help\n");
}

TEST_F(InferTest, TestModelsHaveTheSameBytesEachTime) {
  ASSERT_EQ(Run({"model", "make-test", "@/a.bin", "--seed", "7"}), 0);
  ASSERT_EQ(Run({"model", "make-test", "@/b.bin", "--seed", "7"}), 0);
  ASSERT_EQ(Run({"model", "make-test", "@/c.bin", "--seed", "8"}), 0);
  EXPECT_EQ(Read("a.bin"), Read("b.bin"));
  EXPECT_NE(Read("a.bin"), Read("c.bin"));
}

TEST_F(InferTest, ShowsModels) {
  ASSERT_EQ(Run({"model", "make-test", "@/a.bin", "--type", "q5_1"}), 0);
  EXPECT_EQ(Run({"model", "show", "@/a.bin", "@/missing.bin"}), 1);
  EXPECT_EQ(Out(),
            "@/a.bin\n"
            "  model         test.en, English only, 3.7 million parameters\n"
            "  n_vocab       51864\n"
            "  n_audio_ctx   1500\n"
            "  n_audio_state 64\n"
            "  n_audio_head  1\n"
            "  n_audio_layer 2\n"
            "  n_text_ctx    448\n"
            "  n_text_state  64\n"
            "  n_text_head   1\n"
            "  n_text_layer  2\n"
            "  n_mels        80\n"
            "  ftype         2009\n"
            "  tokens stored 50256\n"
            "  f16           2 tensors, 55.3 kB\n"
            "  f32           54 tensors, 515.1 kB\n"
            "  q5_1          33 tensors, 2.7 MB\n");
  EXPECT_TRUE(absl::StrContains(Err(), "missing.bin")) << Err();
}

TEST_F(InferTest, Bench) {
  MakeModel();
  ASSERT_EQ(Run({"bench", "--model", "@/model.bin", "--runs", "1", "--tokens", "2", "--format",
                 "json", "--device", "cpu"}),
            0)
      << Err();
  for (const char* key : {"encode_ms", "token_us", "prompt_token_us", "peak_memory_bytes"}) {
    EXPECT_TRUE(absl::StrContains(Out(), absl::StrCat("\"", key, "\": "))) << Out();
  }
}

TEST_F(InferTest, Version) {
  ASSERT_EQ(Run({"--version"}), 0);
  const std::string out = Out();
  EXPECT_TRUE(absl::StartsWith(out, "infer 0.1.0\nCPU: ")) << out;
  // This test itself.
  EXPECT_TRUE(absl::EndsWith(out, "\nGPU: none\n")) << out;
  ASSERT_EQ(Run({"version"}), 0);
  EXPECT_EQ(Out(), out);
}

TEST_F(InferTest, CompletionsOfEachShell) {
  for (const char* shell : {"bash", "fish", "zsh"}) {
    EXPECT_EQ(Run({"completions", shell}), 0);
    EXPECT_TRUE(absl::StrContains(Out(), "transcribe")) << shell;
  }
}

}  // namespace
}  // namespace rules_inference::infer
