// The program of oci_push targets.

#ifndef RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_PUSH_COMMAND_H_
#define RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_PUSH_COMMAND_H_

#include <ostream>

namespace rules_inference::layer::registry {

struct Console {
  std::ostream& out;
  std::ostream& err;
  // Whether `err` is one where a line may be drawn again and again.
  bool terminal = false;
};

// The request lies beside the program, as `<program>.request.json`, and its files in the runfiles
// of the program (base::RunfilesOf). Flags add to it. Returns the exit code: 0, 1 for a push that
// failed, 2 for flags that make no sense.
int PushCommand(int argc, const char* const* argv, const Console& console);

}  // namespace rules_inference::layer::registry

#endif  // RULES_INFERENCE_PLUGINS_LAYER_REGISTRY_PUSH_COMMAND_H_
