#include "plugins/infer/audio/audio.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/audio/resample.h"
#include "plugins/infer/audio/source.h"

namespace rules_inference::infer {
namespace {

constexpr absl::string_view kWhat = "audio";
constexpr int kRate = 16000;
constexpr int64_t kMinRate = 1000;
constexpr int64_t kMaxRate = 768000;
constexpr int64_t kMaxChannels = 256;
// Samples that are read at once.
constexpr size_t kPiece = 65536;
// Sound that was scaled for 24 bits and not scaled back is still sound; this is not.
constexpr float kLoudest = 1e8F;
constexpr absl::string_view kFormats = "WAV, AIFF, FLAC, MP3 or Ogg Vorbis";
constexpr absl::string_view kHint = "ffmpeg -i FILE -f wav - | infer transcribe -";

enum class Format { kWav, kFlac, kMp3, kVorbis };

bool IsWav(absl::string_view bytes) {
  // Sony's Wave64 begins with "riff" as the first bytes of a number that identifies it.
  if (absl::StartsWith(bytes, absl::string_view("riff\x2e\x91\xcf\x11", 8))) return true;
  const absl::string_view kind = bytes.substr(0, 4);
  const absl::string_view content = bytes.substr(std::min<size_t>(8, bytes.size()), 4);
  if (kind == "FORM") return content == "AIFF" || content == "AIFC";
  return (kind == "RIFF" || kind == "RIFX" || kind == "RF64") && content == "WAVE";
}

// The first two bytes of a frame of layer I, II or III.
bool IsMpegFrame(absl::string_view bytes) {
  if (bytes.size() < 4) return false;
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto second = static_cast<uint8_t>(bytes[1]);
  return first == 0xff && (second & 0xe0) == 0xe0 && (second & 0x06) != 0;
}

// Without a tag ID3v2, whose size is in four bytes of seven bits.
absl::string_view SkipTag(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, "ID3") || bytes.size() < 10) return bytes;
  size_t size = 10;
  size_t body = 0;
  for (size_t i = 6; i < 10; ++i) body = body << 7 | (static_cast<size_t>(bytes[i]) & 0x7f);
  size += body;
  return bytes.substr(std::min(size, bytes.size()));
}

// What people have and we do not read, for the message.
absl::string_view KnownOther(absl::string_view bytes) {
  const absl::string_view first_page = bytes.substr(0, 256);
  if (absl::StartsWith(bytes, "OggS")) {
    if (absl::StrContains(first_page, "OpusHead")) return "Ogg with Opus";
    if (absl::StrContains(first_page, "Speex")) return "Ogg with Speex";
    return "Ogg without Vorbis";
  }
  if (bytes.size() > 8 && bytes.substr(4, 4) == "ftyp") return "MP4";
  if (absl::StartsWith(bytes, "\x1a\x45\xdf\xa3")) return "Matroska or WebM";
  if (absl::StartsWith(bytes, "caff")) return "CAF";
  if (absl::StartsWith(bytes, "#!AMR")) return "AMR";
  if (absl::StartsWith(bytes, "\x30\x26\xb2\x75")) return "WMA";
  return "";
}

absl::StatusOr<Format> FormatOf(absl::string_view bytes, absl::string_view where) {
  if (bytes.empty()) return base::Mismatch(kWhat, where, "no bytes", kFormats);
  if (IsWav(bytes)) return Format::kWav;
  const absl::string_view body = SkipTag(bytes);
  if (absl::StartsWith(body, "fLaC")) return Format::kFlac;
  if (absl::StartsWith(body, "OggS")) {
    const absl::string_view first_page = body.substr(0, 256);
    if (absl::StrContains(first_page, absl::string_view("\x01vorbis", 7))) return Format::kVorbis;
    if (absl::StrContains(first_page,
                          "\x7f"
                          "FLAC")) {
      return Format::kFlac;
    }
  }
  if (body.size() != bytes.size() || IsMpegFrame(body)) return Format::kMp3;
  const absl::string_view other = KnownOther(bytes);
  return base::WithHint(
      base::Mismatch(kWhat, where,
                     other.empty()
                         ? absl::StrCat("bytes that begin with ", base::Quoted(bytes.substr(0, 8)))
                         : std::string(other),
                     kFormats),
      kHint);
}

absl::StatusOr<std::unique_ptr<AudioSource>> Open(absl::string_view bytes,
                                                  absl::string_view where) {
  ASSIGN_OR_RETURN(const Format format, FormatOf(bytes, where));
  switch (format) {
    case Format::kWav:
      return OpenWav(bytes, where);
    case Format::kFlac:
      return OpenFlac(bytes, where);
    case Format::kMp3:
      return OpenMp3(bytes, where);
    default:
      return OpenVorbis(bytes, where);
  }
}

class Raw final : public AudioSource {
 public:
  Raw(absl::string_view bytes, const RawFormat& format) : rest_(bytes), format_(format) {}
  int64_t rate() const override { return format_.rate; }
  int64_t channels() const override { return format_.channels; }
  absl::StatusOr<size_t> Read(absl::Span<float> out) override {
    const size_t size = SampleSize(format_);
    const auto channels = static_cast<size_t>(format_.channels);
    const size_t frames = std::min(out.size(), rest_.size() / size) / channels;
    for (size_t i = 0; i < frames * channels; ++i) {
      const char* from = rest_.data() + i * size;
      // Both are little-endian, as the machines that this is built for.
      if (format_.sample == RawFormat::Sample::kF32) {
        std::memcpy(&out[i], from, sizeof(float));
      } else {
        int16_t sample = 0;
        std::memcpy(&sample, from, sizeof(sample));
        out[i] = static_cast<float>(sample) / 32768.0F;
      }
    }
    rest_.remove_prefix(frames * channels * size);
    return frames;
  }
  static size_t SampleSize(const RawFormat& format) {
    return format.sample == RawFormat::Sample::kF32 ? 4 : 2;
  }

