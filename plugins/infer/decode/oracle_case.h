// What is transcribed in tests against openai/whisper: a model with random weights, a sound by
// formula, options. testdata/oracle/README.md describes the files.

#ifndef RULES_INFERENCE_PLUGINS_INFER_DECODE_ORACLE_CASE_H_
#define RULES_INFERENCE_PLUGINS_INFER_DECODE_ORACLE_CASE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "plugins/infer/decode/transcribe.h"

namespace rules_inference::infer {

struct OracleCase {
  // Lines before "---", as words: {"beam_size", "5"}.
  std::vector<std::vector<std::string>> settings;
  TranscribeOptions options;
  // Behind "---".
  std::string expected;
};

// The text has to be well-formed: it is ours.
OracleCase ParseOracleCase(absl::string_view text);

// The bytes of its model file.
std::string ModelOf(const OracleCase& oracle_case);

// `jfk`: the recording, for cases that want it.
std::vector<float> SamplesOf(const OracleCase& oracle_case, const std::vector<float>& jfk);
bool WantsJfk(const OracleCase& oracle_case);

// Of the bytes of a WAV file of 16 bits, 16 kHz, mono.
std::vector<float> SamplesOfWav(absl::string_view bytes);

// As the expected part is written: numbers with six digits behind the point, which `expected` may
// differ in by a few units of the last one.
std::string Describe(const Transcript& transcript, float language_probability);

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_DECODE_ORACLE_CASE_H_
