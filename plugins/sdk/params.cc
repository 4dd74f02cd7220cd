#include "plugins/sdk/params.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::sdk {
namespace {

constexpr absl::string_view kWhat = "params file";

// The bytes of `path`; an error if there are more than `bytes_left` of `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_left, size_t max_bytes) {
  // A path from a request may hold anything; open() would silently stop at a NUL.
  if (absl::StrContains(path, '\0'))
    return base::Mismatch(kWhat, base::Quoted(path), "NUL in the path", "a path");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return base::SystemError(errno, kWhat, base::Quoted(path));
  const auto close_fd = absl::MakeCleanup([fd] { close(fd); });
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::SystemError(errno, kWhat, base::Quoted(path));
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > bytes_left) {
      return base::Mismatch(
          kWhat, base::Quoted(path), "more",
          absl::StrCat("at most ", max_bytes, " bytes in the params files of one request"));
    }
  }
}

class Expander {
 public:
  Expander(absl::string_view sandbox_dir, const ParamsLimits& limits)
      : sandbox_dir_(sandbox_dir), limits_(limits), bytes_left_(limits.max_bytes) {}

  absl::Status AddArgument(absl::string_view argument) {
    if (absl::StartsWith(argument, "@") && !absl::StartsWith(argument, "@@"))
      return AddFile(argument.substr(1));
    return AddLine("request", argument, lines_.size() + 1);
  }

  std::vector<std::string> TakeLines() { return std::move(lines_); }

 private:
  absl::Status AddFile(absl::string_view path) {
    const std::string full_path =
        sandbox_dir_.empty() ? std::string(path) : absl::StrCat(sandbox_dir_, "/", path);
    ASSIGN_OR_RETURN(const std::string content,
                     ReadFile(full_path, bytes_left_, limits_.max_bytes));
    bytes_left_ -= content.size();
    if (content.empty()) return absl::OkStatus();
    const std::string what = absl::StrCat(kWhat, ": ", base::Quoted(full_path));
    size_t number = 0;
    for (absl::string_view line : absl::StrSplit(absl::StripSuffix(content, "\n"), '\n')) {
      ++number;
      if (absl::StartsWith(line, "@") && !absl::StartsWith(line, "@@")) {
        return base::WithHint(
            base::Mismatch(what, absl::StrCat("line ", number), base::Quoted(line),
                           "a line of the request, as params files do not nest"),
            "a line that starts with @ is written as @@");
      }
      RETURN_IF_ERROR(AddLine(what, line, number));
    }
    return absl::OkStatus();
  }

  absl::Status AddLine(absl::string_view what, absl::string_view line, size_t number) {
    const std::string where = absl::StrCat("line ", number);
    if (absl::EndsWith(line, "\r")) {
      return base::Mismatch(what, where, "a carriage return at its end",
                            "lines that end with LF alone");
    }
    if (absl::StrContains(line, '\0')) return base::Mismatch(what, where, "NUL", "text");
    if (lines_.size() >= limits_.max_lines) {
      return base::Mismatch(what, where, "one more line",
                            absl::StrCat("at most ", limits_.max_lines, " in one request"));
    }
    lines_.emplace_back(absl::StartsWith(line, "@@") ? line.substr(1) : line);
    return absl::OkStatus();
  }

  const absl::string_view sandbox_dir_;
  const ParamsLimits limits_;
  size_t bytes_left_;
  std::vector<std::string> lines_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> ExpandParams(absl::Span<const std::string> arguments,
                                                      absl::string_view sandbox_dir,
                                                      const ParamsLimits& limits) {
  Expander expander(sandbox_dir, limits);
  for (const std::string& argument : arguments) RETURN_IF_ERROR(expander.AddArgument(argument));
  return expander.TakeLines();
}

}  // namespace rules_inference::sdk
