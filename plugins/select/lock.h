// The rules of variants.lock.json.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_LOCK_H_
#define RULES_INFERENCE_PLUGINS_SELECT_LOCK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::select {

// InvalidArgument "variants lock: <where>: row N: got X, expected Y" for the first thing that is
// wrong. `*warnings`, unless null, gets a line for everything that is allowed and not good.
absl::Status CheckLock(const sdk::VariantsLock& lock, absl::string_view where,
                       std::vector<std::string>* warnings);

// Where the archive of an available row without parts is: its own urls, or the template's.
std::vector<std::string> UrlsOf(const sdk::VariantsLock& lock, const sdk::Variant& variant);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_LOCK_H_
