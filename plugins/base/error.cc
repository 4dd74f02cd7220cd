#include "plugins/base/error.h"

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rules_inference::base {
namespace {

constexpr size_t kMaxQuoted = 200;

absl::StatusCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case EINVAL:
    case ENAMETOOLONG:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status Mismatch(absl::string_view what, absl::string_view where, absl::string_view got,
                      absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": ", where, ": got ", got, ", expected ", expected));
}

absl::Status WithHint(const absl::Status& status, absl::string_view hint) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), "\nhint: ", hint));
}

std::string Quoted(absl::string_view text) {
  const bool shortened = text.size() > kMaxQuoted;
  // CEscape escapes every byte that is not printable ASCII, so that a cut in the middle of a
  // character does no harm.
  const std::string escaped =
      shortened ? absl::CEscape(text.substr(0, kMaxQuoted)) : absl::Utf8SafeCEscape(text);
  return absl::StrCat("'", escaped, shortened ? "'..." : "'");
}

absl::Status SystemError(int error_number, absl::string_view what, absl::string_view where) {
  // std::generic_category gives the C locale's text: messages do not depend on the locale of the
  // user.
  return absl::Status(
      CodeOf(error_number),
      absl::StrCat(what, ": ", where, ": ", std::generic_category().message(error_number)));
}

}  // namespace rules_inference::base
