// Problem. A tree of many wheels should have few links: best one for each package. But a directory
// that two wheels fill cannot be one link, and the dynamic loader takes ".." of $ORIGIN/../lib from
// the path that it was given and then lets the kernel walk, so a symlink above the library leads it
// to another place.
//
// What the layout says is enough to find the coarsest tree that is right:
//   - directories without an `__init__` up to the top may have other owners;
//   - for a library with k times ".." after $ORIGIN, its k nearest directories must be real.
// Example: torch/lib/libtorch.so with $ORIGIN/../../nvidia/lib needs torch/lib and torch.

#include "plugins/wheel/layout.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/base/digest.h"
#include "plugins/base/elf/elf.h"
#include "plugins/base/utf8.h"
#include "plugins/base/wheel/wheel.h"
#include "plugins/sdk/wheel.pb.h"
#include "plugins/wheel/plan.h"

namespace rules_inference::wheel {
namespace {

absl::string_view Parent(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? "" : path.substr(0, slash);
}

absl::string_view Basename(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

bool IsImportName(absl::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
                  static_cast<unsigned char>(c) >= 0x80;
         });
}

// The path below site-packages; nothing for a file beside it.
bool BelowSite(const TreePlan& plan, absl::string_view path, absl::string_view& below) {
  below = path;
  return plan.site_packages.empty() ||
         absl::ConsumePrefix(&below, absl::StrCat(plan.site_packages, "/"));
}

sdk::TopLevel::Kind FileKind(absl::string_view name) {
  if (absl::EndsWith(name, ".pth")) return sdk::TopLevel::PTH;
  if (!IsImportName(name.substr(0, name.find('.')))) return sdk::TopLevel::DATA;
  if (absl::EndsWith(name, ".py")) return sdk::TopLevel::MODULE;
  return absl::EndsWith(name, ".so") ? sdk::TopLevel::EXTENSION : sdk::TopLevel::DATA;
}

void AddTopLevels(const TreePlan& plan, sdk::WheelLayout& layout) {
  std::set<std::string, std::less<>> with_init;
  std::map<std::string, bool> directories;  // Top-level name -> has files of the libraries.
  std::map<std::string, sdk::TopLevel::Kind> kinds;
  std::set<std::string, std::less<>> all;  // Directories, relative to site-packages.
  for (const TreeFile& file : plan.files) {
    absl::string_view path;
    if (!BelowSite(plan, file.path, path)) continue;
    const size_t slash = path.find('/');
    if (slash == absl::string_view::npos) {
      kinds[std::string(path)] = FileKind(path);
      continue;
    }
    directories[std::string(path.substr(0, slash))] |= file.scheme == base::WheelScheme::kLib;
    for (absl::string_view dir = Parent(path); !dir.empty(); dir = Parent(dir)) {
      if (!all.emplace(dir).second) break;
    }
    if (absl::StartsWith(Basename(path), "__init__.")) with_init.emplace(Parent(path));
  }
  for (const auto& [name, has_library] : directories) {
    kinds[name] = name == plan.wheel.dist_info        ? sdk::TopLevel::DIST_INFO
                  : with_init.contains(name)          ? sdk::TopLevel::PACKAGE
                  : has_library && IsImportName(name) ? sdk::TopLevel::NAMESPACE
                                                      : sdk::TopLevel::DATA;
  }
  for (const auto& [name, kind] : kinds) {
    sdk::TopLevel* top_level = layout.add_top_levels();
    top_level->set_name(name);
    top_level->set_kind(kind);
  }
  for (const std::string& directory : all) {
    bool shared = true;
    for (absl::string_view dir = directory; shared && !dir.empty(); dir = Parent(dir)) {
      shared = IsImportName(Basename(dir)) && !with_init.contains(dir);
    }
    if (shared) layout.add_namespace_directories(directory);
  }
}

void AddLibraries(const TreePlan& plan, const std::vector<FileResult>& results,
                  sdk::WheelLayout& layout) {
  std::set<std::string> real;
  for (size_t i = 0; i < results.size(); ++i) {
    layout.set_bytes(layout.bytes() + results[i].size);
    if (!results[i].library.has_value()) continue;
    *layout.add_native_libraries() = *results[i].library;
    absl::string_view directory = Parent(plan.files[i].path);
    for (uint32_t k = 0; k < results[i].library->origin_parents() && !directory.empty(); ++k) {
      real.emplace(directory);
      directory = Parent(directory);
    }
  }
  for (const std::string& directory : real) layout.add_real_directories(directory);
}

bool IsLicense(const TreePlan& plan, absl::string_view path) {
  absl::string_view name = path;
  if (!absl::ConsumePrefix(&name, absl::StrCat(plan.dist_info, "/"))) return false;
  if (absl::StartsWith(name, "licenses/") || absl::StartsWith(name, "license_files/")) return true;
  const std::string upper = absl::AsciiStrToUpper(name);
  for (const char* start : {"LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS"}) {
    if (absl::StartsWith(upper, start) && !absl::StrContains(name, '/')) return true;
  }
  return std::find(plan.metadata.license_files.begin(), plan.metadata.license_files.end(), name) !=
         plan.metadata.license_files.end();
}

}  // namespace

