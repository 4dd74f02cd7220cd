#include "plugins/base/commit.h"

namespace rules_inference::base {

const char* const kCommit =
#include "plugins/base/commit_value.inc"
    ;

}  // namespace rules_inference::base
