#include "plugins/infer/special_tokens.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::infer {
namespace {

constexpr std::array<Language, 100> kLanguages = {{
    {"en", "english"},        {"zh", "chinese"},     {"de", "german"},        {"es", "spanish"},
    {"ru", "russian"},        {"ko", "korean"},      {"fr", "french"},        {"ja", "japanese"},
    {"pt", "portuguese"},     {"tr", "turkish"},     {"pl", "polish"},        {"ca", "catalan"},
    {"nl", "dutch"},          {"ar", "arabic"},      {"sv", "swedish"},       {"it", "italian"},
    {"id", "indonesian"},     {"hi", "hindi"},       {"fi", "finnish"},       {"vi", "vietnamese"},
    {"he", "hebrew"},         {"uk", "ukrainian"},   {"el", "greek"},         {"ms", "malay"},
    {"cs", "czech"},          {"ro", "romanian"},    {"da", "danish"},        {"hu", "hungarian"},
    {"ta", "tamil"},          {"no", "norwegian"},   {"th", "thai"},          {"ur", "urdu"},
    {"hr", "croatian"},       {"bg", "bulgarian"},   {"lt", "lithuanian"},    {"la", "latin"},
    {"mi", "maori"},          {"ml", "malayalam"},   {"cy", "welsh"},         {"sk", "slovak"},
    {"te", "telugu"},         {"fa", "persian"},     {"lv", "latvian"},       {"bn", "bengali"},
    {"sr", "serbian"},        {"az", "azerbaijani"}, {"sl", "slovenian"},     {"kn", "kannada"},
    {"et", "estonian"},       {"mk", "macedonian"},  {"br", "breton"},        {"eu", "basque"},
    {"is", "icelandic"},      {"hy", "armenian"},    {"ne", "nepali"},        {"mn", "mongolian"},
    {"bs", "bosnian"},        {"kk", "kazakh"},      {"sq", "albanian"},      {"sw", "swahili"},
    {"gl", "galician"},       {"mr", "marathi"},     {"pa", "punjabi"},       {"si", "sinhala"},
    {"km", "khmer"},          {"sn", "shona"},       {"yo", "yoruba"},        {"so", "somali"},
    {"af", "afrikaans"},      {"oc", "occitan"},     {"ka", "georgian"},      {"be", "belarusian"},
    {"tg", "tajik"},          {"sd", "sindhi"},      {"gu", "gujarati"},      {"am", "amharic"},
    {"yi", "yiddish"},        {"lo", "lao"},         {"uz", "uzbek"},         {"fo", "faroese"},
    {"ht", "haitian creole"}, {"ps", "pashto"},      {"tk", "turkmen"},       {"nn", "nynorsk"},
    {"mt", "maltese"},        {"sa", "sanskrit"},    {"lb", "luxembourgish"}, {"my", "myanmar"},
    {"bo", "tibetan"},        {"tl", "tagalog"},     {"mg", "malagasy"},      {"as", "assamese"},
    {"tt", "tatar"},          {"haw", "hawaiian"},   {"ln", "lingala"},       {"ha", "hausa"},
    {"ba", "bashkir"},        {"jw", "javanese"},    {"su", "sundanese"},     {"yue", "cantonese"},
}};

constexpr std::array<Language, 12> kOtherNames = {{
    {"my", "burmese"},
    {"ca", "valencian"},
    {"nl", "flemish"},
    {"ht", "haitian"},
    {"lb", "letzeburgesch"},
    {"ps", "pushto"},
    {"pa", "panjabi"},
    {"ro", "moldavian"},
    {"ro", "moldovan"},
    {"si", "sinhalese"},
    {"es", "castilian"},
    {"zh", "mandarin"},
}};

}  // namespace

absl::Span<const Language> Languages() { return kLanguages; }

std::optional<int> FindLanguage(absl::string_view text) {
  for (const Language& other : kOtherNames) {
    if (absl::EqualsIgnoreCase(text, other.name)) text = other.code;
  }
  const auto found = std::find_if(kLanguages.begin(), kLanguages.end(), [&](const Language& one) {
    return absl::EqualsIgnoreCase(text, one.code) || absl::EqualsIgnoreCase(text, one.name);
  });
  if (found == kLanguages.end()) return std::nullopt;
  return static_cast<int>(found - kLanguages.begin());
}

SpecialTokens::SpecialTokens(int vocab)
    : multilingual(vocab >= 51865),
      languages(vocab - 51765 - (multilingual ? 1 : 0)),
      end_of_text(multilingual ? 50257 : 50256),
      start_of_transcript(end_of_text + 1),
      first_language(start_of_transcript + 1),
      translate(first_language + languages),
      transcribe(translate + 1),
      start_of_lm(transcribe + 1),
      start_of_previous(start_of_lm + 1),
      no_speech(start_of_previous + 1),
      no_timestamps(no_speech + 1),
      first_timestamp(no_timestamps + 1) {}

std::string SpecialTokens::NameOf(TokenId id) const {
  if (IsText(id)) return "";
  if (IsTimestamp(id)) return absl::StrFormat("<|%.2f|>", StepsOf(id) * 0.02);
  if (id >= first_language && id < translate) {
    return absl::StrCat("<|", kLanguages[static_cast<size_t>(id - first_language)].code, "|>");
  }
  if (id == end_of_text) return "<|endoftext|>";
  if (id == start_of_transcript) return "<|startoftranscript|>";
  if (id == translate) return "<|translate|>";
  if (id == transcribe) return "<|transcribe|>";
  if (id == start_of_lm) return "<|startoflm|>";
  if (id == start_of_previous) return "<|startofprev|>";
  if (id == no_speech) return "<|nospeech|>";
  return "<|notimestamps|>";
}

}  // namespace rules_inference::infer
