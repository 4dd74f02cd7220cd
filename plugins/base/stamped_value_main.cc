// stamped_value_main STATUS KEY OUTPUT: the action of stamped_value.bzl.

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/real_file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/workspace_status.h"

namespace {

namespace base = rules_inference::base;

constexpr size_t kLargest = 1 << 20;

absl::Status Run(int argc, char** argv) {
  if (argc != 4) {
    return base::Mismatch("flags", "stamped_value", absl::StrCat(argc - 1, " arguments"),
                          "STATUS KEY OUTPUT");
  }
  base::RealFileSystem files(base::Durability::kBuildAction);
  ASSIGN_OR_RETURN(const std::string status, base::ReadFile(files, argv[1], kLargest));
  ASSIGN_OR_RETURN(const absl::string_view value, base::StatusName(status, argv[2]));
  return base::WriteFile(files, argv[3], absl::StrCat("\"", value, "\"\n"));
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}
