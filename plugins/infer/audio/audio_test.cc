#include "plugins/infer/audio/audio.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "plugins/infer/audio/resample.h"
#include "plugins/infer/audio/test_wav.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

using Encoding = TestWav::Encoding;

std::string TestData(const std::string& name) {
  std::ifstream file(absl::StrCat("plugins/infer/audio/testdata/", name), std::ios::binary);
  EXPECT_TRUE(file) << name;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string ErrorOf(absl::string_view bytes) {
  const absl::StatusOr<std::vector<float>> sound = DecodeAudio(bytes, "a.wav");
  return sound.ok() ? "no error" : std::string(sound.status().message());
}

void ExpectNear(const std::vector<float>& sound, const std::vector<float>& wanted, double bound) {
  ASSERT_EQ(sound.size(), wanted.size());
  for (size_t i = 0; i < sound.size(); ++i) ASSERT_NEAR(sound[i], wanted[i], bound) << i;
}

struct WavCase {
  std::string name;
  TestWav wav;
  double bound;
};

class WavTest : public testing::TestWithParam<WavCase> {};

TEST_P(WavTest, HasTheSamples) {
  const std::vector<float> tone = Tone(16000, 0.05, {440, 3000});
  const absl::StatusOr<std::vector<float>> sound =
      DecodeAudio(MakeWav(GetParam().wav, tone), "a.wav");
  ASSERT_TRUE(sound.ok()) << sound.status();
  ExpectNear(*sound, tone, GetParam().bound);
}

INSTANTIATE_TEST_SUITE_P(
    Encodings, WavTest,
    testing::ValuesIn(std::vector<WavCase>{
        {"Pcm8", {.bits = 8}, 1.5 / 128},
        {"Pcm16", {}, 1.01 / 32768},
        {"Pcm24", {.bits = 24}, 2e-7},
        {"Pcm32", {.bits = 32}, 2e-7},
        {"Float32", {.encoding = Encoding::kFloat, .bits = 32}, 0},
        {"Float64", {.encoding = Encoding::kFloat, .bits = 64}, 0},
        {"ALaw", {.encoding = Encoding::kALaw, .bits = 8}, 0.04},
        {"MuLaw", {.encoding = Encoding::kMuLaw, .bits = 8}, 0.04},
        {"Stereo", {.channels = 2}, 1.01 / 32768},
        {"SixChannels", {.channels = 6}, 1.01 / 32768},
        {"Extensible", {.bits = 24, .channels = 2, .extensible = true}, 2e-7},
        {"ExtensibleFloat", {.encoding = Encoding::kFloat, .bits = 32, .extensible = true}, 0},
        {"Rifx", {.big_endian = true}, 1.01 / 32768},
        {"SizesOfAPipe", {.riff_size = 0xffffffff, .data_size = 0xffffffff}, 1.01 / 32768},
    }),
    [](const testing::TestParamInfo<WavCase>& info) { return info.param.name; });

// 0.4 s of 440 Hz on the left and 1000 Hz on the right.
std::vector<float> MixedTone() {
  std::vector<float> tone = Tone(16000, 0.4, {440, 1000});
  for (float& sample : tone) sample *= 0.5F / 0.9F;
  return tone;
}

// Of `sound`, shifted by the best of some delays: the part that is not `wanted`, in dB.
double Difference(const std::vector<float>& sound, const std::vector<float>& wanted) {
  double best = 0;
  for (size_t delay = 0; delay < 1200; ++delay) {
    double noise = 0;
    double signal = 1e-30;
    for (size_t i = 1000; i + 1000 < wanted.size() && i + delay < sound.size(); ++i) {
      noise += std::pow(sound[i + delay] - wanted[i], 2);
      signal += std::pow(wanted[i], 2);
    }
    best = std::min(best, 10 * std::log10((noise + 1e-30) / signal));
  }
  return best;
}

TEST(AudioTest, FlacOfAnotherRateAndStereo) {
  const absl::StatusOr<std::vector<float>> sound = DecodeAudio(TestData("tone.flac"), "a.flac");
  ASSERT_TRUE(sound.ok()) << sound.status();
  EXPECT_EQ(sound->size(), 6400U);
  EXPECT_LT(Difference(*sound, MixedTone()), -75);
}

TEST(AudioTest, Mp3) {
  const absl::StatusOr<std::vector<float>> sound = DecodeAudio(TestData("tone.mp3"), "a.mp3");
  ASSERT_TRUE(sound.ok()) << sound.status();
  EXPECT_LT(Difference(*sound, MixedTone()), -15);
}

TEST(AudioTest, OggVorbis) {
  const absl::StatusOr<std::vector<float>> sound = DecodeAudio(TestData("tone.ogg"), "a.ogg");
  ASSERT_TRUE(sound.ok()) << sound.status();
  EXPECT_EQ(sound->size(), 6400U);
  EXPECT_LT(Difference(*sound, MixedTone()), -20);
}

TEST(AudioTest, ATagInFrontOfAnMp3) {
  const std::string tag("ID3\x04\x00\x00\x00\x00\x00\x05tags!", 15);
  EXPECT_TRUE(DecodeAudio(tag + TestData("tone.mp3"), "a.mp3").ok());
}

TEST(AudioTest, ATagInFrontOfAFlac) {
  const std::string tag("ID3\x04\x00\x00\x00\x00\x00\x05tags!", 15);
  EXPECT_TRUE(DecodeAudio(tag + TestData("tone.flac"), "a.flac").ok());
}

TEST(AudioTest, AChannelOfTwoIsHalfAsLoud) {
  const std::vector<float> frames = {0.5F, 0, 0.25F, 0.25F};
  const std::string bytes(reinterpret_cast<const char*>(frames.data()), 16);
  const auto sound = DecodeRaw(bytes, "-", *ParseRawFormat("f32le:16000:2"));
  ASSERT_TRUE(sound.ok()) << sound.status();
  EXPECT_EQ(*sound, (std::vector<float>{0.25F, 0.25F}));
}

TEST(AudioTest, RawOf16Bits) {
  const auto sound = DecodeRaw(std::string("\x00\x40\x00\x80", 4), "-", {});
  ASSERT_TRUE(sound.ok()) << sound.status();
  EXPECT_EQ(*sound, (std::vector<float>{0.5F, -1.0F}));
}

TEST(AudioTest, RawThatEndsInASample) {
  EXPECT_EQ(DecodeRaw("abc", "-", {}).status().message(),
            "audio: -: got 3 bytes, expected a multiple of 2, of one sample a channel");
}

TEST(AudioTest, RawFormats) {
  const auto format = ParseRawFormat("f32le:44100:2");
  ASSERT_TRUE(format.ok());
  EXPECT_EQ(format->sample, RawFormat::Sample::kF32);
  EXPECT_EQ(format->rate, 44100);
  EXPECT_EQ(format->channels, 2);
  EXPECT_TRUE(ParseRawFormat("s16le").ok());
  EXPECT_EQ(ParseRawFormat("s24le").status().message(),
            "raw format: --raw: got 's24le', expected s16le or f32le, and then ':RATE' and "
            "':CHANNELS' or nothing");
  EXPECT_FALSE(ParseRawFormat("s16le:x").ok());
  EXPECT_FALSE(ParseRawFormat("s16le:16000:1:1").ok());
  EXPECT_EQ(ParseRawFormat("s16le:1").status().message(),
            "audio: --raw: got 1 Hz, expected 1000 to 768000");
  EXPECT_EQ(ParseRawFormat("s16le:16000:0").status().message(),
            "audio: --raw: got 0 channels, expected 1 to 256");
}

// The same speech in other rates and encodings gives nearly the same input of the model.
TEST(AudioTest, SpeechOfAnyRateSoundsTheSame) {
  const char* shared = std::getenv("RULES_INFERENCE_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "RULES_INFERENCE_SHARED does not say where jfk.wav is";
  std::ifstream file(absl::StrCat(shared, "/testdata/whisper/jfk.wav"), std::ios::binary);
  ASSERT_TRUE(file);
  const auto speech = DecodeAudio(std::string(std::istreambuf_iterator<char>(file), {}), "jfk.wav");
  ASSERT_TRUE(speech.ok()) << speech.status();
  EXPECT_EQ(speech->size(), 176000U);
  const std::vector<float> filters = MelFilters(80);
  const LogMel wanted = ComputeLogMel(*speech, filters, 1);
  for (const TestWav& wav : std::vector<TestWav>{
           {.bits = 24, .rate = 44100, .channels = 2},
           {.rate = 48000},
           {.encoding = Encoding::kFloat, .bits = 32, .rate = 22050},
           {.bits = 32, .rate = 96000},
       }) {
    Resampler resampler(16000, wav.rate);
    std::vector<float> other;
    resampler.Push(*speech, &other);
    resampler.Finish(&other);
    const auto sound = DecodeAudio(MakeWav(wav, other), "a.wav");
    ASSERT_TRUE(sound.ok()) << sound.status();
    ASSERT_EQ(sound->size(), speech->size());
    const LogMel mel = ComputeLogMel(*sound, filters, 1);
    // The filter takes what is above 7.2 kHz: the upper bands are left out.
    double sum = 0;
    double largest = 0;
    int count = 0;
    for (int frame = 0; frame < wanted.content_frames; ++frame) {
      for (int m = 0; m < 74; ++m) {
        const double difference = std::abs(mel.at(frame, m) - wanted.at(frame, m));
        sum += difference;
        largest = std::max(largest, difference);
        ++count;
      }
    }
    EXPECT_LT(sum / count, 2e-3) << wav.rate;
    EXPECT_LT(largest, 0.25) << wav.rate;
  }
}

TEST(HostileAudioTest, NoBytes) {
  EXPECT_EQ(ErrorOf(""), "audio: a.wav: got no bytes, expected WAV, AIFF, FLAC, MP3 or Ogg Vorbis");
}

TEST(HostileAudioTest, NoSoundFile) {
  EXPECT_EQ(ErrorOf("hello\x1b[2J world"),
            "audio: a.wav: got bytes that begin with 'hello\\033[2', expected WAV, AIFF, FLAC, MP3 "
            "or Ogg Vorbis\nhint: ffmpeg -i FILE -f wav - | infer transcribe -");
}

TEST(HostileAudioTest, FormatsThatAreKnownAndNotRead) {
  EXPECT_NE(ErrorOf(std::string("\0\0\0\x20"
                                "ftypM4A ",
                                12))
                .find("got MP4, expected"),
            std::string::npos);
  EXPECT_NE(ErrorOf("OggS___________________OpusHead").find("got Ogg with Opus, expected"),
            std::string::npos);
}

TEST(HostileAudioTest, WavWithoutData) {
  EXPECT_EQ(ErrorOf(MakeWav({}, {})), "audio: a.wav: got no sound, expected at least one sample");
}

TEST(HostileAudioTest, WavThatEndsEarly) {
  const std::string wav = MakeWav({}, std::vector<float>(100, 0.5F));
  EXPECT_EQ(ErrorOf(absl::string_view(wav).substr(0, 144)),
            "audio: a.wav: got 50 samples in each channel: the file is damaged, or ends early, "
            "expected 100, as its header says");
}

TEST(HostileAudioTest, WavWithoutAHeader) {
  const std::string wav = MakeWav({}, std::vector<float>(100, 0.5F));
  for (const size_t size : {12UL, 20UL, 36UL, 40UL}) {
    EXPECT_EQ(ErrorOf(absl::string_view(wav).substr(0, size)),
              "audio: a.wav: got WAV without a readable header or data, expected chunks 'fmt ' and "
              "'data' of a known encoding")
        << size;
  }
}

TEST(HostileAudioTest, WavWithoutChannels) {
  EXPECT_NE(ErrorOf(MakeWav({.channels = 0}, std::vector<float>(100))), "no error");
}

TEST(HostileAudioTest, WavOfAnAbsurdRate) {
  EXPECT_EQ(ErrorOf(MakeWav({.rate = 1}, std::vector<float>(100))),
            "audio: a.wav: got 1 Hz, expected 1000 to 768000");
  EXPECT_NE(ErrorOf(MakeWav({.rate = 2000000000}, std::vector<float>(100))), "no error");
}

TEST(HostileAudioTest, SamplesThatAreNoNumbers) {
  std::vector<float> samples(32000, 0.5F);
  samples[16000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ErrorOf(MakeWav({.encoding = Encoding::kFloat, .bits = 32}, samples)),
            "audio: a.wav: got a sample of nan at 1.000 s, expected numbers from -1 to 1");
  samples[16000] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(ErrorOf(MakeWav({.encoding = Encoding::kFloat, .bits = 32}, samples)),
            "audio: a.wav: got a sample of -inf at 1.000 s, expected numbers from -1 to 1");
}

TEST(HostileAudioTest, FlacThatEndsEarly) {
  const std::string flac = TestData("tone.flac");
  const std::string error = ErrorOf(absl::string_view(flac).substr(0, flac.size() / 2));
  EXPECT_NE(error.find("the file is damaged, or ends early, expected 17640, as its header says"),
            std::string::npos)
      << error;
}

TEST(HostileAudioTest, OggThatIsDamaged) {
  std::string ogg = TestData("tone.ogg");
  // In the last page; its checksum is wrong then.
  ogg[ogg.size() - 100] = static_cast<char>(ogg[ogg.size() - 100] ^ 1);
  EXPECT_NE(ErrorOf(ogg), "no error");
}

TEST(HostileAudioTest, SoundThatIsTooLong) {
  const auto sound =
      DecodeAudio(MakeWav({}, std::vector<float>(16001)), "a.wav", {.max_seconds = 1});
  EXPECT_EQ(sound.status(), absl::ResourceExhaustedError(
                                "audio: a.wav: got more than 1 s of sound, expected at most that"));
}

// Each format, with bytes changed, taken away, repeated and replaced: an error or some sound, no
// crash, no end of memory, no endless loop.
TEST(HostileAudioTest, ChangedFiles) {
  const std::vector<float> tone = Tone(16000, 0.02, {440});
  struct Start {
    std::string bytes;
    int times;
  };
  const std::vector<Start> starts = {
      {MakeWav({}, tone), 15000},
      {MakeWav({.encoding = Encoding::kFloat, .bits = 32, .channels = 2, .extensible = true}, tone),
       15000},
      {TestData("short.flac"), 30000},
      {TestData("short.mp3"), 25000},
      {TestData("short.ogg"), 15000},
  };
  uint64_t state = 1;
  const auto random = [&state](size_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<size_t>(state >> 33) % below;
  };
  int decoded = 0;
  for (const Start& start : starts) {
    for (int i = 0; i < start.times; ++i) {
      std::string bytes = start.bytes;
      for (size_t change = random(4); change-- > 0 || bytes == start.bytes;) {
        // Headers are at the front: half of the changes are there.
        const size_t span = random(2) == 0 ? std::min<size_t>(64, bytes.size()) : bytes.size();
        if (span == 0) break;
        const size_t at = random(span);
        switch (random(6)) {
          case 0:
            bytes[at] = static_cast<char>(bytes[at] ^ 1 << random(8));
            break;
          case 1:
            bytes[at] = static_cast<char>(random(256));
            break;
          case 2:
            bytes.resize(at);
            break;
          case 3:
            bytes.insert(at, bytes.substr(random(bytes.size()), random(32)));
            break;
          case 4:
            bytes.erase(at, 1 + random(8));
            break;
          default:
            for (size_t j = at; j < std::min(at + 4, bytes.size()); ++j) {
              bytes[j] = static_cast<char>(random(2) == 0 ? 0xff : 0);
            }
        }
      }
      const auto sound = DecodeAudio(bytes, "a", {.max_seconds = 10});
      if (!sound.ok()) continue;
      ++decoded;
      ASSERT_LE(sound->size(), 160001U);
      for (const float sample : *sound) ASSERT_TRUE(std::isfinite(sample));
    }
  }
  EXPECT_GT(decoded, 1000);
}

}  // namespace
}  // namespace rules_inference::infer
