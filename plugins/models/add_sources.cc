// Problem. Pins that people copy are those of other files, of other versions, or of web pages.
//
// Idea. What is pinned is what was read: small files and plain urls are fetched once and hashed. Of
// the large files of a hub the hub itself says size and sha256, which whoever fetches them
// verifies; of those only the head is read, as much as the format needs.
//
// Invariant: no request names a branch but the first one, so all files are of one commit, and no
// mutable address reaches the lock.
//
// Cost. A request for the revision, one a page of the tree, one a file.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/models/format.h"
#include "plugins/models/hub.h"
#include "plugins/models/lock.h"
#include "plugins/models/source.h"
#include "plugins/sdk/model.pb.h"
#include "plugins/store/fetch.h"

namespace rules_inference::models {
namespace {

constexpr size_t kPiece = size_t{1} << 20;
constexpr uint64_t kWindow = 256 << 10;
// Of answers of a hub, and of indexes.
constexpr uint64_t kMaxAnswer = 64 << 20;
// What is no large file for Git has no more.
constexpr uint64_t kMaxSmall = 256 << 20;

// Fetches into files with names of their own below one directory.
class Downloads {
 public:
  Downloads(const LockOptions& options, base::FileSystem& fs) : options_(options), fs_(fs) {}

  struct File {
    std::string path;
    store::FetchResult result;
  };
  absl::StatusOr<File> Get(const std::string& url, store::FetchRequest request, uint64_t max_size) {
    store::FetchOptions options = options_.fetch;
    if (max_size > 0) options.max_size = max_size;
    request.urls = {url};
    request.destination = base::JoinPath(options_.temporary_dir, absl::StrCat(count_++));
    if (options_.begin) options_.begin(url.substr(url.rfind('/') + 1));
    File file{.path = request.destination, .result = {}};
    ASSIGN_OR_RETURN(file.result, store::FetchUnpinned(fs_, request, options));
    return file;
  }

  base::FileSystem& fs() { return fs_; }

 private:
  const LockOptions& options_;
  base::FileSystem& fs_;
  int count_ = 0;
};

// A file on a server, of which only what is read is fetched; all of it where the server gives no
// ranges.
class RemoteFile final : public base::InputFile {
 public:
  RemoteFile(Downloads& downloads, std::string url, uint64_t size)
      : downloads_(downloads), url_(std::move(url)), size_(size) {}

  const std::string& path() const override { return url_; }
  uint64_t size() const override { return size_; }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> buffer) override {
    if (whole_ != nullptr) return whole_->ReadAt(offset, buffer);
    if (offset >= size_) return size_t{0};
    const auto count = static_cast<size_t>(std::min<uint64_t>(buffer.size(), size_ - offset));
    if (offset < begin_ || offset + count > begin_ + window_.size()) {
      const uint64_t size = std::min(std::max<uint64_t>(count, kWindow), size_ - offset);
      absl::StatusOr<Downloads::File> file =
          downloads_.Get(url_, {.size = size, .slice = {.begin = offset, .total = size_}}, 0);
      if (!file.ok()) {
        if (!absl::IsInvalidArgument(file.status())) return file.status();
        ASSIGN_OR_RETURN(file, downloads_.Get(url_, {.size = size_}, 0));
        ASSIGN_OR_RETURN(whole_, downloads_.fs().Open(file->path, base::Follow::kNo));
        return whole_->ReadAt(offset, buffer);
      }
      ASSIGN_OR_RETURN(window_, base::ReadFile(downloads_.fs(), file->path, size));
      RETURN_IF_ERROR(downloads_.fs().RemoveTree(file->path));
      begin_ = offset;
    }
    std::memcpy(buffer.data(), window_.data() + (offset - begin_), count);
    return count;
  }

