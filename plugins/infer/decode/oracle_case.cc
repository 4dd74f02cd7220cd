#include "plugins/infer/decode/oracle_case.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/functional/function_ref.h"
#include "absl/log/check.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/infer/decode/transcribe.h"
#include "plugins/infer/log_mel.h"
#include "plugins/infer/made_model.h"
#include "plugins/infer/model_file.h"
#include "plugins/infer/special_tokens.h"
#include "plugins/infer/tensor_type.h"
#include "plugins/infer/test_model.h"

namespace rules_inference::infer {
namespace {

double Number(absl::string_view text) {
  double value = 0;
  CHECK(absl::SimpleAtod(text, &value)) << text;
  return value;
}

int Integer(absl::string_view text) { return static_cast<int>(Number(text)); }

std::optional<float> Threshold(absl::string_view text) {
  if (text == "none") return std::nullopt;
  return static_cast<float>(Number(text));
}

using Words = std::vector<std::string>;

std::vector<TranscribeOptions::Clip> Clips(const Words& words) {
  std::vector<TranscribeOptions::Clip> clips;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::pair<std::string, std::string> ends = absl::StrSplit(words[i], '-');
    TranscribeOptions::Clip clip = {.start = Number(ends.first)};
    if (!ends.second.empty()) clip.end = Number(ends.second);
    clips.push_back(clip);
  }
  return clips;
}

// Returns whether it is an option; the others describe model and sound.
bool Apply(const Words& words, TranscribeOptions& to) {
  const std::string& name = words[0];
  const std::string value = words.size() > 1 ? words[1] : "";
  if (name == "language") {
    to.language = FindLanguage(value);
  } else if (name == "translate") {
    to.translate = true;
  } else if (name == "no_timestamps") {
    to.timestamps = false;
  } else if (name == "word_timestamps") {
    to.word_timestamps = true;
  } else if (name == "temperatures") {
    to.temperatures.clear();
    for (size_t i = 1; i < words.size(); ++i) {
      to.temperatures.push_back(static_cast<float>(Number(words[i])));
    }
  } else if (name == "beam_size") {
    to.beam_size = Integer(value);
  } else if (name == "best_of") {
    to.best_of = Integer(value);
  } else if (name == "patience") {
    to.patience = static_cast<float>(Number(value));
  } else if (name == "length_penalty") {
    to.length_penalty = Threshold(value);
  } else if (name == "seed") {
    to.seed = static_cast<uint64_t>(Integer(value));
  } else if (name == "compression_ratio_threshold") {
    to.compression_ratio_threshold = Threshold(value);
  } else if (name == "log_probability_threshold") {
    to.log_probability_threshold = Threshold(value);
  } else if (name == "no_speech_threshold") {
    to.no_speech_threshold = Threshold(value);
  } else if (name == "no_condition") {
    to.condition_on_previous_text = false;
  } else if (name == "initial_prompt") {
    to.initial_prompt = absl::StrJoin(words.begin() + 1, words.end(), " ");
  } else if (name == "carry") {
    to.carry_initial_prompt = true;
  } else if (name == "allow_blank") {
    to.suppress_blank = false;
  } else if (name == "max_initial_timestamp") {
    to.max_initial_timestamp = Threshold(value);
  } else if (name == "hallucination_silence_threshold") {
    to.hallucination_silence_threshold = Threshold(value);
  } else if (name == "clips") {
    to.clips = Clips(words);
  } else if (name == "suppress") {
    to.suppress_non_speech = false;
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "-1") {
        to.suppress_non_speech = true;
      } else {
        to.suppressed.push_back(Integer(words[i]));
      }
    }
  } else if (name == "alignment_heads") {
    for (size_t i = 1; i < words.size(); ++i) {
      const std::pair<std::string, std::string> head = absl::StrSplit(words[i], '.');
      to.alignment_heads.push_back({Integer(head.first), Integer(head.second)});
    }
  } else if (name == "prepend_punctuations") {
    to.prepend_punctuations = value;
  } else if (name == "append_punctuations") {
    to.append_punctuations = value;
  } else {
    return false;
  }
  return true;
}

const Words* Find(const OracleCase& oracle_case, absl::string_view name) {
  for (const Words& words : oracle_case.settings) {
    if (words[0] == name) return &words;
  }
  return nullptr;
}

double Setting(const OracleCase& oracle_case, absl::string_view name, double otherwise) {
  const Words* const words = Find(oracle_case, name);
  return words == nullptr ? otherwise : Number((*words)[1]);
}

