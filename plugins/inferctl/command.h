// What the subcommands share: where they write, and how they say what is to be done.

#ifndef RULES_INFERENCE_PLUGINS_INFERCTL_COMMAND_H_
#define RULES_INFERENCE_PLUGINS_INFERCTL_COMMAND_H_

#include <functional>
#include <istream>
#include <ostream>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"
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
  std::function<absl::StatusOr<int>()> run;  // The exit code.
};

void AddDetect(CLI::App& app, Context& context);
void AddSelect(CLI::App& app, Context& context);
void AddRecommend(CLI::App& app, Context& context);
void AddLock(CLI::App& app, Context& context);
void AddVariants(CLI::App& app, Context& context);
void AddWheels(CLI::App& app, Context& context);
void AddModels(CLI::App& app, Context& context);
void AddCuda(CLI::App& app, Context& context);
void AddCompletions(CLI::App& app, Context& context);
void AddVersion(CLI::App& app, Context& context);

// Type names of values. They show in the help, and completions offer what fits them.
inline constexpr char kFileType[] = "FILE";
inline constexpr char kDirectoryType[] = "DIR";

}  // namespace rules_inference::inferctl

#endif  // RULES_INFERENCE_PLUGINS_INFERCTL_COMMAND_H_
