// oracle_inputs CASE MODEL SAMPLES [JFK]: writes the model file and the samples (f32) of a case,
// for tests/manual/oracle.py.

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <vector>

#include "plugins/infer/decode/oracle_case.h"

namespace {

std::string Read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool Write(const char* path, const char* data, size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(data, static_cast<std::streamsize>(size));
  return out.good();
}

}  // namespace

int main(int argc, char** argv) {
  namespace infer = rules_inference::infer;
  if (argc < 4) {
    std::fputs("usage: oracle_inputs CASE MODEL SAMPLES [JFK]\n", stderr);
    return 2;
  }
  const infer::OracleCase oracle_case = infer::ParseOracleCase(Read(argv[1]));
  std::vector<float> jfk;
  if (argc > 4) jfk = infer::SamplesOfWav(Read(argv[4]));
  const std::string model = infer::ModelOf(oracle_case);
  const std::vector<float> samples = infer::SamplesOf(oracle_case, jfk);
  const bool written =
      Write(argv[2], model.data(), model.size()) &&
      Write(argv[3], reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(float));
  return written ? 0 : 1;
}
