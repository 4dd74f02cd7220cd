#include <iostream>

#include "plugins/base/real_file_system.h"
#include "plugins/inferctl/inferctl.h"
#include "plugins/select/provider/detect.h"

int main(int argc, char** argv) {
  rules_inference::base::RealFileSystem files;
  rules_inference::inferctl::Console console{std::cout, std::cerr, files,
                                             rules_inference::select::RealProbe(files)};
  return rules_inference::inferctl::Inferctl(argc, argv, console);
}
