#include "plugins/infer/server/serve_command.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/audio/audio.h"
#include "plugins/infer/batching_engine.h"
#include "plugins/infer/cli/command.h"
#include "plugins/infer/cli/engine_flags.h"
#include "plugins/infer/engine.h"
#include "plugins/infer/model.h"
#include "plugins/infer/server/metrics.h"
#include "plugins/infer/server/serve.h"
#include "plugins/infer/server/speech.h"
#include "plugins/infer/server/whisper_speech.h"
#include "plugins/sdk/error.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kMostKey = 4096;

struct ServeFlags {
  EngineFlags engine;
  std::vector<std::string> model_names;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::string api_key_file;
  int workers = 8;
  int max_waiting = 64;
  int max_connections = 512;
  int max_batch = 16;
  uint64_t batch_memory = uint64_t{1} << 30;
  uint64_t max_upload = uint64_t{25} << 20;
  uint64_t max_uploads = uint64_t{256} << 20;
  double max_audio = 7200;
  double head_timeout = 10;
  double body_timeout = 60;
  double request_timeout = 600;
  double write_timeout = 30;
  double grace = 30;
  int beam_size = 5;
  bool no_fallback = false;
  std::string log = "text";
};

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

// "ggml-base.en.bin" is the model "ggml-base.en", and also what OpenAI's clients call it.
std::vector<std::string> ModelNames(const ServeFlags& flags) {
  if (!flags.model_names.empty()) return flags.model_names;
  absl::string_view name = flags.engine.model;
  const size_t slash = name.rfind('/');
  if (slash != absl::string_view::npos) name.remove_prefix(slash + 1);
  absl::ConsumeSuffix(&name, ".bin");
  return {std::string(name), "whisper-1"};
}

absl::StatusOr<std::string> ReadKey(base::FileSystem& files, const std::string& path) {
  if (path.empty()) return "";
  ASSIGN_OR_RETURN(const auto file, files.Open(path, base::Follow::kYes));
  std::string text(std::min<uint64_t>(file->size(), kMostKey), '\0');
  RETURN_IF_ERROR(base::ReadExactly(*file, 0, absl::MakeSpan(text)));
  const absl::string_view key = absl::StripAsciiWhitespace(text);
  // Never part of a message.
  for (const char c : key) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      return base::Mismatch("API key", path, "white space or another character that is not ASCII",
                            "one key");
    }
  }
  if (key.empty() || file->size() > kMostKey) {
    return base::Mismatch("API key", path, absl::StrCat(file->size(), " bytes"),
                          absl::StrCat("one key of at most ", kMostKey));
  }
  return std::string(key);
}

// `no_device`: whether the device is what is missing.
absl::StatusOr<std::shared_ptr<Speech>> Load(const ServeFlags& flags, const EngineOpener& open,
                                             Metrics& metrics, const Say& say, bool& no_device) {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(std::unique_ptr<Model> model, Model::Open(flags.engine.model));
  absl::StatusOr<std::unique_ptr<Engine>> opened =
      open(*model, flags.engine.device, flags.engine.threads, say);
  no_device = !opened.ok() && absl::StartsWith(flags.engine.device, "cuda");
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, std::move(opened));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  say(absl::StrFormat("ready: %s on %s, loaded in %.2f s", flags.engine.model, engine->Describe(),
                      seconds));
  return std::make_shared<WhisperSpeech>(
      std::move(model), std::move(engine), AudioLimits{.max_seconds = flags.max_audio},
      BatchingOptions{.max_windows = flags.max_batch,
                      .max_sequences = 4 * flags.max_batch,
                      .max_sequence_bytes = flags.batch_memory,
                      .observer = [&metrics](const BatchEvent& event) { metrics.OnBatch(event); }});
}

