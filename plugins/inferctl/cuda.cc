// `inferctl cuda`: what CUDA code there is in files, and what these need.

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "plugins/inferctl/command.h"
#include "plugins/lock/facts.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"

namespace rules_inference::inferctl {
namespace {

struct Options {
  std::vector<std::string> files;
  bool json = false;
};

// Reads every file, so that one run shows what is wrong with each.
absl::StatusOr<int> RunList(Console& console, const Options& options) {
  int code = sdk::kExitOk;
  for (const std::string& file : options.files) {
    const absl::StatusOr<sdk::BinaryFacts> facts = lock::ReadFacts(file, console.files);
    if (!facts.ok()) {
      console.err << sdk::FormatError(facts.status());
      code = sdk::kExitFailed;
    } else if (options.json) {
      console.out << sdk::ToCanonicalJson(*facts) << "\n";
    } else {
      console.out << lock::FormatFacts(*facts);
    }
  }
  return code;
}

}  // namespace

void AddCuda(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("cuda", "CUDA code in files");
  command->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* list = command->add_subcommand(
      "list", "Print cubins, PTX, machine, needed libraries and glibc of programs and libraries");
  list->add_option("files", options->files, "ELF files, cubins and fat binaries")
      ->type_name(kFileType)
      ->required();
  list->add_flag("--json", options->json, "An object a line");
  list->callback([&context, options] {
    context.run = [&context, options] { return RunList(context.console, *options); };
  });
}

}  // namespace rules_inference::inferctl
