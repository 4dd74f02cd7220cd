// Problem. A lock that is written by hand is wrong in the ways that nobody tests: a digest of
// another file, "sm_80" in the name and not in the code, a library that is missing on the machine.
//
// Idea. One pass over the rows. Each archive is fetched once, hashed, unpacked into a temporary
// directory and inspected; what it says is merged into what people wrote. Facts replace, gaps are
// filled, and where both speak and disagree the update ends: one of them is a mistake, and the tool
// cannot know which.
//
// What was written about other bytes says nothing about these. So after a new url or version the
// code of the row is read anew, while behind the same url other bytes are an error: a pin that
// moves by itself is none.
//
// Cost. Each archive is read twice (digest, unpacking) and its programs' headers once; disk for the
// largest archive, unpacked.

#include "plugins/lock/update.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "plugins/base/archive/concatenation.h"
#include "plugins/base/archive/unpack.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/hash_text.h"
#include "plugins/base/status_macros.h"
#include "plugins/lock/archive_format.h"
#include "plugins/lock/inspect.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/lock.h"
#include "plugins/select/version.h"

namespace rules_inference::lock {
namespace {

using select::Version;

constexpr size_t kPiece = size_t{1} << 20;

std::string RowName(absl::string_view name, absl::string_view platform) {
  return absl::StrCat(name, " for ", platform);
}

std::string CodeNames(const sdk::VariantProperties& properties) {
  std::vector<std::string> names(properties.cubins().begin(), properties.cubins().end());
  for (const sdk::PtxCode& ptx : properties.ptx()) names.push_back(ptx.arch());
  return absl::StrJoin(names, ", ");
}

// Gives PTX without a toolkit the one that `others` have for it.
void TakeToolkits(const google::protobuf::RepeatedPtrField<sdk::PtxCode>& others,
                  google::protobuf::RepeatedPtrField<sdk::PtxCode>& codes) {
  for (sdk::PtxCode& ptx : codes) {
    if (!ptx.toolkit().empty()) continue;
    for (const sdk::PtxCode& other : others) {
      if (other.arch() == ptx.arch()) ptx.set_toolkit(other.toolkit());
    }
  }
}

// What is opened by name is in no file: who builds it declares it. In a lock of other people's
// archives it would stay for ever.
void TakeSonames(const google::protobuf::RepeatedPtrField<std::string>& read, bool keep,
                 google::protobuf::RepeatedPtrField<std::string>& wants) {
  std::set<std::string> names(read.begin(), read.end());
  if (keep) names.insert(wants.begin(), wants.end());
  wants.Clear();
  for (const std::string& name : names) *wants.Add() = name;
}

struct Pin {
  uint64_t size = 0;
  std::string sha256;
};

absl::StatusOr<Pin> PinOf(base::InputFile& file) {
  base::Sha256 sha;
  std::string piece(kPiece, '\0');
  Pin pin;
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, file.ReadAt(pin.size, absl::MakeSpan(piece)));
    if (count == 0) break;
    sha.Update(absl::string_view(piece).substr(0, count));
    pin.size += count;
  }
  pin.sha256 = sha.Finish().Hex();
  return pin;
}

class Updater {
 public:
  Updater(const sdk::VariantsLock& lock, const UpdateOptions& options, const FetchFunction& fetch,
          base::FileSystem& fs)
      : before_(lock), lock_(lock), options_(options), fetch_(fetch), fs_(fs) {}

  absl::StatusOr<Updated> Run();

