// What `__builtin_cpu_init` and `__builtin_cpu_supports` of clang call and read on x86_64.
//
// Problem: libgcc and LLVM's compiler-rt have it, Zig's compiler-rt has not, and programs that
// choose code by CPU do not link.
//
// Idea: one table from a bit of the instruction `cpuid` to the bit of the feature, as clang numbers
// them. A register that the operating system does not save makes its features absent, as they
// would trap. Answers equal those of libgcc, bit for bit.
//
// Not here: `__builtin_cpu_is` (no model is ever recognized), and features of which the table has
// no line. Both then say no, which is right for code that has another way.

#include <cpuid.h>

enum Register { k1Ecx, k1Edx, k7Ebx, k7Ecx, k71Eax, k7Edx, kExtendedEcx, kRegisters };

// Bits of XCR0 that a feature needs.
enum Saved { kAlways = 0, kYmm = 0x6, kZmm = 0xe6 };

struct Feature {
  unsigned char source;  // A Register.
  unsigned char bit;
  unsigned char saved;
  unsigned char number;  // 0 to 31 are in __cpu_model, the next ones in __cpu_features2.
};

static const struct Feature kFeatures[] = {
    {k1Edx, 15, kAlways, 0},         // cmov
    {k1Edx, 23, kAlways, 1},         // mmx
    {k1Ecx, 23, kAlways, 2},         // popcnt
    {k1Edx, 25, kAlways, 3},         // sse
    {k1Edx, 26, kAlways, 4},         // sse2
    {k1Ecx, 0, kAlways, 5},          // sse3
    {k1Ecx, 9, kAlways, 6},          // ssse3
    {k1Ecx, 19, kAlways, 7},         // sse4.1
    {k1Ecx, 20, kAlways, 8},         // sse4.2
    {k1Ecx, 28, kYmm, 9},            // avx
    {k7Ebx, 5, kYmm, 10},            // avx2
    {kExtendedEcx, 6, kAlways, 11},  // sse4a
    {kExtendedEcx, 16, kYmm, 12},    // fma4
    {kExtendedEcx, 11, kYmm, 13},    // xop
    {k1Ecx, 12, kYmm, 14},           // fma
    {k7Ebx, 16, kZmm, 15},           // avx512f
    {k7Ebx, 3, kAlways, 16},         // bmi
    {k7Ebx, 8, kAlways, 17},         // bmi2
    {k1Ecx, 25, kAlways, 18},        // aes
    {k1Ecx, 1, kAlways, 19},         // pclmul
    {k7Ebx, 31, kZmm, 20},           // avx512vl
    {k7Ebx, 30, kZmm, 21},           // avx512bw
    {k7Ebx, 17, kZmm, 22},           // avx512dq
    {k7Ebx, 28, kZmm, 23},           // avx512cd
    {k7Ecx, 1, kZmm, 26},            // avx512vbmi
    {k7Ebx, 21, kZmm, 27},           // avx512ifma
    {k7Ecx, 14, kZmm, 30},           // avx512vpopcntdq
    {k7Ecx, 6, kZmm, 31},            // avx512vbmi2
    {k7Ecx, 8, kAlways, 32},         // gfni
    {k7Ecx, 10, kYmm, 33},           // vpclmulqdq
    {k7Ecx, 11, kZmm, 34},           // avx512vnni
    {k7Ecx, 12, kZmm, 35},           // avx512bitalg
    {k71Eax, 5, kZmm, 36},           // avx512bf16
    {k7Edx, 8, kZmm, 37},            // avx512vp2intersect
    {k7Ebx, 19, kAlways, 40},        // adx
    {k1Ecx, 13, kAlways, 46},        // cx16
    {k1Ecx, 29, kYmm, 49},           // f16c
    {k7Ebx, 0, kAlways, 50},         // fsgsbase
    {kExtendedEcx, 5, kAlways, 57},  // lzcnt
    {k1Ecx, 22, kAlways, 58},        // movbe
    {k1Ecx, 30, kAlways, 69},        // rdrnd
    {k7Ebx, 18, kAlways, 70},        // rdseed
    {k7Ebx, 29, kAlways, 74},        // sha
    {k7Ecx, 9, kYmm, 78},            // vaes
    {k1Ecx, 26, kAlways, 81},        // xsave
    {k71Eax, 4, kYmm, 93},           // avxvnni
    {k7Edx, 23, kZmm, 94},           // avx512fp16
};

// The levels of the psABI, each with what it adds to the one before: numbers of features, and of
// the level.
static const struct {
  unsigned char number;
  unsigned char needs[8];
} kLevels[] = {
    {95, {0, 1, 3, 4}},                     // x86-64
    {96, {2, 5, 6, 7, 8, 46}},              // x86-64-v2; LAHF too, see below
    {97, {9, 10, 14, 16, 17, 49, 57, 58}},  // x86-64-v3
    {98, {15, 20, 21, 22, 23}},             // x86-64-v4
};

__attribute__((visibility("hidden"))) struct {
  unsigned vendor, type, subtype, features[1];
} __cpu_model;
__attribute__((visibility("hidden"))) unsigned __cpu_features2[3];

static void Set(unsigned number) {
  unsigned* words = number < 32 ? __cpu_model.features : __cpu_features2;
  words[number < 32 ? 0 : number / 32 - 1] |= 1u << number % 32;
}

static int Has(unsigned number) {
  const unsigned* words = number < 32 ? __cpu_model.features : __cpu_features2;
  return words[number < 32 ? 0 : number / 32 - 1] >> number % 32 & 1;
}

static void ReadRegisters(unsigned* registers) {
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &registers[k1Ecx], &registers[k1Edx]) == 0) return;
  if (__get_cpuid_count(7, 0, &a, &registers[k7Ebx], &registers[k7Ecx], &registers[k7Edx]) &&
      a > 0) {
    __get_cpuid_count(7, 1, &registers[k71Eax], &b, &c, &d);
  }
  __get_cpuid(0x80000001, &a, &b, &registers[kExtendedEcx], &d);
}

// Before all constructors of programs, which may ask.
__attribute__((visibility("hidden"), constructor(101))) int __cpu_indicator_init(void) {
  unsigned registers[kRegisters] = {0}, xcr0 = 0, high;
  if (__cpu_model.features[0]) return 0;
  ReadRegisters(registers);
  if (registers[k1Ecx] >> 27 & 1) __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  for (unsigned i = 0; i < sizeof(kFeatures) / sizeof(kFeatures[0]); ++i) {
    const struct Feature* feature = &kFeatures[i];
    if ((registers[feature->source] >> feature->bit & 1) &&
        (xcr0 & feature->saved) == feature->saved)
      Set(feature->number);
  }
  for (unsigned level = 0; level < sizeof(kLevels) / sizeof(kLevels[0]); ++level) {
    // Zeros fill the lists; feature 0 is there on every CPU of 64 bits.
    for (unsigned i = 0; i < sizeof(kLevels[0].needs); ++i) {
      if (!Has(kLevels[level].needs[i])) return 0;
    }
    if (level == 1 && !(registers[kExtendedEcx] & 1)) return 0;
    Set(kLevels[level].number);
  }
  return 0;
}