 private:
  Downloads& downloads_;
  const std::string url_;
  const uint64_t size_;
  std::string window_;
  uint64_t begin_ = 0;
  std::unique_ptr<base::InputFile> whole_;
};

absl::StatusOr<base::Digest> DigestOf(base::InputFile& file) {
  base::Sha256 hasher;
  std::string piece(kPiece, '\0');
  for (uint64_t at = 0; at < file.size();) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(kPiece, file.size() - at));
    RETURN_IF_ERROR(base::ReadExactly(file, at, absl::MakeSpan(piece.data(), count)));
    hasher.Update(absl::string_view(piece).substr(0, count));
    at += count;
  }
  return hasher.Finish();
}

absl::StatusOr<std::string> ReadAll(base::InputFile& file) {
  if (file.size() > kMaxAnswer) {
    return base::Mismatch("index", file.path(), absl::StrCat(file.size(), " bytes"),
                          absl::StrCat("at most ", kMaxAnswer));
  }
  std::string text(static_cast<size_t>(file.size()), '\0');
  RETURN_IF_ERROR(base::ReadExactly(file, 0, absl::MakeSpan(text)));
  return text;
}

class Adder {
 public:
  Adder(const sdk::ModelsLock& lock, const LockOptions& options, base::FileSystem& fs)
      : lock_(lock), options_(options), fs_(fs), downloads_(options, fs) {}

  absl::StatusOr<Locked> Run(const std::vector<Source>& sources);

 private:
  bool IsWanted(absl::string_view path) const {
    const auto matches = [&](const std::string& pattern) { return Matches(pattern, path); };
    return (options_.include.empty() || absl::c_any_of(options_.include, matches)) &&
           !absl::c_any_of(options_.exclude, matches);
  }
  // The row of a source: a new one the first time.
  sdk::Model& RowOf(const Source& source);
  absl::Status AddHub(const Source& source, sdk::Model& model);
  absl::Status AddUrl(const Source& source, sdk::Model& model);
  absl::Status AddFiles(const Source& source, sdk::Model& model);
  // Format and shards of a file whose path, size and urls are known, and its digest if it has none.
  absl::Status Look(base::InputFile& bytes, sdk::Model& model, sdk::ModelFile& file);
  absl::Status ListFiles(const std::string& root, const std::string& below,
                         std::vector<std::string>* paths);
  std::string Where(const sdk::Model& model) const {
    return absl::StrCat(options_.where, ": ", NameOf(model));
  }

  sdk::ModelsLock lock_;
  const LockOptions& options_;
  base::FileSystem& fs_;
  Downloads downloads_;
  std::set<std::string> begun_;
  std::vector<std::string> notes_;
};

sdk::Model& Adder::RowOf(const Source& source) {
  sdk::Model fresh;
  fresh.set_name(source.name);
  fresh.set_variant(source.variant.empty() ? options_.variant : source.variant);
  sdk::Model* row = nullptr;
  for (sdk::Model& model : *lock_.mutable_models()) {
    if (NameOf(model) == NameOf(fresh)) row = &model;
  }
  if (row != nullptr && begun_.contains(NameOf(fresh))) return *row;
  begun_.insert(NameOf(fresh));
  // What people have written stays.
  if (row != nullptr) {
    fresh.set_licence(row->licence());
    fresh.set_min_memory_bytes(row->min_memory_bytes());
  } else {
    row = lock_.add_models();
  }
  if (!options_.licence.empty()) fresh.set_licence(options_.licence);
  if (options_.min_memory_bytes > 0) fresh.set_min_memory_bytes(options_.min_memory_bytes);
  *row = std::move(fresh);
  return *row;
}

