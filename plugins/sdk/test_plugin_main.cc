// A plugin that does what its request says, one command a line, to test the SDK from outside.

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/error.h"
#include "plugins/sdk/plugin.h"

namespace rules_inference::sdk {
namespace {

class TestPlugin : public Plugin {
 public:
  PluginDescriptor Describe() const override {
    PluginDescriptor descriptor;
    descriptor.set_name("test_plugin");
    descriptor.set_kind("test");
    descriptor.set_version("1.2.3");
    descriptor.add_capabilities("multiplex");
    return descriptor;
  }

  absl::Status Run(const Request& request, std::string* output) override {
    for (absl::string_view line : request.lines) {
      if (absl::ConsumePrefix(&line, "say ")) {
        absl::StrAppend(output, line, "\n");
      } else if (absl::ConsumePrefix(&line, "fail ")) {
        return base::WithHint(base::Mismatch("test", "line", base::Quoted(line), "success"),
                              "do not ask for failure");
      } else if (line == "print") {
        // By every way that a library might choose.
        std::printf("printf\n");
        std::cout << "cout" << std::endl;
        if (write(STDOUT_FILENO, "write\n", 6) != 6) return absl::UnavailableError("write");
        std::fflush(stdout);
      } else if (line == "read") {
        absl::StrAppend(output, "read ", std::getchar() == EOF ? "nothing" : "something", "\n");
      } else if (line == "throw") {
        throw std::runtime_error("thrown");
      } else {
        return base::Mismatch("request", "line", base::Quoted(line), "a command");
      }
    }
    return absl::OkStatus();
  }
};

}  // namespace
}  // namespace rules_inference::sdk

int main(int argc, char** argv) {
  rules_inference::sdk::TestPlugin plugin;
  return rules_inference::sdk::PluginMain(argc, argv, plugin);
}