 private:
  absl::string_view rest_;
  const RawFormat format_;
};

// The mean of the channels of each frame.
absl::Status Mix(absl::Span<const float> frames, size_t channels, int64_t rate, uint64_t before,
                 absl::string_view where, std::vector<float>* mono) {
  mono->clear();
  const float share = 1.0F / static_cast<float>(channels);
  for (size_t i = 0; i < frames.size(); i += channels) {
    float sum = 0;
    for (size_t c = 0; c < channels; ++c) {
      const float sample = frames[i + c];
      // False for what is no number, too.
      if (!(std::abs(sample) <= kLoudest)) {
        const double second =
            static_cast<double>(before + i / channels) / static_cast<double>(rate);
        return base::Mismatch(kWhat, where,
                              absl::StrFormat("a sample of %g at %.3f s", sample, second),
                              "numbers from -1 to 1");
      }
      sum += sample;
    }
    mono->push_back(sum * share);
  }
  return absl::OkStatus();
}

absl::Status CheckRange(absl::string_view what, int64_t value, int64_t low, int64_t high,
                        absl::string_view where) {
  if (value >= low && value <= high) return absl::OkStatus();
  return base::Mismatch(kWhat, where, absl::StrCat(value, " ", what),
                        absl::StrCat(low, " to ", high));
}

absl::StatusOr<std::vector<float>> Drain(AudioSource& source, absl::string_view where,
                                         const AudioLimits& limits) {
  RETURN_IF_ERROR(CheckRange("Hz", source.rate(), kMinRate, kMaxRate, where));
  RETURN_IF_ERROR(CheckRange("channels", source.channels(), 1, kMaxChannels, where));
  const int64_t rate = source.rate();
  const auto channels = static_cast<size_t>(source.channels());
  std::optional<Resampler> resampler;
  if (rate != kRate) resampler.emplace(static_cast<int>(rate), kRate);

  const auto max_frames = static_cast<uint64_t>(limits.max_seconds * static_cast<double>(rate));
  std::vector<float> piece(std::max<size_t>(1, kPiece / channels) * channels);
  std::vector<float> mono;
  std::vector<float> out;
  uint64_t frames = 0;
  while (true) {
    ASSIGN_OR_RETURN(const size_t got, source.Read(absl::MakeSpan(piece)));
    if (got == 0) break;
    if (frames + got > max_frames) {
      return absl::ResourceExhaustedError(absl::StrCat(kWhat, ": ", where, ": got more than ",
                                                       limits.max_seconds,
                                                       " s of sound, expected at most that"));
    }
    RETURN_IF_ERROR(Mix(absl::MakeConstSpan(piece).first(got * channels), channels, rate, frames,
                        where, &mono));
    frames += got;
    if (resampler.has_value()) {
      resampler->Push(mono, &out);
    } else {
      out.insert(out.end(), mono.begin(), mono.end());
    }
  }
  if (resampler.has_value()) resampler->Finish(&out);
  const std::optional<uint64_t> promised = source.promised();
  if (promised.has_value() && frames < *promised) {
    return base::Mismatch(
        kWhat, where,
        absl::StrCat(frames, " samples in each channel: the file is damaged, or ends early"),
        absl::StrCat(*promised, ", as its header says"));
  }
  if (frames == 0) return base::Mismatch(kWhat, where, "no sound", "at least one sample");
  return out;
}

}  // namespace

absl::StatusOr<RawFormat> ParseRawFormat(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  RawFormat format;
  const absl::Status wrong =
      base::Mismatch("raw format", "--raw", base::Quoted(text),
                     "s16le or f32le, and then ':RATE' and ':CHANNELS' or nothing");
  if (parts.size() > 3) return wrong;
  if (parts[0] == "f32le") {
    format.sample = RawFormat::Sample::kF32;
  } else if (parts[0] != "s16le") {
    return wrong;
  }
  if (parts.size() > 1 && !absl::SimpleAtoi(parts[1], &format.rate)) return wrong;
  if (parts.size() > 2 && !absl::SimpleAtoi(parts[2], &format.channels)) return wrong;
  RETURN_IF_ERROR(CheckRange("Hz", format.rate, kMinRate, kMaxRate, "--raw"));
  RETURN_IF_ERROR(CheckRange("channels", format.channels, 1, kMaxChannels, "--raw"));
  return format;
}

absl::StatusOr<std::vector<float>> DecodeAudio(absl::string_view bytes, absl::string_view where,
                                               const AudioLimits& limits) {
  ASSIGN_OR_RETURN(const std::unique_ptr<AudioSource> source, Open(bytes, where));
  return Drain(*source, where, limits);
}

absl::StatusOr<std::vector<float>> DecodeRaw(absl::string_view bytes, absl::string_view where,
                                             const RawFormat& format, const AudioLimits& limits) {
  const size_t frame = Raw::SampleSize(format) * static_cast<size_t>(format.channels);
  if (bytes.size() % frame != 0) {
    return base::Mismatch(kWhat, where, absl::StrCat(bytes.size(), " bytes"),
                          absl::StrCat("a multiple of ", frame, ", of one sample a channel"));
  }
  Raw source(bytes, format);
  return Drain(source, where, limits);
}

}  // namespace rules_inference::infer
