// A file that is a string, for tests.

#ifndef RULES_INFERENCE_PLUGINS_BASE_MEMORY_FILE_H_
#define RULES_INFERENCE_PLUGINS_BASE_MEMORY_FILE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugins/base/file_system.h"

namespace rules_inference::base {

class MemoryFile final : public InputFile {
 public:
  MemoryFile(std::string path, std::string data) : path_(std::move(path)), data_(std::move(data)) {}

  const std::string& path() const override { return path_; }
  uint64_t size() const override { return data_.size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    if (offset >= data_.size()) return size_t{0};
    const size_t count = std::min(buffer.size(), data_.size() - static_cast<size_t>(offset));
    std::memcpy(buffer.data(), data_.data() + offset, count);
    return count;
  }

 private:
  const std::string path_;
  const std::string data_;
};

}  // namespace rules_inference::base

#endif  // RULES_INFERENCE_PLUGINS_BASE_MEMORY_FILE_H_
