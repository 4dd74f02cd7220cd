#include "plugins/infer/model.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"
#include "plugins/infer/model_file.h"

namespace rules_inference::infer {
namespace {

// Read-only pages of a file.
class Mapping {
 public:
  static absl::StatusOr<Mapping> Of(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return base::SystemError(errno, "cannot open model", path);
    const absl::Cleanup close_file = [file] { close(file); };
    struct stat info = {};
    if (fstat(file, &info) != 0) return base::SystemError(errno, "cannot read model", path);
    if (!S_ISREG(info.st_mode)) return base::Mismatch("model", path, "no regular file", "a file");
    const auto size = static_cast<size_t>(info.st_size);
    // There is no mapping of nothing.
    if (size == 0) return Mapping(nullptr, 0);
    void* const data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) return base::SystemError(errno, "cannot map model", path);
    return Mapping(static_cast<const char*>(data), size);
  }

  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping() {
    if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
  }

  absl::string_view bytes() const { return {data_, size_}; }

 private:
  Mapping(const char* data, size_t size) : data_(data), size_(size) {}

  const char* data_;
  size_t size_;
};

// The bytes live as long as the model.
template <typename Bytes>
class OwningModel : public Model {
 public:
  OwningModel(std::unique_ptr<Bytes> bytes, ModelFile file)
      : Model(std::move(file)), bytes_(std::move(bytes)) {}

 private:
  std::unique_ptr<Bytes> bytes_;
};

}  // namespace

Model::Model(ModelFile file)
    : file_(std::move(file)), special_(file_.parameters().vocab), tokenizer_(file_.tokens()) {}

absl::StatusOr<std::unique_ptr<Model>> Model::Open(const std::string& path) {
  ASSIGN_OR_RETURN(Mapping mapping, Mapping::Of(path));
  auto bytes = std::make_unique<Mapping>(std::move(mapping));
  ASSIGN_OR_RETURN(ModelFile file, ModelFile::Parse(bytes->bytes(), path));
  return std::make_unique<OwningModel<Mapping>>(std::move(bytes), std::move(file));
}

absl::StatusOr<std::unique_ptr<Model>> Model::Parse(std::string bytes, absl::string_view where) {
  auto owned = std::make_unique<const std::string>(std::move(bytes));
  ASSIGN_OR_RETURN(ModelFile file, ModelFile::Parse(*owned, where));
  return std::make_unique<OwningModel<const std::string>>(std::move(owned), std::move(file));
}

}  // namespace rules_inference::infer
