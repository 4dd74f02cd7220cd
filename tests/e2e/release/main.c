/* Says what it was built with. */
#include <stdio.h>

#ifndef LIBRARY
#define LIBRARY ""
#endif

int Greet(char* text, int size);

extern const char kernels_begin[] __attribute__((weak));
extern const char kernels_end[] __attribute__((weak));

int main(void) {
  char text[32];
  Greet(text, sizeof(text));
  if (kernels_begin == 0) {
    printf("%s cpu\n", text);
  } else {
    printf("%s cuda %ld%s\n", text, (long)(kernels_end - kernels_begin), LIBRARY);
  }
  return 0;
}
