// The C library of the machine, "glibc-2.36" or "musl-1.2.3", and which of some shared libraries
// its dynamic loader finds.

#ifndef RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_LIBC_H_
#define RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_LIBC_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::select {

// "2.36" from the text that a glibc carries: "GNU C Library (...) stable release version 2.36.".
std::string GlibcVersionIn(absl::string_view data);

// Those of `sonames` that are there: in LD_LIBRARY_PATH, in the folders of /etc/ld.so.conf, in
// the loader's own. Sorted, without repetition.
std::vector<std::string> FindSonames(const Probe& probe, const std::vector<std::string>& sonames);

}  // namespace rules_inference::select

#endif  // RULES_INFERENCE_PLUGINS_SELECT_PROVIDER_LIBC_H_
