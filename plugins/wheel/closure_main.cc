// elf_closure [--strict] [--system=SONAME]... LAYOUT...: see closure.h.

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/sdk/error.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/closure.h"

int main(int argc, char** argv) {
  namespace ri = rules_inference;
  ri::base::RealFileSystem files;
  ri::wheel::ClosureOptions options;
  std::vector<ri::sdk::WheelLayout> wheels;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--strict") {
      options.strict = true;
    } else if (absl::ConsumePrefix(&argument, "--system=")) {
      options.system.emplace_back(argument);
    } else {
      const std::string path(argument);
      const absl::StatusOr<std::string> text = ri::base::ReadFile(files, path, 1 << 30);
      const absl::StatusOr<ri::sdk::WheelLayout> layout =
          text.ok() ? ri::sdk::ParseJson<ri::sdk::WheelLayout>(path, *text)
                    : absl::StatusOr<ri::sdk::WheelLayout>(text.status());
      if (!layout.ok()) {
        std::cerr << ri::sdk::FormatError(layout.status());
        return ri::sdk::kExitFailed;
      }
      wheels.push_back(*layout);
    }
  }
  const ri::wheel::Closure closure = ri::wheel::CheckClosure(wheels, options);
  for (const std::string& line : closure.missing) std::cout << "missing  " << line << "\n";
  std::cout << wheels.size() << " wheels, " << closure.libraries << " native libraries, "
            << closure.needs << " needs, " << closure.missing.size() << " missing\n";
  return closure.missing.empty() ? ri::sdk::kExitOk : ri::sdk::kExitFailed;
}