// Changes each value of an f32 tensor, which is at the same place in `bytes` as in `file`.
void Edit(const ModelFile& file, absl::string_view name, std::string& bytes,
          absl::FunctionRef<float(size_t, float)> change) {
  const Tensor& tensor = file.tensor(name);
  CHECK(tensor.type == TensorType::kF32);
  const auto offset = static_cast<size_t>(tensor.data.data() - bytes.data());
  for (size_t i = 0; i < tensor.data.size() / sizeof(float); ++i) {
    float value = 0;
    char* const at = bytes.data() + offset + i * sizeof(float);
    std::memcpy(&value, at, sizeof(float));
    value = change(i, value);
    std::memcpy(at, &value, sizeof(float));
  }
}

template <typename T>
void AppendBytes(T value, std::string& out) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

// The same model with matrices of `type` and convolutions of f16; `bytes` has f32 alone.
std::string Quantized(const std::string& bytes, TensorType type) {
  const ModelFile file = ModelFile::Parse(bytes, "oracle").value();
  const auto head_size = [](const TensorShape& shape) {
    return (3 + shape.dimensions.size()) * sizeof(int32_t) + shape.name.size();
  };
  const std::vector<TensorShape> shapes = ShapesOf(file.parameters());
  const auto first =
      static_cast<size_t>(file.tensor(shapes.front().name).data.data() - bytes.data());
  std::string out = bytes.substr(0, first - head_size(shapes.front()));
  const TensorTypeInfo& info = InfoOf(type);
  // Behind the magic number and ten sizes.
  const auto file_type = static_cast<int32_t>(info.file_type + (info.block > 1 ? 2000 : 0));
  std::memcpy(out.data() + 11 * sizeof(int32_t), &file_type, sizeof(file_type));
  for (const TensorShape& shape : shapes) {
    TensorType to = TensorType::kF32;
    if (shape.kind == TensorKind::kMatrix) to = type;
    if (shape.kind == TensorKind::kConvolution) to = TensorType::kF16;
    AppendBytes(static_cast<int32_t>(shape.dimensions.size()), out);
    AppendBytes(static_cast<uint32_t>(shape.name.size()), out);
    AppendBytes(InfoOf(to).id, out);
    for (const int size : shape.dimensions) AppendBytes(static_cast<int32_t>(size), out);
    out += shape.name;
    std::vector<float> values(shape.elements());
    Dequantize(TensorType::kF32, file.tensor(shape.name).data, absl::MakeSpan(values));
    std::vector<char> quantized(BytesOf(to, values.size()));
    Quantize(to, values, absl::MakeSpan(quantized));
    out.append(quantized.data(), quantized.size());
  }
  return out;
}

// A hash as a number from -1 to 1.
double Noise(uint64_t i) {
  uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
}

// Something like syllables: a fifth of a second each, with a pitch of its own and overtones.
double VoiceAt(uint64_t i) {
  constexpr uint64_t kSyllable = kSampleRate / 5;
  const double phase = static_cast<double>(i % kSyllable) / kSyllable;
  const uint64_t syllable = i / kSyllable;
  const double pitch = 150 + 60 * Noise(syllable * 3);
  const double color = 2 + 6 * std::abs(Noise(syllable * 3 + 1));
  double sum = 0;
  for (int overtone = 1; overtone <= 12; ++overtone) {
    const double strength = std::exp(-std::abs(overtone - color) / 2);
    sum += strength *
           std::sin(2 * std::numbers::pi * pitch * overtone * static_cast<double>(i) / kSampleRate);
  }
  return 0.2 * std::sin(std::numbers::pi * phase) * sum;
}

}  // namespace

OracleCase ParseOracleCase(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits("---\n", 1));
  OracleCase oracle_case;
  for (const absl::string_view line : absl::StrSplit(parts.first, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "#")) continue;
    oracle_case.settings.push_back(absl::StrSplit(line, ' '));
    Apply(oracle_case.settings.back(), oracle_case.options);
  }
  oracle_case.expected = std::string(parts.second);
  return oracle_case;
}

