// Problem. An archive from the network says where its bytes go, and unpackers of the past believed
// it: `../`, absolute names, a symlink that leads out and a file that is written through it.
//
// Idea. Every name becomes a RelPath or is refused, and a table holds what was made at each path. A
// new entry needs parents that are directories of this archive - never symlinks - and a free path,
// so nothing is ever written through a link. A symlink may climb with ".." only at its start:
// there its parents are real directories, so counting them is right; a ".." behind a name could
// climb out of another link.
//
// The bytes are hashed while they are unpacked. What is wrong with them is known at the end only,
// and then everything is removed again; so there is one pass over the archive.

#include "plugins/base/archive/unpack.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/archive/byte_source.h"
#include "plugins/base/archive/concatenation.h"
#include "plugins/base/archive/tar_reader.h"
#include "plugins/base/archive/zip.h"
#include "plugins/base/archive/zip_source.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"

namespace rules_inference::base {
namespace {

constexpr size_t kPiece = size_t{256} << 10;

enum class Node { kDirectory, kFile, kSymlink };

class Unpacker {
 public:
  Unpacker(const UnpackOptions& options, FileSystem& fs, std::string archive)
      : options_(options), fs_(fs), archive_(std::move(archive)), piece_(kPiece) {}

  absl::Status Tar(ByteSource& in);
  absl::Status Zip(std::shared_ptr<InputFile> file);
  absl::Status File(ByteSource& in);

 private:
  absl::Status Bad(absl::string_view name, absl::string_view got,
                   absl::string_view expected) const {
    return Mismatch("archive", absl::StrCat(archive_, ": entry ", Quoted(name)), got, expected);
  }
  std::string Output(absl::string_view path) const { return JoinPath(options_.output_dir, path); }

  absl::StatusOr<std::optional<std::string>> Place(absl::string_view name);
  absl::Status MakeParents(absl::string_view name, const std::string& path);
  absl::Status Claim(absl::string_view name, const std::string& path, Node node);
  absl::Status AddDirectory(absl::string_view name);
  absl::Status AddSymlink(absl::string_view name, const std::string& target);
  absl::Status AddHardLink(absl::string_view name, absl::string_view target);
  // `read` fills a buffer and returns 0 at the end of the data.
  template <typename Read>
  absl::Status AddFile(absl::string_view name, bool executable, Read read);
  absl::Status CheckPrefixFound() const;

