// The interface of a plugin: one process, one kind of work, three ways to be called.
//
//   plugin --describe              prints its PluginDescriptor as JSON
//   plugin --version               prints "<name> <version>"
//   plugin [LINE... | @FILE]       runs one request; FILE holds its fragments, one line of JSON
//   each plugin --persistent_worker     speaks Bazel's worker protocol on stdin and stdout
//
// The same Run() serves all of them. A request that fails leaves the process able to take the next
// one.

#ifndef RULES_INFERENCE_PLUGINS_SDK_PLUGIN_H_
#define RULES_INFERENCE_PLUGINS_SDK_PLUGIN_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugins/sdk/plugin.pb.h"

namespace rules_inference::sdk {

// Version of this interface, in every PluginDescriptor. It grows when a plugin built for the old
// one would misbehave.
inline constexpr int kProtocolVersion = 1;

// What one call of Plugin::Run gets.
struct Request {
  // One JSON fragment each; params files are already expanded.
  std::vector<std::string> lines;
  // Prefix for every input and output path: empty, or the sandbox directory of a sandboxed
  // multiplex worker.
  std::string sandbox_dir;
  // Set when the build no longer wants the result; long work should poll it and return
  // absl::CancelledError().
  const std::atomic<bool>* cancelled = nullptr;
  bool IsCancelled() const {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  }
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual PluginDescriptor Describe() const = 0;
  // Must be safe to call from several threads when the descriptor names the capability "multiplex".
  // Text for the user goes to `*output`; errors are the returned status (see sdk/error.h for its
  // format).
  virtual absl::Status Run(const Request& request, std::string* output) = 0;
};

// Runs `plugin` as the command line asks; returns the exit code: 0, 1 (request failed) or 2 (bad
// flags).
int PluginMain(int argc, char** argv, Plugin& plugin);

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_PLUGIN_H_
