#include "plugins/select/provider/libc.h"

#if defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "plugins/base/file_system.h"
#include "plugins/select/provider/provider.h"

namespace rules_inference::select {
namespace {

constexpr uint64_t kMaxLibrary = uint64_t{64} << 20;
constexpr uint64_t kMaxConfiguration = uint64_t{1} << 20;
// An /etc/ld.so.conf that includes itself must come to an end.
constexpr int kMaxIncludes = 100;

#if defined(__aarch64__)
constexpr absl::string_view kCpu = "aarch64";
#else
constexpr absl::string_view kCpu = "x86_64";
#endif

// The glibc that has loaded this program; empty when it is static or has another C library.
std::string OwnGlibc() {
#if defined(__GLIBC__) && defined(__linux__)
  if (getauxval(AT_BASE) != 0) return gnu_get_libc_version();
#endif
  return "";
}

std::string GlibcOfFiles(const Probe& probe) {
  for (const std::string& folder :
       {absl::StrCat("/lib/", kCpu, "-linux-gnu"), std::string("/lib64"), std::string("/usr/lib64"),
        std::string("/lib"), std::string("/usr/lib")}) {
    const absl::StatusOr<std::string> data =
        base::ReadFile(*probe.files, absl::StrCat(probe.root, folder, "/libc.so.6"), kMaxLibrary);
    if (!data.ok()) continue;
    std::string version = GlibcVersionIn(*data);
    if (!version.empty()) return version;
  }
  return "";
}

// Only the loader of musl knows its version, and says it when it is started.
std::string MuslOfLoader(const Probe& probe) {
  const std::string loader = absl::StrCat("/lib/ld-musl-", kCpu, ".so.1");
  if (!probe.root.empty() || !probe.files->Stat(loader, base::Follow::kYes).ok()) return "";
  FILE* pipe = popen(absl::StrCat(loader, " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "";
  char line[256];
  std::string version;
  while (fgets(line, sizeof(line), pipe) != nullptr) {
    if (absl::StartsWith(line, "Version ")) {
      version = std::string(absl::StripAsciiWhitespace(absl::string_view(line).substr(8)));
    }
  }
  pclose(pipe);
  return version;
}

class LibcProvider final : public VariantProvider {
 public:
  absl::string_view name() const override { return "libc"; }

  absl::Status Detect(const Probe& probe, Detection* found) const override {
    for (const std::string& soname : FindSonames(probe, probe.sonames)) {
      found->host.add_sonames(soname);
    }
    std::string glibc = probe.root.empty() ? OwnGlibc() : "";
    if (glibc.empty()) glibc = GlibcOfFiles(probe);
    if (!glibc.empty()) {
      found->host.set_libc(absl::StrCat("glibc-", glibc));
      return absl::OkStatus();
    }
    const std::string musl = MuslOfLoader(probe);
    if (!musl.empty()) found->host.set_libc(absl::StrCat("musl-", musl));
    return absl::OkStatus();
  }
};

const ProviderRegistration kRegistration(std::make_unique<LibcProvider>());

// Files that match a pattern of an `include` line: "<folder>/*.conf" in practice.
std::vector<std::string> Matching(const Probe& probe, absl::string_view pattern) {
  const size_t slash = pattern.rfind('/');
  const size_t star = pattern.find('*');
  if (star == absl::string_view::npos) return {std::string(pattern)};
  if (slash == absl::string_view::npos || star < slash) return {};
  const std::string folder(pattern.substr(0, slash));
  const absl::string_view prefix = pattern.substr(slash + 1, star - slash - 1);
  const absl::string_view suffix = pattern.substr(star + 1);
  std::vector<std::string> files;
  const absl::StatusOr<std::vector<std::string>> names =
      probe.files->List(absl::StrCat(probe.root, folder));
  if (!names.ok()) return {};
  for (const std::string& name : *names) {
    if (name.size() >= prefix.size() + suffix.size() && absl::StartsWith(name, prefix) &&
        absl::EndsWith(name, suffix)) {
      files.push_back(absl::StrCat(folder, "/", name));
    }
  }
  return files;
}

std::vector<std::string> ConfiguredFolders(const Probe& probe) {
  std::vector<std::string> folders;
  std::vector<std::string> files = {"/etc/ld.so.conf"};
  for (size_t i = 0; i < files.size() && i < kMaxIncludes; ++i) {
    const absl::StatusOr<std::string> text =
        base::ReadFile(*probe.files, absl::StrCat(probe.root, files[i]), kMaxConfiguration);
    if (!text.ok()) continue;
    for (absl::string_view line : absl::StrSplit(*text, '\n')) {
      line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
      if (absl::StartsWith(line, "include ")) {
        for (std::string& file : Matching(probe, absl::StripAsciiWhitespace(line.substr(8)))) {
          files.push_back(std::move(file));
        }
      } else if (absl::StartsWith(line, "/")) {
        folders.emplace_back(line);
      }
    }
  }
  return folders;
}

}  // namespace

std::string GlibcVersionIn(absl::string_view data) {
  constexpr absl::string_view kMark = "GNU C Library";
  constexpr absl::string_view kRelease = "release version ";
  const size_t mark = data.find(kMark);
  if (mark == absl::string_view::npos) return "";
  const absl::string_view line = data.substr(mark, 256);
  const size_t release = line.find(kRelease);
  if (release == absl::string_view::npos) return "";
  absl::string_view version = line.substr(release + kRelease.size());
  version = version.substr(0, version.find_first_not_of("0123456789."));
  while (absl::EndsWith(version, ".")) version.remove_suffix(1);
  return std::string(version);
}

std::vector<std::string> FindSonames(const Probe& probe, const std::vector<std::string>& sonames) {
  std::vector<std::string> folders;
  for (const absl::string_view folder :
       absl::StrSplit(probe.environment("LD_LIBRARY_PATH"), absl::ByAnyChar(":;"))) {
    // The user's own folders are meant as they are, without the root of a test.
    if (absl::StartsWith(folder, "/")) folders.emplace_back(folder);
  }
  std::vector<std::string> system = ConfiguredFolders(probe);
  for (const absl::string_view parent : {"/lib", "/usr/lib"}) {
    system.push_back(absl::StrCat(parent, "/", kCpu, "-linux-gnu"));
    system.push_back(absl::StrCat(parent, "64"));
    system.emplace_back(parent);
  }
  for (const std::string& folder : system) folders.push_back(absl::StrCat(probe.root, folder));

  std::vector<std::string> found;
  for (const std::string& soname : sonames) {
    // A name with a '/' is a path, which no loader searches for.
    if (soname.empty() || absl::StrContains(soname, "/")) continue;
    const bool there = absl::c_any_of(folders, [&](const std::string& folder) {
      return probe.files->Stat(base::JoinPath(folder, soname), base::Follow::kYes).ok();
    });
    if (there) found.push_back(soname);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace rules_inference::select
