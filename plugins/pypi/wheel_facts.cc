#include "plugins/pypi/wheel_facts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/archive/entry_data.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/base/utf8.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/pypi/name.h"
#include "plugins/pypi/tag.h"
#include "plugins/sdk/coverage.pb.h"

namespace rules_inference::pypi {
namespace {

constexpr uint64_t kMaxMetadataBytes = uint64_t{16} << 20;
// Longer than the name of any license, shorter than the text of one.
constexpr size_t kMaxLicense = 80;

bool IsIdentifier(absl::string_view text) {
  if (text.empty() || absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c >= 0x80;
  });
}

absl::string_view Parent(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

// Whether `import` finds it: "six.py", "_cffi_backend.cpython-312-x86_64-linux-gnu.so".
bool IsModule(absl::string_view file) {
  return (absl::EndsWith(file, ".py") || absl::EndsWith(file, ".so") ||
          absl::EndsWith(file, ".pyd")) &&
         IsIdentifier(file.substr(0, file.find('.')));
}

// A directory, as far as its own files go.
struct Directory {
  bool has_init = false;
  bool init_is_empty = false;
  int others = 0;

  bool IsPackage() const { return has_init && !(init_is_empty && others == 0); }
};

absl::StatusOr<base::Digest> DigestOf(base::InputFile& file) {
  base::Sha256 hasher;
  std::vector<char> buffer(size_t{1} << 20);
  for (uint64_t offset = 0; offset < file.size();) {
    ASSIGN_OR_RETURN(const size_t read, file.ReadAt(offset, absl::MakeSpan(buffer)));
    if (read == 0) break;
    hasher.Update(absl::string_view(buffer.data(), read));
    offset += read;
  }
  return hasher.Finish();
}

}  // namespace

std::string LicenseOfMetadata(absl::string_view text) {
  std::string expression;
  std::string field;
  std::vector<std::string> classifiers;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripSuffix(line, "\r");
    if (line.empty()) break;
    const size_t colon = line.find(':');
    // The rest of a header that goes over several lines.
    if (line[0] == ' ' || line[0] == '\t' || colon == absl::string_view::npos) continue;
    const std::string key = absl::AsciiStrToLower(line.substr(0, colon));
    absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
    if (!base::IsValidUtf8(value)) continue;
    if (key == "license-expression") expression = std::string(value);
    if (key == "license" && field.empty()) field = std::string(value);
    if (key == "classifier" && absl::ConsumePrefix(&value, "License ::")) {
      // "OSI Approved :: MIT License"; the group alone names no license.
      const size_t last = value.rfind("::");
      value = absl::StripAsciiWhitespace(last == absl::string_view::npos ? value
                                                                         : value.substr(last + 2));
      if (value != "OSI Approved") classifiers.emplace_back(value);
    }
  }
  if (!expression.empty()) return expression;
  if (!classifiers.empty()) return absl::StrJoin(classifiers, "; ");
  const bool says_something = !field.empty() && field.size() <= kMaxLicense && field != "UNKNOWN";
  return says_something ? field : "";
}

std::vector<std::string> ImportsOf(const std::vector<LibraryFile>& files) {
  std::map<std::string, Directory, std::less<>> directories;
  for (const LibraryFile& file : files) {
    const absl::string_view parent = Parent(file.path);
    Directory& directory = directories[std::string(parent)];
    const absl::string_view name = parent.empty()
                                       ? absl::string_view(file.path)
                                       : absl::string_view(file.path).substr(parent.size() + 1);
    if (absl::StartsWith(name, "__init__.") && IsModule(name)) {
      directory.has_init = true;
      directory.init_is_empty = file.size == 0;
    } else {
      ++directory.others;
    }
  }
  std::set<std::string> imports;
  for (const LibraryFile& file : files) {
    const std::vector<absl::string_view> parts = absl::StrSplit(file.path, '/');
    std::string directory;
    bool inside = true;
    for (size_t i = 0; inside && i + 1 < parts.size(); ++i) {
      if (!IsIdentifier(parts[i])) inside = false;
      absl::StrAppend(&directory, i == 0 ? "" : "/", parts[i]);
      const auto found = directories.find(directory);
      if (inside && found != directories.end() && found->second.IsPackage()) {
        imports.insert(directory);
        inside = false;
      }
    }
    if (!inside || !IsModule(parts.back())) continue;
    const absl::string_view module = parts.back().substr(0, parts.back().find('.'));
    if (module == "__init__") continue;
    imports.insert(absl::StrCat(directory, directory.empty() ? "" : "/", module));
  }
  return {imports.begin(), imports.end()};
}

absl::StatusOr<sdk::WheelFact> ReadWheelFacts(base::FileSystem& files, const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto parsed = ParseWheelName(name);
  if (!parsed.has_value()) {
    return base::Mismatch("wheel facts", path, base::Quoted(name),
                          "the name of a wheel, name-version-python-abi-platform.whl");
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<base::InputFile> file, files.Open(path));
  sdk::WheelFact fact;
  fact.set_file(name);
  fact.set_name(NormalizeName(parsed->distribution));
  fact.set_version(parsed->version);
  fact.set_size(file->size());
  ASSIGN_OR_RETURN(const base::Digest digest, DigestOf(*file));
  fact.set_sha256(digest.Hex());
  const absl::StatusOr<base::Wheel> wheel =
      base::OpenWheel(files, path, base::WheelPlaces{}, base::ZipLimits{});
  absl::StatusOr<base::ZipFile> zip = base::ZipFile::Read(file, base::ZipLimits{});
  if (!wheel.ok()) {
    // Where the file lies on this machine is nobody's business.
    fact.set_refused(absl::StrReplaceAll(wheel.status().message(), {{path, name}}));
    if (!zip.ok()) return fact;
  }
  std::vector<LibraryFile> library;
  if (wheel.ok()) {
    for (const base::WheelMember& member : wheel->members) {
      const base::ZipEntry& entry = wheel->zip.entries()[member.entry];
      if (entry.is_directory || member.scheme != base::WheelScheme::kLib) continue;
      library.push_back({member.path, entry.size});
    }
  } else {
    for (const base::ZipEntry& entry : zip->entries()) {
      if (!entry.is_directory) library.push_back({entry.name, entry.size});
    }
  }
  for (const base::ZipEntry& entry : zip->entries()) {
    if (!absl::EndsWith(entry.name, ".dist-info/METADATA")) continue;
    ASSIGN_OR_RETURN(const std::string text, base::ReadEntry(*zip, entry, kMaxMetadataBytes));
    fact.set_license(LicenseOfMetadata(text));
  }
  const std::vector<std::string> imports = ImportsOf(library);
  fact.mutable_imports()->Assign(imports.begin(), imports.end());
  return fact;
}

}  // namespace rules_inference::pypi
