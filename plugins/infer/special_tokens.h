// The tokens of a Whisper vocabulary that are not text. Their ids follow from its size alone.

#ifndef RULES_INFERENCE_PLUGINS_INFER_SPECIAL_TOKENS_H_
#define RULES_INFERENCE_PLUGINS_INFER_SPECIAL_TOKENS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rules_inference::infer {

using TokenId = int;

struct Language {
  absl::string_view code;  // "en".
  absl::string_view name;  // "english".
};

// In the order of their tokens; the last one, "yue", is in the newest vocabulary only.
absl::Span<const Language> Languages();

// By code, name or another name that is in use ("burmese", "mandarin"), in either case. Position in
// Languages().
std::optional<int> FindLanguage(absl::string_view text);

struct SpecialTokens {
  // `vocab`: 51864 (English only), 51865 or 51866.
  explicit SpecialTokens(int vocab);

  bool multilingual;
  int languages;  // 99 or 100.

  TokenId end_of_text;
  TokenId start_of_transcript;
  TokenId first_language;
  TokenId translate;
  TokenId transcribe;
  TokenId start_of_lm;
  TokenId start_of_previous;
  TokenId no_speech;
  TokenId no_timestamps;
  // 0.00 s; 1500 more follow, 0.02 s apart.
  TokenId first_timestamp;

  bool IsTimestamp(TokenId id) const { return id >= first_timestamp; }
  bool IsText(TokenId id) const { return id < end_of_text; }
  // In steps of 0.02 s.
  int StepsOf(TokenId timestamp) const { return timestamp - first_timestamp; }
  // As people write them: "<|startoftranscript|>", "<|en|>", "<|1.08|>"; empty for text.
  std::string NameOf(TokenId id) const;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_SPECIAL_TOKENS_H_
