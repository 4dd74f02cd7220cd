#include "plugins/sdk/plugin.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/substitute.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/params.h"
#include "plugins/sdk/plugin.pb.h"
#include "plugins/sdk/worker.h"
#include "plugins/sdk/worker_protocol.pb.h"

namespace rules_inference::sdk {
namespace {

bool HasCapability(const PluginDescriptor& descriptor, absl::string_view capability) {
  return std::find(descriptor.capabilities().begin(), descriptor.capabilities().end(),
                   capability) != descriptor.capabilities().end();
}

PluginDescriptor DescribePlugin(const Plugin& plugin) {
  PluginDescriptor descriptor = plugin.Describe();
  descriptor.set_protocol_version(kProtocolVersion);
  return descriptor;
}

// The one code path of all three ways to call a plugin.
absl::Status RunRequest(Plugin& plugin, absl::Span<const std::string> arguments,
                        absl::string_view sandbox_dir, const std::atomic<bool>* cancelled,
                        std::string* output) {
  Request request;
  ASSIGN_OR_RETURN(request.lines, ExpandParams(arguments, sandbox_dir));
  request.sandbox_dir = std::string(sandbox_dir);
  request.cancelled = cancelled;
  // Plugins do not throw, but libraries under them may, and out of memory is an exception too. A
  // worker outlives both.
#if defined(__cpp_exceptions)
  try {
    return plugin.Run(request, output);
  } catch (const std::exception& exception) {
    return absl::InternalError(
        absl::StrCat("request: exception in the plugin: ", exception.what()));
  }
#else
  return plugin.Run(request, output);
#endif
}

// Answers one request of Bazel's.
WorkerAnswer Answer(Plugin& plugin, bool sandboxing, const blaze::worker::WorkRequest& work,
                    const std::atomic<bool>& cancelled) {
  WorkerAnswer answer;
  const std::vector<std::string> arguments(work.arguments().begin(), work.arguments().end());
  absl::Status status;
  if (sandboxing || work.sandbox_dir().empty()) {
    status = RunRequest(plugin, arguments, work.sandbox_dir(), &cancelled, &answer.output);
  } else {
    // The plugin would read and write beside its sandbox, and the build would miss it.
    status = base::WithHint(
        base::Mismatch("worker", "sandbox_dir", base::Quoted(work.sandbox_dir()),
                       "none, as the plugin has no capability `sandboxing`"),
        "remove supports-multiplex-sandboxing from the execution requirements of the action");
  }
  answer.exit_code = ExitCode(status);
  absl::StrAppend(&answer.output, FormatError(status));
  return answer;
}

int PrintError(const absl::Status& status, int exit_code) {
  std::fputs(FormatError(status).c_str(), stderr);
  return exit_code;
}

// Text on standard output; a full disk behind it is an error, not silence.
absl::Status Print(absl::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return base::SystemError(errno, "output", "standard output");
  }
  return absl::OkStatus();
}

int UsageError(absl::string_view got, const PluginDescriptor& descriptor) {
  return PrintError(
      base::WithHint(
          base::Mismatch(
              descriptor.name(), "flags", got,
              "--describe, --version, --help, --persistent_worker, or lines of a request"),
          absl::StrCat("`", descriptor.name(), " --help` shows what there is")),
      kExitUsage);
}

std::string Help(const PluginDescriptor& descriptor) {
  return absl::Substitute(R"($0 $1: a rules_inference plugin of kind `$2`

  $0 LINE... | @FILE      run one request; FILE holds its fragments, one line of JSON each
  $0 --persistent_worker  serve Bazel's worker protocol on standard input and output
  $0 --describe           print what the plugin is and can do, as JSON
  $0 --version            print name and version
)",
                          descriptor.name(), descriptor.version(), descriptor.kind());
}

absl::Status ServeAsWorker(Plugin& plugin, const PluginDescriptor& descriptor) {
  WorkerOptions options;
  if (!HasCapability(descriptor, "multiplex")) options.max_threads = 1;
  const bool sandboxing = HasCapability(descriptor, "sandboxing");
  return ServeWorkerOnStdio(options, [&plugin, sandboxing](const blaze::worker::WorkRequest& work,
                                                           const std::atomic<bool>& cancelled) {
    return Answer(plugin, sandboxing, work, cancelled);
  });
}

}  // namespace

int PluginMain(int argc, char** argv, Plugin& plugin) {
  const PluginDescriptor descriptor = DescribePlugin(plugin);
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (arguments.empty()) return UsageError("no arguments", descriptor);
  if (arguments.size() == 1) {
    const std::string& flag = arguments.front();
    absl::StatusOr<std::string> text = absl::NotFoundError("");
    if (flag == "--describe") text = absl::StrCat(ToCanonicalJson(descriptor), "\n");
    if (flag == "--version")
      text = absl::StrCat(descriptor.name(), " ", descriptor.version(), "\n");
    if (flag == "--help") text = Help(descriptor);
    if (text.ok()) {
      const absl::Status status = Print(*text);
      return PrintError(status, ExitCode(status));
    }
    if (flag == "--persistent_worker") {
      const absl::Status status = ServeAsWorker(plugin, descriptor);
      return PrintError(status, ExitCode(status));
    }
  }
  // A line of a request is JSON or @FILE, so what starts with a dash can only be meant as a flag.
  for (const std::string& argument : arguments) {
    if (absl::StartsWith(argument, "-")) return UsageError(base::Quoted(argument), descriptor);
  }
  std::string output;
  absl::Status status = RunRequest(plugin, arguments, "", nullptr, &output);
  const absl::Status printed = Print(output);
  if (status.ok()) status = printed;
  return PrintError(status, ExitCode(status));
}

}  // namespace rules_inference::sdk
