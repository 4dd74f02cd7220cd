#include <unistd.h>

#include <iostream>

#include "plugins/layer/registry/push_command.h"

int main(int argc, char** argv) {
  return rules_inference::layer::registry::PushCommand(
      argc, argv, {std::cout, std::cerr, isatty(STDERR_FILENO) == 1});
}
