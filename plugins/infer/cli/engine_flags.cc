#include "plugins/infer/cli/engine_flags.h"

#include <memory>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cpu/cores.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

constexpr int kMaxThreads = 1024;

// "" when it is one; the parser puts the name of the flag in front of the message.
std::string CheckDevice(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return "";
  if (absl::StartsWith(text, "cuda:") && text.size() > 5 && text.size() <= 8 &&
      text.find_first_not_of("0123456789", 5) == std::string::npos) {
    return "";
  }
  return absl::StrCat("got ", base::Quoted(text), ", expected auto, cpu, cuda or cuda:N");
}

}  // namespace

void AddEngineFlags(CLI::App& command, EngineFlags& flags) {
  command.add_option("-m,--model", flags.model, "A Whisper model in ggml's format")
      ->type_name(kFileType)
      ->required();
  // The words are for completions; CheckDevice knows more.
  command
      .add_option("--device", flags.device,
                  "What computes: a GPU if there is one, the CPU, a GPU or an error (cuda:1 is the "
                  "second one)")
      ->check(CLI::Validator(CheckDevice, "{auto,cpu,cuda}"))
      ->capture_default_str();
  command
      .add_option("-t,--threads", flags.threads,
                  "Threads of the CPU; 0 for as many as it has cores")
      ->check(CLI::Range(0, kMaxThreads))
      ->capture_default_str();
}

absl::StatusOr<OpenedEngine> OpenEngineOf(const EngineFlags& flags, Console& console, int* code) {
  OpenedEngine opened;
  ASSIGN_OR_RETURN(opened.model, Model::Open(flags.model));
  opened.threads = flags.threads > 0 ? flags.threads : UsableCores();
  absl::StatusOr<std::unique_ptr<Engine>> engine = console.open_engine(
      *opened.model, flags.device, flags.threads,
      [&console](absl::string_view line) { console.err << "infer: " << line << "\n"; });
  if (engine.ok()) {
    opened.engine = *std::move(engine);
    return opened;
  }
  if (!absl::StartsWith(flags.device, "cuda")) return engine.status();
  console.err << sdk::FormatError(engine.status());
  *code = kExitNoDevice;
  return opened;
}

}  // namespace rules_inference::infer
