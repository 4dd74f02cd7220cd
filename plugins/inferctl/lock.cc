// `inferctl lock`: the tools around variants.lock.json.

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::inferctl {
namespace {

// Checks every file, so that one run shows what is wrong with each.
absl::StatusOr<int> Check(Console& console, const std::vector<std::string>& files) {
  int code = sdk::kExitOk;
  for (const std::string& file : files) {
    std::vector<std::string> warnings;
    const absl::StatusOr<sdk::VariantsLock> lock = ReadLock(console, file, &warnings);
    for (const std::string& warning : warnings) console.err << "warning: " << warning << "\n";
    if (lock.ok()) {
      console.out << file << ": " << lock->variants_size()
                  << (lock->variants_size() == 1 ? " row, right\n" : " rows, right\n");
    } else {
      console.err << sdk::FormatError(lock.status());
      code = sdk::kExitFailed;
    }
  }
  return code;
}

}  // namespace

void AddLock(CLI::App& app, Context& context) {
  CLI::App* lock = app.add_subcommand("lock", "Check and update locks of variants");
  lock->require_subcommand(1);
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* check = lock->add_subcommand("check", "Check the files themselves; needs no network");
  check->add_option("lock", *files, "variants.lock.json")->type_name(kFileType)->required();
  check->callback([&context, files] {
    context.run = [&context, files] { return Check(context.console, *files); };
  });
}

}  // namespace rules_inference::inferctl