absl::Status Adder::Look(base::InputFile& bytes, sdk::Model& model, sdk::ModelFile& file) {
  ASSIGN_OR_RETURN(*file.mutable_format(), Inspect(bytes, file.path()));
  RETURN_IF_ERROR(CheckPolicy(file.format(), file.path(), options_.allow));
  if (file.sha256().empty()) {
    ASSIGN_OR_RETURN(const base::Digest digest, DigestOf(bytes));
    file.set_sha256(digest.Hex());
  }
  if (file.format() != "json" || !absl::EndsWith(file.path(), ".index.json")) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string text, ReadAll(bytes));
  ASSIGN_OR_RETURN(const std::vector<std::string> shards, ShardsOfIndex(file.path(), text));
  if (shards.empty()) return absl::OkStatus();
  sdk::ShardSet& set = *model.add_shard_sets();
  set.set_index(file.path());
  for (const std::string& shard : shards) set.add_files(shard);
  return absl::OkStatus();
}

absl::Status Adder::AddHub(const Source& source, sdk::Model& model) {
  ASSIGN_OR_RETURN(
      const HubRevision revision,
      AskHub(source.place, source.revision,
             [&](const std::string& url) -> absl::StatusOr<HubAnswer> {
               ASSIGN_OR_RETURN(const Downloads::File file, downloads_.Get(url, {}, kMaxAnswer));
               HubAnswer answer{.body = "", .link = file.result.link};
               ASSIGN_OR_RETURN(answer.body, base::ReadFile(fs_, file.path, kMaxAnswer));
               RETURN_IF_ERROR(fs_.RemoveTree(file.path));
               return answer;
             }));
  if (!model.source().empty() &&
      (model.source() != source.place || model.revision() != revision.commit)) {
    return base::Mismatch("models lock", Where(model),
                          absl::StrCat("files of ", source.place, " at ", revision.commit),
                          absl::StrCat("all of ", model.source(), " at ", model.revision()));
  }
  model.set_source(source.place);
  model.set_revision(revision.commit);
  if (model.licence().empty()) model.set_licence(revision.licence);
  std::vector<const HubFile*> wanted;
  std::vector<std::string> paths;
  for (const HubFile& item : revision.files) {
    if (!IsWanted(item.path)) continue;
    wanted.push_back(&item);
    paths.push_back(item.path);
  }
  if (wanted.empty()) {
    return base::Mismatch("models lock", Where(model),
                          absl::StrCat("none of the ", revision.files.size(), " files of ",
                                       source.place, " at ", revision.commit),
                          "some, by --include and --exclude");
  }
  // Before anything is fetched under such a name.
  RETURN_IF_ERROR(CheckPaths(paths, Where(model)));
  for (const HubFile* item : wanted) {
    const std::string url = ResolveUrl(source.place, revision.commit, item->path);
    sdk::ModelFile& file = *model.add_files();
    file.set_path(item->path);
    file.set_size(item->size);
    file.set_sha256(item->sha256);
    file.set_scan(item->scan);
    file.add_urls(url);
    if (!item->scan.empty() && item->scan != "safe" && item->scan != "unscanned") {
      notes_.push_back(
          absl::StrCat(NameOf(model), ": ", item->path, ": the hub calls it ", item->scan));
    }
    if (!item->sha256.empty()) {
      RemoteFile bytes(downloads_, url, item->size);
      RETURN_IF_ERROR(Look(bytes, model, file));
      continue;
    }
    ASSIGN_OR_RETURN(const Downloads::File fetched,
                     downloads_.Get(url, {.size = item->size}, kMaxSmall));
    ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> bytes,
                     fs_.Open(fetched.path, base::Follow::kNo));
    RETURN_IF_ERROR(Look(*bytes, model, file));
    RETURN_IF_ERROR(fs_.RemoveTree(fetched.path));
  }
  return absl::OkStatus();
}

absl::Status Adder::AddUrl(const Source& source, sdk::Model& model) {
  RETURN_IF_ERROR(base::WithHint(CheckUrl(source.place, Where(model)),
                                 "hf://HOST/owner/name@REVISION resolves a branch of a hub"));
  absl::string_view path = source.place;
  path = path.substr(0, path.find_first_of("?#"));
  sdk::ModelFile& file = *model.add_files();
  file.set_path(std::string(path.substr(path.rfind('/') + 1)));
  RETURN_IF_ERROR(CheckPaths({file.path()}, Where(model)));
  file.add_urls(source.place);
  ASSIGN_OR_RETURN(const Downloads::File fetched, downloads_.Get(source.place, {}, 0));
  file.set_size(fetched.result.size);
  file.set_sha256(fetched.result.sha256.Hex());
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> bytes,
                   fs_.Open(fetched.path, base::Follow::kNo));
  RETURN_IF_ERROR(Look(*bytes, model, file));
  return fs_.RemoveTree(fetched.path);
}

