// Problem. Who builds `cuda-sm86` knows what was asked for, not what came out: a flag that did not
// reach a library, a kernel behind an #if, a file of the wrong machine. The lock is believed by
// every machine that selects from it, so it must say what is in the archive.
//
// Idea. The archive is read by who reads archives of others, lock::Update, with what was declared
// as the row that exists already; where the two disagree the release ends. That reads the very
// bytes that are shipped.
//
// One thing more can be asked of what was built here: code that nobody declared. It is an error in
// the program itself, and none in libraries beside it, because those of NVIDIA have code for every
// device and the program does not run there for that. For the same reason the row keeps what was
// declared, when all of that is there.
//
// Cost. The archive is read twice and unpacked beside the output, for as long as that takes.

#include "plugins/release/row.h"

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/elf/fatbin.h"
#include "plugins/base/error.h"
#include "plugins/base/file_system.h"
#include "plugins/base/status_macros.h"
#include "plugins/lock/update.h"
#include "plugins/sdk/json.h"
#include "plugins/sdk/release.pb.h"
#include "plugins/sdk/variants.pb.h"

namespace rules_inference::release {
namespace {

std::set<std::string> Declared(const sdk::VariantProperties& properties) {
  std::set<std::string> names(properties.cubins().begin(), properties.cubins().end());
  for (const sdk::PtxCode& ptx : properties.ptx()) names.insert(ptx.arch());
  return names;
}

absl::Status CheckProgram(const sdk::ReleaseRowRequest& request, base::FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::InputFile> file, fs.Open(request.program()));
  std::string start(base::kElfMagic.size(), '\0');
  ASSIGN_OR_RETURN(const size_t size, file->ReadAt(0, absl::MakeSpan(start)));
  // Scripts are programs too.
  if (size < start.size() || start != base::kElfMagic) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Elf elf, base::ReadElf(*file));
  ASSIGN_OR_RETURN(const base::GpuCodes codes, base::ReadGpuCode(*file, elf));
  const std::set<std::string> declared = Declared(request.declared().properties());
  for (const base::GpuCode& code : codes.code) {
    if (declared.contains(code.arch)) continue;
    const std::string& path = request.program();
    return base::Mismatch("release",
                          absl::StrCat(request.where(), ": ", request.declared().name(), " for ",
                                       request.declared().platform()),
                          absl::StrCat("code for ", code.arch, " in ",
                                       base::Quoted(path.substr(path.rfind('/') + 1))),
                          declared.empty()
                              ? std::string("a program without CUDA code")
                              : absl::StrCat("code for ", absl::StrJoin(declared, ", "), " only"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteRow(const sdk::ReleaseRowRequest& request, base::FileSystem& fs,
                      std::string* notes) {
  sdk::VariantsLock lock;
  lock.set_lock_version(1);
  lock.set_artifact("release");
  // Rows need an address; the one that counts is put in when the version is known.
  lock.set_url_template("https://example.invalid/{variant}");
  *lock.add_variants() = request.declared();

  lock::UpdateOptions options;
  options.where = request.where();
  options.code_is_declared = true;
  options.keep_sonames = true;
  options.temporary_dir = absl::StrCat(request.output(), ".unpacked");
  const absl::Cleanup clean = [&] { fs.RemoveTree(options.temporary_dir).IgnoreError(); };
  absl::StatusOr<lock::Updated> updated = lock::Update(
      lock, options, [&](const auto&) { return request.archive(); }, fs);
  if (!updated.ok()) {
    if (!absl::StrContains(updated.status().message(), "is no known CUDA toolkit")) {
      return updated.status();
    }
    return base::WithHint(updated.status(),
                          "set cuda_version: code that is compressed does not tell its toolkit");
  }
  RETURN_IF_ERROR(CheckProgram(request, fs));
  for (const std::string& note : updated->notes) absl::StrAppend(notes, "note: ", note, "\n");
  return base::WriteFile(fs, request.output(),
                         absl::StrCat(sdk::ToCanonicalJson(updated->lock.variants(0)), "\n"));
}

}  // namespace rules_inference::release