 private:
  absl::Status Bad(const sdk::Variant& row, absl::string_view got,
                   absl::string_view expected) const {
    return base::Mismatch("variants lock",
                          absl::StrCat(options_.where, ": ", RowName(row.name(), row.platform())),
                          got, expected);
  }
  absl::Status Normalize(const sdk::Variant& row, std::string& sha256) const;
  sdk::Variant* FindRow(const RowText& row);
  absl::Status Remove(const RowText& row);
  absl::Status Add(const RowText& row);
  absl::Status Refresh(sdk::Variant& row, const std::string& directory);
  // It has a pin of another url: what the row says is about other bytes.
  bool Moved(const sdk::Variant& row) const;
  absl::Status CheckPin(const sdk::Variant& row, const std::vector<std::string>& urls,
                        absl::string_view pinned, const Pin& pin) const;
  absl::Status CheckVersionInUrls(const sdk::Variant& row) const;
  absl::Status Merge(const Inspection& found, bool moved, sdk::Variant& row);
  absl::Status CheckCode(const Inspection& found, const sdk::Variant& row) const;
  absl::Status CheckCuda(const Inspection& found, const sdk::Variant& row) const;
  absl::Status CheckLibc(const Inspection& found, const sdk::Variant& row) const;
  absl::Status CheckLevel(const Inspection& found, const sdk::Variant& row) const;
  void Note(const sdk::Variant& row, absl::string_view text) {
    notes_.push_back(absl::StrCat(RowName(row.name(), row.platform()), ": ", text));
  }

  const sdk::VariantsLock& before_;
  sdk::VariantsLock lock_;
  const UpdateOptions& options_;
  const FetchFunction& fetch_;
  base::FileSystem& fs_;
  std::vector<std::string> notes_;
};

absl::StatusOr<Updated> Updater::Run() {
  for (const RowText& row : options_.removed) RETURN_IF_ERROR(Remove(row));
  for (sdk::Variant& row : *lock_.mutable_variants()) {
    RETURN_IF_ERROR(Normalize(row, *row.mutable_sha256()));
    for (sdk::ArchivePart& part : *row.mutable_parts()) {
      RETURN_IF_ERROR(Normalize(row, *part.mutable_sha256()));
    }
  }
  if (!options_.version.empty()) lock_.set_version(options_.version);
  for (const RowText& row : options_.added) RETURN_IF_ERROR(Add(row));
  if (options_.temporary_dir.empty()) {
    return absl::InternalError("an update needs a directory for temporary files");
  }
  const std::string unpacked = base::JoinPath(options_.temporary_dir, "unpacked");
  RETURN_IF_ERROR(fs_.RemoveTree(unpacked));
  const absl::Cleanup clean = [&] { fs_.RemoveTree(unpacked).IgnoreError(); };
  for (int i = 0; i < lock_.variants_size(); ++i) {
    sdk::Variant& row = *lock_.mutable_variants(i);
    if (!row.not_available().empty()) continue;
    RETURN_IF_ERROR(Refresh(row, base::JoinPath(unpacked, absl::StrCat(i))));
  }
  std::vector<std::string> warnings;
  RETURN_IF_ERROR(select::CheckLock(lock_, options_.where, &warnings));
  notes_.insert(notes_.end(), warnings.begin(), warnings.end());
  return Updated{std::move(lock_), std::move(notes_)};
}

absl::Status Updater::Normalize(const sdk::Variant& row, std::string& sha256) const {
  if (sha256.empty()) return absl::OkStatus();
  const absl::StatusOr<base::Digest> digest = base::ParseSha256(sha256);
  if (!digest.ok()) {
    return absl::Status(
        digest.status().code(),
        absl::StrCat("variants lock: ", options_.where, ": ", RowName(row.name(), row.platform()),
                     ": ", digest.status().message()));
  }
  sha256 = digest->Hex();
  return absl::OkStatus();
}

sdk::Variant* Updater::FindRow(const RowText& row) {
  for (sdk::Variant& variant : *lock_.mutable_variants()) {
    if (variant.name() == row.name && variant.platform() == row.platform) return &variant;
  }
  return nullptr;
}

absl::Status Updater::Remove(const RowText& row) {
  for (int i = 0; i < lock_.variants_size(); ++i) {
    if (lock_.variants(i).name() != row.name || lock_.variants(i).platform() != row.platform) {
      continue;
    }
    lock_.mutable_variants()->DeleteSubrange(i, 1);
    return absl::OkStatus();
  }
  return base::Mismatch("variants lock", options_.where,
                        absl::StrCat("no row ", RowName(row.name, row.platform), " to remove"),
                        "one");
}

