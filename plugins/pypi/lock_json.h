// The lock of a hub, `@wheels//:lock.json`: the one model of requirements.txt, uv.lock and
// pylock.toml (rules/private/wheels/model.bzl), and what each configuration of the hub uses.

#ifndef RULES_INFERENCE_PLUGINS_PYPI_LOCK_JSON_H_
#define RULES_INFERENCE_PLUGINS_PYPI_LOCK_JSON_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/pypi/coverage.h"

namespace rules_inference::pypi {

// The pins of a hub. Each of `configurations` has to be one of the hub. Errors read "lock.json:
// <where>: got X, expected Y".
absl::StatusOr<std::vector<Pin>> ReadLockJson(absl::string_view where, absl::string_view text,
                                              const std::vector<Configuration>& configurations);

}  // namespace rules_inference::pypi

#endif  // RULES_INFERENCE_PLUGINS_PYPI_LOCK_JSON_H_
