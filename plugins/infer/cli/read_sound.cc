#include "plugins/infer/cli/read_sound.h"

#include <cstddef>
#include <cstdint>
#include <ios>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {
namespace {

// The bytes of a file are in memory while it is decoded.
constexpr uint64_t kMaxFile = uint64_t{4} << 30;

absl::StatusOr<std::string> ReadAll(std::istream& in) {
  std::string bytes;
  std::string piece(1 << 16, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) {
    bytes.append(piece, 0, static_cast<size_t>(in.gcount()));
    if (bytes.size() > kMaxFile) {
      return base::Mismatch("audio", "standard input", absl::StrCat("over ", kMaxFile, " bytes"),
                            "at most that");
    }
  }
  if (in.bad()) return absl::DataLossError("audio: standard input: cannot be read");
  return bytes;
}

}  // namespace

absl::StatusOr<std::vector<float>> ReadSound(Console& console, const std::string& file,
                                             const std::optional<RawFormat>& raw,
                                             const AudioLimits& limits) {
  std::string bytes;
  if (file == kStdin) {
    ASSIGN_OR_RETURN(bytes, ReadAll(console.in));
  } else {
    ASSIGN_OR_RETURN(bytes, base::ReadFile(console.files, file, kMaxFile));
  }
  const absl::string_view where = file == kStdin ? "standard input" : absl::string_view(file);
  return raw.has_value() ? DecodeRaw(bytes, where, *raw, limits)
                         : DecodeAudio(bytes, where, limits);
}

}  // namespace rules_inference::infer
