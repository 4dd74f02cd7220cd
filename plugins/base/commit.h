// The commit that was built.

#ifndef RULES_INFERENCE_PLUGINS_BASE_COMMIT_H_
#define RULES_INFERENCE_PLUGINS_BASE_COMMIT_H_

namespace rules_inference::base {

// STABLE_GIT_COMMIT of the workspace status of builds with --stamp; "" of all others, so that these
// are the same bytes for each commit that changes nothing in them.
extern const char* const kCommit;

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_COMMIT_H_