absl::Status Updater::Add(const RowText& row) {
  sdk::Variant* variant = FindRow(row);
  if (variant == nullptr) {
    variant = lock_.add_variants();
    variant->set_name(row.name);
    variant->set_platform(row.platform);
  } else if (variant->not_available().empty()) {
    return Bad(*variant, "it again", "a row that is new or not available");
  }
  variant->clear_not_available();
  if (!row.url.empty()) variant->add_urls(row.url);
  if (variant->urls().empty() && lock_.url_template().empty()) {
    return Bad(*variant, "no url", "NAME@PLATFORM=URL, as the lock has no url_template");
  }
  return absl::OkStatus();
}

bool Updater::Moved(const sdk::Variant& row) const {
  if (row.sha256().empty() || !row.parts().empty()) return false;
  for (const sdk::Variant& old : before_.variants()) {
    if (old.name() == row.name() && old.platform() == row.platform()) {
      return select::UrlsOf(before_, old) != select::UrlsOf(lock_, row);
    }
  }
  return false;
}

absl::Status Updater::CheckPin(const sdk::Variant& row, const std::vector<std::string>& urls,
                               absl::string_view pinned, const Pin& pin) const {
  if (pinned.empty() || pinned == pin.sha256) return absl::OkStatus();
  return base::WithHint(Bad(row,
                            absl::StrCat("sha256 ", pin.sha256, urls.empty() ? "" : " behind ",
                                         urls.empty() ? "" : base::Quoted(urls[0])),
                            absl::StrCat(pinned, " as pinned before")),
                        "remove the row and add it again if the new bytes are meant");
}

