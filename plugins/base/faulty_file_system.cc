#include "plugins/base/faulty_file_system.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

class FaultyInputFile final : public InputFile {
 public:
  FaultyInputFile(FaultyFileSystem& fs, std::unique_ptr<InputFile> base)
      : fs_(fs), base_(std::move(base)) {}
  const std::string& path() const override { return base_->path(); }
  uint64_t size() const override { return base_->size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->ReadAt(offset, buffer);
  }

 private:
  FaultyFileSystem& fs_;
  std::unique_ptr<InputFile> base_;
};

class FaultyUpdatableFile final : public UpdatableFile {
 public:
  FaultyUpdatableFile(FaultyFileSystem& fs, std::unique_ptr<UpdatableFile> base)
      : fs_(fs), base_(std::move(base)) {}
  const std::string& path() const override { return base_->path(); }
  uint64_t size() const override { return base_->size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->ReadAt(offset, buffer);
  }
  absl::Status WriteAt(uint64_t offset, absl::string_view data) override {
    if (absl::Status status = fs_.Count(); !status.ok()) {
      RETURN_IF_ERROR(base_->WriteAt(offset, data.substr(0, data.size() / 2)));
      return status;
    }
    return base_->WriteAt(offset, data);
  }
  absl::Status Resize(uint64_t size) override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->Resize(size);
  }
  absl::Status Reserve(uint64_t size) override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->Reserve(size);
  }
  void StartWriting(uint64_t offset, uint64_t size) override { base_->StartWriting(offset, size); }
  absl::Status Sync() override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->Sync();
  }
  absl::Status Seal(FileMode mode) override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->Seal(mode);
  }

 private:
  FaultyFileSystem& fs_;
  std::unique_ptr<UpdatableFile> base_;
};

class FaultyOutputFile final : public OutputFile {
 public:
  FaultyOutputFile(FaultyFileSystem& fs, std::unique_ptr<OutputFile> base)
      : fs_(fs), base_(std::move(base)) {}
  absl::Status Append(absl::string_view data) override {
    if (absl::Status status = fs_.Count(); !status.ok()) {
      RETURN_IF_ERROR(base_->Append(data.substr(0, data.size() / 2)));
      return status;
    }
    return base_->Append(data);
  }
  absl::Status CloneFrom(const std::string& existing) override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->CloneFrom(existing);
  }
  absl::Status Publish() override {
    RETURN_IF_ERROR(fs_.Count());
    return base_->Publish();
  }

 private:
  FaultyFileSystem& fs_;
  std::unique_ptr<OutputFile> base_;
};

}  // namespace

absl::Status FaultyFileSystem::Count() {
  return operations_.fetch_add(1) + 1 == fail_at_ ? error_ : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<InputFile>> FaultyFileSystem::Open(const std::string& path,
                                                                  Follow follow) {
  RETURN_IF_ERROR(Count());
  ASSIGN_OR_RETURN(std::unique_ptr<InputFile> file, base_.Open(path, follow));
  return std::make_unique<FaultyInputFile>(*this, std::move(file));
}

absl::StatusOr<std::unique_ptr<OutputFile>> FaultyFileSystem::Create(const std::string& path,
                                                                     FileMode mode) {
  RETURN_IF_ERROR(Count());
  ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, base_.Create(path, mode));
  return std::make_unique<FaultyOutputFile>(*this, std::move(file));
}

absl::StatusOr<std::unique_ptr<OutputFile>> FaultyFileSystem::CreateNew(const std::string& path,
                                                                        FileMode mode) {
  RETURN_IF_ERROR(Count());
  ASSIGN_OR_RETURN(std::unique_ptr<OutputFile> file, base_.CreateNew(path, mode));
  return std::make_unique<FaultyOutputFile>(*this, std::move(file));
}

absl::StatusOr<NodeInfo> FaultyFileSystem::Stat(const std::string& path, Follow follow) {
  RETURN_IF_ERROR(Count());
  return base_.Stat(path, follow);
}

absl::StatusOr<std::string> FaultyFileSystem::ReadLink(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.ReadLink(path);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.List(path);
}

absl::Status FaultyFileSystem::CreateDirectories(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.CreateDirectories(path);
}

absl::Status FaultyFileSystem::HardLink(const std::string& existing, const std::string& link) {
  RETURN_IF_ERROR(Count());
  return base_.HardLink(existing, link);
}

absl::Status FaultyFileSystem::Symlink(const std::string& target, const std::string& link) {
  RETURN_IF_ERROR(Count());
  return base_.Symlink(target, link);
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Count());
  return base_.Rename(from, to);
}

absl::Status FaultyFileSystem::RemoveTree(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.RemoveTree(path);
}

absl::StatusOr<std::unique_ptr<UpdatableFile>> FaultyFileSystem::Update(const std::string& path) {
  RETURN_IF_ERROR(Count());
  ASSIGN_OR_RETURN(std::unique_ptr<UpdatableFile> file, base_.Update(path));
  return std::make_unique<FaultyUpdatableFile>(*this, std::move(file));
}

absl::StatusOr<std::unique_ptr<InputFile>> FaultyFileSystem::CreateHeld(const std::string& path,
                                                                        absl::string_view data) {
  RETURN_IF_ERROR(Count());
  return base_.CreateHeld(path, data);
}

absl::StatusOr<Holder> FaultyFileSystem::HolderOf(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.HolderOf(path);
}

absl::Status FaultyFileSystem::Touch(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.Touch(path);
}

absl::StatusOr<uint64_t> FaultyFileSystem::FreeSpace(const std::string& path) {
  RETURN_IF_ERROR(Count());
  return base_.FreeSpace(path);
}

}  // namespace rules_inference::base
