// Writes the files of a tree, several at a time, and checks every byte that comes from the wheel.

#ifndef RULES_INFERENCE_PLUGINS_WHEEL_TREE_WRITER_H_
#define RULES_INFERENCE_PLUGINS_WHEEL_TREE_WRITER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/base/file_system.h"
#include "plugins/wheel/layout.h"
#include "plugins/wheel/plan.h"

namespace rules_inference::wheel {

// What a thread of WriteFiles allocates at most: its buffers, those of a relay, a stream's input
// and tables.
inline constexpr uint64_t kWorkerMemory = uint64_t{6} << 20;

// Writes plan.files below `root`, an empty directory, with the directories that RECORD needs too.
// The results are those of plan.files, the same for any number of threads. After an error some of
// the files are there: the caller removes `root`. `cancelled` may be null.
absl::StatusOr<std::vector<FileResult>> WriteFiles(const TreePlan& plan, base::FileSystem& fs,
                                                   const std::string& root, int threads,
                                                   const std::atomic<bool>* cancelled);

}  // namespace rules_inference::wheel

#endif  // RULES_INFERENCE_PLUGINS_WHEEL_TREE_WRITER_H_
