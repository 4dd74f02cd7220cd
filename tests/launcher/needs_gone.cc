// A program that cannot be loaded.

#include "tests/launcher/gone.h"

int main() { return Gone(); }
