#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/infer/audio/source.h"
#include "vorbis/vorbisfile.h"

namespace rules_inference::infer {
namespace {

struct Memory {
  absl::string_view bytes;
  size_t position = 0;
};

size_t ReadMemory(void* out, size_t size, size_t count, void* memory) {
  auto* from = static_cast<Memory*>(memory);
  // vorbisfile asks for bytes.
  const size_t taken = std::min(size * count, from->bytes.size() - from->position);
  std::memcpy(out, from->bytes.data() + from->position, taken);
  from->position += taken;
  return size == 0 ? 0 : taken / size;
}

class Vorbis final : public AudioSource {
 public:
  Vorbis(absl::string_view bytes, absl::string_view where) : memory_{bytes}, where_(where) {}
  ~Vorbis() override {
    if (open_) ov_clear(&file_);
  }
  // Without seeking: nothing is read that is not played, and hostile tables of pages are not
  // walked.
  bool Open() {
    const ov_callbacks callbacks = {ReadMemory, nullptr, nullptr, nullptr};
    open_ = ov_open_callbacks(&memory_, &file_, nullptr, 0, callbacks) == 0;
    if (!open_) return false;
    const vorbis_info* info = ov_info(&file_, -1);
    if (info == nullptr) return false;
    rate_ = info->rate;
    channels_ = info->channels;
    return true;
  }
  int64_t rate() const override { return rate_; }
  int64_t channels() const override { return channels_; }

  absl::StatusOr<size_t> Read(absl::Span<float> out) override {
    const auto channels = static_cast<size_t>(channels_);
    const size_t wanted = out.size() / channels;
    float** planes = nullptr;
    int section = 0;
    const long got =
        ov_read_float(&file_, &planes, static_cast<int>(std::min<size_t>(wanted, 4096)), &section);
    if (got < 0) {
      return base::Mismatch("audio", where_,
                            absl::StrCat("damaged Ogg Vorbis (", ErrorName(got), ")"),
                            "whole pages");
    }
    // One after another, files may be joined: each has a header of its own.
    const vorbis_info* info = ov_info(&file_, -1);
    if (got > 0 && (info == nullptr || info->rate != rate_ || info->channels != channels_)) {
      return base::Mismatch("audio", where_, "Ogg Vorbis that changes its rate or channels",
                            "one of each");
    }
    for (size_t frame = 0; frame < static_cast<size_t>(got); ++frame) {
      for (size_t c = 0; c < channels; ++c) out[frame * channels + c] = planes[c][frame];
    }
    return static_cast<size_t>(got);
  }

 private:
  static absl::string_view ErrorName(long error) {
    switch (error) {
      case OV_HOLE:
        return "bytes are missing";
      case OV_EBADLINK:
        return "an invalid stream section";
      case OV_EBADPACKET:
        return "an invalid packet";
      default:
        return "invalid headers";
    }
  }

  Memory memory_;
  const absl::string_view where_;
  OggVorbis_File file_ = {};
  bool open_ = false;
  int64_t rate_ = 0;
  int64_t channels_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AudioSource>> OpenVorbis(absl::string_view bytes,
                                                        absl::string_view where) {
  auto vorbis = std::make_unique<Vorbis>(bytes, where);
  if (!vorbis->Open()) {
    return base::Mismatch("audio", where, "Ogg without readable Vorbis headers", "three of them");
  }
  return vorbis;
}

}  // namespace rules_inference::infer