uint32_t OriginParents(absl::string_view search_path) {
  uint32_t most = 0;
  for (absl::string_view element : absl::StrSplit(search_path, ':')) {
    if (!absl::ConsumePrefix(&element, "$ORIGIN") && !absl::ConsumePrefix(&element, "${ORIGIN}")) {
      continue;
    }
    uint32_t parents = 0;
    for (const absl::string_view part : absl::StrSplit(element, '/')) {
      if (part == "..") ++parents;
    }
    most = std::max(most, parents);
  }
  return most;
}

sdk::NativeLibrary DescribeElf(absl::string_view path, const base::Elf& elf) {
  // Names in ELF files are bytes; a side file is text.
  const auto text = [](absl::string_view bytes) {
    return base::IsValidUtf8(bytes) ? std::string(bytes) : std::string("?");
  };
  sdk::NativeLibrary library;
  library.set_path(std::string(path));
  library.set_soname(text(elf.soname));
  for (const std::string& needed : elf.needed) library.add_needed(text(needed));
  for (const absl::string_view element : absl::StrSplit(elf.rpath, ':', absl::SkipEmpty())) {
    library.add_rpath(text(element));
  }
  for (const absl::string_view element : absl::StrSplit(elf.runpath, ':', absl::SkipEmpty())) {
    library.add_runpath(text(element));
  }
  library.set_origin_parents(std::max(OriginParents(elf.rpath), OriginParents(elf.runpath)));
  library.set_machine(elf.machine == base::ElfMachine::kX86_64 ? "x86_64"
                      : elf.machine == base::ElfMachine::kAarch64
                          ? "aarch64"
                          : absl::StrCat("machine ", elf.machine_number));
  return library;
}

sdk::WheelLayout BuildLayout(const TreePlan& plan, const std::vector<FileResult>& results,
                             absl::string_view record) {
  sdk::WheelLayout layout;
  layout.set_name(plan.metadata.name);
  layout.set_version(plan.metadata.version);
  layout.set_site_packages(plan.site_packages);
  layout.set_dist_info(plan.dist_info);
  layout.set_license(plan.metadata.license);
  layout.set_requires_python(plan.metadata.requires_python);
  AddTopLevels(plan, layout);
  AddLibraries(plan, results, layout);
  std::set<std::string> names;
  for (const absl::string_view line : absl::StrSplit(plan.legacy_namespaces, '\n')) {
    const absl::string_view name = absl::StripAsciiWhitespace(line);
    if (!name.empty() && base::IsValidUtf8(name)) names.emplace(name);
  }
  for (const std::string& name : names) layout.add_legacy_namespaces(name);
  for (const TreeFile& file : plan.files) {
    if (IsLicense(plan, file.path)) layout.add_license_files(file.path);
  }
  // In the order of METADATA, which is part of the digest that pins it.
  for (const std::string& row : plan.metadata.requires_dist) layout.add_requires_dist(row);
  for (const sdk::EntryPoint& entry_point : plan.entry_points) {
    *layout.add_entry_points() = entry_point;
  }
  layout.set_files(results.size() + 1);
  layout.set_bytes(layout.bytes() + record.size());
  layout.set_record_sha256(base::Sha256::Of(record).Hex());
  return layout;
}

}  // namespace rules_inference::wheel
