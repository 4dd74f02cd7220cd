#include "plugins/cuda/step.h"
int main() {}
