#include "answer.h"

#include <stdexcept>

int Answer(int number) {
  if (number < 0) throw std::invalid_argument("negative");
  return number + 1;
}