std::string ModelOf(const OracleCase& oracle_case) {
  const Words& model = *Find(oracle_case, "model");
  Hyperparameters parameters = *SizeOf(model[1]);
  parameters.audio_context = Integer(model[2]);
  parameters.vocab = static_cast<int>(Setting(oracle_case, "vocab", parameters.vocab));
  parameters.mels = static_cast<int>(Setting(oracle_case, "mels", parameters.mels));
  parameters.text_layers =
      static_cast<int>(Setting(oracle_case, "text_layers", parameters.text_layers));
  const auto heads = static_cast<int>(Setting(oracle_case, "heads", parameters.text_heads));
  parameters.audio_heads = parameters.text_heads = heads;
  parameters.audio_state = parameters.text_state = heads * Hyperparameters::kHeadSize;
  const std::string original =
      MadeModel({parameters, TensorType::kF32, static_cast<uint64_t>(Integer(model[3]))});
  std::string bytes = original;
  const ModelFile file = ModelFile::Parse(bytes, "oracle").value();
  const SpecialTokens special(parameters.vocab);

  // The first dimension of the decoder's last normalization is made the constant 1, so the first
  // column of the embedding is added to logits.
  Edit(file, "decoder.ln.weight", bytes, [](size_t i, float v) { return i == 0 ? 0.0F : v; });
  Edit(file, "decoder.ln.bias", bytes, [](size_t i, float v) { return i == 0 ? 1.0F : v; });
  const double end = Setting(oracle_case, "raise_end", 0);
  const double times = Setting(oracle_case, "raise_times", 0);
  const double later = Setting(oracle_case, "raise_later_times", 0);
  const double no_speech = Setting(oracle_case, "raise_no_speech", 0);
  const double unreadable = Setting(oracle_case, "raise_unreadable", 0);
  const double spaced = Setting(oracle_case, "raise_spaced", 0);
  const double punctuation = Setting(oracle_case, "raise_punctuation", 0);
  const auto raise = [&](TokenId id) {
    if (id == special.end_of_text) return end;
    if (id == special.no_speech) return no_speech;
    if (special.IsTimestamp(id)) {
      // The model knows how long its window is.
      const int steps = special.StepsOf(id);
      return steps > parameters.audio_context ? -50 : times + later * steps;
    }
    if (!special.IsText(id) || static_cast<size_t>(id) >= file.tokens().size()) return 0.0;
    const absl::string_view token = file.tokens()[static_cast<size_t>(id)];
    if (!absl::c_all_of(token, absl::ascii_isprint)) return unreadable;
    if (absl::StrContains(" \".,!?' (-)", token)) return punctuation;
    return absl::StartsWith(token, " ") ? spaced : 0.0;
  };
  const auto state = static_cast<size_t>(parameters.text_state);
  Edit(file, "decoder.token_embedding.weight", bytes, [&](size_t i, float v) {
    return i % state == 0 ? static_cast<float>(raise(static_cast<TokenId>(i / state))) : v;
  });
  const auto positions = static_cast<float>(Setting(oracle_case, "scale_positions", 1));
  Edit(file, "decoder.positional_embedding", bytes, [&](size_t, float v) { return v * positions; });
  const Words* const type = Find(oracle_case, "type");
  return type == nullptr ? bytes : Quantized(bytes, *TensorTypeOf((*type)[1]));
}

bool WantsJfk(const OracleCase& oracle_case) { return (*Find(oracle_case, "sound"))[1] == "jfk"; }

std::vector<float> SamplesOf(const OracleCase& oracle_case, const std::vector<float>& jfk) {
  if (WantsJfk(oracle_case)) return jfk;
  const Words& parts = *Find(oracle_case, "sound");
  std::vector<float> samples;
  for (size_t i = 1; i + 1 < parts.size(); i += 2) {
    const auto count = static_cast<size_t>(Number(parts[i + 1]) * kSampleRate);
    for (size_t j = 0; j < count; ++j) {
      const uint64_t at = samples.size();
      const double voice = parts[i] == "voice" ? VoiceAt(at) : 0;
      samples.push_back(static_cast<float>(voice + 0.001 * Noise(at)));
    }
  }
  return samples;
}

std::vector<float> SamplesOfWav(absl::string_view bytes) {
  const size_t data = bytes.find("data");
  CHECK(data != absl::string_view::npos);
  bytes.remove_prefix(data + 8);
  std::vector<float> samples(bytes.size() / 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    std::array<char, 2> sample = {bytes[2 * i], bytes[2 * i + 1]};
    samples[i] = static_cast<float>(std::bit_cast<int16_t>(sample)) / 32768.0F;
  }
  return samples;
}

std::string Describe(const Transcript& transcript, float language_probability) {
  std::string out = absl::StrFormat("language %s %.6f\n",
                                    Languages()[static_cast<size_t>(transcript.language)].code,
                                    language_probability);
  for (const Segment& s : transcript.segments) {
    absl::StrAppendFormat(&out,
                          "segment seek %d start %.6f end %.6f temperature %.6f log_probability "
                          "%.6f compression %.6f no_speech %.6f\n",
                          s.seek, s.start, s.end, s.temperature, s.avg_log_probability,
                          s.compression_ratio, s.no_speech_probability);
    absl::StrAppendFormat(&out, "  tokens %s\n  text %s\n", absl::StrJoin(s.tokens, " "),
                          absl::Utf8SafeCHexEscape(s.text));
    for (const Word& word : s.words) {
      absl::StrAppendFormat(&out, "  word %.6f %.6f %.6f %s\n", word.start, word.end,
                            word.probability, absl::Utf8SafeCHexEscape(word.text));
    }
  }
  absl::StrAppendFormat(&out, "end\n");
  return out;
}

}  // namespace rules_inference::infer
