// `infer transcribe`: sound files to text. This file has its flags and goes through the files; what
// is done with each is in transcribe_file.h.

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/engine_flags.h"
#include "plugins/infer/cli/in_order.h"
#include "plugins/infer/cli/transcribe_file.h"
#include "plugins/infer/cli/transcribe_flags.h"
#include "plugins/infer/cli/transcribe_plan.h"
#include "plugins/infer/output/output.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

absl::StatusOr<int> Run(Console& console, const TranscribeArguments& arguments) {
  const absl::StatusOr<TranscribePlan> plan = PlanOf(arguments);
  if (!plan.ok()) {
    console.err << sdk::FormatError(base::WithHint(plan.status(), "infer transcribe --help"));
    return sdk::kExitUsage;
  }
  int code = sdk::kExitOk;
  ASSIGN_OR_RETURN(OpenedEngine opened, OpenEngineOf(arguments.engine, console, &code));
  if (opened.engine == nullptr) return code;
  if (!arguments.formats.empty()) {
    RETURN_IF_ERROR(console.files.CreateDirectories(arguments.output_dir));
  }
  if (arguments.batch_size > 1) {
    opened.engine = std::make_unique<BatchingEngine>(std::move(opened.engine), BatchingOptions());
  }
  // A file that cannot be read does not keep the others from being read.
  std::atomic<bool> failed = false;
  const auto run = [&](size_t index, Console& own, const StopFlag& stop) {
    const std::string& file = arguments.files[index];
    if (arguments.files.size() > 1 && arguments.print == "segments") {
      own.out << (index == 0 ? "" : "\n") << "==> " << file << " <==\n";
    }
    const absl::Status status = TranscribeFile(own, *plan, opened, file, stop);
    // A reader that went away is an error of the output, which the caller reports.
    if (status.ok() || !own.out || stop) return;
    own.out.flush();
    own.err << sdk::FormatError(status);
    failed = true;
  };
  RunInOrder(console, arguments.files.size(), arguments.batch_size, run);
  return failed && console.out ? sdk::kExitFailed : code;
}

// Headings of the help.
void GroupFlags(CLI::App& command) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> groups = {
      {"Language", {"--language", "--translate"}},
      {"Which parts of the sound",
       {"--vad", "--clip-timestamps", "--no-speech-threshold", "--batch-size"}},
      {"Words",
       {"--word-timestamps", "--max-len", "--hallucination-silence-threshold",
        "--prepend-punctuations", "--append-punctuations", "--alignment-heads"}},
      {"What the model is told",
       {"--initial-prompt", "--carry-initial-prompt", "--no-condition-on-previous-text"}},
      {"How text is looked for",
       {"--beam-size", "--patience", "--length-penalty", "--temperature",
        "--temperature-increment-on-fallback", "--best-of", "--seed",
        "--compression-ratio-threshold", "--logprob-threshold", "--suppress-tokens",
        "--no-timestamps"}},
      {"Input", {"--raw", "--max-duration"}},
      {"Output", {"--print", "--output-format", "--output-dir", "--progress"}}};
  for (const auto& [heading, names] : groups) {
    for (const std::string& name : names) command.get_option(name)->group(heading);
  }
}

}  // namespace

void AddTranscribe(CLI::App& app, Context& context) {
  auto options = std::make_shared<TranscribeArguments>();
  CLI::App* command = app.add_subcommand("transcribe", "Write down what is said in sound files");
  command
      ->add_option("files", options->files,
                   "WAV, AIFF, FLAC, MP3 or Ogg Vorbis; - for standard input")
      ->type_name(kFileType)
      ->required();
  AddEngineFlags(*command, options->engine);
  AddTranscribeFlags(*command, options->transcribe);
  command->add_flag("--vad", options->vad, "Leave out silence and noise that stays the same");
  command
      ->add_option("--batch-size", options->batch_size,
                   "Files, and windows of a file, that are transcribed at the same time; above 1 "
                   "a sound is cut where it is softest, and each part is heard for itself")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      ->add_option("--raw", options->raw,
                   "Samples without a header: s16le or f32le, :RATE, :CHANNELS")
      ->type_name("FORMAT");
  command
      ->add_option("--max-duration", options->max_duration,
                   "Seconds; a longer sound is refused (an hour takes 230 MB)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--max-len", options->max_length,
                   "Characters of a segment, which is cut between words (it turns on "
                   "--word-timestamps); 0 for any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  std::vector<std::string> formats;
  for (const OutputFormatInfo& info : OutputFormats()) formats.emplace_back(info.name);
  command
      ->add_option("-f,--output-format", options->formats,
                   "Files to write beside what is printed: one or several, with commas")
      ->delimiter(',')
      ->check(CLI::IsMember(formats));
  command->add_option("-o,--output-dir", options->output_dir, "Where to write them")
      ->type_name(kDirectoryType)
      ->capture_default_str();
  std::vector<std::string> prints = {"segments", "none"};
  prints.insert(prints.end(), formats.begin(), formats.end());
  command
      ->add_option("--print", options->print,
                   "What goes to standard output; segments and jsonl as they come")
      ->check(CLI::IsMember(prints))
      ->capture_default_str();
  command
      ->add_option("--progress", options->progress,
                   "A bar at a terminal, a JSON object a window, or nothing")
      ->check(CLI::IsMember({"auto", "json", "none"}))
      ->capture_default_str();
  GroupFlags(*command);
  command->callback([&context, options] {
    context.run = [&context, options] { return Run(context.console, *options); };
  });
}

}  // namespace rules_inference::infer
