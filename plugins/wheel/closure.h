// Whether the native libraries of a set of wheels find what they need: in the set, or on the
// system.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_CLOSURE_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_CLOSURE_H_

#include <string>
#include <vector>

#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {

struct ClosureOptions {
  // Sonames that the system has, beyond those of its libc. A '*' at the end stands for anything.
  std::vector<std::string> system;
  // Only what RPATH or RUNPATH lead to counts. Without it a library anywhere in the set does, as
  // packages load theirs by hand before others need them.
  bool strict = false;
};

struct Closure {
  // "numpy: numpy/core/x.so needs libfoo.so.1"; sorted.
  std::vector<std::string> missing;
  int libraries = 0;
  int needs = 0;
};

// Layouts of wheels that go into one site-packages directory.
Closure CheckClosure(const std::vector<sdk::WheelLayout>& wheels, const ClosureOptions& options);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_CLOSURE_H_
