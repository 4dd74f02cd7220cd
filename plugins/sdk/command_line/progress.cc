#include "plugins/sdk/command_line/progress.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/base/human_size.h"

namespace rules_inference::sdk {
namespace {

constexpr size_t kBar = 20;

}  // namespace

std::string ProgressLine(absl::string_view name, uint64_t done, uint64_t total,
                         absl::Duration elapsed) {
  std::string line(name);
  if (total > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto filled = static_cast<size_t>(share * kBar);
    absl::StrAppendFormat(&line, "  [%s%s]  %d %%  %s of %s", std::string(filled, '='),
                          std::string(kBar - filled, ' '), static_cast<int>(share * 100),
                          base::HumanSize(done), base::HumanSize(total));
  } else {
    absl::StrAppend(&line, "  ", base::HumanSize(done));
  }
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (seconds >= 1) {
    absl::StrAppend(&line, "  ",
                    base::HumanSize(static_cast<uint64_t>(static_cast<double>(done) / seconds)),
                    "/s");
  }
  return line;
}

void Progress::Begin(absl::string_view name) {
  name_ = std::string(name);
  start_ = absl::Now();
  drawn_ = absl::InfinitePast();
}

void Progress::Update(uint64_t done, uint64_t total) {
  if (!terminal_) return;
  const absl::Time now = absl::Now();
  if (now - drawn_ < absl::Milliseconds(100) && done != total) return;
  drawn_ = now;
  line_ = true;
  // Erases to the end of the line: the last text may have been longer.
  out_ << "\r" << ProgressLine(name_, done, total, now - start_) << "\x1b[K" << std::flush;
}

void Progress::Clear() {
  if (!line_) return;
  out_ << "\r\x1b[K" << std::flush;
  line_ = false;
}

}  // namespace rules_inference::sdk
