// RETURN_IF_ERROR and ASSIGN_OR_RETURN: the only two control-flow macros of the project.

#ifndef RULES_INFERENCE_PLUGINS_BASE_STATUS_MACROS_H_
#define RULES_INFERENCE_PLUGINS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Protobuf and other libraries define macros of the same names in some of their headers; ours must
// win in our own code.
#undef RETURN_IF_ERROR
#undef ASSIGN_OR_RETURN

// Returns from the enclosing function when `expr`, an absl::Status, is not OK.
#define RETURN_IF_ERROR(expr)                                              \
  do {                                                                     \
    if (absl::Status ri_status_ = (expr); !ri_status_.ok()) [[unlikely]] { \
      return ri_status_;                                                   \
    }                                                                      \
  } while (false)

// ASSIGN_OR_RETURN(auto x, Foo()): returns the status of Foo() when it is not OK, else moves its
// value to `x`.
#define ASSIGN_OR_RETURN(lhs, expr) \
  RI_ASSIGN_OR_RETURN_(RI_CONCAT_(ri_status_or_, __LINE__), lhs, expr)

#define RI_CONCAT_INNER_(a, b) a##b
#define RI_CONCAT_(a, b) RI_CONCAT_INNER_(a, b)
#define RI_ASSIGN_OR_RETURN_(temporary, lhs, expr) \
  auto temporary = (expr);                         \
  if (!temporary.ok()) [[unlikely]] {              \
    return std::move(temporary).status();          \
  }                                                \
  lhs = *std::move(temporary)

#endif  // RULES_INFERENCE_PLUGINS_BASE_STATUS_MACROS_H_
