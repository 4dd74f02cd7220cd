#include "plugins/infer/cli/progress.h"

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugins/infer/output/json_writer.h"

namespace rules_inference::infer {
namespace {

constexpr size_t kBar = 20;

std::string Clock(double seconds) {
  const int whole = static_cast<int>(seconds);
  if (whole < 3600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

std::string ProgressLine(absl::string_view file, double done, double total,
                         absl::Duration elapsed) {
  const double share = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 1.0;
  const auto filled = static_cast<size_t>(share * kBar);
  std::string line = absl::StrFormat("%s  [%s%s]  %d %%  %s of %s", file, std::string(filled, '='),
                                     std::string(kBar - filled, ' '), static_cast<int>(share * 100),
                                     Clock(done), Clock(total));
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (seconds >= 1 && done > 0) absl::StrAppendFormat(&line, "  %.1fx", done / seconds);
  return line;
}

Progress::Progress(std::ostream& err, Style style, absl::string_view file)
    : err_(err), style_(style), file_(file), start_(absl::Now()) {}

void Progress::Update(double done, double total) {
  if (style_ == Style::kNone) return;
  const absl::Time now = absl::Now();
  if (style_ == Style::kJson) {
    JsonWriter json(JsonWriter::Layout::kLine);
    json.Object().Key("file").String(file_);
    json.Key("done").Seconds(done).Key("total").Seconds(total);
    json.Key("elapsed").Seconds(absl::ToDoubleSeconds(now - start_)).End();
    err_ << json.Take() << std::endl;
    return;
  }
  if (now - drawn_ < absl::Milliseconds(100) && done < total) return;
  drawn_ = now;
  line_ = true;
  // Erases to the end of the line: the last text may have been longer.
  err_ << "\r" << ProgressLine(file_, done, total, now - start_) << "\x1b[K" << std::flush;
}

void Progress::Clear() {
  if (!line_) return;
  err_ << "\r\x1b[K" << std::flush;
  line_ = false;
  drawn_ = absl::InfinitePast();
}

}  // namespace rules_inference::infer
