// The checks that a variant has to pass on a machine, one function each. All return nothing when
// the machine is right, else why it is not; a field that cannot be understood is a reason too, so
// that nothing runs by accident.
//
// rules/private/variants/requirement.bzl says the same in Starlark, and a test compares them.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_REQUIREMENT_H_
#define RULES_INFERENCE_PLUGINS_SELECT_REQUIREMENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "plugins/sdk/select.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::select {

// A machine, as one selection sees it.
struct Machine {
  sdk::HostDescriptor host;
  std::string platform;
  // False when nothing is known about it: what it has beyond the platform is then not checked where
  // the platform itself answers (libc), and missing everywhere else.
  bool known = false;
};

using Refusal = std::optional<sdk::Reason>;

sdk::Reason MakeReason(absl::string_view code, absl::string_view text);

// The number of a level, higher is better: 3 for "x86-64-v3", 82 for "armv8.2-a", 0 for an empty
// one; nothing when it is no level of the platform.
std::optional<int64_t> CpuLevel(absl::string_view level, absl::string_view platform);

Refusal CheckCpuLevel(const sdk::VariantProperties& wants, const Machine& machine);
Refusal CheckLibc(const sdk::VariantProperties& wants, const Machine& machine);
Refusal CheckSonames(const sdk::VariantProperties& wants, const Machine& machine);
// Of each feature the machine has one of the values. `*preference` is the sum of the positions of
// the best ones in the machine's own order.
Refusal CheckProperties(const sdk::VariantProperties& wants, const Machine& machine,
                        int64_t* preference);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_REQUIREMENT_H_
