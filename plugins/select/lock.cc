#include "plugins/select/lock.h"

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/digest.h"
#include "plugins/base/error.h"
#include "plugins/base/rel_path.h"
#include "plugins/base/status_macros.h"
#include "plugins/sdk/variants.pb.h"
#include "plugins/select/cuda.h"
#include "plugins/select/requirement.h"
#include "plugins/select/version.h"

namespace rules_inference::select {
namespace {

using base::Mismatch;
using base::Quoted;

constexpr std::array<absl::string_view, 6> kFormats = {"file",   "tar",     "tar.gz",
                                                       "tar.xz", "tar.zst", "zip"};
constexpr std::array<absl::string_view, 6> kPlatforms = {"linux-aarch64",   "linux-x86_64",
                                                         "macos-aarch64",   "macos-x86_64",
                                                         "windows-aarch64", "windows-x86_64"};
// Other targets of a hub have these names.
constexpr std::array<absl::string_view, 4> kReserved = {"artifact", "choice", "explain", "variant"};
// Words of a path that stand for whatever is newest.
constexpr std::array<absl::string_view, 7> kMutable = {"latest", "main",    "master",  "HEAD",
                                                       "heads",  "nightly", "snapshot"};

bool IsName(absl::string_view name) {
  return !name.empty() && absl::c_all_of(name, [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

class Checker {
 public:
  Checker(const sdk::VariantsLock& lock, absl::string_view where,
          std::vector<std::string>* warnings)
      : lock_(lock), where_(where), warnings_(warnings) {}

  absl::Status Run();

 private:
  std::string Row(int row) const { return absl::StrCat(where_, ": row ", row); }
  absl::Status Bad(int row, absl::string_view got, absl::string_view expected) const {
    return Mismatch("variants lock", Row(row), got, expected);
  }
  void Warn(int row, absl::string_view text) {
    if (warnings_ != nullptr) warnings_->push_back(absl::StrCat(Row(row), ": ", text));
  }

  absl::Status CheckRow(int row);
  absl::Status CheckAbsent(int row, const sdk::Variant& variant) const;
  absl::Status CheckUrls(int row, const std::vector<std::string>& urls) const;
  absl::Status CheckSha256(int row, absl::string_view sha256) const;
  absl::Status CheckWants(int row, const sdk::Variant& variant);

  const sdk::VariantsLock& lock_;
  const absl::string_view where_;
  std::vector<std::string>* const warnings_;
  std::map<std::pair<std::string, std::string>, int> seen_;
};

absl::Status Checker::Run() {
  if (lock_.lock_version() != 1) {
    return Mismatch("variants lock", where_, absl::StrCat("lock_version ", lock_.lock_version()),
                    "1");
  }
  if (!IsName(lock_.artifact())) {
    return Mismatch("variants lock", where_, absl::StrCat("artifact ", Quoted(lock_.artifact())),
                    "a name of lower-case letters, digits, '-', '_' and '.'");
  }
  if (lock_.variants().empty()) {
    return Mismatch("variants lock", where_, "no variants", "one row at least");
  }
  for (int row = 0; row < lock_.variants_size(); ++row) RETURN_IF_ERROR(CheckRow(row));
  return absl::OkStatus();
}

absl::Status Checker::CheckRow(int row) {
  const sdk::Variant& variant = lock_.variants(row);
  if (!IsName(variant.name()) || absl::c_linear_search(kReserved, variant.name())) {
    return Bad(row, absl::StrCat("name ", Quoted(variant.name())),
               absl::StrCat("lower-case letters, digits, '-', '_', '.', and not one of ",
                            absl::StrJoin(kReserved, ", ")));
  }
  if (!absl::c_linear_search(kPlatforms, variant.platform())) {
    return Bad(row, absl::StrCat("platform ", Quoted(variant.platform())),
               absl::StrCat("one of ", absl::StrJoin(kPlatforms, ", ")));
  }
  const auto [other, fresh] = seen_.insert({{variant.name(), variant.platform()}, row});
  if (!fresh) {
    return Bad(row,
               absl::StrCat(variant.name(), " for ", variant.platform(), " again, see row ",
                            other->second),
               "one row per variant and platform");
  }
  RETURN_IF_ERROR(CheckWants(row, variant));
  if (!variant.not_available().empty()) return CheckAbsent(row, variant);

  if (!absl::c_linear_search(kFormats, variant.format())) {
    return Bad(row, absl::StrCat("format ", Quoted(variant.format())),
               absl::StrCat("one of ", absl::StrJoin(kFormats, ", ")));
  }
  RETURN_IF_ERROR(CheckSha256(row, variant.sha256()));
  if (variant.size() == 0) Warn(row, absl::StrCat("the size of ", variant.name(), " is not known"));
  if (!variant.strip_prefix().empty()) {
    const auto prefix = base::RelPath::Parse(variant.strip_prefix());
    if (!prefix.ok()) {
      return Bad(row, absl::StrCat("strip_prefix ", Quoted(variant.strip_prefix())),
                 "a relative path without '..'");
    }
  }
  if (!variant.parts().empty()) {
    if (!variant.urls().empty()) return Bad(row, "urls beside parts", "one or the other");
    uint64_t sum = 0;
    for (const sdk::ArchivePart& part : variant.parts()) {
      RETURN_IF_ERROR(CheckSha256(row, part.sha256()));
      if (part.urls().empty()) return Bad(row, "a part without urls", "urls for every part");
      RETURN_IF_ERROR(CheckUrls(row, {part.urls().begin(), part.urls().end()}));
      if (part.size() == 0) return Bad(row, "a part of size 0", "its size in bytes");
      sum += part.size();
    }
    if (variant.size() != 0 && sum != variant.size()) {
      return Bad(row, absl::StrCat("parts of ", sum, " bytes together"),
                 absl::StrCat("the size of the row, ", variant.size()));
    }
    return absl::OkStatus();
  }
  if (variant.urls().empty() && lock_.url_template().empty()) {
    return Bad(row, "no urls", "urls, parts, or a url_template in the lock");
  }
  return CheckUrls(row, UrlsOf(lock_, variant));
}

absl::Status Checker::CheckAbsent(int row, const sdk::Variant& variant) const {
  if (variant.urls().empty() && variant.sha256().empty() && variant.size() == 0 &&
      variant.format().empty() && variant.parts().empty()) {
    return absl::OkStatus();
  }
  return Bad(row, "an archive beside not_available", "one or the other");
}

absl::Status Checker::CheckUrls(int row, const std::vector<std::string>& urls) const {
  for (const std::string& url : urls) {
    if (!absl::StartsWith(url, "https://") && !absl::StartsWith(url, "http://") &&
        !absl::StartsWith(url, "file:///")) {
      return Bad(row, absl::StrCat("url ", Quoted(url)), "https://, http:// or file:///");
    }
    for (const absl::string_view part : absl::StrSplit(url, absl::ByAnyChar("/?&="))) {
      if (absl::c_linear_search(kMutable, part)) {
        return Bad(row, absl::StrCat("url ", Quoted(url), ", in which '", part, "' moves"),
                   "an address whose bytes stay");
      }
    }
    if (absl::StrContains(url, '{')) {
      return Bad(
          row, absl::StrCat("url ", Quoted(url)),
          "no other fields than {artifact}, {version}, {variant}, {platform}, {os} and {cpu}");
    }
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckSha256(int row, absl::string_view sha256) const {
  if (base::Digest::FromHex(sha256).ok()) return absl::OkStatus();
  return Bad(row, absl::StrCat("sha256 ", Quoted(sha256)), "64 lower-case hex digits");
}

absl::Status Checker::CheckWants(int row, const sdk::Variant& variant) {
  const sdk::VariantProperties& wants = variant.properties();
  if (!CpuLevel(wants.cpu_level(), variant.platform()).has_value()) {
    return Bad(row, absl::StrCat("cpu_level ", Quoted(wants.cpu_level())),
               absl::StrCat("a level of ", variant.platform()));
  }
  Machine machine;
  machine.platform = variant.platform();
  if (Refusal refusal = CheckLibc(wants, machine); refusal.has_value()) {
    return Bad(row, absl::StrCat("libc ", Quoted(wants.libc())), "such as glibc-2.31 or musl-1.2");
  }
  for (const sdk::ProviderProperty& item : wants.properties()) {
    if (item.namespace_().empty() || item.feature().empty() || item.values().empty()) {
      return Bad(row, "a property without namespace, feature or values", "all three");
    }
  }
  const bool cuda = wants.accelerator() == "cuda";
  if (!cuda && (!wants.cubins().empty() || !wants.ptx().empty() || !wants.cuda().empty() ||
                !wants.cudnn().empty())) {
    return Bad(row, absl::StrCat("CUDA properties with accelerator ", Quoted(wants.accelerator())),
               "accelerator 'cuda'");
  }
  if (!cuda) return absl::OkStatus();
  // Everything that can be wrong with the row itself shows on a machine without devices.
  CudaFit fit;
  const Refusal refusal = CheckCuda(wants, machine, sdk::ALL_DEVICES, &fit);
  if (refusal.has_value() && refusal->code() != "no_device") {
    if (refusal->code() != "no_code" || variant.not_available().empty()) {
      return Bad(row, refusal->text(), "what CUDA code is in it, and of which toolkit");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckLock(const sdk::VariantsLock& lock, absl::string_view where,
                       std::vector<std::string>* warnings) {
  return Checker(lock, where, warnings).Run();
}

std::vector<std::string> UrlsOf(const sdk::VariantsLock& lock, const sdk::Variant& variant) {
  if (!variant.urls().empty()) return {variant.urls().begin(), variant.urls().end()};
  const std::pair<std::string, std::string> platform =
      absl::StrSplit(variant.platform(), absl::MaxSplits('-', 1));
  return {absl::StrReplaceAll(lock.url_template(), {{"{artifact}", lock.artifact()},
                                                    {"{version}", lock.version()},
                                                    {"{variant}", variant.name()},
                                                    {"{platform}", variant.platform()},
                                                    {"{os}", platform.first},
                                                    {"{cpu}", platform.second}})};
}

}  // namespace rules_inference::select
