// `inferctl select`: which variant of a lock a machine gets, and why.

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "plugins/base/status_macros.h"
#include "plugins/inferctl/command.h"
#include "plugins/inferctl/host.h"
#include "plugins/inferctl/request.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json_layout.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/engine.h"
#include "plugins/select/explain.h"

namespace rules_inference::inferctl {
namespace {

struct Options {
  std::string lock;
  RequestOptions request;
  std::string format = "text";
};

absl::StatusOr<int> Run(Console& console, const Options& options) {
  ASSIGN_OR_RETURN(const sdk::VariantsLock lock, ReadLock(console, options.lock));
  ASSIGN_OR_RETURN(const sdk::SelectRequest request, MakeRequest(console, options.request, lock));
  const sdk::SelectAnswer answer = select::Select(request);
  if (options.format == "json") {
    console.out << sdk::ToReadableJson(answer);
  } else if (options.format == "name") {
    if (!answer.chosen().empty()) console.out << answer.chosen() << "\n";
  } else {
    console.out << select::Explain(request, answer);
  }
  if (answer.error().empty()) return sdk::kExitOk;
  if (options.format == "name") console.err << "error: " << answer.error() << "\n";
  return kExitNo;
}

}  // namespace

void AddSelect(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "select", "Say which variant of a lock a machine gets, and why (exit code 3: none)");
  command->add_option("lock", options->lock, "variants.lock.json")
      ->type_name(kFileType)
      ->required();
  AddRequestOptions(*command, &options->request);
  command
      ->add_option("--format", options->format,
                   "text (with a reason for every variant), json, or the name alone")
      ->check(CLI::IsMember({"text", "json", "name"}))
      ->capture_default_str();
  command->callback([&context, options] {
    context.run = [&context, options] { return Run(context.console, *options); };
  });
}

}  // namespace rules_inference::inferctl