absl::Status Updater::CheckVersionInUrls(const sdk::Variant& row) const {
  if (options_.version.empty() || before_.version().empty() ||
      options_.version == before_.version()) {
    return absl::OkStatus();
  }
  const auto check = [&](const auto& urls) {
    for (const std::string& url : urls) {
      if (absl::StrContains(url, before_.version()) && !absl::StrContains(url, options_.version)) {
        return base::WithHint(Bad(row, absl::StrCat("url ", base::Quoted(url)),
                                  absl::StrCat("one of version ", options_.version)),
                              "remove the row and add it with its new url");
      }
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(check(row.urls()));
  for (const sdk::ArchivePart& part : row.parts()) RETURN_IF_ERROR(check(part.urls()));
  return absl::OkStatus();
}

absl::Status Updater::Refresh(sdk::Variant& row, const std::string& directory) {
  RETURN_IF_ERROR(CheckVersionInUrls(row));
  const bool moved = Moved(row);
  base::UnpackOptions unpack;
  std::vector<std::string> urls;
  if (row.parts().empty()) {
    urls = select::UrlsOf(lock_, row);
    ASSIGN_OR_RETURN(std::string path, fetch_(urls));
    unpack.sources.push_back(std::move(path));
  }
  for (sdk::ArchivePart& part : *row.mutable_parts()) {
    const std::vector<std::string> part_urls(part.urls().begin(), part.urls().end());
    ASSIGN_OR_RETURN(std::string path, fetch_(part_urls));
    ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file,
                     fs_.Open(path, base::Follow::kYes));
    ASSIGN_OR_RETURN(const Pin pin, PinOf(*file));
    RETURN_IF_ERROR(CheckPin(row, part_urls, part.sha256(), pin));
    part.set_size(pin.size);
    part.set_sha256(pin.sha256);
    unpack.sources.push_back(std::move(path));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<base::InputFile> file,
                   base::OpenConcatenation(unpack.sources, fs_));
  ASSIGN_OR_RETURN(const Pin pin, PinOf(*file));
  if (!moved) RETURN_IF_ERROR(CheckPin(row, urls, row.sha256(), pin));
  row.set_size(pin.size);
  row.set_sha256(pin.sha256);

  ASSIGN_OR_RETURN(const std::string format, ArchiveFormat(file));
  // Any archive may be meant as one file.
  if (row.format().empty()) {
    row.set_format(format);
  } else if (row.format() != "file" && row.format() != format) {
    return Bad(row, absl::StrCat("an archive of format ", format),
               absl::StrCat("format ", row.format(), " as the row says"));
  }
  unpack.size = pin.size;
  ASSIGN_OR_RETURN(unpack.sha256, base::Digest::FromHex(pin.sha256));
  unpack.format = row.format();
  unpack.file_name = "file";
  unpack.strip_prefix = row.strip_prefix();
  unpack.output_dir = directory;
  const absl::Cleanup clean = [&] { fs_.RemoveTree(directory).IgnoreError(); };
  RETURN_IF_ERROR(base::Unpack(unpack, fs_));
  ASSIGN_OR_RETURN(const Inspection found, Inspect(directory, fs_));
  return Merge(found, moved, row);
}

absl::Status Updater::CheckCode(const Inspection& found, const sdk::Variant& row) const {
  const sdk::VariantProperties& read = found.properties;
  for (const std::string& cubin : row.properties().cubins()) {
    if (absl::c_linear_search(read.cubins(), cubin)) continue;
    return Bad(row,
               absl::StrCat("no code for ", cubin, " in the archive, which has ", CodeNames(read)),
               absl::StrCat("cubins ", absl::StrJoin(row.properties().cubins(), ", "),
                            " as the row says"));
  }
  for (const sdk::PtxCode& ptx : row.properties().ptx()) {
    if (absl::c_any_of(read.ptx(), [&](const auto& has) { return has.arch() == ptx.arch(); })) {
      continue;
    }
    return Bad(
        row,
        absl::StrCat("no PTX for ", ptx.arch(), " in the archive, which has ", CodeNames(read)),
        absl::StrCat("PTX ", ptx.arch(), " as the row says"));
  }
  return absl::OkStatus();
}

absl::Status Updater::CheckCuda(const Inspection& found, const sdk::Variant& row) const {
  const sdk::VariantProperties& read = found.properties;
  const sdk::VariantProperties& wants = row.properties();
  const std::optional<Version> written = Version::Parse(wants.cuda());
  const std::optional<Version> newest = Version::Parse(read.cuda());
  if (written.has_value() && newest.has_value()) {
    // "12" in the lock is some 12.x.
    const bool minor_known = absl::StrContains(wants.cuda(), '.');
    const bool older = minor_known ? *written < *newest : written->part(0) < newest->part(0);
    if (older || (found.cuda_runtime != 0 && written->part(0) != found.cuda_runtime)) {
      return Bad(row, absl::StrCat("an archive of CUDA ", read.cuda()),
                 absl::StrCat("CUDA ", wants.cuda(), " as the row says"));
    }
  }
  const std::optional<Version> cudnn = Version::Parse(wants.cudnn());
  if (cudnn.has_value() && !read.cudnn().empty() && absl::StrCat(cudnn->part(0)) != read.cudnn()) {
    return Bad(row, absl::StrCat("an archive of cuDNN ", read.cudnn()),
               absl::StrCat("cuDNN ", wants.cudnn(), " as the row says"));
  }
  return absl::OkStatus();
}

absl::Status Updater::CheckLibc(const Inspection& found, const sdk::Variant& row) const {
  const std::string& read = found.properties.libc();
  const std::string& wants = row.properties().libc();
  const auto kind = [](absl::string_view libc) { return libc.substr(0, libc.find('-')); };
  if (read.empty() || wants.empty() || kind(read) == kind(wants)) return absl::OkStatus();
  return Bad(row, absl::StrCat("programs for ", read),
             absl::StrCat("libc ", wants, " as the row says"));
}

absl::Status Updater::CheckLevel(const Inspection& found, const sdk::Variant& row) const {
  const std::string& read = found.properties.cpu_level();
  const std::string& wants = row.properties().cpu_level();
  // "x86-64-v2" is before "x86-64-v3"; other machines have no note.
  if (read.empty() || wants.empty() || read <= wants) return absl::OkStatus();
  return Bad(row, absl::StrCat("programs that need ", read),
             absl::StrCat("cpu_level ", wants, " as the row says"));
}

absl::Status Updater::Merge(const Inspection& found, bool moved, sdk::Variant& row) {
  for (const std::string& note : found.notes) Note(row, note);
  if (!found.RunsOn(row.platform())) {
    return Bad(row, absl::StrCat("an archive with programs for linux-", found.cpu),
               absl::StrCat("programs for ", row.platform()));
  }
  const sdk::VariantProperties& read = found.properties;
  sdk::VariantProperties& wants = *row.mutable_properties();
  if (!wants.accelerator().empty() && wants.accelerator() != "cuda" &&
      read.accelerator() == "cuda") {
    return Bad(row,
               found.has_cuda_code() ? "an archive with CUDA code"
                                     : "an archive that needs CUDA libraries",
               absl::StrCat("accelerator ", wants.accelerator(), " as the row says"));
  }
  if (!moved) {
    if (found.has_cuda_code()) RETURN_IF_ERROR(CheckCode(found, row));
    RETURN_IF_ERROR(CheckCuda(found, row));
    RETURN_IF_ERROR(CheckLibc(found, row));
    RETURN_IF_ERROR(CheckLevel(found, row));
  }

  if (found.has_programs()) {
    TakeSonames(read.sonames(), options_.keep_sonames, *wants.mutable_sonames());
    // musl's version is in no file: what people know about it stays.
    if (!(absl::StartsWith(read.libc(), "musl") && absl::StartsWith(wants.libc(), "musl"))) {
      wants.set_libc(read.libc());
    }
  }
  if (options_.code_is_declared && !(wants.cubins().empty() && wants.ptx().empty())) {
    if (!found.has_cuda_code()) {
      return Bad(row, "an archive without CUDA code",
                 absl::StrCat("code for ", CodeNames(wants), " as the row says"));
    }
    TakeToolkits(read.ptx(), *wants.mutable_ptx());
  } else if (found.has_cuda_code()) {
    const auto written = wants.ptx();
    *wants.mutable_cubins() = read.cubins();
    *wants.mutable_ptx() = read.ptx();
    TakeToolkits(written, *wants.mutable_ptx());
  } else if (!wants.cubins().empty() || !wants.ptx().empty()) {
    Note(row, "no CUDA code was found in the archive; cubins and PTX stay as they are written");
  }
  if (wants.accelerator().empty()) wants.set_accelerator(read.accelerator());
  if (!read.cpu_level().empty() && (wants.cpu_level().empty() || moved)) {
    wants.set_cpu_level(read.cpu_level());
  }
  if (!read.cuda().empty() && (wants.cuda().empty() || moved)) wants.set_cuda(read.cuda());
  if (!read.cudnn().empty() && (wants.cudnn().empty() || moved)) wants.set_cudnn(read.cudnn());
  if (wants.ByteSizeLong() == 0) row.clear_properties();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RowText> ParseRow(absl::string_view text) {
  RowText row;
  const size_t at = text.find('@');
  const size_t equals = text.find('=');
  if (at == absl::string_view::npos || at == 0 || at + 1 == text.size() || equals < at + 2) {
    return base::Mismatch("row", base::Quoted(text), "something else",
                          "NAME@PLATFORM or NAME@PLATFORM=URL");
  }
  row.name = std::string(text.substr(0, at));
  row.platform = std::string(text.substr(
      at + 1, equals == absl::string_view::npos ? absl::string_view::npos : equals - at - 1));
  if (equals != absl::string_view::npos) row.url = std::string(text.substr(equals + 1));
  if (equals != absl::string_view::npos && row.url.empty()) {
    return base::Mismatch("row", base::Quoted(text), "no url after '='", "NAME@PLATFORM=URL");
  }
  return row;
}

absl::StatusOr<Updated> Update(const sdk::VariantsLock& lock, const UpdateOptions& options,
                               const FetchFunction& fetch, base::FileSystem& fs) {
  return Updater(lock, options, fetch, fs).Run();
}

}  // namespace rules_inference::lock
