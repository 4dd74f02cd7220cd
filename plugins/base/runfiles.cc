#include "plugins/base/runfiles.h"

#include <cstddef>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"

namespace rules_inference::base {

std::string RunfilesOf(const std::string& program) {
  const std::string own = absl::StrCat(program, ".runfiles");
  RealFileSystem fs;
  if (fs.Stat(own, Follow::kYes).ok()) return own;
  constexpr absl::string_view kMark = ".runfiles/";
  if (const size_t mark = program.rfind(kMark); mark != std::string::npos) {
    return program.substr(0, mark + kMark.size() - 1);
  }
  const char* const directory = std::getenv("RUNFILES_DIR");
  return directory == nullptr ? "" : directory;
}

}  // namespace rules_inference::base