  const UnpackOptions& options_;
  FileSystem& fs_;
  const std::string archive_;
  std::vector<char> piece_;
  std::map<std::string, Node> nodes_;
  std::map<std::string, int> top_;  // First components of all names, for a message.
  uint64_t bytes_ = 0;
};

// The path of an entry below the output, or nothing for the root itself and what leads to it.
absl::StatusOr<std::optional<std::string>> Unpacker::Place(absl::string_view name) {
  absl::string_view text = name;
  while (absl::ConsumePrefix(&text, "./")) {
  }
  absl::ConsumeSuffix(&text, "/");
  if (text.empty() || text == ".") return std::nullopt;
  const absl::StatusOr<RelPath> path = RelPath::Parse(text);
  if (!path.ok()) return Bad(name, "a name that is not safe", "a relative path without '..'");
  top_[std::string(text.substr(0, text.find('/')))] = 1;
  const std::string& prefix = options_.strip_prefix;
  if (prefix.empty()) return path->str();
  absl::string_view rest = path->str();
  if (rest == prefix || absl::StartsWith(prefix, absl::StrCat(rest, "/"))) return std::nullopt;
  if (!absl::ConsumePrefix(&rest, absl::StrCat(prefix, "/"))) {
    return Bad(name, "a name outside it", absl::StrCat("everything below strip_prefix ", prefix));
  }
  return std::string(rest);
}

absl::Status Unpacker::MakeParents(absl::string_view name, const std::string& path) {
  for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string parent = path.substr(0, end);
    const auto [found, fresh] = nodes_.insert({parent, Node::kDirectory});
    if (fresh) {
      RETURN_IF_ERROR(fs_.CreateDirectories(Output(parent)));
    } else if (found->second != Node::kDirectory) {
      return Bad(name,
                 absl::StrCat("a path through ", Quoted(parent), ", which is ",
                              found->second == Node::kSymlink ? "a symlink" : "a file"),
                 "a path through directories");
    }
  }
  return absl::OkStatus();
}

absl::Status Unpacker::Claim(absl::string_view name, const std::string& path, Node node) {
  RETURN_IF_ERROR(MakeParents(name, path));
  const auto [found, fresh] = nodes_.insert({path, node});
  if (fresh || (node == Node::kDirectory && found->second == Node::kDirectory)) {
    return absl::OkStatus();
  }
  return Bad(name, "it again", "every name once");
}

absl::Status Unpacker::AddDirectory(absl::string_view name) {
  ASSIGN_OR_RETURN(const std::optional<std::string> path, Place(name));
  if (!path.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(Claim(name, *path, Node::kDirectory));
  return fs_.CreateDirectories(Output(*path));
}

absl::Status Unpacker::AddSymlink(absl::string_view name, const std::string& target) {
  ASSIGN_OR_RETURN(const std::optional<std::string> path, Place(name));
  if (!path.has_value()) return Bad(name, "a symlink as root", "a directory");
  RETURN_IF_ERROR(Claim(name, *path, Node::kSymlink));
  auto depth = std::count(path->begin(), path->end(), '/');
  bool climbing = true;
  bool inside = !target.empty() && target[0] != '/';
  for (const absl::string_view part : absl::StrSplit(target, '/')) {
    if (part == "..") {
      if (!climbing || --depth < 0) inside = false;
    } else if (part != "." && !part.empty()) {
      climbing = false;
    }
  }
  if (!inside) {
    return Bad(name, absl::StrCat("a symlink to ", Quoted(target)),
               "a relative target inside the archive, '..' at its start only");
  }
  return fs_.Symlink(target, Output(*path));
}

absl::Status Unpacker::AddHardLink(absl::string_view name, absl::string_view target) {
  ASSIGN_OR_RETURN(const std::optional<std::string> path, Place(name));
  ASSIGN_OR_RETURN(const std::optional<std::string> existing, Place(target));
  const auto found = existing.has_value() ? nodes_.find(*existing) : nodes_.end();
  if (!path.has_value() || found == nodes_.end() || found->second != Node::kFile) {
    return Bad(name, absl::StrCat("a hard link to ", Quoted(target)), "one to an earlier file");
  }
  RETURN_IF_ERROR(Claim(name, *path, Node::kFile));
  return fs_.HardLink(Output(*existing), Output(*path));
}

template <typename Read>
absl::Status Unpacker::AddFile(absl::string_view name, bool executable, Read read) {
  ASSIGN_OR_RETURN(const std::optional<std::string> path, Place(name));
  if (!path.has_value()) return Bad(name, "a file", "a directory, which leads to strip_prefix");
  RETURN_IF_ERROR(Claim(name, *path, Node::kFile));
  ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> out,
                   fs_.Create(Output(*path), executable ? FileMode::kProgram : FileMode::kData));
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, read(absl::MakeSpan(piece_)));
    if (count == 0) break;
    bytes_ += count;
    if (bytes_ > options_.max_unpacked_bytes) {
      return Bad(name, "more bytes than that",
                 absl::StrCat("at most ", options_.max_unpacked_bytes, " in all files"));
    }
    RETURN_IF_ERROR(out->Append({piece_.data(), count}));
  }
  return out->Publish();
}

absl::Status Unpacker::CheckPrefixFound() const {
  if (options_.strip_prefix.empty() || !nodes_.empty()) return absl::OkStatus();
  std::string names;
  for (const auto& [name, unused] : top_) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  return Mismatch("archive", archive_,
                  absl::StrCat("nothing below strip_prefix ", options_.strip_prefix),
                  absl::StrCat("one of its directories: ", names.empty() ? "none" : names));
}

