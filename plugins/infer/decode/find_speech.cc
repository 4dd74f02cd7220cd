// find_speech SAMPLES: prints where FindSpeech hears speech in samples (f32, 16 kHz), a span a
// line, for tests/manual/voice_activity.py.

#include <cstdio>
#include <cstring>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <vector>

#include "plugins/infer/decode/voice_activity.h"

int main(int argc, char** argv) {
  namespace infer = rules_inference::infer;
  if (argc != 2) {
    std::fputs("usage: find_speech SAMPLES\n", stderr);
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::vector<float> samples(bytes.size() / sizeof(float));
  if (!samples.empty()) std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(float));
  for (const infer::SpeechSpan& span : infer::FindSpeech(samples, {})) {
    std::printf("%.3f %.3f\n", span.start, span.end);
  }
  return 0;
}
