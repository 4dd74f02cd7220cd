// A progress line at a terminal.

#ifndef RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_PROGRESS_H_
#define RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_PROGRESS_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rules_inference::sdk {

// "cuda-sm86  [=====>    ]  52 %  14.2 MB of 27.1 MB  3.1 MB/s", drawn over itself.
std::string ProgressLine(absl::string_view name, uint64_t done, uint64_t total,
                         absl::Duration elapsed);

class Progress {
 public:
  // Draws nothing when `terminal` is false.
  Progress(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}
  ~Progress() { Clear(); }

  void Begin(absl::string_view name);
  // At most ten times a second something is drawn.
  void Update(uint64_t done, uint64_t total);
  // Takes the line away, for other output.
  void Clear();

 private:
  std::ostream& out_;
  const bool terminal_;
  std::string name_;
  absl::Time start_;
  absl::Time drawn_ = absl::InfinitePast();
  bool line_ = false;
};

}  // namespace rules_inference::sdk

#endif  // RULES_INFERENCE_PLUGINS_SDK_COMMAND_LINE_PROGRESS_H_