absl::Status Unpacker::Tar(ByteSource& in) {
  TarReader reader(in);
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<TarMember> member, reader.Next());
    if (!member.has_value()) return CheckPrefixFound();
    switch (member->type) {
      case TarMember::Type::kDirectory:
        RETURN_IF_ERROR(AddDirectory(member->name));
        break;
      case TarMember::Type::kSymlink:
        RETURN_IF_ERROR(AddSymlink(member->name, member->link));
        break;
      case TarMember::Type::kHardLink:
        RETURN_IF_ERROR(AddHardLink(member->name, member->link));
        break;
      case TarMember::Type::kFile:
        RETURN_IF_ERROR(AddFile(member->name, member->executable,
                                [&](absl::Span<char> out) { return reader.Read(out); }));
        break;
    }
  }
}

absl::Status Unpacker::Zip(std::shared_ptr<InputFile> file) {
  ZipLimits limits;
  limits.max_unpacked_bytes = options_.max_unpacked_bytes;
  ASSIGN_OR_RETURN(const ZipFile zip, ZipFile::Read(std::move(file), limits));
  for (const ZipEntry& entry : zip.entries()) {
    if (entry.is_directory) {
      RETURN_IF_ERROR(AddDirectory(entry.name));
      continue;
    }
    const std::unique_ptr<ByteSource> data = ZipEntrySource(zip, entry);
    RETURN_IF_ERROR(AddFile(entry.name, entry.executable,
                            [&](absl::Span<char> out) { return data->Read(out); }));
  }
  return CheckPrefixFound();
}

absl::Status Unpacker::File(ByteSource& in) {
  // Nothing says whether it is a program but its first bytes.
  std::array<char, 4> start = {};
  size_t have = 0;
  while (have < start.size()) {
    ASSIGN_OR_RETURN(const size_t count, in.Read(absl::MakeSpan(start).subspan(have)));
    if (count == 0) break;
    have += count;
  }
  const absl::string_view head(start.data(), have);
  const bool program = absl::StartsWith(head,
                                        "\x7f"
                                        "ELF") ||
                       absl::StartsWith(head, "#!");
  size_t given = 0;
  return AddFile(options_.file_name, program, [&](absl::Span<char> out) -> absl::StatusOr<size_t> {
    if (given == have) return in.Read(out);
    const size_t count = std::min(out.size(), have - given);
    std::copy_n(start.data() + given, count, out.data());
    given += count;
    return count;
  });
}

absl::Status UnpackTo(const UnpackOptions& options, FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::shared_ptr<InputFile> file, OpenConcatenation(options.sources, fs));
  RETURN_IF_ERROR(fs.CreateDirectories(options.output_dir));
  HashingSource bytes(file);
  Unpacker unpacker(options, fs, file->path());
  absl::Status status;
  if (options.format == "zip") {
    // A zip file is read from its end: the digest comes first.
    RETURN_IF_ERROR(bytes.Finish(options.size, options.sha256));
    return unpacker.Zip(file);
  }
  if (options.format == "tar") {
    status = unpacker.Tar(bytes);
  } else if (options.format == "tar.gz") {
    status = unpacker.Tar(*GunzipSource(bytes));
  } else if (options.format == "tar.xz") {
    status = unpacker.Tar(*UnxzSource(bytes));
  } else if (options.format == "tar.zst") {
    status = unpacker.Tar(*UnzstdSource(bytes));
  } else if (options.format == "file") {
    status = unpacker.File(bytes);
  } else {
    return Mismatch("archive", file->path(), absl::StrCat("format ", Quoted(options.format)),
                    "one of file, tar, tar.gz, tar.xz, tar.zst, zip");
  }
  // That these are other bytes than the pinned ones explains everything else that is wrong.
  RETURN_IF_ERROR(bytes.Finish(options.size, options.sha256));
  return status;
}

}  // namespace

absl::Status Unpack(const UnpackOptions& options, FileSystem& fs) {
  absl::Status status = UnpackTo(options, fs);
  if (!status.ok()) fs.RemoveTree(options.output_dir).IgnoreError();
  return status;
}

}  // namespace rules_inference::base
