#include <unistd.h>

#include <iostream>

#include "plugins/base/real_file_system.h"
#include "plugins/inferctl/inferctl.h"
#include "plugins/select/provider/detect.h"

int main(int argc, char** argv) {
  using rules_inference::base::Durability;
  rules_inference::base::RealFileSystem files(Durability::kDurable);
  rules_inference::inferctl::Console console{std::cout,
                                             std::cerr,
                                             files,
                                             rules_inference::select::RealProbe(files),
                                             isatty(STDERR_FILENO) == 1,
                                             isatty(STDIN_FILENO) == 1 ? &std::cin : nullptr};
  return rules_inference::inferctl::Inferctl(argc, argv, console);
}
