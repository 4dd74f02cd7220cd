// `infer serve`, for the command line.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVE_COMMAND_H_
#define RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVE_COMMAND_H_

#include "CLI/CLI.hpp"
#include "plugins/infer/cli/command.h"

namespace rules_inference::infer {

void AddServe(CLI::App& app, Context& context);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SERVER_SERVE_COMMAND_H_
