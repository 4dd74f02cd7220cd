#include "plugins/wheel/closure.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "plugins/sdk/wheel.pb.h"

namespace rules_inference::wheel {
namespace {

// Every machine with a libc has these; the compiler's two belong to every C++ program.
bool IsSystem(absl::string_view soname, const ClosureOptions& options) {
  constexpr std::array<absl::string_view, 12> kNames = {
      "libanl.so.1", "libc.so.6",      "libdl.so.2",      "libgcc_s.so.1",
      "libm.so.6",   "libmvec.so.1",   "libpthread.so.0", "libresolv.so.2",
      "librt.so.1",  "libstdc++.so.6", "libutil.so.1",    "libthread_db.so.1"};
  if (absl::c_linear_search(kNames, soname) || absl::StartsWith(soname, "ld-linux") ||
      absl::StartsWith(soname, "ld-musl-") || absl::StartsWith(soname, "libc.musl-")) {
    return true;
  }
  return absl::c_any_of(options.system, [&](absl::string_view name) {
    return absl::ConsumeSuffix(&name, "*") ? absl::StartsWith(soname, name) : soname == name;
  });
}

// `path` below site-packages.
std::string InSite(const sdk::WheelLayout& wheel, absl::string_view path) {
  if (!wheel.site_packages().empty()) {
    absl::ConsumePrefix(&path, absl::StrCat(wheel.site_packages(), "/"));
  }
  return std::string(path);
}

// `element` of an RPATH as a directory below site-packages, for a library at `path`; empty when it
// leads out of it or does not begin at the library.
std::string Directory(absl::string_view element, absl::string_view path) {
  if (!absl::ConsumePrefix(&element, "$ORIGIN") && !absl::ConsumePrefix(&element, "${ORIGIN}")) {
    return "";
  }
  std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  parts.pop_back();
  for (const absl::string_view part : absl::StrSplit(element, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return "";
    } else {
      parts.pop_back();
    }
  }
  return absl::StrCat(absl::StrJoin(parts, "/"), "/");
}

}  // namespace

Closure CheckClosure(const std::vector<sdk::WheelLayout>& wheels, const ClosureOptions& options) {
  std::set<std::string> paths;
  std::set<std::string> names;
  for (const sdk::WheelLayout& wheel : wheels) {
    for (const sdk::NativeLibrary& library : wheel.native_libraries()) {
      const std::string path = InSite(wheel, library.path());
      paths.insert(path);
      names.insert(path.substr(path.rfind('/') + 1));
      if (!library.soname().empty()) names.insert(library.soname());
    }
  }
  Closure closure;
  for (const sdk::WheelLayout& wheel : wheels) {
    for (const sdk::NativeLibrary& library : wheel.native_libraries()) {
      ++closure.libraries;
      const std::string path = InSite(wheel, library.path());
      // The loader ignores RPATH where there is a RUNPATH.
      const auto& elements = library.runpath().empty() ? library.rpath() : library.runpath();
      for (const std::string& soname : library.needed()) {
        ++closure.needs;
        if (IsSystem(soname, options)) continue;
        const bool on_path = absl::c_any_of(elements, [&](const std::string& element) {
          const std::string directory = Directory(element, path);
          return !directory.empty() && paths.count(absl::StrCat(directory, soname)) > 0;
        });
        if (on_path || (!options.strict && names.count(soname) > 0)) continue;
        closure.missing.push_back(
            absl::StrCat(wheel.name(), ": ", path, " needs ", soname,
                         names.count(soname) > 0 ? ", which its RPATH does not lead to" : ""));
      }
    }
  }
  std::sort(closure.missing.begin(), closure.missing.end());
  return closure;
}

}  // namespace rules_inference::wheel
