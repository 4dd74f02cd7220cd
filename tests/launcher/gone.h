// A library that is there when its user is linked, and nowhere when it is started.

#ifndef RULES_INFERENCE_TESTS_LAUNCHER_GONE_H_
#define RULES_INFERENCE_TESTS_LAUNCHER_GONE_H_

int Gone();

#endif  // RULES_INFERENCE_TESTS_LAUNCHER_GONE_H_