absl::Status Adder::ListFiles(const std::string& root, const std::string& below,
                              std::vector<std::string>* paths) {
  const std::string directory = below.empty() ? root : base::JoinPath(root, below);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(directory));
  for (const std::string& name : names) {
    const std::string path = base::JoinPath(below, name);
    ASSIGN_OR_RETURN(const base::NodeInfo info,
                     fs_.Stat(base::JoinPath(root, path), base::Follow::kNo));
    if (info.type == base::NodeType::kDirectory) {
      RETURN_IF_ERROR(ListFiles(root, path, paths));
    } else if (IsWanted(path)) {
      paths->push_back(path);
    }
  }
  return absl::OkStatus();
}

absl::Status Adder::AddFiles(const Source& source, sdk::Model& model) {
  ASSIGN_OR_RETURN(const base::NodeInfo info, fs_.Stat(source.place, base::Follow::kYes));
  std::string root = source.place;
  while (root.size() > 1 && absl::EndsWith(root, "/")) root.pop_back();
  std::vector<std::string> paths;
  if (info.type == base::NodeType::kDirectory) {
    RETURN_IF_ERROR(ListFiles(root, "", &paths));
    if (paths.empty()) {
      return base::Mismatch("models lock", Where(model), absl::StrCat("no files in ", root),
                            "some, by --include and --exclude");
    }
  } else {
    paths = {root.substr(root.rfind('/') + 1)};
    root = root.substr(0, root.rfind('/'));
  }
  RETURN_IF_ERROR(CheckPaths(paths, Where(model)));
  for (const std::string& path : paths) {
    const std::string real = base::JoinPath(root, path);
    if (options_.begin) options_.begin(path);
    ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> bytes,
                     fs_.Open(real, base::Follow::kYes));
    sdk::ModelFile& file = *model.add_files();
    file.set_path(path);
    file.set_size(bytes->size());
    std::string url = FileUrl(real);
    if (!options_.url_base.empty()) {
      url = absl::StrCat(absl::StripSuffix(options_.url_base, "/"), "/", EncodePath(path));
    }
    file.add_urls(url);
    RETURN_IF_ERROR(Look(*bytes, model, file));
  }
  return absl::OkStatus();
}

absl::StatusOr<Locked> Adder::Run(const std::vector<Source>& sources) {
  if (options_.temporary_dir.empty()) {
    return absl::InternalError("a lock needs a directory for temporary files");
  }
  for (const Source& source : sources) {
    sdk::Model& model = RowOf(source);
    switch (source.kind) {
      case Source::Kind::kHub:
        RETURN_IF_ERROR(AddHub(source, model));
        break;
      case Source::Kind::kUrl:
        RETURN_IF_ERROR(AddUrl(source, model));
        break;
      case Source::Kind::kFile:
        RETURN_IF_ERROR(AddFiles(source, model));
        break;
    }
  }
  lock_.set_lock_version(1);
  RETURN_IF_ERROR(Normalize(lock_, options_.where));
  RETURN_IF_ERROR(CheckLock(lock_, options_.where, &notes_));
  return Locked{std::move(lock_), std::move(notes_)};
}

}  // namespace

absl::StatusOr<Locked> AddSources(const sdk::ModelsLock& lock, const std::vector<Source>& sources,
                                  const LockOptions& options, base::FileSystem& fs) {
  return Adder(lock, options, fs).Run(sources);
}

}  // namespace rules_inference::models
