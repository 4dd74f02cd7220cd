#include "plugins/layer/oci/load.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/runfiles.h"
#include "plugins/base/status_macros.h"
#include "plugins/layer/oci/archive.h"
#include "plugins/layer/oci/base_image.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/layer.pb.h"

namespace rules_inference::layer::oci {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr absl::string_view kEngines[] = {"docker", "podman"};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::string> FindEngine() {
  for (const absl::string_view engine : kEngines) {
    for (const absl::string_view directory :
         absl::StrSplit(Environment("PATH"), ':', absl::SkipEmpty())) {
      const std::string path = base::JoinPath(directory, engine);
      if (access(path.c_str(), X_OK) == 0) return path;
    }
  }
  return absl::NotFoundError(
      "oci_load: PATH: got neither docker nor podman, expected one of them or the flag --output "
      "FILE");
}

// The write end of a pipe.
class PipeFile final : public base::OutputFile {
 public:
  explicit PipeFile(int fd) : fd_(fd) {}

  absl::Status Append(absl::string_view data) override {
    while (!data.empty()) {
      const ssize_t count = write(fd_, data.data(), data.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return base::SystemError(errno, "oci_load", "pipe");
      data.remove_prefix(static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  absl::Status Publish() override { return absl::OkStatus(); }

 private:
  const int fd_;
};

absl::StatusOr<pid_t> Spawn(const std::string& engine, int input) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const auto destroy =
      absl::MakeCleanup([&actions] { posix_spawn_file_actions_destroy(&actions); });
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  std::string name = engine;
  std::string command = "load";
  char* const arguments[] = {name.data(), command.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawn(&child, engine.c_str(), &actions, nullptr, arguments, environ);
  if (error != 0) return base::SystemError(error, "oci_load", engine);
  return child;
}

absl::Status Wait(pid_t child, absl::string_view engine) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return base::SystemError(errno, "oci_load", engine);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  const std::string got = WIFEXITED(status) ? absl::StrCat("exit code ", WEXITSTATUS(status))
                                            : absl::StrCat("signal ", WTERMSIG(status));
  return absl::AbortedError(
      absl::StrCat("oci_load: ", engine, " load: got ", got, ", expected exit code 0"));
}

absl::Status LoadInto(const std::string& engine, const sdk::ArchiveRequest& request,
                      base::FileSystem& fs) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return base::SystemError(errno, "oci_load", "pipe");
  // An engine that ends early must give an error here, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<pid_t> child = Spawn(engine, ends[0]);
  close(ends[0]);
  if (!child.ok()) {
    close(ends[1]);
    return child.status();
  }
  PipeFile pipe(ends[1]);
  const absl::Status written = WriteArchive(request, fs, pipe);
  close(ends[1]);
  const absl::Status loaded = Wait(*child, engine);
  // A broken pipe is the consequence of what the engine reports.
  if (absl::IsUnavailable(written) && !loaded.ok()) return loaded;
  RETURN_IF_ERROR(written);
  return loaded;
}

}  // namespace

absl::StatusOr<LoadOptions> ParseLoadOptions(absl::Span<const std::string> arguments) {
  LoadOptions options;
  if (arguments.empty()) return Mismatch("oci_load", "arguments", "no program name", "one");
  options.request = absl::StrCat(arguments[0], ".request.json");
  options.runfiles = base::RunfilesOf(arguments[0]);
  for (size_t i = 1; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (argument == "--output" && i + 1 < arguments.size()) {
      options.output = arguments[++i];
    } else if (absl::ConsumePrefix(&argument, "--output=")) {
      options.output = std::string(argument);
    } else {
      return Mismatch("oci_load", "arguments", Quoted(argument), "--output FILE or nothing");
    }
    if (options.output.empty())
      return Mismatch("oci_load", "--output", "nothing", "the path of a file");
  }
  if (!options.output.empty() && !absl::StartsWith(options.output, "/")) {
    options.output = base::JoinPath(Environment("BUILD_WORKING_DIRECTORY"), options.output);
  }
  return options;
}

absl::Status Load(const LoadOptions& options) {
  base::RealFileSystem here;
  ASSIGN_OR_RETURN(const std::string text, ReadDocument(options.request, here));
  ASSIGN_OR_RETURN(const sdk::LayerPluginRequest plugin_request,
                   sdk::ParseJson<sdk::LayerPluginRequest>(options.request, text));

  base::RealFileSystem runfiles(options.runfiles);
  const sdk::ArchiveRequest& request = plugin_request.archive();
  if (options.output.empty()) {
    ASSIGN_OR_RETURN(const std::string engine, FindEngine());
    return LoadInto(engine, request, runfiles);
  }
  // A relative path is one from the working directory, not from the runfiles.
  ASSIGN_OR_RETURN(const std::unique_ptr<base::OutputFile> out, here.Create(options.output));
  RETURN_IF_ERROR(WriteArchive(request, runfiles, *out));
  return out->Publish();
}

}  // namespace rules_inference::layer::oci
