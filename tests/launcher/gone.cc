#include "tests/launcher/gone.h"

int Gone() { return 7; }
