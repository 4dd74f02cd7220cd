#include "plugins/base/archive/concatenation.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

class Concatenation final : public InputFile {
 public:
  explicit Concatenation(std::vector<std::unique_ptr<InputFile>> parts) : parts_(std::move(parts)) {
    for (const std::unique_ptr<InputFile>& part : parts_) size_ += part->size();
  }

  const std::string& path() const override { return parts_.front()->path(); }
  uint64_t size() const override { return size_; }

  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    size_t done = 0;
    for (const std::unique_ptr<InputFile>& part : parts_) {
      if (offset >= part->size()) {
        offset -= part->size();
        continue;
      }
      if (done == buffer.size()) break;
      const auto wanted =
          static_cast<size_t>(std::min<uint64_t>(part->size() - offset, buffer.size() - done));
      RETURN_IF_ERROR(ReadExactly(*part, offset, buffer.subspan(done, wanted)));
      done += wanted;
      offset = 0;
    }
    return done;
  }

 private:
  std::vector<std::unique_ptr<InputFile>> parts_;
  uint64_t size_ = 0;
};

}  // namespace

absl::StatusOr<std::shared_ptr<InputFile>> OpenConcatenation(const std::vector<std::string>& paths,
                                                             FileSystem& fs) {
  if (paths.empty()) return Mismatch("archive", "sources", "none", "one file or more");
  std::vector<std::unique_ptr<InputFile>> parts;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(std::unique_ptr<InputFile> part, fs.Open(path));
    parts.push_back(std::move(part));
  }
  if (parts.size() == 1) return std::shared_ptr<InputFile>(std::move(parts.front()));
  return std::make_shared<Concatenation>(std::move(parts));
}

}  // namespace rules_inference::base
