// Says how it was started, and ends as it is told to: `echo [exit N | signal N | stdin | argv0]
// TEXT...`.

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#ifndef VARIANT
#define VARIANT "cpu"
#endif

int main(int argc, char** argv) {
  const char* chosen = std::getenv("INFERENCE_VARIANT_CHOSEN");
  std::cout << VARIANT << " " << (chosen == nullptr ? "(unset)" : chosen);
  for (int i = 1; i < argc; ++i) std::cout << " [" << argv[i] << "]";
  std::cout << std::endl;
  const std::string word = argc > 1 ? argv[1] : "";
  if (word == "exit") return std::atoi(argv[2]);
  if (word == "signal") std::raise(std::atoi(argv[2]));
  if (word == "argv0") std::cout << argv[0] << std::endl;
  if (word == "environment") std::cout << std::getenv(argv[2]) << std::endl;
  if (word == "stdin") std::cout << std::cin.rdbuf();
  return 0;
}