absl::StatusOr<int> RunServe(Console& console, const ServeFlags& flags) {
  ServeOptions options;
  ASSIGN_OR_RETURN(options.service.api_key, ReadKey(console.files, flags.api_key_file));
  options.service.models = ModelNames(flags);
  options.service.created = std::time(nullptr);
  options.service.fallback = !flags.no_fallback;
  options.service.transcribe.beam_size = flags.beam_size;
  options.http.host = flags.host;
  options.http.port = flags.port;
  options.http.max_connections = flags.max_connections;
  options.http.max_body = flags.max_upload;
  options.http.max_bodies = std::max(flags.max_upload, flags.max_uploads);
  options.http.workers = flags.workers;
  options.http.max_waiting = flags.max_waiting;
  options.http.head_timeout = Milliseconds(flags.head_timeout);
  options.http.body_timeout = Milliseconds(flags.body_timeout);
  options.http.request_timeout = Milliseconds(flags.request_timeout);
  options.http.write_timeout = Milliseconds(flags.write_timeout);
  options.grace = Milliseconds(flags.grace);
  options.log = flags.log == "json"   ? LogFormat::kJson
                : flags.log == "none" ? LogFormat::kNone
                                      : LogFormat::kText;
  bool no_device = false;
  const absl::StatusOr<int> code = Serve(
      std::move(options),
      [&](Metrics& metrics, const Say& say) {
        return Load(flags, console.open_engine, metrics, say, no_device);
      },
      console.out, console.err);
  if (code.ok() || !no_device) return code;
  console.err << sdk::FormatError(code.status());
  return kExitNoDevice;
}

}  // namespace

void AddServe(CLI::App& app, Context& context) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command =
      app.add_subcommand("serve", "Answer requests for transcripts over HTTP, as OpenAI does");
  const auto positive = CLI::Range(0.001, 1e6);
  const auto count = CLI::Range(1, 100000);

  AddEngineFlags(*command, flags->engine);
  command
      ->add_option("--model-name", flags->model_names,
                   "A name that clients may ask for, several times (default: that of the file, and "
                   "whisper-1)")
      ->type_name("NAME");
  command->add_option("--beam-size", flags->beam_size, "Beams of a transcription; 1: greedy")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  command->add_flag("--no-fallback", flags->no_fallback,
                    "Take the first result, however unsure the model is");

  command->add_option("--host", flags->host, "Where to listen; 0.0.0.0: on all addresses")
      ->type_name("ADDRESS")
      ->capture_default_str();
  command->add_option("--port", flags->port, "0: one that is free, printed at the start")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command
      ->add_option("--api-key-file", flags->api_key_file,
                   "Only answer requests that have the key in this file")
      ->type_name(kFileType);

  command->add_option("--workers", flags->workers, "Requests that are worked on at a time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("--max-batch", flags->max_batch,
                   "Windows of 30 s that are computed together, over all requests")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("--batch-memory", flags->batch_memory,
                   "Bytes of what all sequences of a greedy batch remember (as 1G)")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("SIZE")
      ->default_str("1G");
  command
      ->add_option("--max-waiting", flags->max_waiting,
                   "Requests that wait for a worker; more are answered with 429")
      ->check(count)
      ->capture_default_str();
  command->add_option("--max-connections", flags->max_connections, "Open connections")
      ->check(count)
      ->capture_default_str();
  command->add_option("--max-upload", flags->max_upload, "Bytes of a request (as 25M)")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("SIZE")
      ->default_str("25M");
  command
      ->add_option("--max-uploads", flags->max_uploads, "Bytes of all requests in memory (as 256M)")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("SIZE")
      ->default_str("256M");
  command->add_option("--max-audio", flags->max_audio, "Seconds of sound in a file")
      ->check(positive)
      ->capture_default_str();

  command
      ->add_option("--head-timeout", flags->head_timeout,
                   "Seconds for the head of a request, and of an idle connection")
      ->check(positive)
      ->capture_default_str();
  command->add_option("--body-timeout", flags->body_timeout, "Seconds for the body of a request")
      ->check(positive)
      ->capture_default_str();
  command
      ->add_option("--request-timeout", flags->request_timeout,
                   "Seconds from the end of a body to the answer")
      ->check(positive)
      ->capture_default_str();
  command
      ->add_option("--write-timeout", flags->write_timeout,
                   "Seconds for a client to take an answer, or a part of a stream")
      ->check(positive)
      ->capture_default_str();
  command
      ->add_option("--grace", flags->grace,
                   "Seconds for requests that are there when a signal stops the server")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command->add_option("--log", flags->log, "A line for each request")
      ->check(CLI::IsMember({"text", "json", "none"}))
      ->capture_default_str();
  command->callback([&context, flags] {
    context.run = [&context, flags] { return RunServe(context.console, *flags); };
  });
}

}  // namespace rules_inference::infer
