// How far a transcription is: a line that is drawn over itself for people, JSON for programs.

#ifndef RULES_INFERENCE_PLUGINS_INFER_CLI_PROGRESS_H_
#define RULES_INFERENCE_PLUGINS_INFER_CLI_PROGRESS_H_

#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rules_inference::infer {

// "a.wav  [==========>         ]  52 %  1:00 of 1:55  12.3x": seconds of sound that are done, and
// how many of them in a second.
std::string ProgressLine(absl::string_view file, double done, double total, absl::Duration elapsed);

class Progress {
 public:
  enum class Style { kNone, kBar, kJson };

  Progress(std::ostream& err, Style style, absl::string_view file);
  ~Progress() { Clear(); }

  // A bar is drawn at most ten times a second.
  void Update(double done, double total);
  // Takes the bar away, for other output.
  void Clear();

 private:
  std::ostream& err_;
  const Style style_;
  const std::string file_;
  const absl::Time start_;
  absl::Time drawn_ = absl::InfinitePast();
  bool line_ = false;
};

}  // namespace rules_inference::infer

#endif  // RULES_INFERENCE_PLUGINS_INFER_CLI_PROGRESS_H_
