#include <string.h>

#if __GLIBC_MINOR__ != 28
#error "the headers are of another version"
#endif

int Length(const char* text) { return (int)strlen(text); }
