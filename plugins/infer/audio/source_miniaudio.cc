#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/infer/audio/source.h"

// The library is compiled here, without all that plays, mixes or writes sound: its decoders have no
// interface of their own outside of it.
#define MA_API static
#define MA_NO_DEVICE_IO
#define MA_NO_ENCODING
#define MA_NO_ENGINE
#define MA_NO_GENERATION
#define MA_NO_NODE_GRAPH
#define MA_NO_RESOURCE_MANAGER
#define MA_NO_RUNTIME_LINKING
#define MA_NO_THREADING
#define MINIAUDIO_IMPLEMENTATION
#include "miniaudio.h"

namespace rules_inference::infer {
namespace {

// Programs that write to a pipe cannot know the size and write the largest one, or nearly that.
constexpr uint64_t kUnknownSize = 0x7fff0000;

class Wav final : public AudioSource {
 public:
  bool Open(absl::string_view bytes) {
    return open_ = ma_dr_wav_init_memory(&wav_, bytes.data(), bytes.size(), nullptr) == MA_TRUE;
  }
  ~Wav() override {
    if (open_) ma_dr_wav_uninit(&wav_);
  }
  int64_t rate() const override { return wav_.sampleRate; }
  int64_t channels() const override { return wav_.channels; }
  std::optional<uint64_t> promised() const override {
    const bool unknown =
        wav_.container == ma_dr_wav_container_riff && wav_.dataChunkDataSize >= kUnknownSize;
    if (unknown) return std::nullopt;
    return wav_.totalPCMFrameCount;
  }
  absl::StatusOr<size_t> Read(absl::Span<float> out) override {
    return static_cast<size_t>(
        ma_dr_wav_read_pcm_frames_f32(&wav_, out.size() / wav_.channels, out.data()));
  }

 private:
  ma_dr_wav wav_;
  bool open_ = false;
};

class Flac final : public AudioSource {
 public:
  explicit Flac(absl::string_view bytes)
      : flac_(ma_dr_flac_open_memory(bytes.data(), bytes.size(), nullptr)) {}
  ~Flac() override {
    if (flac_ != nullptr) ma_dr_flac_close(flac_);
  }
  bool is_open() const { return flac_ != nullptr; }
  int64_t rate() const override { return flac_->sampleRate; }
  int64_t channels() const override { return flac_->channels; }
  std::optional<uint64_t> promised() const override {
    if (flac_->totalPCMFrameCount == 0) return std::nullopt;  // Written to a pipe.
    return flac_->totalPCMFrameCount;
  }
  absl::StatusOr<size_t> Read(absl::Span<float> out) override {
    return static_cast<size_t>(
        ma_dr_flac_read_pcm_frames_f32(flac_, out.size() / flac_->channels, out.data()));
  }

 private:
  ma_dr_flac* const flac_;
};

class Mp3 final : public AudioSource {
 public:
  bool Open(absl::string_view bytes) {
    return open_ = ma_dr_mp3_init_memory(&mp3_, bytes.data(), bytes.size(), nullptr) == MA_TRUE;
  }
  ~Mp3() override {
    if (open_) ma_dr_mp3_uninit(&mp3_);
  }
  int64_t rate() const override { return mp3_.sampleRate; }
  int64_t channels() const override { return mp3_.channels; }
  absl::StatusOr<size_t> Read(absl::Span<float> out) override {
    return static_cast<size_t>(
        ma_dr_mp3_read_pcm_frames_f32(&mp3_, out.size() / mp3_.channels, out.data()));
  }

 private:
  ma_dr_mp3 mp3_;
  bool open_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AudioSource>> OpenWav(absl::string_view bytes,
                                                     absl::string_view where) {
  auto wav = std::make_unique<Wav>();
  if (!wav->Open(bytes)) {
    return base::Mismatch("audio", where, "WAV without a readable header or data",
                          "chunks 'fmt ' and 'data' of a known encoding");
  }
  return wav;
}

absl::StatusOr<std::unique_ptr<AudioSource>> OpenFlac(absl::string_view bytes,
                                                      absl::string_view where) {
  auto flac = std::make_unique<Flac>(bytes);
  if (!flac->is_open()) {
    return base::Mismatch("audio", where, "FLAC without a readable header", "a block STREAMINFO");
  }
  return flac;
}

absl::StatusOr<std::unique_ptr<AudioSource>> OpenMp3(absl::string_view bytes,
                                                     absl::string_view where) {
  auto mp3 = std::make_unique<Mp3>();
  if (!mp3->Open(bytes)) {
    return base::Mismatch("audio", where, "MP3 without a readable frame", "at least one");
  }
  return mp3;
}

}  // namespace rules_inference::infer
