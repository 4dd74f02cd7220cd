#include "plugins/base/file_system.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/error.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {

absl::Status ReadExactly(InputFile& file, uint64_t offset, absl::Span<char> buffer) {
  ASSIGN_OR_RETURN(const size_t count, file.ReadAt(offset, buffer));
  if (count == buffer.size()) return absl::OkStatus();
  return Mismatch("file ends early", file.path(), absl::StrCat(offset + count, " bytes"),
                  absl::StrCat("at least ", offset + buffer.size()));
}

absl::StatusOr<std::unique_ptr<OutputFile>> FileSystem::CreateNew(const std::string& path,
                                                                  FileMode mode) {
  return Create(path, mode);
}

std::string PartialPath(absl::string_view path) {
  const size_t name = path.rfind('/') + 1;  // 0 when there is no '/'.
  return absl::StrCat(path.substr(0, name), ".", path.substr(name), ".partial");
}

absl::StatusOr<std::string> ReadFile(FileSystem& fs, const std::string& path, uint64_t max_size) {
  ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file, fs.Open(path));
  if (file->size() > max_size) {
    return Mismatch("file too large", path, absl::StrCat(file->size(), " bytes"),
                    absl::StrCat("at most ", max_size));
  }
  std::string data(static_cast<size_t>(file->size()), '\0');
  RETURN_IF_ERROR(ReadExactly(*file, 0, absl::MakeSpan(data)));
  if (!data.empty()) return data;
  // Files of the kernel, such as those of /proc, say that they are empty, and are not.
  std::vector<char> piece(4096);
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(data.size(), absl::MakeSpan(piece)));
    if (count == 0) return data;
    data.append(piece.data(), count);
    if (data.size() > max_size) {
      return Mismatch("file too large", path, absl::StrCat("more than ", max_size, " bytes"),
                      absl::StrCat("at most ", max_size));
    }
  }
}

absl::Status WriteFile(FileSystem& fs, const std::string& path, absl::string_view data) {
  ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> file, fs.Create(path));
  RETURN_IF_ERROR(file->Append(data));
  return file->Publish();
}

absl::Status CopyFile(FileSystem& fs, const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> input, fs.Open(from));
  ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> output, fs.Create(to));
  std::vector<char> buffer(static_cast<size_t>(std::min<uint64_t>(input->size(), 1 << 20)));
  for (uint64_t offset = 0; offset < input->size();) {
    const auto count =
        static_cast<size_t>(std::min<uint64_t>(buffer.size(), input->size() - offset));
    RETURN_IF_ERROR(ReadExactly(*input, offset, absl::MakeSpan(buffer.data(), count)));
    RETURN_IF_ERROR(output->Append(absl::string_view(buffer.data(), count)));
    offset += count;
  }
  return output->Publish();
}

std::string JoinPath(absl::string_view parent, absl::string_view name) {
  if (parent.empty()) return std::string(name);
  return absl::StrCat(parent, absl::EndsWith(parent, "/") ? "" : "/", name);
}

}  // namespace rules_inference::base
