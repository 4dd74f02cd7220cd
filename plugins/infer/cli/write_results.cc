#include "plugins/infer/cli/write_results.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/read_sound.h"
#include "plugins/infer/cli/transcribe_plan.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/output/output.h"

namespace rules_inference::infer {
namespace {

// "dir/talk" of "/data/talk.wav".
std::string StemOf(const TranscribeArguments& arguments, const std::string& file) {
  if (file == kStdin) return base::JoinPath(arguments.output_dir, "stdin");
  absl::string_view name = file;
  if (const size_t slash = name.rfind('/'); slash != absl::string_view::npos) {
    name.remove_prefix(slash + 1);
  }
  const size_t dot = name.rfind('.');
  if (dot != absl::string_view::npos && dot != 0) name = name.substr(0, dot);
  return base::JoinPath(arguments.output_dir, name);
}

}  // namespace

absl::Status CheckResultFiles(const TranscribeArguments& arguments) {
  if (std::count(arguments.files.begin(), arguments.files.end(), std::string(kStdin)) > 1) {
    return base::Mismatch("flags", "infer transcribe", "'-' twice", "standard input once");
  }
  if (arguments.formats.empty()) return absl::OkStatus();
  std::map<std::string, std::string> files;
  for (const std::string& file : arguments.files) {
    const auto [other, is_new] = files.emplace(StemOf(arguments, file), file);
    if (is_new) continue;
    return base::Mismatch(
        "flags", other->first,
        absl::StrCat("the text of ", base::Quoted(other->second), " and ", base::Quoted(file)),
        "that of one file: names that differ before the ending, or a run for each");
  }
  return absl::OkStatus();
}

absl::Status WriteResults(Console& console, const TranscribePlan& plan, const std::string& file,
                          const Transcript& transcript) {
  const OutputOptions output{plan.transcribe.translate, plan.transcribe.word_timestamps};
  if (plan.print.has_value() && plan.print != OutputFormat::kJsonl) {
    console.out << FormatTranscript(*plan.print, transcript, output) << std::flush;
  }
  for (const OutputFormat format : plan.formats) {
    const std::string path = absl::StrCat(StemOf(plan.arguments, file), ".", NameOf(format));
    RETURN_IF_ERROR(
        base::WriteFile(console.files, path, FormatTranscript(format, transcript, output)));
  }
  return absl::OkStatus();
}

}  // namespace rules_inference::infer
