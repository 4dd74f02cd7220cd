// What the subcommands share: where they write, and how they say what is to be done.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_COMMAND_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_COMMAND_H_

#include <istream>
#include <ostream>

#include "CLI/CLI.hpp"
#include "plugins/base/file_system.h"
#include "plugins/sdk/command_line/command_line.h"
#include "plugins/sdk/command_line/completions.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::inferctl {

inline constexpr int kExitNo = 3;

// The world of a subcommand. Tests give it another one.
struct Console {
  std::ostream& out;
  std::ostream& err;
  base::FileSystem& files;
  select::Probe probe;
  // Whether a person looks at `err`: progress is drawn then.
  bool terminal = false;
  // Where a person answers; null when there is none.
  std::istream* in = nullptr;
};

// A subcommand declares its flags when the program starts, and sets `run` when it was asked for.
struct Context {
  Console& console;
  sdk::RunCommand run;
};

void AddDetect(CLI::App& app, Context& context);
void AddSelect(CLI::App& app, Context& context);
void AddRecommend(CLI::App& app, Context& context);
void AddLock(CLI::App& app, Context& context);
void AddVariants(CLI::App& app, Context& context);
void AddWheels(CLI::App& app, Context& context);
void AddModels(CLI::App& app, Context& context);
void AddCuda(CLI::App& app, Context& context);

using sdk::kDirectoryType;
using sdk::kFileType;

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_COMMAND_H_
