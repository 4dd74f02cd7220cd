// A file system that fails on purpose, for tests: the n-th operation returns an error instead of
// being done.
//
//   for (int n = 1;; ++n) {
//     RealFileSystem real;
//     FaultyFileSystem fs(real, n, absl::ResourceExhaustedError("disk full"));
//     const absl::Status status = Work(fs);
//     ... check that no output is half done ...
//     if (!fs.failed()) break;      // the whole run went by untouched
//   }

#ifndef RULES_INFERENCE_PLUGINS_BASE_FAULTY_FILE_SYSTEM_H_
#define RULES_INFERENCE_PLUGINS_BASE_FAULTY_FILE_SYSTEM_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

class FaultyFileSystem final : public FileSystem {
 public:
  // Operation `fail_at` (the first one is 1; 0 means none) gives `error`. An Append or WriteAt that
  // fails has written half.
  FaultyFileSystem(FileSystem& base, int fail_at, absl::Status error)
      : base_(base), fail_at_(fail_at), error_(std::move(error)) {}

  // Operations asked for until now: opens, reads, appends, publications, and every call of the file
  // system.
  int operations() const { return operations_.load(); }
  bool failed() const { return fail_at_ > 0 && operations() >= fail_at_; }

  absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path, Follow follow) override;
  absl::StatusOr<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                                     FileMode mode = FileMode::kData) override;
  absl::StatusOr<std::unique_ptr<OutputFile>> CreateNew(const std::string& path,
                                                        FileMode mode) override;
  absl::StatusOr<NodeInfo> Stat(const std::string& path, Follow follow) override;
  absl::StatusOr<std::string> ReadLink(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status HardLink(const std::string& existing, const std::string& link) override;
  absl::Status Symlink(const std::string& target, const std::string& link) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<UpdatableFile>> Update(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<InputFile>> CreateHeld(const std::string& path,
                                                        absl::string_view data) override;
  absl::StatusOr<Holder> HolderOf(const std::string& path) override;
  absl::Status Touch(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override;

  // Counts one operation; the error when it is the one that fails.
  absl::Status Count();

 private:
  FileSystem& base_;
  const int fail_at_;
  const absl::Status error_;
  std::atomic<int> operations_ = 0;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_FAULTY_FILE_SYSTEM_H_
